"""`sandbox`: the sandbox as a process, controlled over HTTP from any language."""

import logging
import os
import re
import sys
import threading
from pathlib import Path
from typing import Annotated, Any

import typer

from liveperson_engagement.cli.failure import failed, wrong


def sandbox(
    *,
    port: Annotated[int, typer.Option("--port", metavar="NUMBER", help="Port of 127.0.0.1; 0 for a free one.")] = 8787,
    fail: Annotated[
        list[str] | None,
        typer.Option(metavar="STATUS[xTIMES]", help="Fail the next requests: 503, or 503x2. May be repeated."),
    ] = None,
    loading_account: Annotated[
        int,
        typer.Option(
            "--loading-account",
            count=True,
            metavar="",
            show_default=False,
            help="Say to the next request that the account is being loaded; repeat it for more.",
        ),
    ] = 0,
    not_available: Annotated[
        bool, typer.Option("--not-available", help="Offer no engagement, until the call available.")
    ] = False,
    scenario: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="Do what a YAML or JSON file lists, in order; after the above.",
        ),
    ] = None,
    log: Annotated[bool, typer.Option("--log", help="Print each request to standard error, without ids.")] = False,
) -> None:
    """Play LivePerson's services on this machine, until Ctrl-C.

    Prints its URL, to use in place of https://{domain} and of the Domain API, and the calls that control it. A
    browser that opens the URL sees visitors and requests as they come, with buttons for the calls.

    It is controlled while it runs, by calls such as

    \b
      curl --json '{"status": 503}' http://127.0.0.1:8787/sandbox/fail_next
      curl --request POST http://127.0.0.1:8787/sandbox/expire_sessions
      curl --request POST http://127.0.0.1:8787/sandbox/reset
      curl http://127.0.0.1:8787/sandbox/requests

    or by a scenario, whose steps are the same calls: each is taken once all before it has happened.

    \b
      - serve_next: {times: 2}
      - expire_sessions
      - fail_next: {status: 503, times: 4}
    """
    if not 0 <= port <= 65535:
        raise wrong("--port: must be from 0 to 65535")
    failures = [_failure(text) for text in fail or ()]
    steps: list[Any] = [] if scenario is None else _steps(scenario)
    from liveperson_engagement.sandbox import Sandbox  # noqa: PLC0415

    if log:
        _log_requests()
    service = Sandbox(port=port)
    if not_available:
        service.not_available()
    if loading_account:
        service.loading_account(loading_account)
    for status, times in failures:
        service.fail_next(status, times)
    try:
        service.play(steps)
    except ValueError as error:
        raise failed(f"{scenario}: {error}") from None
    try:
        service.start()
    except OSError as error:
        raise failed(f"cannot listen on port {port} of 127.0.0.1: {os.strerror(error.errno or 0)}") from None
    typer.echo("Ctrl-C ends it.", err=True)
    # In one piece: whoever reads only the first line may close the pipe.
    typer.echo("\n".join([service.url, *(f"\n{summary}\n  {command}" for command, summary in service.calls)]))
    threading.Event().wait()  # the server is a daemon thread: it ends with the process


def _failure(text: str) -> tuple[int, int]:
    if not (found := re.fullmatch(r"([1-9]\d\d)(?:x([1-9]\d*))?", text)):
        raise typer.BadParameter(f"{text!r} is not a status like 503, or 503x2", param_hint="--fail")
    return int(found[1]), int(found[2] or 1)


def _steps(path: Path) -> Any:
    """Read a scenario; JSON is YAML as well."""
    import yaml  # noqa: PLC0415 - only scenarios need it

    try:
        return yaml.safe_load(path.read_text(encoding="utf-8")) or []
    except yaml.MarkedYAMLError as error:
        line = f" line {error.problem_mark.line + 1}:" if error.problem_mark else ""
        raise failed(f"{path}:{line} {error.problem}") from None
    except (yaml.YAMLError, ValueError, OSError) as error:
        raise failed(f"{path}: {error}") from None


def _log_requests() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    journal = logging.getLogger("liveperson_engagement.sandbox.requests")
    journal.addHandler(handler)
    journal.setLevel(logging.INFO)
