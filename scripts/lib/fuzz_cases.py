"""Answers that no service should give, and the situations in which a client gets them; each case is made of its number.

They start from the contract's examples, and are changed as values, as text, as bytes and on their way.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import resources
from random import Random
from typing import Any, TypeAlias, cast

import httpx

from contract_vectors import ODDITIES

Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]

CONTRACT: Any = json.loads(resources.files("liveperson_engagement_api").joinpath("openapi.json").read_bytes())

VISITOR, SESSION, PAGE = "known-visitor-5d1f", "known-session-77a0", "known-page-c3e2"
OTHERS = ("another-visitor-1b9c", "another-session-f04d", "another-page-8e6a")
PERSONAL = "Sarah W\u00e9st <sarahw@example.com>"
BODY: Any = {"appType": "EXTERNAL", "consumerSections": [PERSONAL]}
CALLS = {
    "create_session": ("createSession", "continueSession"),
    "engagement": ("createSession", "continueSession"),
    "update_session": ("updateSession",),
    "report_impressions": ("updateSession",),
    "find_domain": ("findDomain",),
}
"""The calls, and whose documented answers they are fed with."""
KNOWN = ("nothing", "visitor", "session", "engagement")
"""What is remembered before a call."""
PLAYERS = ("sync", "async", "sync memory", "sync wire", "async wire", "sync fast", "async fast")
"""Who calls: either client on a transport of httpx's kind that is scripted, on the default transport without and with
sockets, or on the fast transport."""
WIRED = 0.04
"""The share of cases that go over a socket."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What comes back: a status, headers and pieces of a body, or a failure before, or behind, some of them."""

    status: int
    headers: Headers = ()
    pieces: tuple[bytes, ...] = ()
    failure: type[httpx.TransportError] | None = None
    """What the connection ends with."""
    lost: bool = False
    """Whether it ended before the status came."""

    @property
    def body(self) -> bytes:
        """All of the body."""
        return b"".join(self.pieces)

    @property
    def head(self) -> bytes:
        """What goes over the wire before the body: it announces more than comes where the answer ends in a failure."""
        lines = [b"HTTP/1.1 %d x" % self.status, b"Connection: close"]
        lines += [name + b": " + value for name, value in self.headers]
        lines.append(b"Content-Length: %d" % (len(self.body) + (9 if self.failure else 0)))
        return b"\r\n".join([*lines, b"", b""])


@dataclass(frozen=True, slots=True)
class Case:
    """A call, what is remembered before it, and the answers that it gets; the last one is repeated."""

    number: int
    player: str
    call: str
    known: str
    retries: bool
    answers: tuple[Answer, ...] = field(repr=False)


def case(seed: int, number: int, *, wired: float = WIRED) -> Case:
    """Make a case: the same one for the same numbers."""
    return case_of(Random(f"{seed}/{number}"), number, wired=wired)  # noqa: S311 - for repeating, not for secrecy


def case_of(chance: Random, number: int, *, wired: float = WIRED) -> Case:
    """Make a case of what a source of chance says."""
    player = chance.choice(PLAYERS[3:] if chance.random() < wired else PLAYERS[:3])
    call = chance.choice(list(CALLS))
    known = chance.choice(KNOWN) if call in {"create_session", "engagement"} else "engagement"
    retries = chance.random() < 0.15
    answers = tuple(_answer(chance, call) for _ in range(chance.choice((1, 2, 4)) if retries else 1))
    return Case(number, player, call, known, retries, answers)


def _documented() -> dict[str, list[tuple[int, Any]]]:
    """Give each operation's documented answers; None stands for an empty one."""
    found: dict[str, list[tuple[int, Any]]] = {}
    for item in CONTRACT["paths"].values():
        operations: list[dict[str, Any]] = [each for each in item.values() if isinstance(each, dict)]
        for operation in operations:
            for status, answer in operation["responses"].items():
                examples = _at(answer).get("content", {}).get("application/json", {}).get("examples", {"": {}})
                cases = found.setdefault(operation["operationId"], [])
                cases += [(int(status), example.get("value")) for example in examples.values()]
    return found


def _at(node: Any) -> Any:
    for part in node.get("$ref", "").split("/")[1:]:
        node = (CONTRACT if part == "components" else node)[part]
    return node


DOCUMENTED = _documented()


def _leaves(kind: type[httpx.TransportError]) -> Iterator[type[httpx.TransportError]]:
    below = kind.__subclasses__()
    yield from [leaf for each in below for leaf in _leaves(each)] or [kind]


TRANSPORT_ERRORS = [leaf for leaf in _leaves(httpx.TransportError) if leaf.__module__ == "httpx"]

MESSAGES = (
    "Loading account: demo, vid: {visitor}",
    "Loading account: demo, vid: {other}",
    "vid: ..",
    "vid:",
    "vid: \n{visitor}, {session}",
    "no such visitor {visitor} in session {session}, said {secret}",
    "{secret}\u2028{secret}",
    "%s %d {{}} \x00\x1b[31m",
)


