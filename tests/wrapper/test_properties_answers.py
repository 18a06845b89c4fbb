"""Properties of answers: whatever happens to a documented one, no visitor that it names is lost."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from test_answers import NOT_AVAILABLE, ask

from conftest import BODY
from liveperson_engagement import EngagementClient, EngagementError, InvalidResponse
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement.transports import Transport, make_transport
from liveperson_engagement_api.http import Request, Response
from strategies import CONTRACT, examples

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just("\ud800")
HUGE: list[Any] = ["x" * 50_000, 10**4500, [0] * 5000, {str(number): number for number in range(2000)}]
Mutation = Callable[[Any, tuple[Any, ...]], None]


def null(holder: Any, place: Any, _: Any) -> None:
    """Replace a member by null."""
    holder[place] = None


def drop(holder: Any, place: Any, _: Any) -> None:
    """Leave a member out."""
    del holder[place]


def retype(holder: Any, place: Any, draw: Any) -> None:
    """Give a member another value."""
    holder[place] = draw(SCALARS)


def rename(holder: Any, place: Any, draw: Any) -> None:
    """Call a member by another name."""
    value = holder.pop(place)
    holder[draw(st.text(max_size=10))] = value


def add(holder: Any, _: Any, draw: Any) -> None:
    """Add a member."""
    holder.setdefault(draw(st.text(min_size=1, max_size=10)), draw(SCALARS))


def nest(holder: Any, place: Any, draw: Any) -> None:
    """Put a member into an object or a list."""
    wrapped: list[Any] = [{"value": holder[place]}, [holder[place]]]
    holder[place] = draw(st.sampled_from(wrapped))


def huge(holder: Any, place: Any, draw: Any) -> None:
    """Make a member large."""
    holder[place] = draw(st.sampled_from([*HUGE]))


MUTATIONS: list[Any] = [null, drop, retype, nest, add, rename, huge]
GOOD: list[Any] = [
    example["value"]
    for example in CONTRACT["components"]["responses"]["Session"]["content"]["application/json"]["examples"].values()
]


@st.composite
def mutated(draw: Any) -> bytes:
    """Take a documented answer, and do three things to it; members may stand in it twice."""
    answer = json.loads(json.dumps(draw(st.sampled_from(GOOD))))
    for mutate in draw(st.lists(st.sampled_from(MUTATIONS), min_size=3, max_size=3)):
        holders: list[Any] = [answer, *(each for each in answer.values() if isinstance(each, dict))]
        holder = draw(st.sampled_from(holders))
        if holder:
            mutate(holder, draw(st.sampled_from(sorted(holder))), draw)
    return _written(answer, twice=draw(st.booleans()))


def _written(answer: Any, *, twice: bool) -> bytes:
    limit = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        text = json.dumps(answer)
    finally:
        sys.set_int_max_str_digits(limit)
    return (f'{{"status": 5, {text[1:]}' if twice and len(text) > 2 else text).encode()


class Mutating(Transport):
    """Sends over real sockets, and has something done to the answers that the service gives."""

    def __init__(self) -> None:
        self._inner = make_transport(None, asynchronous=False, proxy=None, ssl_context=None, max_connections=None)
        self.mutate: Callable[[bytes], bytes] = bytes

    def send(self, base_url: str, request: Request, timeout: float | None) -> Response:
        """Send a request and change its answer."""
        response = self._inner.send(base_url, request, timeout)
        return Response(response.status, response.headers, self.mutate(response.body))

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()


def good_id(content: bytes, name: str) -> str | None:
    """Return an id of an answer if it is good, by a reading of the rule that shares no code with the package."""
    try:
        value = json.loads(content.decode(), parse_int=str, parse_constant=str).get(name)
    except (ValueError, AttributeError):
        return None
    if not isinstance(value, str) or not 0 < len(value) <= 2000 or any("\ud800" <= each <= "\udfff" for each in value):
        return None
    return value if value.strip(".") or name != "visitorId" else None


@given(content=mutated())
@examples()
def test_no_answer_loses_a_visitor(sandbox: Sandbox, content: bytes) -> None:
    """If visitor and session are good, the next call names them; nothing but EngagementError is raised."""
    sandbox.reset()
    with EngagementClient("demo", base_url=sandbox.url) as client:
        try:
            ask(client, sandbox, content)
        except EngagementError as error:
            printed = "".join(traceback.format_exception(error, limit=0)) + repr(error)
            assert not {secret for secret in ("xyz", "4743822558") if secret in printed}
        sandbox.answer_next(body=json.dumps(NOT_AVAILABLE).encode())
        client.visit("shopper").create_session(BODY)
    visitor_id, session_id = good_id(content, "visitorId"), good_id(content, "sessionId")
    if visitor_id is not None and session_id is not None:
        assert (sandbox.requests[1].visitor_id, sandbox.requests[1].session_id) == (visitor_id, session_id)


@given(data=st.data())
@examples(0.2)
def test_a_loop_of_broken_answers_makes_one_visitor(sandbox: Sandbox, data: Any) -> None:
    """Fifty calls of one key, each answer broken in everything but its ids."""
    sandbox.reset()

    def mutate(content: bytes) -> bytes:
        answer = json.loads(content)
        kept = {name: answer.pop(name) for name in ("visitorId", "sessionId")}
        for mutation in data.draw(st.lists(st.sampled_from(MUTATIONS[:5]), min_size=3, max_size=3)):
            if answer:
                mutation(answer, data.draw(st.sampled_from(sorted(answer))), data.draw)
        return json.dumps({**answer, **kept}).encode()

    transport = Mutating()
    transport.mutate = mutate
    with EngagementClient("demo", base_url=sandbox.url, transport=transport) as client:
        for _ in range(50):
            try:
                client.visit("shopper").create_session(BODY)
            except InvalidResponse:
                continue
    assert len(sandbox.visitors) == 1
    assert len(sandbox.requests) == 50
