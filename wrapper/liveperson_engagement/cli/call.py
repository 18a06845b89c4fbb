"""`call`: sends any operation of the contract, and prints its answer."""

import json
from typing import Annotated, Any

import typer

from liveperson_engagement._json import is_array
from liveperson_engagement.cli import bodies
from liveperson_engagement.cli.failure import wrong
from liveperson_engagement.cli.options import BODY, CONNECTION, AsJson, BodyFile, Caller, Curl, Patience
from liveperson_engagement.events import RequestEvent


def _operations() -> list[str]:
    from liveperson_engagement_api.api import OPERATIONS  # noqa: PLC0415

    return [*OPERATIONS]


def call(
    operation: Annotated[
        str,
        typer.Argument(metavar="OPERATION", help="Its operationId, such as createSession.", autocompletion=_operations),
    ],
    caller: Caller,
    patience: Patience,
    body_file: BodyFile = None,
    *,
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            show_default=False,
            help="A parameter, by the contract's name, such as visitorId=xyz. May be repeated.",
            rich_help_panel=BODY,
        ),
    ] = None,
    server_variable: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            show_default=False,
            help="A part of the URL of the operation's own server. May be repeated.",
            rich_help_panel=CONNECTION,
        ),
    ] = None,
    as_json: AsJson = False,
    curl: Curl,
) -> None:
    """Send any operation of the contract; print the answer.

    It is tried again by its own retry policy; the answer is JSON. No visit is remembered: ids are yours to pass on.
    """
    from liveperson_engagement._account import to_json  # noqa: PLC0415
    from liveperson_engagement.cli.curl import catch  # noqa: PLC0415
    from liveperson_engagement.cli.output import print_json  # noqa: PLC0415
    from liveperson_engagement.cli.pauses import Pauses  # noqa: PLC0415
    from liveperson_engagement.cli.visits import connected  # noqa: PLC0415

    body = None if body_file is None else bodies.from_file(body_file, None)
    variables = _pairs("--server-variable", server_variable)

    def catch_operation(event: RequestEvent) -> None:
        if event.operation_id == operation:
            catch(event)

    on_request = catch_operation if curl.curl else None
    with connected(caller, patience, Pauses(), curl, server_variables=variables, on_request=on_request) as client:
        send: Any = client.call
        answer = send(operation, body, **_arguments(operation, _pairs("--parameter", parameter)))
        value = [to_json(each) for each in answer] if is_array(answer) else to_json(answer)
        if as_json:
            print_json(value)
        elif value is not None:
            typer.echo(json.dumps(value, indent=2))


def _pairs(option: str, texts: list[str] | None) -> dict[str, str]:
    pairs = [text.partition("=") for text in texts or ()]
    if not all(separator for _, separator, _ in pairs):
        raise wrong(f"{option}: must be NAME=VALUE")
    return {name: value for name, _, value in pairs}


def _arguments(operation_id: str, given: dict[str, str]) -> dict[str, Any]:
    """Name parameters as Python does; a value that is no text to the contract is JSON."""
    from liveperson_engagement._contract import contract  # noqa: PLC0415

    operation = contract().operations.get(operation_id)
    if operation is None:  # the client says so
        return {}
    names, arguments = operation.generated.PARAMETERS, dict[str, Any]()
    for name, text in given.items():
        if name not in names:
            raise wrong(f"--parameter {name}=: is no parameter of {operation_id}, which takes {', '.join(names)}")
        accepted = operation.parameters[names[name]].check.accepts(text)
        arguments[names[name]] = text if accepted else bodies.value_of(text)
    return arguments
