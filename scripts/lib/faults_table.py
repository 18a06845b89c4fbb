"""Every answer that a service should not give, and what a call then does: a row for each."""

from __future__ import annotations

import gzip
import itertools
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from faults_service import (
    CERTIFICATES,
    GOOD,
    SESSION,
    Act,
    answer,
    chunked,
    drips,
    endless,
    head,
    resets,
    says,
    silent,
)

COLUMNS = ("sync", "async", "sync fast", "async fast")
PAUSES = (5.0, 10.0, 15.0)
"""What the vendor recommends, in seconds."""
PATIENT = 10.0
"""The timeout, in seconds, of calls that are not to run into it."""
SHORT = 1.0
"""The timeout, in seconds, of calls that are to run into it, on a machine that has much else to do."""

Again = Literal["never", "if known", "always"]


class Outcome(NamedTuple):
    """What became of a call."""

    error: str
    """Its class, and what tells it from others of the class."""
    attempts: int
    """Requests that were sent, or should have been."""
    arrived: int
    """Requests that the service has read."""
    pauses: tuple[float, ...]
    remembered: str
    """Afterwards: the visit as a good answer has made it known; another one, without an engagement; or nothing."""
    next: str
    """What became of the next call, which gets a good answer."""
    wrong: tuple[str, ...] = ()
    """Bounds that were not kept."""


@dataclass(frozen=True)
class Fault:
    """What a service does, and what a call then does."""

    name: str
    act: Act | None
    error: str
    again: Again = "never"
    """Whether it is tried again."""
    fast: str | None = None
    """The error on the fast transport, where it is another."""
    known: bool = False
    """Whether it is tried with a call that names its visitor, too."""
    options: dict[str, float] = field(default_factory=dict[str, float])
    """The client's timeout or deadline, where the fault runs into it."""
    unread: bool = False
    """Whether no request is ever read."""
    certificate: str | None = None
    """What the service presents; it may be one that there is not."""
    next: str = "good"
    """What becomes of the next call."""
    names: bool = False
    """Whether the answer, which cannot be used, names a visitor and a session all the same."""
    overrun: float = 0.0
    """Seconds by which the fast transport oversteps the time of an attempt."""

    def expected(self, column: str, *, known: bool) -> Outcome:
        """Say what is to become of a call; `known` says that it names its visitor."""
        error = self.fast if self.fast and column.endswith("fast") else self.error
        pauses = PAUSES if self.again == "always" or (known and self.again == "if known") else ()
        remains = error == "AvailableSession" or (known and not error.startswith("NotFound"))
        remembered = "the visit" if remains else "another visit" if self.names else "nothing"
        attempts = len(pauses) + 1
        return Outcome(error, attempts, 0 if self.unread else attempts, pauses, remembered, self.next)


def _with(**changes: Any) -> bytes:
    return json.dumps({**SESSION, **changes}).encode()


def _details(**changes: Any) -> bytes:
    return _with(engagementDetails={**SESSION["engagementDetails"], **changes})


