"""`domain`: prints the base URL of an account."""

import typer

from liveperson_engagement.cli.options import AsJson, Caller, Curl, Patience


def domain(caller: Caller, patience: Patience, *, as_json: AsJson = False, curl: Curl) -> None:
    """Print where an account is served.

    That is the base URL that is given, or else the Domain API's answer. --curl shows the question to the Domain API.
    """
    from liveperson_engagement.cli.curl import catch  # noqa: PLC0415
    from liveperson_engagement.cli.output import print_json  # noqa: PLC0415
    from liveperson_engagement.cli.pauses import Pauses  # noqa: PLC0415
    from liveperson_engagement.cli.visits import connected  # noqa: PLC0415

    with connected(caller, patience, Pauses(), curl, on_request=catch if curl.curl else None) as client:
        url = (client.with_options(base_url=None) if curl.curl else client).find_domain()
        if as_json:
            print_json({"account": caller.account_id, "baseUrl": url})
        else:
            typer.echo(url)
