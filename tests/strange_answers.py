"""Answers that no service should give, as a Hypothesis strategy, and what may come of them.

They start from the contract's examples, and are changed as values, as text, as bytes and on their way. Whatever comes
back, a call ends with what the contract promises or with an error of the tree, and loses no visitor.
"""

import gzip
import json
import math
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from hypothesis import strategies as st

from conftest import Backend
from faults_service import Service, Wire
from liveperson_engagement import EngagementError, MemoryStore, RequestEvent, RetryPolicy, errors
from liveperson_engagement.errors import ApiError, BadRequest, InvalidResponse, NotFound
from liveperson_engagement.stores import Record, VisitIds
from strategies import CONTRACT, ODD, judge, places, replaced

KEY = "strange-key-2c81"
IDS = {"visitorId": "known-visitor-5d1f", "sessionId": "known-session-77a0", "pageId": "known-page-c3e2"}
OTHERS = {"visitorId": "another-visitor-1b9c", "sessionId": "another-session-f04d", "pageId": "another-page-8e6a"}
VISITOR, SESSION, PAGE = IDS.values()
PERSONAL = "Sarah W\u00e9st <sarahw@example.com>"
BODY: Any = {"appType": "EXTERNAL", "consumerSections": [PERSONAL]}
UPDATE: Any = {"engagementAttributes": [{"type": "lead", "lead": {"topic": PERSONAL}}]}
ASKS = ("create_session", "engagement")
STATUS_OF = {"BadRequest": 400, "Unauthorized": 401, "NotFound": 404, "InternalError": 500, "Unavailable": 503}


def _examples(name: str, status: int) -> list[tuple[int, Any]]:
    content = CONTRACT["components"]["responses"][name]["content"]["application/json"]
    return [(status, each["value"]) for each in content["examples"].values()]


SESSIONS = [(200, {**value, **IDS}) for _, value in _examples("Session", 200)]
ERRORS = [each for name, status in STATUS_OF.items() for each in _examples(name, status)]
DOMAIN = {"service": "msdkgw", "account": "demo", "baseURI": "host.liveperson.net"}
GOOD: dict[str, list[tuple[int, Any]]] = {
    "create_session": SESSIONS,
    "engagement": SESSIONS,
    "update_session": [(200, None)],
    "report_impressions": [(200, None)],
    "find_domain": [(200, DOMAIN)],
}
"""The calls, and their good answers; None stands for an empty one."""


