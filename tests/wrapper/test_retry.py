"""Which failures are tried again, after which pauses, and within which time."""

from __future__ import annotations

import functools
import json
import time
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace
from typing import Any

import pytest

from conftest import BODY, Backend, Clock
from doubles import GOOD, Play
from liveperson_engagement import EngagementClient, RetryPolicy, VisitIds, errors
from liveperson_engagement._deadline import CallDeadline
from liveperson_engagement.retry import retry_after
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement.transports import NoResponse
from liveperson_engagement_api.http import Headers, Response

DOCUMENTED = [5.0, 10.0, 15.0]
OTHER = {"appType": "EXTERNAL", "consumerSections": ["Support"]}
ARGUMENTS: dict[str, Any] = {"create_session": BODY, "update_session": {}, "report_impressions": "impDisplay"}
"""The methods of a visit that always ask, each with what it is called with."""


def raised_by(play: Play, *, known: bool = False, **options: Any) -> errors.EngagementError:
    """Fail to create a session, of a visitor who is known or not."""
    visit = play.client.visit(ids=VisitIds("v", "s") if known else None)
    with pytest.raises(errors.EngagementError) as raised:
        visit.create_session(BODY, **options)
    assert raised.value.attempts == len(play.sent)
    return raised.value


@pytest.fixture
def frozen(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Stop the clock of calls and deadlines."""
    clock = Clock()
    for module in ("_call", "_deadline"):
        monkeypatch.setattr(f"liveperson_engagement.{module}.time", SimpleNamespace(monotonic=clock))
    return clock


def test_every_status_is_raised_at_once_or_after_three_pauses() -> None:
    """3xx and 4xx are never tried again, 429 included; every 5xx is, registered or not, three times."""
    kinds = {400: errors.BadRequest, 401: errors.Unauthorized, 404: errors.NotFound}
    for status in (100, 199, *range(300, 600), 600, 999):
        again = 500 <= status <= 599
        play = Play(Response(status, Headers([("Location", "/elsewhere"), ("Retry-After", "1")])))
        error = raised_by(play)
        assert isinstance(error, errors.ApiError)
        assert type(error) is kinds.get(status, errors.ServerError if again else errors.ApiError)
        assert (error.status_code, error.response.status) == (status, status)
        assert (error.attempts, play.pauses) == ((4, DOCUMENTED) if again else (1, []))
    play = Play(Response(500), Response(503), Response(200, body=b"{}"))
    assert type(raised_by(play)) is errors.InvalidResponse  # which will not get better by asking again
    assert play.pauses == DOCUMENTED[:2]


def test_every_method_follows_the_same_policy(client: EngagementClient, backend: Backend, sandbox: Sandbox) -> None:
    """Every operation of the contract refers to it; a request that names its visitor may have arrived already."""
    visit = client.visit("shopper")
    for method, argument in ARGUMENTS.items():
        sandbox.fail_next(503, times=3)
        getattr(visit, method)(argument)
        for when in ("before", "after", "during"):
            sandbox.drop_connection(when=when, times=2)
            getattr(visit, method)(argument)
        assert backend.pauses == DOCUMENTED + DOCUMENTED[:2] * 3
        backend.pauses.clear()
    assert len(sandbox.visitors) == 1


@pytest.mark.parametrize(
    ("status", "header", "pause"),
    [(503, "4", 5), (599, "7", 7), (503, "9" * 400, 60), (503, "Fri, 31 Dec 2999 23:59:59 GMT", 60)],
)
def test_retry_after_lengthens_one_pause_up_to_a_minute(status: int, header: str, pause: float) -> None:
    """Only a longer one counts."""
    play = Play(Response(status, Headers([("Retry-After", header)])), Response(500), GOOD)
    assert play.client.visit().create_session(BODY).status == "Available"
    assert play.pauses == [pause, 10]


NOW = "Fri, 31 Dec 1999 23:59:29 GMT"


@pytest.mark.parametrize(
    ("asked", "now", "seconds"),
    [
        (" 60 ", "soon", 60),
        *((asked, "", 0) for asked in ("-7", "7.5", "nan", "٣", "")),
        *((asked, NOW, 0) for asked in ("soon", "Fri, 99 Dec 99999 23:59:59 GMT")),
        ("Fri, 31 Dec 1999 23:59:59 GMT", NOW, 30),
        ("Fri Dec 31 23:59:59 1999", NOW, 30),
        ("Friday, 31-Dec-99 23:59:59 GMT", NOW, 30),
        ("Fri, 31 Dec 1999 18:59:59 -0500", NOW, 30),
        ("Fri, 31 Dec 1999 23:59:59", "Fri, 31 Dec 1999 23:59:29 -0000", 30),
        ("Fri, 31 Dec 1999 23:59:59 -0000", "Fri, 31 Dec 1999 23:59:29", 30),
    ],
)
def test_a_date_is_measured_from_the_answers_own(
    monkeypatch: pytest.MonkeyPatch, asked: str, now: str, seconds: float
) -> None:
    """In each of HTTP's three forms; without a zone it is UTC, wherever this machine is."""
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        assert retry_after(Headers([("Retry-After", asked), ("Date", now)])) == seconds
    finally:
        monkeypatch.undo()
        time.tzset()


def test_without_the_answers_date_the_clock_counts() -> None:
    """As it does where that date cannot be read."""
    asked = format_datetime(datetime.now(UTC) + timedelta(hours=1))
    for now in ([], [("Date", "soon")]):
        assert 3000 < retry_after(Headers([("retry-after", asked), *now])) <= 3600
        assert retry_after(Headers(now)) == 0


@pytest.mark.parametrize(
    ("options", "pauses"),
    [
        ({"pauses": [0, 0.25, 0]}, [0, 0.25, 0]),
        ({"pauses": (10**9,)}, [10**9]),
        ({"max_retries": 1}, [5]),
        ({"max_retries": 5}, [5, 10, 15, 15, 15]),
        ({"max_retries": 0}, []),
        ({"pauses": [1, 2, 3], "max_retries": 2}, [1, 2]),
    ],
)
def test_the_policy_is_the_callers_choice(options: Any, pauses: list[float]) -> None:
    """As many retries as asked for, or not at all; the last pause is repeated."""
    play = Play(Response(503), retry=RetryPolicy(**options))
    assert raised_by(play).attempts == len(pauses) + 1
    assert play.pauses == pauses
    assert RetryPolicy.none() == RetryPolicy(())


@pytest.mark.parametrize(
    ("options", "path"),
    [
        *(({"pauses": (5, pause)}, "pauses[1]") for pause in (-1, float("nan"), float("inf"), "5", True, None)),
        *(({"max_retries": count}, "max_retries") for count in (-1, True, 1.5)),
        ({"pauses": (), "max_retries": 1}, "pauses"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(options: Any, path: str) -> None:
    """A pause is a finite number of seconds; the error names the argument."""
    with pytest.raises(errors.InvalidRequest, match=": must ") as raised:
        RetryPolicy(**options)
    assert raised.value.path == f"retry.{path}"


@pytest.mark.parametrize("timed_out", [False, True])
@pytest.mark.parametrize("arrived", [False, True])
@pytest.mark.parametrize("known", [False, True])
def test_what_may_have_arrived_is_sent_again_for_a_known_visitor(known: bool, arrived: bool, timed_out: bool) -> None:
    """A request that was not sent cannot have made a visitor, nor can one that names its visitor."""
    for permanent in (False, True):
        play = Play(NoResponse("gone", may_have_arrived=arrived, permanent=permanent, timed_out=timed_out))
        error = raised_by(play, known=known)
        assert isinstance(error, errors.ConnectionFailed)
        assert (isinstance(error, errors.Timeout), error.may_have_arrived) == (timed_out, arrived)
        assert play.pauses == ([] if permanent or (arrived and not known) else DOCUMENTED)


@pytest.mark.parametrize("method", ["create_session", "call"])
def test_loading_account_is_retried_with_the_visitor_it_names(
    client: EngagementClient, backend: Backend, sandbox: Sandbox, method: str
) -> None:
    """The retries name the vid of the message, so that one visitor exists in the end."""
    sandbox.loading_account(times=2)
    session = client.visit().create_session(BODY) if method != "call" else client.call("createSession", BODY)
    assert backend.pauses == [5.0, 10.0]
    assert [visitor.visitor_id for visitor in sandbox.visitors] == [session.visitor_id]
    assert [request.visitor_id for request in sandbox.requests] == [None, session.visitor_id, session.visitor_id]
    assert [request.session_id for request in sandbox.requests] == [None, None, None]


def test_an_account_that_stays_unloaded_leaves_its_visitor(client: EngagementClient, sandbox: Sandbox) -> None:
    """The next call goes on with the visitor that the service has made already."""
    sandbox.loading_account(times=4)
    visit = client.visit("shopper")
    with pytest.raises(errors.AccountLoading) as raised:
        visit.create_session(BODY)
    assert (raised.value.internal_code, raised.value.attempts) == (20, 4)
    assert visit.ids == VisitIds(sandbox.visitors[0].visitor_id, None, None)
    visit.create_session(BODY)
    assert len(sandbox.visitors) == 1


def test_loading_account_without_a_usable_vid_is_retried_plainly() -> None:
    """The vid stands only in a message of code 20, and is read with care."""
    begun = "Loading account: demo"
    for code, message in (
        (20, begun),
        (20, f"{begun}, vid:"),
        (20, f"{begun}, vid: .."),
        (20, 7),
        (18, f"{begun}, vid: a"),
    ):
        play = Play(Response(500, body=json.dumps({"message": message, "internalCode": code}).encode()), GOOD)
        assert play.client.visit().create_session(BODY).status == "Available"
        assert play.sent[0][1].path == play.sent[1][1].path


@pytest.mark.parametrize(
    ("operation", "body", "parameters"),
    [("updateSession", {"pageId": "1"}, {"visitor_id": "a", "sid": "s"}), ("findDomain", None, {})],
)
def test_what_starts_no_visit_is_repeated_as_it_was(operation: Any, body: Any, parameters: Any) -> None:
    """Whatever visitor "Loading account" names."""
    entity = {"message": "Loading account: demo, vid: b", "internalCode": 20}
    play = Play(Response(500, body=json.dumps(entity).encode()))
    call: Any = play.client.call
    with pytest.raises(errors.AccountLoading):
        call(operation, body, **parameters)
    assert [sent[1] for sent in play.sent] == [play.sent[0][1]] * 4


def test_a_deadline_counts_pauses_that_took_no_time(frozen: Clock) -> None:
    """What a test's sleep has skipped is taken off, and what the clock has seen is not taken off twice."""
    deadline, endless = CallDeadline(10.0), CallDeadline(None)
    assert deadline.remaining() == 10
    frozen.now += 4
    assert (deadline.remaining(), deadline.left()) == (6, 6)
    for skipped in (2.0, 1.0, 0.0, -5.0):
        deadline.add_skipped(skipped)
    assert (deadline.cap(None), deadline.cap(2.0), deadline.cap(9.0)) == (3, 2, 3)
    assert (deadline.can_wait(2.999), deadline.can_wait(3.0)) == (True, False)
    deadline.add_skipped(2.5)
    assert deadline.remaining() == 0.5
    deadline.add_skipped(5.0)
    assert deadline.left() == 0
    with pytest.raises(errors.DeadlineExceeded):
        deadline.remaining()
    assert (endless.remaining(), endless.left(), endless.cap(None), endless.cap(3.0)) == (None, None, None, 3)
    assert endless.can_wait(10**9)


def test_a_wrong_deadline_of_a_call_is_refused() -> None:
    """The line says what would be right; nothing is sent, as is nothing in no time at all."""
    play = Play(GOOD)
    line = "deadline: must be a number of seconds, at least 0 and at most 1,000,000,000"
    assert str(raised_by(play, deadline=-1)) == line
    assert type(raised_by(play, deadline=0)) is errors.DeadlineExceeded
    assert not play.sent


@pytest.mark.usefixtures("frozen")
@pytest.mark.parametrize(
    ("deadline", "count"), [(0.9, 0), (5.0, 0), (5.5, 1), (15.0, 1), (15.5, 2), (30.0, 2), (30.5, 3)]
)
def test_no_pause_is_begun_that_would_cross_the_deadline(deadline: float, count: int) -> None:
    """The deadline bounds the whole call, pauses included; the last failure is its cause."""
    play = Play(Response(503))
    error = raised_by(play, deadline=deadline)
    assert (play.pauses, error.attempts) == (DOCUMENTED[:count], count + 1)
    if count == 3:
        assert type(error) is errors.ServerError
    else:
        line = f"deadline: the call did not end within {deadline} seconds; allow more, or try again later"
        assert (type(error), str(error)) == (errors.DeadlineExceeded, line)
        assert isinstance(error.__cause__, errors.ServerError)


def test_the_clock_runs_while_a_call_does(frozen: Clock) -> None:
    """A pause that it has seen is counted once; a failure is what is raised unless the time is over."""

    def spend(event: Any) -> None:
        frozen.now += event if isinstance(event, float) else 1.0

    play = Play(Response(503), Response(503), GOOD, retry=RetryPolicy((4.0, 4.0)), sleep=spend)
    assert play.client.visit().create_session(BODY, deadline=10).status == "Available"
    assert frozen.now == 1008
    gone = NoResponse("gone", may_have_arrived=True)
    assert type(raised_by(Play(gone), deadline=0.9)) is errors.ConnectionFailed
    assert type(raised_by(Play(gone, on_response=spend), deadline=0.9)) is errors.DeadlineExceeded


@pytest.mark.usefixtures("frozen")
def test_an_attempt_ends_at_the_timeout_or_the_deadline() -> None:
    """Whichever comes first."""
    for timeout, deadline, seconds in ((3, None, 3), (3, 500, 3), (10, 7, 7), (None, 7, 7), (None, None, None)):
        play = Play(GOOD, timeout=timeout)
        play.client.visit().create_session(BODY, deadline=deadline)
        assert [sent[2] for sent in play.sent] == [seconds]


@pytest.mark.backends("sync", "async")
def test_a_calls_own_deadline_stands_in_for_the_clients(backend: Backend, sandbox: Sandbox) -> None:
    """Whichever of the two is longer, for each method."""
    for usual, own, ends in ((8, None, True), (300, 8, True), (8, 300, False), (None, 8, True), (None, None, False)):
        client = backend.client(base_url=sandbox.url, deadline=usual)
        visit = client.visit("shopper")
        visit.create_session(BODY)
        calls: list[Any] = [(getattr(visit, name), argument) for name, argument in ARGUMENTS.items()]
        calls += [(visit.engagement, OTHER), (functools.partial(client.call, "createSession"), BODY)]
        for call, argument in calls:
            sandbox.fail_next(503, times=2)
            with pytest.raises(errors.DeadlineExceeded) if ends else nullcontext():
                call(argument, deadline=own)


@pytest.mark.backends("sync", "async")
def test_pauses_are_those_of_the_standard_library(
    backend: Backend, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that is given no other sleep pauses for real."""
    pauses: list[float] = []

    async def note(seconds: float) -> None:
        pauses.append(seconds)

    with monkeypatch.context() as patch:
        patch.setattr("asyncio.sleep", note)
        patch.setattr("liveperson_engagement.client.time", SimpleNamespace(sleep=pauses.append))
        client = backend.client(base_url=sandbox.url, sleep=None)
    sandbox.fail_next(503)
    client.visit().create_session(BODY)
    assert pauses == [5]
