"""Every answer that a service should not give: what a transport makes of it, and that the next request is answered."""

import gzip
import itertools
import re
import zlib
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from conftest import BODY, Clock
from doubles import Play
from faults_service import GOOD_BODY, WHOLE, Act, Service, answer, drips, head, resets, says, silent
from liveperson_engagement import DeadlineExceeded, EngagementError, NotFound
from liveperson_engagement.transports import NoResponse
from liveperson_engagement_api.http import Response
from senders import ANSWERED, LATE, LOST, TIMEOUTS, UNSENT, Connect, Sender


def meet(sender: Sender, service: Service, act: Act, timeout: float = 60) -> str:
    """Send a request that meets with a fault, and then one that gets its own answer; say what came of the first."""
    service.act, before = act, service.requests
    found = sender.outcome(service.url, timeout=timeout)
    assert service.is_calm(), "left the connection open"
    assert "not sent" in found or service.requests == before + 1
    service.act = None
    while (again := sender.outcome(service.url)) == LOST:
        assert "fast" in type(sender.transport).__module__  # reqwest notices later that a connection was closed
    assert again == ANSWERED
    return found


def bare(*headers: str) -> Act:
    """Send a good body with these headers and no others."""
    return says(head(200, *headers) + GOOD_BODY)


def encoded(encoding: str, body: bytes) -> Act:
    """Send a body that is said to be encoded so."""
    return answer(200, body, f"Content-Encoding: {encoding}")


MEBIBYTE = GOOD_BODY.ljust(2**20)
CHUNKED, CUT = "Transfer-Encoding: chunked", GOOD_BODY[:100]
CHUNKS = b"%x\r\n%s\r\n0\r\n\r\n" % (len(GOOD_BODY), GOOD_BODY)
BEGUN, LONG = b"HTTP/1.1 200 OK\r\nX: secret", head(200, "Content-Length: 1000000")
FAULTS: dict[str, dict[str, Act]] = {
    ANSWERED: {
        "gzip": encoded("GZip", gzip.compress(GOOD_BODY)),
        "x-gzip": encoded("x-gzip", gzip.compress(GOOD_BODY)),
        "deflate": encoded("deflate", zlib.compress(GOOD_BODY)),
        "deflate without its header, as some servers do": encoded("deflate", zlib.compress(GOOD_BODY, wbits=-15)),
        "an encoding that nobody knows": encoded("unknown", GOOD_BODY),
        "an encoding that is no text": encoded("\xff\xfe", GOOD_BODY),
        "no headers": bare(),
        "a content length and chunks": says(head(200, "Content-Length: 5", CHUNKED) + CHUNKS),
        "chunks, then garbage": says(head(200, CHUNKED) + CHUNKS + b"garbage", keep=True),
        "an answer, and another's": says(
            head(200, WHOLE) + GOOD_BODY + head(200, "Content-Length: 2") + b"{}", keep=True
        ),
        "reset after the answer": resets(head(200, WHOLE) + GOOD_BODY),
    },
    "200 with 0 bytes": {"nothing, packed": encoded("gzip", b"")},
    "200 with 100 bytes": {"a content length that is too short": bare("Content-Length: 100")},
    f"200 with {2**20} bytes": {
        "announced": answer(200, MEBIBYTE),
        "unannounced": says(head(200) + MEBIBYTE),
        "packed": encoded("gzip", gzip.compress(MEBIBYTE)),
    },
    "200, cannot be decompressed": {
        "truncated gzip": encoded("gzip", gzip.compress(GOOD_BODY)[:-9]),
        "no gzip at all": encoded("gzip", GOOD_BODY),
    },
    f"200, {LOST}": {
        "chunks of a size that is none": bare(CHUNKED),
        "closed within the body": says(head(200, WHOLE) + CUT),
        "reset within the body": resets(head(200, WHOLE) + CUT),
    },
    f"503, {LOST}": {"closed within the body": says(head(503, WHOLE) + CUT)},
    LOST: {
        "closed before the answer": says(),
        "reset before the answer": resets(),
        "closed within the head": says(BEGUN),
        "switches the protocol": says(head(101, "Connection: upgrade", "Upgrade: x")),
        "a header of 1 MB": bare(WHOLE, f"X: {'x' * 2**20}"),
        "10,000 headers": bare(WHOLE, *(f"X-{n}: {'x' * 20}" for n in range(10_000))),
        "not HTTP": says(b"SSH-2.0-secret\r\n\r\n"),
        "HTTP/0.9": says(GOOD_BODY),
    },
}


