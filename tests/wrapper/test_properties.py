"""Properties of what is sent: all that the contract allows arrives as it was given; all that it forbids stays here."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from conftest import BODY, Backend
from liveperson_engagement import DomainLookupFailed, EngagementClient, InvalidRequest, NotFound, Visit, VisitIds
from liveperson_engagement.sandbox import Sandbox, SandboxRequest
from liveperson_engagement_api import models
from strategies import ANYTHING, NOT_JSON, SCHEMAS, TEXTS, allowed, examples, judge, mutated, places, written

BACKENDS = ("sync", "async", "sync fast", "async fast")
SENDS = {"create_session": "CreateSessionBody", "engagement": "CreateSessionBody", "update_session": "SessionUpdate"}
REQUIRED = {name for schema in SCHEMAS.values() for name in schema.get("required", ())}


@pytest.fixture(scope="module")
def clients(running_sandbox: Sandbox) -> Iterator[dict[str, EngagementClient]]:
    """Connect one client of each backend for all examples."""
    with ExitStack() as stack:
        yield {name: Backend(name, stack).client(base_url=running_sandbox.url) for name in BACKENDS}


def as_sent(value: Any) -> str:
    """Write JSON so that 1, 1.0 and true differ, and the order of members."""
    return json.dumps(value, ensure_ascii=False)


def without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Read an object, no two members of which have one name."""
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def arrived(sandbox: Sandbox) -> tuple[SandboxRequest, Any]:
    """Return the last request, and its body, read strictly."""
    request = sandbox.requests[-1]
    return request, json.loads(request.raw_body.decode(), object_pairs_hook=without_twins)


# --- What is allowed -------------------------------------------------------------------------------------------------


@examples()
@given(
    backend=st.sampled_from(BACKENDS),
    body=allowed("CreateSessionBody"),
    call=st.sampled_from(["create_session", "engagement"]),
)
def test_a_session_body_that_the_contract_allows_arrives_as_it_was_given(
    clients: dict[str, EngagementClient], running_sandbox: Sandbox, backend: str, body: Any, call: str
) -> None:
    """Byte for byte, the order of members and the kinds of numbers included; and its attributes are on the list."""
    running_sandbox.reset()
    getattr(clients[backend].visit(), call)(body)
    request, sent = arrived(running_sandbox)
    assert (request.operation_id, request.status) == ("createSession", 200)
    assert as_sent(sent) == as_sent(body)
    [visitor] = running_sandbox.visitors
    assert as_sent(visitor.sessions[0].attributes) == as_sent(body.get("engagementAttributes", []))


@examples()
@given(backend=st.sampled_from(BACKENDS), update=allowed("SessionUpdate") | allowed("UpdateSessionBody"))
def test_update_that_the_contract_allows_arrive_as_they_were_given(
    clients: dict[str, EngagementClient], running_sandbox: Sandbox, backend: str, update: Any
) -> None:
    """With the session's own pageId in front, unless there is one."""
    assume("pageId" not in update or judge("PageId").allows(update["pageId"]))
    running_sandbox.reset()
    visit = clients[backend].visit()
    page = visit.create_session(BODY).page_id
    visit.update_session(update)
    request, sent = arrived(running_sandbox)
    assert (request.operation_id, request.status) == ("updateSession", 200)
    assert as_sent(sent) == as_sent({"pageId": page, **update})
    [visitor] = running_sandbox.visitors
    assert as_sent(visitor.sessions[0].updates) == as_sent([sent])
    assert as_sent(visitor.sessions[0].attributes) == as_sent(update.get("engagementAttributes", []))
    assert as_sent(visitor.sessions[0].impressions) == as_sent(update.get("impAttributes", []))


@examples(0.5)
@given(backend=st.sampled_from(BACKENDS), body=allowed("CreateSessionBody"), update=allowed("SessionUpdate"))
def test_the_generated_models_arrive_as_the_json_they_were_made_of(
    clients: dict[str, EngagementClient], running_sandbox: Sandbox, backend: str, body: Any, update: Any
) -> None:
    """A model says the same as a dict, whatever the order of its members."""
    running_sandbox.reset()
    visit = clients[backend].visit()
    page = visit.create_session(models.CreateSessionBody.from_dict(body).to_dict()).page_id
    assert arrived(running_sandbox)[1] == body
    assume("pageId" not in update)
    visit.update_session(models.SessionUpdate.from_dict(update).to_dict())
    assert arrived(running_sandbox)[1] == {"pageId": page, **update}
    visit.update_session(models.UpdateSessionBody.from_dict({**update, "pageId": "another"}).to_dict())
    assert arrived(running_sandbox)[1] == {**update, "pageId": "another"}


