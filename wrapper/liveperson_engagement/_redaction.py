"""What may be printed of a message from elsewhere: it may repeat what was sent."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from urllib.parse import quote

LONGEST = 10_000
"""Characters of a server's message that are searched for what must not be shown."""


def redact(message: str, secrets: Iterable[str], body: bytes | None) -> str:
    """Make a server's message fit to print: one line, without the secrets and the texts and numbers of a JSON body."""
    if len(message) > LONGEST:
        return f"a message of {len(message):,} characters"
    found = set(secrets)
    for written, is_name in _VALUE.findall((body or b"").decode()):
        text = written if written[0] != '"' else json.loads(written)
        if not is_name and len(text) > (2 if text is not written else 3):
            found.add(text)
    message = redact_ids(message, found)
    return " ".join("".join(each if each.isprintable() else " " for each in message).split())[:200]


def redact_ids(text: str, secrets: Iterable[str]) -> str:
    """Replace each secret in a text, as it is or as it stands in a URL."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "…").replace(quote(secret, safe="", errors="replace"), "…")
    return text


_VALUE = re.compile(r'("(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*)(:?)')
"""A string or number of compact JSON, and whether it names a member."""
