"""Every answer that a service should not give: the call's error, requests and pauses, what is kept, the next call."""

from __future__ import annotations

import gzip
import itertools
import json
import pickle
import re
import threading
import time
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

from conftest import BODY, Backend
from faults_service import GOOD_BODY, SESSION, WHOLE, Act, Service, answer, drips, endless, head, resets, says, silent
from liveperson_engagement import (
    ApiError,
    ConnectionFailed,
    DeadlineExceeded,
    EngagementError,
    InvalidResponse,
    MemoryStore,
    RetryPolicy,
)

Again = Literal["never", "if known", "always"]


@dataclass(frozen=True)
class Fault:
    """What a service does, and what a call makes of it."""

    name: str
    act: Act | None  # None: nobody listens
    error: str  # its class, and what tells it from others of the class; "" for none
    again: Again = "never"
    names: bool = False  # the answer, which cannot be used, names a visitor and a session all the same
    fast: str = ""  # the error on the fast transport, where it is another
    unread: bool = False  # no request is read
    scheme: str = "http"
    timeout: float = 60
    deadline: float | None = None


class Caller:
    """A client of one backend, and a service of its own."""

    def __init__(self, backend_name: str, stack: ExitStack, scheme: str = "http", *, early: bool = False) -> None:
        self.service = stack.enter_context(Service(early=early))
        self.backend, self.store = Backend(backend_name, stack), MemoryStore()
        self.client = self.backend.client(base_url=f"{scheme}://127.0.0.1:{self.service.port}", store=self.store)
        self._is_fast = backend_name.endswith("fast")

    def call(self, key: str, timeout: float = 60, deadline: float | None = None, retries: int = 3) -> Any:
        """Ask for a session; return the error if there is one."""
        self.backend.pauses.clear()
        try:
            retry = RetryPolicy(max_retries=retries)
            client = self.client.with_options(timeout=timeout, deadline=deadline, retry=retry)
            return client.visit(key).create_session(BODY)
        except EngagementError as error:
            return error

    def meet(self, fault: Fault, key: str = "shopper", *, known: bool = False) -> None:
        """Make a call that meets with a fault; `known` says that it names its visitor."""
        service, pauses = self.service, self.backend.pauses
        if known and not self._remembered(key):
            self.call(key)
        before, arrived, service.act = self._remembered(key), service.requests, fault.act
        if not fault.act:
            service.__exit__()
        started = time.monotonic()
        retries = 3 if fault.timeout == 60 else 1  # to wait twice is enough
        outcome = self.call(key, fault.timeout, fault.deadline, retries)
        assert time.monotonic() - started < 30
        error = fault.fast if fault.fast and self._is_fast else fault.error
        is_tried_again = fault.again == "always" or (known and fault.again == "if known")
        expected = (error, [5.0, 10.0, 15.0][:retries] if is_tried_again else [])
        assert (named(outcome), pauses) == expected, f"{fault.name}, known: {known}"
        assert fault.unread or service.wait_for(lambda: service.requests == arrived + len(pauses) + 1)
        now = self._remembered(key)
        if not error:
            assert now.ids.visitor_id == outcome.visitor_id
            assert now.engagement
        else:
            check(outcome, attempts=len(pauses) + 1)
            forgotten = not known or error.startswith("NotFound")
            assert (now is not None and not now.engagement) == fault.names if forgotten else now == before
        if fault.act and fault.scheme == "http":
            self._goes_on(key)

    def _goes_on(self, key: str) -> None:
        """Make another call, which goes well, and gets its own answer."""
        assert self.service.is_calm(), "left the connection open"
        if self._is_fast and not self.service.wires:
            time.sleep(0.1)  # reqwest notices in a thread of its own that a connection has been closed
        self.service.act = None
        outcome = self.call(key)
        assert (named(outcome), self.backend.pauses) == ("", [])
        assert outcome.visitor_id == SESSION["visitorId"]

    def _remembered(self, key: str) -> Any:
        found = self.store.load(f"demo:{key}")
        return found and found.record


def named(outcome: Any) -> str:
    """Name an error."""
    kind = type(outcome).__name__
    match outcome:
        case InvalidResponse():
            return f"{kind} {outcome.path}: {outcome.reason}"
        case ApiError():
            return f"{kind} {outcome.status_code}"
        case ConnectionFailed():
            return f"{kind}, {'may have arrived' if outcome.may_have_arrived else 'not sent'}"
        case DeadlineExceeded():
            return f"{kind} after {type(outcome.__cause__).__name__}"
        case _:
            return kind if isinstance(outcome, EngagementError) else ""


