"""What may be printed of what the other side says.

What the contract could not express: that a message may repeat what was sent, which is nobody else's business.
"""

from __future__ import annotations

import json
import re
from typing import TypeVar
from urllib.parse import quote

import httpx

from .exchange import Exchange

LONGEST = 10_000
"""Characters of a server's message that are searched for what must not be shown."""

Failure = TypeVar("Failure", bound=httpx.RequestError)


def masked(message: str, exchange: Exchange) -> str:
    """Make a server's message fit to print: one line, with every id, text and number that was sent masked."""
    if len(message) > LONGEST:
        return f"a message of {len(message):,} characters"
    secrets = {*exchange.named, *exchange.policy.visitor_in_message.findall(message)}
    for written, names in _VALUE.findall((exchange.content or b"").decode()):
        text = written if written[0] != '"' else json.loads(written)
        if not names and len(text) > (2 if text is not written else 3):
            secrets.add(text)
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        message = message.replace(secret, "…")
    return " ".join("".join(each if each.isprintable() else " " for each in message).split())[:200]


def reason(error: httpx.RequestError, exchange: Exchange) -> str:
    """Say why there was no answer, on one line and without an id."""
    text = f"{type(error).__name__} {error}".strip().splitlines()[0]
    for each in exchange.named:
        text = text.replace(each, "…").replace(quote(each, safe=""), "…")
    return text


def unquoted(error: Failure) -> Failure:
    """Return an error that quotes nothing that came: h11 does, and a server may repeat what it was sent."""
    text = str(error)
    kept = _QUOTED.split(text)[0]
    return error if kept == text else type(error)(kept)


_QUOTED = re.compile(r": (?:bytearray\()?b['\"]")
_VALUE = re.compile(r'("(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*)(:?)')
"""A string or number of compact JSON, and whether it names a member."""