@dataclass(frozen=True)
class Answer:
    """What comes back; as much of it as comes before the connection ends."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    share: float = 1

    def write(self, wire: Wire) -> None:
        """Send it."""
        lines = [b"HTTP/1.1 %d x" % self.status, b"Connection: close", b"Content-Length: %d" % len(self.body)]
        lines += [name + b": " + value for name, value in self.headers]
        whole = b"\r\n".join([*lines, b"", self.body])
        wire.sendall(whole[: int(len(whole) * self.share)])


MESSAGES = [
    *(f"Loading account: demo, vid: {vid}" for vid in (VISITOR, OTHERS["visitorId"], "..", "", "v" * 70_000)),
    f"no such visitor {VISITOR} in session {SESSION}, said {PERSONAL}\u2028{PERSONAL}, vid: \n",
    "%s %d {{}} \x00\x1b[31m",
]
RAW_NUMBERS = ["NaN", "-Infinity", "1e999", "-0.0", "9" * 25, "1" + "0" * 4500, "9007199254740993.0", "0x10"]
RAW_TEXTS = ['"9223372036854775808"', '"00"', r'"\ud800"', r'"\udc00\ud800"', r'"\x41"', '"\t"', r'"a\nb"', "'single'"]
RAW_VALUES = ["[" * 300 + "]" * 300, "[" * 3000, "undefined", "{}{}", "\ufeff1", f'"{"x" * 70_000}"', '"a/../b?c#d"']
RAW = [*RAW_NUMBERS, *RAW_TEXTS, *RAW_VALUES]
"""Text that no JSON encoder would write; a mark stands for it in a value."""
ODDITIES = st.sampled_from([*ODD, *MESSAGES]) | st.integers(0, len(RAW) - 1).map(lambda number: f"\ue000{number}")
NAMES = ["a\nb", "", "\u202e", "__proto__", "status", "visitorId", "a.b[0]", "x" * 3000, "\x1b[31m", "\ud800"]
CODINGS = [b"gzip", b"deflate", b"gzip, deflate", b"br", b"identity", b"x-gzip", b"GZIP", b"nonsense", b","]
HEADERS = [
    *((b"Retry-After", date) for date in (b"-5", b"1e9", b"9" * 400, b"\xd9\xa3", b"Wed, 21 Oct 2099 07:28:00 GMT")),
    (b"Content-Type", b"text/html; charset=utf-16"),
    (b"Content-Type", b"\xff\xff;;;=;"),
    (b"Location", b"http://169.254.169.254/?sid=" + SESSION.encode()),
    (b"Set-Cookie", b"vid=\xc3\xa9" + VISITOR.encode()),
    (b"X-Long", b"x" * 5000),
    (b"\xc3\xa9", b"\xc3\xa9"),
]
STATUSES = st.sampled_from([201, 204, 206, 301, 302, 400, 404, 429, 500, 503, 520]) | st.integers(200, 599)
SELDOM = st.sampled_from([False] * 9 + [True])


@st.composite
def _json(draw: st.DrawFn, value: Any) -> str:
    """Write an answer, changed in some places."""
    for place, part in list(places(value)):
        names = {"message": MESSAGES, **{name: [part, OTHERS[name]] for name in OTHERS}}
        if place and place[-1] in names and draw(st.booleans()):
            value = replaced(value, place, draw(st.sampled_from(names[str(place[-1])])))
    for _ in range(draw(st.sampled_from([0, 0, 1, 1, 2, 5]))):
        place, part = draw(st.sampled_from(list(places(value))))
        change = draw(st.sampled_from(["gone", "name", "spelled", "odd", "odd"]))
        if change == "gone" and place:
            value = replaced(value, place, ...)
        elif change == "name" and isinstance(part, dict):
            value = replaced(value, place, {**part, draw(st.sampled_from(NAMES)): draw(ODDITIES)})
        elif change == "spelled" and isinstance(part, str | int | float):
            others: list[Any] = [str(part), [part], part * 2, f"{part}\n", f"{part}\ud800", str(part) * 4000]
            value = replaced(value, place, draw(st.sampled_from(others)))
        elif place:
            value = replaced(value, place, draw(ODDITIES))
    text = "" if value is None else json.dumps(value)
    if draw(SELDOM):
        text = text.replace("{", '{"status": 5, ', 1)  # a member that is there twice
    return re.sub(r'"\\ue000(\d+)"', lambda found: RAW[int(found[1])], text)


@st.composite
def _damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """Leave bytes out, or put others in their place."""
    first, last = sorted(draw(st.tuples(*[st.integers(0, len(content))] * 2)))
    others = [b"", content[first:last] * 3, b'"', b"\\", b"{", b"}", b",", b"\x00"]
    return content[:first] + draw(st.sampled_from(others) | st.binary(max_size=4)) + content[last:]


@st.composite
def answers(draw: st.DrawFn, call: str) -> Answer:
    """Make answers to a call."""
    status, value = draw(st.sampled_from(GOOD[call]) | st.sampled_from([*GOOD[call], *ERRORS]))
    status = draw(STATUSES) if draw(SELDOM) else status
    coding = draw(st.sampled_from(["utf-8"] * 14 + ["utf-8-sig", "utf-16", "utf-32", "latin-1"]))
    body = draw(_json(value)).encode(coding, "surrogatepass" if coding.startswith("utf") else "replace")
    for _ in range(draw(st.sampled_from([0, 0, 0, 0, 1, 3]))):
        body = draw(_damaged(body))
    headers = draw(st.lists(st.sampled_from(HEADERS), min_size=1, max_size=3)) if draw(SELDOM) else []
    if draw(SELDOM):
        body = draw(st.sampled_from([gzip.compress(body), zlib.compress(body), body]))
        headers.append((b"Content-Encoding", draw(st.sampled_from(CODINGS))))
    return Answer(status, body, tuple(headers), draw(st.floats(0, 0.999)) if draw(SELDOM) else 1)


@st.composite
def cases(draw: st.DrawFn) -> tuple[str, str, list[Answer]]:
    """Make calls, what is known before, and answers; where there are several, the client tries again."""
    call = draw(st.sampled_from(sorted(GOOD)))
    known = draw(st.sampled_from(["nothing", "visitor", "session", "engagement"])) if call in ASKS else "engagement"
    return call, known, draw(st.lists(answers(call), min_size=1, max_size=4 if draw(SELDOM) else 1))


class Player:
    """A client whose answers are made up, and what it has asked and got in its last call."""

    def __init__(self, backend: Backend, service: Service) -> None:
        self.asked, self.served, self._service, self._calls = list[str](), list[Answer](), service, 0

        def note(event: RequestEvent) -> None:
            self.asked.append(event.request.target)

        options: Any = {"base_url": service.url, "domain_api": service.url, "timeout": 30, "on_request": note}
        self._client = backend.client(**options)

    def play(self, call: str, known: Record | None, answers: list[Answer]) -> tuple[Any, Record | None]:
        """Make a call of a visit of which something is known; return its result or error, and what is known then."""

        def act(wire: Wire) -> None:
            self.served.append(answers[min(len(self.served), len(answers) - 1)])
            self.served[-1].write(wire)

        store, account = MemoryStore(), f"a{self._calls}"
        self.asked, self.served, self._service.act, self._calls = [], [], act, self._calls + 1
        if known:
            store.compare_and_set(f"{account}:{KEY}", None, known)
        retry = RetryPolicy() if len(answers) > 1 else RetryPolicy.none()
        options: Any = {"base_url": None} if call == "find_domain" else {}
        client = self._client.with_options(store=store, account_id=account, retry=retry, **options)
        arguments: Any = {"update_session": [UPDATE], "report_impressions": ["impDisplay", "impClose"]}
        method = client.find_domain if call == "find_domain" else getattr(client.visit(KEY), call)
        result: Any
        try:
            result = method(*arguments.get(call, [BODY] if call in ASKS else []))
        except Exception as error:  # noqa: BLE001 - of whatever kind: it is judged below
            result = error
        found = store.load(f"{account}:{KEY}")
        return result, found and found.record


DOCUMENTED = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, EngagementError)]


def judge_case(player: Player, call: str, before: Record | None, answers: list[Answer]) -> None:
    """Make a call and check what comes of it, and that the next call works."""
    result, after = player.play(call, before, answers)
    last = player.served[-1]
    if isinstance(result, Exception):
        _judge_error(call, player, result)
        _judge_memory(call, player, before, after, result)
    else:
        _judge_result(call, before, after, result)
        assert last.status == 200, "a bad answer was accepted"
    visitor, session = _named(last)
    whole = 200 <= last.status < 300 and last.status != 204 and not last.headers and last.share == 1  # 204 has no body
    if call in ASKS and whole and judge("VisitorId").allows(visitor) and judge("SessionId").allows(session):
        assert (after and (after.ids.visitor_id, after.ids.session_id)) == (visitor, session), "a visitor is lost"
    if after != before:
        again, _ = player.play("create_session", after, [Answer(200, json.dumps(SESSIONS[-1][1]).encode())])
        assert not isinstance(again, Exception), f"the next call fails: {again!r}"
        place = player.asked[0].partition("?")[0].split("/")
        assert (len(place), bool(place[-1])) == (8, after is not None), "the next call goes to another address"


def _judge_error(call: str, player: Player, error: Exception) -> None:
    assert type(error) in DOCUMENTED, f"undocumented: {error!r}"
    line = str(error)
    assert (line.isprintable(), len(line) <= 600) == (True, True), f"prints {len(line)} characters, or unprintable ones"
    sent = "".join([*player.asked, *([PERSONAL] if call in (*ASKS, "update_session") else [])])
    for secret in (VISITOR, SESSION, PERSONAL):
        assert secret not in sent or secret not in line + repr(error), f"prints {secret}"
    statuses = {answer.status for answer in player.served} - {*range(200, 300)}
    assert not isinstance(error, ApiError) or error.status_code in statuses, "has a status that was not sent"


def _judge_memory(call: str, player: Player, before: Record | None, after: Record | None, error: Exception) -> None:
    if after == before:
        unknown = isinstance(error, NotFound) and before is not None and call != "find_domain"
        assert not unknown, "ids that the service does not know are still remembered"
    elif after is None:
        assert isinstance(error, NotFound | BadRequest), "what was remembered is lost"
    else:
        named = isinstance(error, InvalidResponse) or any(answer.status == 500 for answer in player.served)
        assert named, "a bad answer changed what is remembered"
        assert judge("VisitorId").allows(after.ids.visitor_id), "the visitor's id is none"


def _judge_result(call: str, before: Record | None, after: Record | None, result: Any) -> None:
    if call == "find_domain":
        assert re.fullmatch(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?", result), "the domain is no host"
    elif call not in ASKS:
        assert (result, after) == (None, before), "an update changed what is remembered"
    else:
        assert judge("Session").allows(result.to_dict()), "a session breaks the contract"
        ids = VisitIds(result.visitor_id, result.session_id, result.page_id)
        assert after is not None
        assert after.ids == ids, "other ids are remembered than were given out"
        assert after.engagement is not None or result.status == "NotAvailable", "an engagement is not remembered"


def _named(answer: Answer) -> list[str | None]:
    """Read visitor and session of an answer, numbers included, by a reading that is not the package's."""
    readings: dict[str, Callable[[str], str | None]] = {
        "parse_int": lambda digits: digits if len(digits) < 301 else None,
        "parse_float": lambda digits: str(float(digits)) if math.isfinite(float(digits)) else None,
        "parse_constant": lambda _: None,
    }
    try:
        text = answer.body.decode("utf-8-sig", "surrogateescape")
        value: Any = json.loads(text, **cast(Any, readings), strict=False)
    except (ValueError, RecursionError):
        return [None, None]
    members: dict[str, Any] = cast(Any, value) if isinstance(value, dict) else {}
    return [each if isinstance(each, str) else None for each in map(members.get, ("visitorId", "sessionId"))]