def check(error: EngagementError, attempts: int) -> None:
    """Look at what every error has: attempts, a short line without anything private, and pickle."""
    line, cause = str(error), error.__cause__
    assert error.attempts == attempts
    assert line.isprintable()
    assert len(line) <= 400
    assert not re.search(r"of-the-shopper|v0000|secret|http://", f"{line} {cause!r} {cause}")
    assert str(pickle.loads(pickle.dumps(error))) == line  # noqa: S301 - our own


def meet(backend_name: str, fault: Fault, *, known: bool = False) -> None:
    """Meet with a fault, with a client and a service that are new."""
    with ExitStack() as stack:
        Caller(backend_name, stack, fault.scheme, early=fault.unread).meet(fault, known=known)


def each(faults: Sequence[Fault]) -> pytest.MarkDecorator:
    """Run a test with one after the other."""
    return pytest.mark.parametrize("fault", faults, ids=[fault.name for fault in faults])


def of_status(status: int) -> tuple[str, Again]:
    """Say what a status means, and whether it is tried again."""
    if status == 200 or (status < 200 and status != 101):  # which go before an answer
        return "", "never"
    if status == 101:
        return "ConnectionFailed, may have arrived", "if known"
    if status < 300:
        return f"InvalidResponse status: {status} is not an answer that the contract has", "never"
    kind = {400: "BadRequest", 401: "Unauthorized", 404: "NotFound"}.get(status, "ApiError")
    return (f"ServerError {status}", "always") if status >= 500 else (f"{kind} {status}", "never")


def test_every_status_means_what_the_table_says(backend_name: str) -> None:
    """100 to 599, for a first call and a known visit."""
    with ExitStack() as stack:
        caller = Caller(backend_name, stack)
        for status, known in itertools.product(range(100, 600), (False, True)):
            body = b"" if status in (204, 205, 304) else GOOD_BODY
            act = answer(status, body)
            if status < 200:
                rest = b"" if status == 101 else head(200, WHOLE) + GOOD_BODY
                act = says(head(status, "Connection: upgrade", "Upgrade: x") + rest, keep=status != 101)
            fault = Fault(str(status), act, *of_status(status), names=200 < status < 300 and body == GOOD_BODY)
            caller.meet(fault, str(status), known=known)


def changed(old: str, new: str) -> bytes:
    """Write a good answer that has something else in one place."""
    assert old.encode() in GOOD_BODY
    return GOOD_BODY.replace(old.encode(), new.encode())


NOT_JSON, NO_TEXT = "body: must be JSON", "must be text without lone surrogates"
NO_NUMBER = "engagementDetails.validForSeconds: must be a finite number"
CAMPAIGN = "engagementDetails.campaignId: must"
FINE = {
    "a session id that is a number": changed('"session-of-the-shopper"', "5"),
    "the same key twice": changed('"visitorId": ', '"visitorId": "the-first", "visitorId": '),
    "a field nested 400 deep": changed('{"status"', f'{{"x": {"[" * 400}{"]" * 400}, "status"'),
}
BROKEN = {
    "nothing": (b"", NOT_JSON),
    "HTML": (b"<html><body>Bad gateway</body></html>", NOT_JSON),
    "truncated JSON": (GOOD_BODY[:100], NOT_JSON),
    "a list": (b"[]", "body: must be of type object"),
    "UTF-16": (GOOD_BODY.decode().encode("utf-16"), NOT_JSON),
    "half of a surrogate pair": (changed("visitor-of-the-shopper", r"\ud800"), f"visitorId: {NO_TEXT}"),
    "100,000 brackets": (b"[" * 100_000, NOT_JSON),
}
"""Bodies, and what is wrong with them in a 200."""
NAMING = {
    "invalid UTF-8": (GOOD_BODY.replace(b"en-US", b"\xff\xfe"), f"engagementDetails.language: {NO_TEXT}"),
    "a number of 10,000 digits": (changed("900", "9" * 10_000), NO_NUMBER),
    "a number beyond floats": (changed("900", "1e999"), NO_NUMBER),
    "NaN": (changed("900", "NaN"), NO_NUMBER),
    "an id beyond 64 bits": (changed('"3346848610"', str(2**63)), f"{CAMPAIGN} be at most {2**63 - 1}"),
    "that id in quotes": (
        changed("3346848610", str(2**63)),
        "body: campaignId must be a 64-bit integer, or its digits",
    ),
    "an id of 10,000 digits": (changed("3346848610", "9" * 10_000), f"{CAMPAIGN} match the pattern ^[0-9]{{1,19}}$"),
}
"""Those that name a visitor and a session all the same."""
OF_ERRORS = {
    **FINE,
    **{name: body for name, (body, _) in (BROKEN | NAMING).items()},
    "a code of 4,000 digits": b'{"internalCode": ' + b"9" * 4000 + b', "message": "x"}',
    "a message of 900,000 characters": json.dumps({"message": "vid: a1 " * 110_000}).encode(),
    "a message of 9,000 characters": json.dumps({"message": "".join(f"vid: v{n:05} " for n in range(740))}).encode(),
}


