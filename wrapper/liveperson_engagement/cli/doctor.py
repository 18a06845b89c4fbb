"""`doctor`: checks step by step what works for an account, and advises on what does not."""

from typing import Annotated

import typer

from liveperson_engagement.cli.failure import Status, wrong
from liveperson_engagement.cli.options import OUTPUT, AppType, AsJson, Caller, Sections

COLOURS = {"ok": "bold green", "failed": "bold red", "skipped": "dim"}


def doctor(
    caller: Caller,
    *,
    app_type: AppType = None,
    section: Sections = None,
    no_visitor: Annotated[
        bool,
        typer.Option(
            "--no-visitor",
            help="Leave out the first call: it puts one visitor on the account's list.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check step by step what works for an account.

    The environment's proxies and certificates, the account id, the account's host, TLS, the first call, whether the
    account is loaded, whether an engagement of type MSDK or EXTERNAL is available, and this machine's clock. Each is
    tried once; for what does not work it says what to do. Leaves with 1 if one failed.
    """
    if not caller.account_id:
        raise wrong("ACCOUNT: is required: name the account, or set LIVEPERSON_ACCOUNT_ID")
    from liveperson_engagement.cli.examination import examine  # noqa: PLC0415
    from liveperson_engagement.cli.interrupt import tidied_up_on_ctrl_c  # noqa: PLC0415
    from liveperson_engagement.cli.output import print_json, print_text  # noqa: PLC0415

    body = {"appType": app_type or "EXTERNAL", **({"consumerSections": section} if section else {})}
    findings = list[dict[str, str]]()
    with tidied_up_on_ctrl_c():
        for finding in examine(caller, body, visitor=not no_visitor):
            findings.append(finding.to_dict())
            if as_json:
                continue
            print_text((f"{finding.status:<8}", COLOURS[finding.status]), f" {finding.step:<16} {finding.detail}")
            if finding.advice:
                print_text(" " * 9, ("what to do       ", "bold"), finding.advice)
    ok = all(finding["status"] != "failed" for finding in findings)
    if as_json:
        print_json({"ok": ok, "steps": findings})
    if not ok:
        raise typer.Exit(Status.FAILED)