def _raw_deflate(content: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(content) + packer.flush()


def _bomb() -> bytes:
    """Pack a good answer and 64 MiB of spaces into 64 kB."""
    packer = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    parts = [packer.compress(part) for part in (GOOD_BODY, *itertools.repeat(b" " * 2**20, 64))]
    return b"".join(parts) + packer.flush()


GOOD_BODY = json.dumps(SESSION).encode()
WHOLE = f"Content-Length: {len(GOOD_BODY)}"
TWICE = GOOD_BODY.replace(b'"visitorId": "', b'"visitorId": "the-first-of-two", "visitorId": "')
BIG = 50 * 2**20
TOO_GREAT = f"InvalidResponse engagementDetails.campaignId: must be at most {2**63 - 1}"
TOO_GREAT_QUOTED = "InvalidResponse body: campaignId must be a 64-bit integer, or its digits"
TOO_LONG = "InvalidResponse engagementDetails.campaignId: must match the pattern ^[0-9]{1,19}$"
NO_NUMBER = "InvalidResponse engagementDetails.validForSeconds: must be a finite number"
NO_TEXT = "InvalidResponse engagementDetails.language: must be text without lone surrogates"
HALVED = "InvalidResponse visitorId: must be text without lone surrogates"
NOT_JSON = "InvalidResponse body: must be JSON"
TOO_LARGE = "InvalidResponse body: is larger than 1,048,576 bytes"
NOT_PACKED = "InvalidResponse body: cannot be decompressed"
LOST = "ConnectionFailed, may have arrived"
UNSENT = "ConnectionFailed, not sent"
LATE = "Timeout, may have arrived"
CHUNKED = head(200, "Transfer-Encoding: chunked")
LONG_DAYS = head(200, "Content-Length: 1000000")

BODIES: list[tuple[str, bytes, str]] = [
    ("none", b"", NOT_JSON),
    ("HTML", b"<html><body>Bad gateway</body></html>", NOT_JSON),
    ("truncated JSON", GOOD_BODY[:100], NOT_JSON),
    ("a list", b"[]", "InvalidResponse body: must be of type object"),
    ("a session id that is a number", _with(sessionId=5), "AvailableSession"),
    ("invalid UTF-8", GOOD_BODY.replace(b"en-US", b"\xff\xfe"), NO_TEXT),
    ("UTF-16", GOOD_BODY.decode().encode("utf-16"), NOT_JSON),
    ("half of a surrogate pair", _with(visitorId="\ud800"), HALVED),
    ("the same key twice", TWICE, "AvailableSession"),
    ("nested 100,000 deep", b"[" * 100_000, NOT_JSON),
    ("nested 400 deep in a field of its own", _with(x=json.loads("[" * 400 + "]" * 400)), "AvailableSession"),
    ("an id beyond 64 bits", _details(campaignId=2**63), TOO_GREAT),
    ("a quoted id beyond 64 bits", _details(campaignId=str(2**63)), TOO_GREAT_QUOTED),
    ("a number of 10,000 digits", GOOD_BODY.replace(b"900", b"9" * 10_000), NO_NUMBER),
    ("an id of 10,000 digits in quotes", _details(campaignId="9" * 10_000), TOO_LONG),
    ("a number beyond floats", GOOD_BODY.replace(b"900", b"1e999"), NO_NUMBER),
    ("NaN", GOOD_BODY.replace(b"900", b"NaN"), NO_NUMBER),
]
"""Bodies, and what a 200 with them is."""

ERROR_BODIES: list[tuple[str, bytes]] = [
    *((name, body) for name, body, _ in BODIES),
    ("a code of 4,000 digits", b'{"internalCode": ' + b"9" * 4000 + b', "message": "x"}'),
    ("a message of 900,000 characters", json.dumps({"message": "vid: a1 " * 110_000}).encode()),
    ("a message of 9,000 characters", json.dumps({"message": "".join(f"vid: v{n:05} " for n in range(740))}).encode()),
]

PACKED: list[tuple[str, bytes, str, str]] = [
    ("gzip", gzip.compress(GOOD_BODY), "gzip", "AvailableSession"),
    ("deflate", zlib.compress(GOOD_BODY), "deflate", "AvailableSession"),
    ("deflate without its head", _raw_deflate(GOOD_BODY), "deflate", "AvailableSession"),
    ("gzip that is cut off", gzip.compress(GOOD_BODY)[:-20], "gzip", NOT_PACKED),
    ("gzip that is none", GOOD_BODY, "gzip", NOT_PACKED),
    ("gzip that grows a thousandfold", _bomb(), "gzip", TOO_LARGE),
    ("gzip within gzip", gzip.compress(gzip.compress(GOOD_BODY)), "gzip, gzip", NOT_JSON),
    ("an encoding that nobody knows", GOOD_BODY, "utf-8", "AvailableSession"),
]


def _names(body: bytes) -> bool:
    """Return whether a body names the visitor and the session well, whatever else it says."""
    try:
        answer = json.loads(body.decode(errors="surrogateescape"), parse_int=str, parse_constant=str)
    except (ValueError, RecursionError):
        return False
    return all(name in answer and answer[name] == SESSION[name] for name in ("visitorId", "sessionId"))


def _of_status(status: int) -> tuple[str, Again]:
    """Say what a status means, and whether it is tried again."""
    if status == 200 or (status < 200 and status != 101):  # which go before an answer
        return "AvailableSession", "never"
    if status == 101:
        return LOST, "if known"
    if 200 < status < 300:
        return f"InvalidResponse status: {status} is not an answer that the contract has", "never"
    kind = {400: "BadRequest", 401: "Unauthorized", 404: "NotFound"}.get(status, "ApiError")
    return (f"ServerError {status}", "always") if status >= 500 else (f"{kind} {status}", "never")


def _statuses() -> Iterator[Fault]:
    for status in range(100, 600):
        body = b"" if status in (204, 205, 304) else GOOD_BODY
        act = answer(status, body)
        if status < 200:
            rest = b"" if status == 101 else head(200, WHOLE) + GOOD_BODY
            act = says(head(status, "Connection: upgrade", "Upgrade: x") + rest, keep=status != 101)
        yield Fault(str(status), act, *_of_status(status), known=True, names=200 < status < 300 and body == GOOD_BODY)


def _bodies() -> Iterator[Fault]:
    for name, body, error in BODIES:
        yield Fault(f"200 with {name}", answer(200, body), error, names=_names(body))
    for status, (name, body) in itertools.product((400, 503), ERROR_BODIES):
        yield Fault(f"{status} with {name}", answer(status, body), *_of_status(status))
    for name, body, encoding, error in PACKED:
        yield Fault(f"200 with {name}", answer(200, body, f"Content-Encoding: {encoding}"), error)
        for status in (400, 503):
            act = answer(status, body, f"Content-Encoding: {encoding}")
            yield Fault(f"{status} with {name}", act, *_of_status(status))
    for status in (200, 400, 503):
        error, again = _of_status(status)
        error = TOO_LARGE if status == 200 else error
        announced, open_ended = head(status, f"Content-Length: {BIG}"), head(status, "Transfer-Encoding: chunked")
        yield Fault(f"{status} with 50 MB, announced", endless(announced + GOOD_BODY, total=BIG), error, again)
        yield Fault(
            f"{status} with 50 MB in chunks", endless(open_ended, chunked(b" " * 2**16), 800 * 2**16), error, again
        )
        yield Fault(f"{status} with a body without end", endless(head(status)), error, again)


def _headers() -> Iterator[Fault]:
    def fault(name: str, error: str, *headers: str, body: bytes = GOOD_BODY, **rest: Any) -> Fault:
        return Fault(name, says(head(200, *headers) + body), error, **rest)

    chunks = chunked(GOOD_BODY) + b"0\r\n\r\n"
    another = head(200, WHOLE) + GOOD_BODY.replace(b"of-the-shopper", b"of-another-one")
    fine, no_text = "AvailableSession", "\xff\xfe"
    yield Fault("HTML as its content type", answer(200, GOOD_BODY, kind="text/html"), fine)
    yield fault("no headers", fine)
    yield fault("one content length twice", fine, WHOLE, WHOLE)
    yield fault("two content lengths", LOST, WHOLE, "Content-Length: 5")
    yield fault("a content length below 0", LOST, "Content-Length: -1")
    yield fault("a content length of 400 digits", LOST, f"Content-Length: {'9' * 400}")
    yield fault("a content length that is too short", NOT_JSON, "Content-Length: 100")
    yield Fault("a content length of 50 MB, then silence", silent(head(200, f"Content-Length: {BIG}")), TOO_LARGE)
    yield fault("a content length and chunks", fine, "Content-Length: 5", "Transfer-Encoding: chunked", body=chunks)
    yield fault("chunks of a size that is none", LOST, "Transfer-Encoding: chunked", body=b"zz\r\n" + GOOD_BODY)
    yield Fault("chunks, then garbage", says(CHUNKED + chunks + b"garbage", keep=True), fine)
    yield Fault("an answer, and another's", says(head(200, WHOLE) + GOOD_BODY + another, keep=True), fine)
    yield fault("a header of 1 MB", LOST, WHOLE, f"X: {'x' * 2**20}")
    yield fault("10,000 headers", LOST, WHOLE, *(f"X-{n}: {'x' * 20}" for n in range(10_000)))
    yield fault("200 headers", fine, WHOLE, *(f"X-{n}: x" for n in range(200)), fast=LOST)
    yield fault("a header line without a colon", LOST, WHOLE, "X")
    for name in ("X", "Content-Encoding", "Retry-After"):
        yield fault(f"{name} that is no text", fine, WHOLE, f"{name}: {no_text}")
        yield Fault(f"503, {name} that is no text", answer(503, b"{}", f"{name}: {no_text}"), *_of_status(503))
    places = ("https://elsewhere.test/", "file:///etc/hostname", "/else", no_text)
    for status, place in itertools.product((302, 307, 308), places):
        yield Fault(f"{status} to {place!a}", answer(status, b"", f"Location: {place}"), *_of_status(status))
    yield Fault("not HTTP", says(b"SSH-2.0-OpenSSH_9.2\r\n"), LOST)
    yield Fault("HTTP/0.9", says(GOOD_BODY), LOST)


def _times() -> Iterator[Fault]:
    def fault(name: str, act: Act | None, error: str, again: Again = "if known", **rest: Any) -> Fault:
        return Fault(name, act, error, again, known=True, **rest)

    short, due = {"timeout": SHORT}, {"deadline": 1.2}
    whole, half = head(200, WHOLE) + GOOD_BODY, head(200, WHOLE) + GOOD_BODY[:100]
    begun, broken = b"HTTP/1.1 200 OK\r\n", head(503, "Content-Length: 100", "Retry-After: 3") + b'{"time"'
    over = "DeadlineExceeded after Timeout"
    yield fault("refused", None, UNSENT, "always", unread=True, next="not made")
    yield fault("reset before the request is read", resets(), LOST, unread=True)
    yield fault("closed before the answer", says(), LOST)
    yield fault("reset before the answer", resets(), LOST)
    yield fault("reset within the head", resets(b"HTTP/1.1 20"), LOST)
    yield fault("reset within the body", resets(half), LOST)
    yield fault("closed within the body", says(half), LOST)
    yield fault("503, reset within the body", resets(broken), "ServerError 503", "always")
    yield fault("reset after the answer", resets(whole), "AvailableSession", "never")
    yield fault("silence", silent(), LATE, options=short)
    yield fault("silence after the head", silent(head(200, "Content-Length: 9")), LATE, options=short)
    yield fault("a head byte by byte", drips(begun, b"x"), LATE, options=short)
    yield fault("a body byte by byte", drips(LONG_DAYS), LATE, options=short)
    yield fault("a chunk's first line byte by byte", drips(CHUNKED + b"5;", b"x"), LATE, options=short)
    yield fault("100 again and again", drips(b"", head(100)), LATE, options=short)
    longer = {"timeout": 2 * SHORT}  # both sides take all the processor time that there is
    yield Fault("100 as fast as can be", endless(b"", head(100) * 50), LATE, options=longer, overrun=2.0)
    yield Fault("503, its body byte by byte", drips(head(503)), "ServerError 503", "always", options=short)
    yield Fault("400, its body byte by byte", drips(head(400)), "BadRequest 400", options=short)
    yield fault("silence until the deadline", silent(), over, "never", options=due)
    yield fault("a head byte by byte until the deadline", drips(begun, b"x"), over, "never", options=due)
    yield fault("a body byte by byte until the deadline", drips(LONG_DAYS), over, "never", options=due)
    failed = "DeadlineExceeded after ServerError"
    yield Fault("503, byte by byte until the deadline", drips(head(503)), failed, options=due)
    yield Fault("404, byte by byte until the deadline", drips(head(404)), "NotFound 404", options=due, known=True)


def _certificates() -> Iterator[Fault]:
    rest: dict[str, Any] = {"unread": True, "next": "not made"}
    for name in CERTIFICATES:
        if name == "trusted":
            yield Fault(f"a certificate: {name}", GOOD, "AvailableSession", certificate=name)
        else:
            yield Fault(f"a certificate: {name}", GOOD, UNSENT, certificate=name, **rest)
    rest["certificate"] = "none"
    yield Fault("no TLS where it should be", says(b"HTTP/1.1 400 No\r\n\r\n"), UNSENT, "always", **rest)
    yield Fault("TLS that is never begun", silent(), "Timeout, not sent", "always", options={"timeout": SHORT}, **rest)


FAULTS = {
    part: list(rows())
    for part, rows in {
        "statuses": _statuses,
        "bodies": _bodies,
        "headers": _headers,
        "timing": _times,
        "TLS": _certificates,
    }.items()
}
"""The rows, by what is wrong."""