def bodies() -> Iterator[Fault]:
    """Give bodies of a 200, and of errors, whose status counts."""
    for name, body in FINE.items():
        yield Fault(name, answer(200, body), "")
    for name, (body, why) in (BROKEN | NAMING).items():
        yield Fault(name, answer(200, body), f"InvalidResponse {why}", names=name in NAMING)
    for status, (name, body) in itertools.product((400, 503), OF_ERRORS.items()):
        yield Fault(f"{status} with {name}", answer(status, body), *of_status(status))


@each(list(bodies()))
def test_every_body_is_what_the_table_says(backend_name: str, fault: Fault) -> None:
    """By what every transport has in common."""
    meet(backend_name, fault)


def packed(body: bytes, window: int = zlib.MAX_WBITS | 16, mebibytes: int = 0) -> bytes:
    """Pack a body, and mebibytes of spaces behind it; by default with the header of gzip."""
    packer = zlib.compressobj(wbits=window)
    parts = [packer.compress(part) for part in (body, *itertools.repeat(b" " * 2**20, mebibytes))]
    return b"".join(parts) + packer.flush()


MORE, MEBIBYTE = GOOD_BODY.ljust(2**20 + 1), GOOD_BODY.ljust(2**20)
NOT_PACKED = "InvalidResponse body: cannot be decompressed"
PACKED = [
    ("gzip", packed(GOOD_BODY), ""),
    ("GZip", packed(GOOD_BODY), ""),
    ("x-gzip", packed(GOOD_BODY), ""),
    ("deflate", zlib.compress(GOOD_BODY), ""),
    ("deflate", packed(GOOD_BODY, -zlib.MAX_WBITS), ""),  # without the header, as some servers do
    ("gzip", packed(MEBIBYTE), ""),
    ("", GOOD_BODY, ""),
    ("identity", GOOD_BODY, ""),
    ("an encoding that nobody knows", GOOD_BODY, ""),
    ("gzip", packed(GOOD_BODY)[:-9], NOT_PACKED),
    ("deflate", zlib.compress(GOOD_BODY)[:-5], NOT_PACKED),
    ("gzip", GOOD_BODY, NOT_PACKED),
    ("gzip, gzip", gzip.compress(packed(GOOD_BODY)), f"InvalidResponse {NOT_JSON}"),
    ("gzip", b"", f"InvalidResponse {NOT_JSON}"),
]


def large(status: int) -> dict[str, Act]:
    """Give bodies that are too large."""
    chunk = b"%x\r\n%s\r\n" % (2**16, b" " * 2**16)
    return {
        "one byte more": answer(status, MORE),
        "one byte more, packed": answer(status, packed(MORE), "Content-Encoding: gzip"),
        "64 MB, packed": answer(status, packed(GOOD_BODY, mebibytes=64), "Content-Encoding: gzip"),
        "50 MB, announced": endless(head(status, "Content-Length: 52428800") + GOOD_BODY),
        "chunks without end": endless(head(status, "Transfer-Encoding: chunked"), chunk),
        "a body without end": endless(head(status)),
        "a byte more, announced and never sent": silent(head(status, f"Content-Length: {len(MORE)}")),
    }


def memory(what: str) -> int:
    """Return a figure of this process, in bytes."""
    return 1024 * int(re.findall(rf"{what}:\s+(\d+)", Path("/proc/self/status").read_text())[0])


@pytest.mark.backends
@each(
    [
        *(Fault(name, act, "InvalidResponse body: is larger than 1,048,576 bytes") for name, act in large(200).items()),
        *(Fault(f"503 with {name}", act, "ServerError 503", "always") for name, act in large(503).items()),
    ]
)
def test_no_more_than_a_mebibyte_is_read(backend_name: str, fault: Fault) -> None:
    """Nor is it kept: memory grows by less than half of what the large ones have."""
    with ExitStack() as stack:
        caller = Caller(backend_name, stack)
        caller.call("warm")
        Path("/proc/self/clear_refs").write_text("5")
        before = memory("VmRSS")
        caller.meet(fault)
        assert memory("VmHWM") - before < 24 * 2**20