def _answer(chance: Random, call: str) -> Answer:
    if chance.random() < 0.04:
        return Answer(0, failure=chance.choice(TRANSPORT_ERRORS), lost=True)
    operation = chance.choice(CALLS[call])
    documented = DOCUMENTED[operation]
    status, value = chance.choice(
        documented if chance.random() < 0.5 else [each for each in documented if each[0] == 200]
    )
    if chance.random() < 0.1:
        status = chance.choice(
            (200, 200, 201, 204, 206, 301, 302, 400, 404, 429, 500, 503, 520, chance.randrange(200, 600))
        )
    content = _content(chance, _personal(chance, value))
    headers = _headers(chance)
    content, coding = _encoded(chance, content)
    pieces = _pieces(chance, content)
    failure = chance.choice(TRANSPORT_ERRORS) if chance.random() < 0.03 else None
    return Answer(status, (*headers, *coding), pieces, failure)


def _personal(chance: Random, value: Any) -> Any:
    """Give an answer the ids of these cases, and messages that name them."""
    if not isinstance(value, dict):
        return value
    value = json.loads(json.dumps(value))
    names = dict(
        zip(("visitorId", "sessionId", "pageId"), zip((VISITOR, SESSION, PAGE), OTHERS, strict=True), strict=True)
    )
    value |= {name: chance.choice(names[name]) for name in names.keys() & value.keys()}
    if "message" in value:
        value["message"] = _message(chance, str(value["message"]))
    if isinstance(value.get("error"), dict):
        value["error"] = {**value["error"], "message": _message(chance, str(value["error"]["message"]))}
    return value


def _message(chance: Random, message: str) -> str:
    if chance.random() < 0.5:
        message = chance.choice(MESSAGES)
        message = message.format(visitor=VISITOR, session=SESSION, other=OTHERS[0], secret=PERSONAL)
    return message


# --- Values ----------------------------------------------------------------------------------------------------------

RAW = re.compile(r'"\\ue000(\d+)\\ue001"')
"""Where text stands that the JSON encoder would not write."""
TEXTS = (
    *(
        "NaN",
        "-Infinity",
        "1e999",
        "-0",
        "-0.0",
        "1E400",
        "0.1e-400",
        "9" * 25,
        "1" + "0" * 4500,
        "1.0",
        "9007199254740993.0",
    ),
    *(
        "9223372036854775807",
        "9223372036854775808",
        '"9223372036854775808"',
        '"00"',
        '"\\ud800"',
        '"\\udc00\\ud800"',
        "0x10",
    ),
    *(
        '"a\\u0000b"',
        '"a\\nb"',
        '"' + "x" * 70_000 + '"',
        "[" * 300 + "]" * 300,
        "[" * 3000,
        '{"a":' * 300 + "1" + "}" * 300,
    ),
    *(
        "'single'",
        "True",
        "undefined",
        "//",
        "{}{}",
        '"\t"',
        "\ufeff1",
        '"\\x41"',
        '"..."',
        '".."',
        '"a/../b?c#d"',
        '"\u202e"',
    ),
)
NAMES = ("a\nb", "", "\u202e", "__proto__", "$ref", "status", "visitorId", "a.b[0]", "x" * 3000, "\x1b[31m", "\ud800")


def _content(chance: Random, value: Any) -> bytes:
    kind = chance.random()
    if kind < 0.03:
        return chance.randbytes(chance.choice((0, 1, 3, 40, 3000)))
    if kind < 0.05:
        return chance.choice(
            (b"<html><h1>503</h1></html>", b"OK", b"null", b"[]", b"\xef\xbb\xbf", b"\xff\xfe", b"{}", b" ")
        )
    raw: list[str] = []
    for _ in range(chance.choice((0, 0, 1, 1, 2, 5))):
        value = _changed(chance, value, raw)
    text = _written(chance, value, raw)
    content = _coded(chance, text)
    for _ in range(chance.choice((0, 0, 0, 1, 3))):
        content = _flipped(chance, content)
    return content


def _changed(chance: Random, value: Any, raw: list[str]) -> Any:
    """Change a value in one place."""
    places = list(_places(value))
    holder, key = chance.choice(places) if places else (None, None)
    kind = chance.randrange(7)
    if holder is None or (kind == 6 and chance.random() < 0.1):
        return _odd(chance, raw)
    if kind == 0:
        del holder[key]
    elif kind == 1 and isinstance(holder, dict):
        holder[chance.choice(NAMES)] = _odd(chance, raw)
    elif kind == 2 and isinstance(holder, dict):
        holder[chance.choice(NAMES)] = cast(Any, holder).pop(key)
    elif kind == 3 and isinstance(holder[key], int | float):
        holder[key] = chance.choice(
            (str(holder[key]), float(holder[key]), -holder[key], holder[key] * 10**20, [holder[key]])
        )
    elif kind == 4 and isinstance(holder[key], str):
        text: str = holder[key]
        times = chance.choice((0, 2, 2, 2, 4000 if len(text) < 1000 else 2))
        holder[key] = chance.choice((text * times, text[:1], text + "\n", [text], text.upper(), text + "\ud800"))
    else:
        holder[key] = _odd(chance, raw)
    return value