@pytest.mark.backends
@pytest.mark.parametrize("expected", FAULTS)
def test_every_fault_ends_as_the_table_says(connect: Connect, service: Service, expected: str) -> None:
    """As an answer, without one, or with its status alone."""
    sender, acts = connect(), FAULTS[expected]
    assert {name: meet(sender, service, act) for name, act in acts.items()} == dict.fromkeys(acts, expected)


@pytest.mark.backends
@pytest.mark.parametrize("fault", ["chunks, then garbage", "an answer, and another's"])
def test_who_says_more_than_an_answer_is_not_asked_again(connect: Connect, service: Service, fault: str) -> None:
    """The rest of it may still be on its way, and would be read as the next answer."""
    sender = connect()
    meet(sender, service, FAULTS[ANSWERED][fault])
    assert len(set(service.peers)) == 2


@pytest.mark.backends
def test_whatever_its_status_an_answer_is_given_back(connect: Connect, service: Service) -> None:
    """No redirect is followed."""
    sender = connect()
    for status, place in itertools.product(
        (204, 205, 301, 302, 304, 307, 308, 599), ("https://a.test/", "file:///a", "/else", "\xff")
    ):
        assert meet(sender, service, answer(status, b"", f"Location: {place}")) == f"{status} with 0 bytes"


@pytest.mark.backends
def test_what_was_not_read_may_have_arrived(connect: Connect) -> None:
    """Unless nobody listens."""
    with Service(early=True) as service:
        service.act, sender = resets(), connect()
        assert sender.outcome(service.url) == LOST
    assert sender.outcome(service.url) == UNSENT


def memory(what: str) -> int:
    """Return a figure of this process, in bytes."""
    return 1024 * int(re.findall(rf"{what}:\s+(\d+)", Path("/proc/self/status").read_text())[0])


@pytest.mark.backends
def test_no_more_than_a_mebibyte_is_read(connect: Connect, service: Service) -> None:
    """Nor is it kept: memory grows by less than what the large ones have."""
    more, sender = MEBIBYTE + b" ", connect()
    acts = {
        "one byte more": says(head(503) + more),
        "one byte more, packed": answer(503, gzip.compress(more), "Content-Encoding: gzip"),
        "one byte more, announced and never sent": silent(head(503, f"Content-Length: {len(more)}")),
        "32 MB, packed": answer(503, gzip.compress(b" " * 2**25), "Content-Encoding: gzip"),
        "chunks without end": drips(head(503, CHUNKED), b"10000\r\n%s\r\n" % (b" " * 2**16), 0),
        "a body without end": drips(head(503), b" " * 2**16, 0),
    }
    sender.send(service.url)
    Path("/proc/self/clear_refs").write_text("5")
    before = memory("VmRSS")
    found = {name: meet(sender, service, act) for name, act in acts.items()}
    assert found == dict.fromkeys(acts, "503, is larger than 1,048,576 bytes")
    assert memory("VmHWM") - before < 24 * 2**20


SLOW = [
    (silent(), LATE),
    (drips(BEGUN, b"x"), LATE),
    (drips(b"", head(100)), LATE),
    (silent(head(200, "Content-Length: 9")), f"200, {LATE}"),
    (drips(LONG), f"200, {LATE}"),
    (drips(head(200, CHUNKED) + b"5;", b"x"), f"200, {LATE}"),
    (drips(head(503)), f"503, {LATE}"),
]


@pytest.mark.backends
def test_what_takes_too_long_ends_in_time(connect: Connect) -> None:
    """All of it side by side."""
    sender = connect()

    def trial(timeout: float, act: Act) -> str:
        with Service() as service:
            return meet(sender, service, act, timeout)

    with ThreadPoolExecutor(len(SLOW)) as pool:
        found = (list(pool.map(partial(trial, timeout), [act for act, _ in SLOW])) for timeout in TIMEOUTS)
        assert [outcome for _, outcome in SLOW] in found


@pytest.mark.backends
def test_what_comes_too_fast_ends_in_time(connect: Connect, service: Service) -> None:
    """100 as fast as can be: both sides take all the processor time that there is."""
    sender, act = connect(), drips(b"", head(100) * 50, 0)
    assert LATE in (meet(sender, service, act, timeout) for timeout in TIMEOUTS)


@pytest.mark.parametrize(("status", "kind"), [(404, NotFound), (503, DeadlineExceeded)])
def test_a_late_status_counts(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, status: int, kind: type[EngagementError]
) -> None:
    """Unless it would be tried again, and the call's deadline is over."""
    monkeypatch.setattr("liveperson_engagement._deadline.time", SimpleNamespace(monotonic=clock))

    def spend(_: object) -> None:
        clock.now += 9

    late = NoResponse("late", may_have_arrived=True, timed_out=True, response=Response(status))
    play = Play(late, on_response=spend)
    with pytest.raises(kind):
        play.client.visit().create_session(BODY, deadline=5)