LOST, UNSENT = "ConnectionFailed, may have arrived", "ConnectionFailed, not sent"
CHUNKED = head(200, "Transfer-Encoding: chunked")
CHUNKS = b"%x\r\n%s\r\n0\r\n\r\n" % (len(GOOD_BODY), GOOD_BODY)
ANOTHER = head(200, WHOLE) + GOOD_BODY.replace(b"of-the-shopper", b"of-another-one")


def wire_faults() -> Iterator[Fault]:
    """Give what may be wrong with a head, or with how a body is sent."""

    def with_headers(name: str, error: str, *headers: str, **rest: Any) -> Fault:
        return Fault(name, says(head(200, *headers) + GOOD_BODY), error, **rest)

    for encoding, body, error in PACKED:
        yield Fault(f"{encoding}: {error}", answer(200, body, f"Content-Encoding: {encoding}"), error)
    yield Fault("503 not packed", answer(503, GOOD_BODY, "Content-Encoding: gzip"), *of_status(503))
    yield Fault("a mebibyte", answer(200, MEBIBYTE), "")
    yield Fault("HTML as its content type", answer(200, GOOD_BODY, kind="text/html"), "")
    yield with_headers("no headers", "")
    yield with_headers("one content length twice", "", WHOLE, WHOLE)
    yield with_headers("two content lengths", LOST, WHOLE, "Content-Length: 5")
    yield with_headers("a content length below 0", LOST, "Content-Length: -1")
    yield with_headers("a content length of 400 digits", LOST, f"Content-Length: {'9' * 400}")
    yield with_headers("a content length that is too short", f"InvalidResponse {NOT_JSON}", "Content-Length: 100")
    both = head(200, "Content-Length: 5", "Transfer-Encoding: chunked")
    yield Fault("a content length and chunks", says(both + CHUNKS), "")
    yield with_headers("chunks of a size that is none", LOST, "Transfer-Encoding: chunked")
    yield Fault("chunks, then garbage", says(CHUNKED + CHUNKS + b"garbage", keep=True), "")
    yield Fault("an answer, and another's", says(head(200, WHOLE) + GOOD_BODY + ANOTHER, keep=True), "")
    yield with_headers("a header of 1 MB", LOST, WHOLE, f"X: {'x' * 2**20}")
    yield with_headers("10,000 headers", LOST, WHOLE, *(f"X-{n}: {'x' * 20}" for n in range(10_000)))
    yield with_headers("200 headers", "", WHOLE, *(f"X-{n}: x" for n in range(200)), fast=LOST)
    yield with_headers("a header line without a colon", LOST, WHOLE, "secret")
    for name in ("X", "Content-Encoding", "Retry-After"):
        yield with_headers(f"{name} that is no text", "", WHOLE, f"{name}: \xff\xfe")
        yield Fault(f"503, {name} that is no text", answer(503, b"{}", f"{name}: \xff\xfe"), *of_status(503))
    for status, place in itertools.product((301, 302, 307, 308), ("https://a.test/", "file:///a", "/else", "\xff")):
        yield Fault(f"{status} to {place!a}", answer(status, b"", f"Location: {place}"), *of_status(status))
    yield Fault("not HTTP", says(b"SSH-2.0-secret\r\n\r\n"), LOST)
    yield Fault("HTTP/0.9", says(GOOD_BODY), LOST)
    yield Fault("no TLS where it should be", says(head(400)), UNSENT, "always", unread=True, scheme="https")


@pytest.mark.backends
@each(list(wire_faults()))
def test_every_fault_ends_as_the_table_says(backend_name: str, fault: Fault) -> None:
    """Only one outcome depends on the transport: hyper takes a hundred headers and no more."""
    meet(backend_name, fault)