# --- What is forbidden -----------------------------------------------------------------------------------------------


def places_of(body: Any) -> set[str]:
    """Name all places in a body, and those of required members that it does not have."""
    found: set[str] = set()
    for place, part in places(body):
        found.add(written(place))
        if isinstance(part, dict):
            found |= {written((*place, name)) for name in REQUIRED - part.keys()}
    return found


@examples(3)
@given(
    backend=st.sampled_from(BACKENDS),
    made=st.sampled_from(sorted(SENDS)).flatmap(lambda call: st.tuples(st.just(call), mutated(SENDS[call]))),
)
def test_a_body_is_refused_before_anything_is_sent_if_and_only_if_the_contract_forbids_it(
    clients: dict[str, EngagementClient], running_sandbox: Sandbox, backend: str, made: tuple[str, Any]
) -> None:
    """The path leads into the body, to something that is wrong, or to the missing member; what is known stays."""
    running_sandbox.reset()
    call, body = made
    visit = clients[backend].visit()
    visit.create_session(BODY)
    ids, asked = visit.ids, len(running_sandbox.requests)
    component = SENDS[call]
    if call == "update_session" and isinstance(body, dict) and "pageId" in body:
        component = "UpdateSessionBody"
    if judge(component).allows(body):
        getattr(visit, call)(body)
        assert as_sent(arrived(running_sandbox)[1]).endswith(as_sent(body)[1:])
        return
    if judge(component).allows(as_json_writes(body)) and written_names(body, visit, call):
        content = running_sandbox.requests[-1].raw_body
        assert content.endswith(json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()[1:])
        return
    with pytest.raises(InvalidRequest) as raised:
        getattr(visit, call)(body)
    error = raised.value
    assert error.path in places_of(body), error
    if judge_can_read(body):
        assert error.path in judge(component).wrong_places(body), error
    assert error.reason in str(error)
    assert str(error).isprintable()
    assert len(running_sandbox.requests) == asked
    assert visit.ids == ids


