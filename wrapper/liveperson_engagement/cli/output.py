"""Results on standard output, as JSON or as text for people, and remarks on standard error."""

import json
import re
from datetime import datetime
from typing import Any

import typer
from rich.console import Console
from rich.text import Text

from liveperson_engagement.cli.failure import printable

COLOURS = {"Available": "bold green", "NotAvailable": "bold yellow"}
GIST = ("campaignId", "engagementId", "validForSeconds")


def print_json(value: Any) -> None:
    """Print a value on one line, in ASCII: fit for any pipe and any terminal."""
    typer.echo(json.dumps(value))


def print_text(*parts: str | tuple[str, str]) -> None:
    """Print a line, each part with its style if it has one; as it is, however narrow the terminal."""
    Console().print(Text.assemble(*parts), soft_wrap=True)


def remark(text: str) -> None:
    """Say something that is no result."""
    typer.echo(text, err=True)


def print_session(answer: dict[str, Any]) -> None:
    """Print a session: its status, then all that is known of the engagement, then the ids."""
    rest = dict(answer)
    status = rest.pop("status")
    print_text((status, COLOURS.get(status, "")))
    rows = [*rest.pop("engagementDetails", {}).items(), *reversed(rest.items())]
    width = max(len(_words(name)) for name, _ in rows)
    for name, value in rows:
        print_text((f"  {_words(name):<{width}}", "dim"), f"  {shown(value)}")


def print_status(answer: dict[str, Any]) -> None:
    """Print the time of day and the gist of a session, on one line."""
    details = answer.get("engagementDetails", {})
    gist = [f"{_words(name).lower()} {shown(details[name])}" for name in GIST if name in details]
    status = answer["status"]
    print_text(
        f"{datetime.now():%H:%M:%S}  ", (f"{status:<12}", COLOURS.get(status, "")), f"  {', '.join(gist)}".rstrip()
    )


def shown(value: Any) -> str:
    """Write a value of the service's for people."""
    return printable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _words(name: str) -> str:
    return printable(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)).capitalize()