BEGUN, CUT = b"HTTP/1.1 200 OK\r\nX: secret", head(200, WHOLE) + GOOD_BODY[:100]
CUT_503 = head(503, WHOLE, "Retry-After: 3") + GOOD_BODY[:100]
BREAKS = [
    Fault("refused", None, UNSENT, "always", unread=True),
    Fault("reset before the request is read", resets(), LOST, "if known", unread=True),
    Fault("switches the protocol", says(head(101, "Connection: upgrade", "Upgrade: x")), LOST, "if known"),
    Fault("closed before the answer", says(), LOST, "if known"),
    Fault("reset before the answer", resets(), LOST, "if known"),
    Fault("closed within the head", says(BEGUN), LOST, "if known"),
    Fault("reset within the head", resets(BEGUN), LOST, "if known"),
    Fault("closed within the body", says(CUT), LOST, "if known"),
    Fault("reset within the body", resets(CUT), LOST, "if known"),
    Fault("503, closed within the body", says(CUT_503), "ServerError 503", "always"),
    Fault("503, reset within the body", resets(CUT_503), "ServerError 503", "always"),
    Fault("503 in broken chunks", says(head(503, "Transfer-Encoding: chunked") + b"no"), "ServerError 503", "always"),
    Fault("reset after the answer", resets(head(200, WHOLE) + GOOD_BODY), ""),
]


@pytest.mark.backends
@pytest.mark.parametrize("known", [False, True])
@each(BREAKS)
def test_a_connection_may_break(backend_name: str, fault: Fault, *, known: bool) -> None:
    """A request that may have arrived is sent again only if it names its visitor."""
    meet(backend_name, fault, known=known)


LATE, OVER = "Timeout, may have arrived", "DeadlineExceeded after Timeout"
SHORT = 1.5
"""Long enough for an answer to begin on a machine that has much else to do."""
LONG_BODY = head(200, "Content-Length: 1000000")
SLOW = [
    Fault("silence", silent(), LATE, "if known", timeout=SHORT),
    Fault("silence after the head", silent(head(200, "Content-Length: 9")), LATE, "if known", timeout=SHORT),
    Fault("a head byte by byte", drips(BEGUN, b"x"), LATE, "if known", timeout=SHORT),
    Fault("a body byte by byte", drips(LONG_BODY), LATE, "if known", timeout=SHORT),
    Fault("a chunk's first line byte by byte", drips(CHUNKED + b"5;", b"x"), LATE, "if known", timeout=SHORT),
    Fault("100 again and again", drips(b"", head(100)), LATE, "if known", timeout=SHORT),
    Fault("503, its body byte by byte", drips(head(503)), "ServerError 503", "always", timeout=SHORT),
    Fault("400, its body byte by byte", drips(head(400)), "BadRequest 400", timeout=SHORT),
    Fault("silence until the deadline", silent(), OVER, deadline=SHORT),
    Fault("a head until the deadline", drips(BEGUN, b"x"), OVER, deadline=SHORT),
    Fault("a body until the deadline", drips(LONG_BODY), OVER, deadline=SHORT),
    Fault("503 until the deadline", drips(head(503)), "DeadlineExceeded after ServerError", deadline=SHORT),
    Fault("404 until the deadline", drips(head(404)), "NotFound 404", deadline=SHORT),
    Fault("no TLS", silent(), "Timeout, not sent", "always", unread=True, scheme="https", timeout=SHORT),
]


@pytest.mark.backends
def test_what_takes_too_long_ends_in_time(backend_name: str) -> None:
    """All of it side by side, as first calls and for known visits."""
    trials = [(fault, known) for fault in SLOW for known in (False, True) if fault.scheme == "http" or not known]
    ready = threading.Barrier(len(trials))

    def trial(fault: Fault, known: bool) -> None:
        with ExitStack() as stack:
            caller = Caller(backend_name, stack, fault.scheme, early=fault.unread)
            if fault.scheme == "http":
                caller.call("shopper" if known else "another", timeout=2.4)  # reqwest keeps a client for 1.25 to 2.5 s
            ready.wait(60)  # no time is measured while others begin
            caller.meet(fault, known=known)

    with ThreadPoolExecutor(len(trials)) as pool:
        list(pool.map(trial, *zip(*trials, strict=True)))


@pytest.mark.backends
def test_what_comes_too_fast_ends_in_time(backend_name: str) -> None:
    """100 as fast as can be: both sides take all the processor time that there is."""
    meet(backend_name, Fault("100", endless(b"", head(100) * 50), LATE, timeout=0.5))


@pytest.mark.backends("sync", "async")
def test_of_equal_keys_the_same_one_is_used_and_remembered(backend: Backend, service: Service) -> None:
    """The last counts: for the session that is returned, for the one that is remembered, and for its impressions."""
    service.act = answer(200, changed('"campaignId": ', '"campaignId": 1, "campaignId": '))
    visit = backend.client(base_url=service.url).visit("shopper")
    answers = [visit.create_session(BODY), visit.engagement(BODY)]
    assert service.requests == 1
    campaigns = [each.engagement_details.campaign_id for each in answers if each.status == "Available"]
    assert campaigns == [3346848610, 3346848610]