def as_json_writes(body: Any) -> Any:
    """Write a body as the json module does, which makes text of names that are numbers, and read it again."""
    try:
        return json.loads(json.dumps(body, allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        return None


def written_names(body: Any, visit: Visit, call: str) -> bool:
    """Send a body whose only fault are such names; they pass where the contract does not know what they name."""
    try:
        getattr(visit, call)(body)
    except InvalidRequest as error:
        return "names" not in error.reason
    return True


def judge_can_read(body: Any) -> bool:
    """Tell whether a body breaks the contract although JSON can carry all of it."""
    try:
        json.dumps(body, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError):
        return False
    return bool(as_json_writes(body) == body)


@examples(0.5)
@given(
    backend=st.sampled_from(BACKENDS),
    kinds=st.lists(TEXTS | ANYTHING | NOT_JSON, min_size=1, max_size=3),
    good=st.booleans(),
)
def test_only_documented_kinds_of_impressions_are_reported(
    clients: dict[str, EngagementClient], running_sandbox: Sandbox, backend: str, kinds: list[Any], *, good: bool
) -> None:
    """Whatever else stands for a kind is refused at its own place, before anything is sent."""
    running_sandbox.reset()
    visit = clients[backend].visit()
    visit.create_session(BODY)
    given_kinds: list[Any] = ["impClose", *kinds] if good else kinds
    with pytest.raises(InvalidRequest) as raised:
        visit.report_impressions(*given_kinds)
    assert raised.value.path == f"kinds[{int(good)}]"
    assert len(running_sandbox.requests) == 1


# --- Texts that try to break out of their place ----------------------------------------------------------------------

BREAKOUTS = st.lists(
    st.sampled_from(
        [
            "/",
            "\\",
            "..",
            ".",
            "?",
            "#",
            "&",
            "=",
            "%2f",
            "%2e",
            "%",
            "\r\n",
            "\n",
            " ",
            "\x00",
            ";",
            "@",
            ":",
            "sid=",
            "v=2",
        ]
    )
    | TEXTS,
    min_size=1,
    max_size=6,
).map("".join)


@examples(2)
@given(backend=st.sampled_from(BACKENDS), visitor=BREAKOUTS, session=BREAKOUTS, page=BREAKOUTS)
def test_ids_stay_in_their_place(
    clients: dict[str, EngagementClient], running_sandbox: Sandbox, backend: str, visitor: str, session: str, page: str
) -> None:
    """One segment of the path, one member of the query, one member of the body; or they are refused."""
    running_sandbox.reset()
    ids = {"visitor_id": ("VisitorId", visitor), "session_id": ("SessionId", session), "page_id": ("PageId", page)}
    wrong = [name for name, (component, text) in ids.items() if not judge(component).allows(text)]
    if wrong:
        with pytest.raises(InvalidRequest) as raised:
            clients[backend].visit(ids=VisitIds(visitor, session, page))
        assert raised.value.path in {f"ids.{name}" for name in wrong}
        return
    visit = clients[backend].visit(ids=VisitIds(visitor, session, page))
    with pytest.raises(NotFound):
        visit.update_session({})
    visit = clients[backend].visit(ids=VisitIds(visitor, session, page))
    with pytest.raises(NotFound):
        visit.create_session(BODY)
    for request, operation in zip(running_sandbox.requests, ("updateSession", "continueSession"), strict=True):
        assert request.operation_id == operation
        assert re.fullmatch(r"/api/account/demo/app/engagement/visitors/[^/?#\\\s]+", request.path)
        assert request.query == {"v": "1.0", "sid": session}
        assert (request.account_id, request.visitor_id, request.session_id) == ("demo", visitor, session)
    assert running_sandbox.requests[0].body == {"pageId": page}


@examples(2)
@given(
    backend=st.sampled_from(BACKENDS),
    account=BREAKOUTS | st.from_regex(r"[a-zA-Z0-9_]{1,21}\n?", fullmatch=True),
    key=BREAKOUTS,
)
def test_an_account_id_is_one_segment_or_refused(
    clients: dict[str, EngagementClient], running_sandbox: Sandbox, backend: str, account: str, key: str
) -> None:
    """Whatever the key is: that never leaves this process."""
    running_sandbox.reset()
    options: Any = {"account_id": account, "base_url": None, "domain_api": running_sandbox.url}
    if not judge("AccountId").allows(account):
        with pytest.raises(InvalidRequest) as raised:
            clients[backend].with_options(**options)
        assert raised.value.path == "account_id"
        return
    assume(key)
    clients[backend].with_options(**options).visit(key).create_session(BODY)
    *lookup, path = [request.path for request in running_sandbox.requests]
    assert path == f"/api/account/{account}/app/engagement/visitors/"
    assert lookup in ([], [f"/api/account/{account}/service/msdkgw/baseURI.json"])


def connected(options: Any) -> EngagementClient | InvalidRequest:
    """Make a client, or return why not."""
    try:
        return EngagementClient("demo", **options)
    except InvalidRequest as error:
        return error


URLS = st.lists(
    st.sampled_from(
        [
            *(
                "https://",
                "http://",
                "https:",
                "//",
                "/",
                "host.example",
                "127.0.0.1",
                "localhost",
                "[::1]",
                "[::",
                ":443",
                ":0",
            ),
            *(
                ":99999",
                "@",
                "user:pass@",
                "?",
                "?a=b",
                "#",
                "\\",
                " ",
                "\n",
                "%2f",
                "..",
                "/../",
                "\u0131",
                "xn--",
                "\x00",
                "api",
            ),
        ]
    )
    | TEXTS,
    min_size=1,
    max_size=6,
).map("".join)


@examples(3)
@given(
    base=URLS | URLS.map(lambda rest: f"https://host.example{rest}"),
    argument=st.sampled_from(["base_url", "domain_api"]),
)
def test_a_base_url_is_where_requests_go_or_refused(base: str, argument: str) -> None:
    """To the host that another parser sees, by https or on this machine, and to the contract's path there."""
    seen: list[httpx.Request] = []

    def keep(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(404)

    options: Any = {argument: base, "transport": httpx.MockTransport(keep)}
    client = connected(options)
    if isinstance(client, InvalidRequest):
        assert client.path == argument
        assert str(client).isprintable()
        return
    with client, pytest.raises((NotFound, DomainLookupFailed)):
        client.visit().create_session(BODY)
    [request] = seen
    parts = urlsplit(base)
    host = request.url.raw_host.decode()
    assert host == (parts.hostname or "").strip("[]")
    assert request.url.port == parts.port or {request.url.port, parts.port} <= {None, 443, 80}
    assert request.url.userinfo == b""
    local = host in {"127.0.0.1", "localhost", "::1"} or host.endswith(".localhost")
    assert request.url.scheme == "https" or local
    tail = "/api/account/demo/app/engagement/visitors/?v=1.0"
    tail = tail if argument == "base_url" else "/api/account/demo/service/msdkgw/baseURI.json?version=1.0"
    assert request.url.raw_path.decode().endswith(tail)
    assert request.url.raw_path.count(b"?") == 1