def _odd(chance: Random, raw: list[str]) -> Any:
    if chance.random() < 0.5:
        return json.loads(json.dumps(chance.choice(ODDITIES)))
    raw.append(chance.choice(TEXTS))
    return f"\ue000{len(raw) - 1}\ue001"


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    listed: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        listed = list(cast(dict[str, Any], value).items())
    elif isinstance(value, list):
        listed = list(enumerate(cast("list[object]", value)))
    for key, part in listed:
        yield value, key
        yield from _places(part)


def _written(chance: Random, value: Any, raw: list[str]) -> str:
    text = "" if value is None else json.dumps(value, indent=chance.choice((None, None, None, 1)))
    if raw:
        text = RAW.sub(lambda found: raw[int(found[1])], text)
    if chance.random() < 0.05:  # members that are there twice
        head, _, tail = text.partition(",")
        text = f"{head},{chance.choice((head.strip('{ '), tail.rstrip('} ')))},{tail}"
    return text


def _coded(chance: Random, text: str) -> bytes:
    if chance.random() < 0.94:
        return text.encode("utf-8", "surrogatepass")
    coding = chance.choice(("utf-8-sig", "utf-16", "utf-16-le", "utf-32", "utf-7", "latin-1", "cp037"))
    return text.encode(coding, "replace")


def _flipped(chance: Random, content: bytes) -> bytes:
    """Damage bytes."""
    at, other = chance.randrange(len(content) + 1), chance.randrange(len(content) + 1)
    first, last = min(at, other), max(at, other)
    kind = chance.randrange(6)
    if kind == 0:
        return content[:at]
    if kind == 1:
        return content[:first] + content[last:]
    if kind == 2:
        return content[:at] + chance.randbytes(chance.randrange(1, 5)) + content[at:]
    if kind == 3:
        return content[:last] + content[first:last] * chance.choice((1, 2, 30)) + content[last:]
    if kind == 4:
        return (
            content[:at]
            + chance.choice((b'"', b"\\", b"{", b"}", b"[", b",", b":", b"\x00", b"\xff", b"1"))
            + content[at + 1 :]
        )
    flipped = bytearray(content)
    if flipped:
        flipped[at % len(flipped)] ^= 1 << chance.randrange(8)
    return bytes(flipped)


# --- On the way ------------------------------------------------------------------------------------------------------

DATES = (
    "120",
    "0",
    "-5",
    "1.5",
    "1e9",
    "9" * 400,
    "\u0663",
    "Wed, 21 Oct 2099 07:28:00 GMT",
    "Sunday, 06-Nov-94 08:49:37 GMT",
)
DATE_PARTS = '0123456789:,- +.GMTOct()"\\<>@;/\x80'
CODINGS = (
    "gzip",
    "deflate",
    "gzip, deflate",
    "br",
    "zstd",
    "identity",
    "x-gzip",
    "gzip,gzip,gzip",
    "GZIP",
    "nonsense",
    ",",
)
STRANGE: Headers = (
    (b"Content-Type", b"text/html; charset=utf-16"),
    (b"Content-Type", b"application/json; charset=nonsense"),
    (b"Content-Type", b"\xff\xfe;;;=;"),
    (b"Location", b"http://169.254.169.254/?sid=" + SESSION.encode()),
    (b"Set-Cookie", b"vid=" + VISITOR.encode()),
    (b"Retry-After", b"1"),
    (b"X-Long", b"x" * 5000),
    (b"\xc3\xa9", b"\xc3\xa9"),
    (b"Link", b"<a>; rel=\x80"),
)


def _headers(chance: Random) -> Headers:
    headers: list[tuple[bytes, bytes]] = [(b"Content-Type", b"application/json")] if chance.random() < 0.9 else []
    if chance.random() < 0.15:
        text = list(chance.choice(DATES))
        for _ in range(chance.choice((0, 0, 1, 3))):
            at = chance.randrange(len(text) + 1)
            text[at : at + chance.randrange(3)] = chance.choice(DATE_PARTS)
        headers.append((b"Retry-After", "".join(text).encode("utf-8")))
    if chance.random() < 0.05:
        headers += [chance.choice(STRANGE) for _ in range(chance.randrange(1, 4))]
    return tuple(headers)


def _encoded(chance: Random, content: bytes) -> tuple[bytes, Headers]:
    """Compress, or say so; not always both."""
    if chance.random() < 0.9:
        return content, ()
    coding = chance.choice(CODINGS)
    if chance.random() < 0.8:
        squeeze: Callable[[bytes], bytes] = chance.choice((_gzipped, zlib.compress))
        content = squeeze(content)
    if chance.random() < 0.3:
        content = _flipped(chance, content)
    return content, ((b"Content-Encoding", coding.encode()),)


def _gzipped(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def _pieces(chance: Random, content: bytes) -> tuple[bytes, ...]:
    if chance.random() < 0.9:
        return (content,)
    at = chance.randrange(len(content) + 1)
    return content[:at], b"", content[at:]
