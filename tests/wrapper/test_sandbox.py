"""The sandbox: what it answers, what it remembers, and how it misbehaves, seen over real sockets by a plain client."""

import asyncio
import contextlib
import copy
import json
import logging
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from jsonschema_rs import Draft202012Validator

from contract_tools import CONTRACT
from liveperson_engagement.sandbox import Sandbox

VISITORS = "/api/account/demo/app/engagement/visitors/"
DOMAIN = "/api/account/demo/service/msdkgw/baseURI.json"
VERSION = {"v": "1.0"}
BODY, PAGE = {"appType": "EXTERNAL"}, {"pageId": "p"}
LEAD = {"type": "lead", "lead": {"topic": "upgrade"}}
CLOSED = {"type": "impClose", "campaign": 1, "engId": 2, "revision": 3}
KNOWN = "createSession, updateSession, continueSession, findDomain"


@pytest.fixture(scope="module")
def http(running_sandbox: Sandbox) -> Iterator[httpx.Client]:
    """A plain client of the sandbox."""
    with httpx.Client(base_url=running_sandbox.url, timeout=30) as client:
        yield client


def create(http: httpx.Client, body: Any = BODY) -> httpx.Response:
    """Start a visit."""
    return http.post(VISITORS, params=VERSION, json=body)


def resume(http: httpx.Client, visitor_id: str, **query: str) -> httpx.Response:
    """Ask again within a visit."""
    return http.post(VISITORS + visitor_id, params={**VERSION, **query}, json=BODY)


def update(http: httpx.Client, visitor_id: str, body: Any = PAGE, **query: str) -> httpx.Response:
    """Tell more about a visitor."""
    return http.put(VISITORS + visitor_id, params={**VERSION, **query}, json=body)


def find(http: httpx.Client, path: str = DOMAIN, version: str = "1.0") -> httpx.Response:
    """Ask the Domain API."""
    return http.get(path, params={"version": version})


def code(response: httpx.Response) -> tuple[int, int]:
    """Return status and internalCode, once the body is known to be a documented error of now."""
    entity = response.json()
    assert valid("ErrorAnswer", entity)
    assert abs(entity["time"] / 1000 - time.time()) < 60
    return response.status_code, entity["internalCode"]


def valid(schema: str, instance: Any) -> bool:
    """Tell whether the contract's schema allows a value."""
    document = {"$ref": f"#/components/schemas/{schema}", "components": CONTRACT["components"]}
    return Draft202012Validator(document, validate_formats=True).is_valid(instance)


def connect(sandbox: Sandbox) -> socket.socket:
    """Open a connection to the sandbox."""
    return socket.create_connection(("127.0.0.1", int(sandbox.host.partition(":")[2])), timeout=30)


def exchange(sandbox: Sandbox, method: str, path: str, body: bytes) -> bytes:
    """Send a request, and return all bytes that come back before the connection ends."""
    head = f"{method} {path} HTTP/1.1\r\nhost: sandbox\r\nconnection: close\r\ncontent-type: application/json\r\n"
    with connect(sandbox) as connection:
        connection.sendall(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        return b"".join(iter(lambda: connection.recv(65536), b""))


# A service in good health


def test_a_visit_is_one_visitor_with_one_session(sandbox: Sandbox, http: httpx.Client) -> None:
    """Visitor and session stay, the page changes; attributes of every request count, and bodies of updates."""
    first = create(http, {**BODY, "engagementAttributes": [LEAD], "impAttributes": "unknown here"}).json()
    assert valid("AvailableSession", first)
    ids = {"sid": first["sessionId"]}
    second = resume(http, first["visitorId"], **ids).json()
    assert (second["visitorId"], second["sessionId"]) == (first["visitorId"], first["sessionId"])
    assert second["pageId"] != first["pageId"]
    body = {"pageId": second["pageId"], "engagementAttributes": [LEAD], "impAttributes": [CLOSED]}
    answer = update(http, first["visitorId"], body, **ids)
    assert (answer.status_code, answer.content) == (200, b"")
    [visitor] = sandbox.visitors
    assert (visitor.visitor_id, visitor.account_id) == (first["visitorId"], "demo")
    [session] = visitor.sessions
    assert (session.session_id, session.ended, session.updates) == (first["sessionId"], False, (body,))
    assert (session.attributes, session.impressions) == ((LEAD, LEAD), (CLOSED,))
    assert [repr(each) for each in (sandbox, *sandbox.requests, visitor, session)] == [
        f"<Sandbox {sandbox.host}, 1 visitors>",
        *["<SandboxRequest createSession → 200>", "<SandboxRequest continueSession → 200>"],
        *["<SandboxRequest updateSession → 200>", "<SandboxVisitor, 1 sessions>", "<SandboxSession active, 1 updates>"],
    ]


def test_sandboxes_differ_as_they_are_told(sandbox: Sandbox, http: httpx.Client) -> None:
    """In what they answer to updates, how ids are written, how long engagements are valid; no id is given twice."""
    with (
        Sandbox(update_body="{}", quoted_ids=True, valid_for_seconds=0.5, accounts={"demo"}) as other,
        httpx.Client(base_url=other.url) as http_of_other,
    ):
        sessions = [create(http).json(), create(http_of_other).json()]
        answer = update(http_of_other, sessions[1]["visitorId"], sid=sessions[1]["sessionId"])
        assert (answer.content, answer.headers["content-type"]) == (b"{}", "application/json")
        assert code(find(http_of_other, DOMAIN.replace("demo", "other"))) == (401, 1)
        assert code(http_of_other.post(VISITORS.replace("demo", "other"), params=VERSION, json=BODY)) == (401, 1)
        assert find(http_of_other).status_code == 200
    details = [session["engagementDetails"] for session in sessions]
    assert [type(each[name]) for each in details for name in ("campaignId", "engagementId")] == [int, int, str, str]
    assert [each["validForSeconds"] for each in details] == [900, 0.5]
    assert all(valid("AvailableSession", session) for session in sessions)
    ids = {session[name] for session in sessions for name in ("visitorId", "sessionId", "pageId")}
    assert [len(each) > 30 for each in ids] == [True] * 6
    sandbox.valid_for_seconds = 7
    assert create(http).json()["engagementDetails"]["validForSeconds"] == 7


@pytest.mark.parametrize("ended", [True, False])
def test_an_ended_or_unknown_session_is_replaced(sandbox: Sandbox, http: httpx.Client, ended: bool) -> None:
    """The same visitor gets another session; an update needs a living one."""
    first = create(http).json()
    if ended:
        sandbox.expire_sessions()
    sid = first["sessionId"] if ended else "other"
    assert code(update(http, first["visitorId"], sid=sid)) == (404, 39)
    second = resume(http, first["visitorId"], sid=sid).json()
    assert second["visitorId"] == first["visitorId"]
    assert second["sessionId"] not in {first["sessionId"], "other"}
    assert [each.ended for each in sandbox.visitors[0].sessions] == [ended, False]


def test_an_unknown_visitor_is_not_found(sandbox: Sandbox, http: httpx.Client) -> None:
    """Neither a made-up one, nor one with a slash, nor another account's, nor one that was forgotten."""
    session = create(http).json()
    elsewhere = VISITORS.replace("demo", "other") + session["visitorId"]
    assert code(resume(http, "nobody", sid="s")) == (404, 37)
    assert code(resume(http, "a%2Fb", sid="s")) == (404, 37)
    assert code(update(http, "nobody", sid="s")) == (404, 37)
    assert code(http.post(elsewhere, params={**VERSION, "sid": session["sessionId"]}, json=BODY)) == (404, 37)
    sandbox.forget_visitors()
    assert sandbox.visitors == ()
    assert code(resume(http, session["visitorId"], sid=session["sessionId"])) == (404, 37)


def test_engagements_can_be_withheld(sandbox: Sandbox, http: httpx.Client) -> None:
    """The visit goes on without them, and gets them back; a reset forgets that as well as all else."""
    sandbox.not_available()
    withheld = create(http).json()
    assert valid("NotAvailableSession", withheld)
    assert "engagementDetails" not in withheld
    sandbox.available()
    assert resume(http, withheld["visitorId"], sid=withheld["sessionId"]).json()["status"] == "Available"
    sandbox.not_available()
    sandbox.fail_next(503)
    sandbox.valid_for_seconds = 7
    sandbox.reset()
    assert (sandbox.requests, sandbox.visitors) == ((), ())
    session = create(http).json()
    assert (session["status"], session["engagementDetails"]["validForSeconds"]) == ("Available", 900)


def test_the_domain_is_the_sandbox_itself(sandbox: Sandbox, http: httpx.Client) -> None:
    """With the port, so that a client gets back here; version, service and account are checked."""
    assert find(http).json() == {"service": "msdkgw", "account": "demo", "baseURI": sandbox.host}
    assert valid("ServiceDomain", find(http).json())
    assert sandbox.url == f"http://{sandbox.host}"
    assert code(find(http, version="2.0")) == (400, 33)
    for right, wrong in (("msdkgw", "MSDKGW"), ("msdkgw", "a!"), ("demo", "de-mo")):
        assert code(find(http, DOMAIN.replace(right, wrong))) == (400, 5)


# What breaks the contract

ATTRIBUTES = "engagementAttributes"
INVALID: list[tuple[Any, str]] = [
    ({}, "appType"),
    ({"appType": "SECRET"}, "appType"),
    ([], "the body"),
    ({**BODY, "appDetails": {"ipAddress": "1.2.3.secret"}}, "appDetails.ipAddress"),
    ({**BODY, ATTRIBUTES: [LEAD, {"type": "secret"}]}, f"{ATTRIBUTES}[1].type"),
    ({**BODY, ATTRIBUTES: [CLOSED]}, f"{ATTRIBUTES}[0].type"),
    ({**BODY, ATTRIBUTES: [{"kind": "lead"}]}, f"{ATTRIBUTES}[0].type"),
    ({**BODY, ATTRIBUTES: [{"type": "cart", "total": 1}]}, f"{ATTRIBUTES}[0].numItems"),
    (
        {**BODY, ATTRIBUTES: [{"type": "personal", "personal": {"age": {"month": 13}}}]},
        f"{ATTRIBUTES}[0].personal.age.month",
    ),
]


@pytest.mark.parametrize(("body", "where"), INVALID)
def test_an_invalid_body_is_named_by_its_path(sandbox: Sandbox, http: httpx.Client, body: Any, where: str) -> None:
    """Values stay out of the message."""
    answer = create(http, body)
    assert code(answer) == (400, 5)
    assert answer.json()["message"].endswith(f": {where}")
    assert "secret" not in answer.text.lower()
    assert sandbox.visitors == ()


def test_only_json_is_read(sandbox: Sandbox, http: httpx.Client) -> None:
    """Up to a mebibyte, and as the content type says, whatever its case and parameters."""

    def status(content: bytes, kind: str = "application/json") -> int:
        answer = http.post(VISITORS, params=VERSION, content=content, headers={"content-type": kind})
        assert answer.is_success or code(answer) == (400, 5)
        return answer.status_code

    good = b'{"appType": "MSDK"}'
    surrogate, utf16 = b'{"appType": "\\ud800"}', json.dumps(BODY).encode("utf-16")
    broken = (b"", b"{", good[:-1] + b', "x": NaN}', good[:-1] + b', "x": "\xff"}', surrogate, utf16, b"[" * 100_000)
    assert {status(content) for content in (*broken, good.ljust(2**20 + 1))} == {400}
    assert {status(good, kind) for kind in ("text/plain", "application/jsonp", "")} == {400}
    assert sandbox.visitors == ()
    assert status(good.ljust(2**20)) == 200
    assert {status(good, kind) for kind in ("application/json; charset=utf-8", "Application/JSON")} == {200}


def test_paths_and_queries_are_checked(http: httpx.Client) -> None:
    """The version is exactly 1.0, accounts fit the pattern, and a known visitor names a session."""
    for query in ("", "v=", "v=1", "v=1.00", "v=2.0", "v=%221.0%22", "v=1.0&v=1.0", "V=1.0"):
        assert code(http.post(f"{VISITORS}?{query}", json=BODY)) == (400, 33), query
    for account in ("de-mo", "d" * 21, "d%0A", "%FF", "d%2Fd"):
        answer = http.post(VISITORS.replace("demo", account), params=VERSION, json=BODY)
        assert code(answer) == (400, 5), account
        assert answer.json()["message"].endswith("path parameter accountId")
    visitor_id = create(http).json()["visitorId"]
    for ids in ({}, {"sid": ""}):
        assert (code(resume(http, visitor_id, **ids)), code(update(http, visitor_id, **ids))) == ((400, 5), (400, 5))


def test_only_what_the_contract_has_is_there(http: httpx.Client) -> None:
    """No path is redirected; of each path the methods stand in the Allow header, and a HEAD is not a GET."""
    for path in ("/", "/api", VISITORS.rstrip("/"), VISITORS + "a/b", VISITORS + "a/", "/%FF"):
        answer = http.post(path, params=VERSION, json=BODY)
        assert (answer.status_code, answer.text) == (404, "Not Found")
    for path, allowed in {VISITORS: "POST", VISITORS + "xyz": "POST, PUT", f"{DOMAIN}?version=1.0": "GET"}.items():
        for method in {"GET", "HEAD", "OPTIONS", "DELETE", "PATCH", "TRACE", "ANY"} - {allowed}:
            answer = http.request(method, path)
            assert (answer.status_code, answer.headers["allow"]) == (405, allowed), (method, path)


def test_a_changed_contract_is_obeyed() -> None:
    """Schemas, required fields, parameters and paths all come from the document; a new operation gives its example."""
    document = copy.deepcopy(CONTRACT)
    schemas = document["components"]["schemas"]
    schemas["CreateSessionBody"]["properties"]["mood"] = {"type": "string", "enum": ["good"]}
    schemas["AppType"]["enum"] = ["MSDK"]
    schemas["AccountId"]["pattern"] = "^[a-z]+$"
    document["components"]["parameters"]["ApiVersion"]["schema"]["const"] = "2.0"
    document["paths"][VISITORS.replace("demo", "{accountId}")]["post"]["parameters"] += [
        {"name": "limit", "in": "query", "required": True, "schema": {"type": "integer", "maximum": 9}},
        {"name": "X-Trace", "in": "header", "required": True, "schema": {"type": "string", "minLength": 2}},
    ]
    document["paths"] = {path.replace("/api/", "/v2/"): item for path, item in document["paths"].items()}
    content = {"application/json": {"schema": {}, "examples": {"hello": {"value": {"hello": "world"}}}}}
    document["paths"]["/hello"] = {"get": {"operationId": "hello", "responses": {"200": {"content": content}}}}
    path = VISITORS.replace("/api/", "/v2/")
    right: dict[str, Any] = {
        "url": path,
        "params": {"v": "2.0", "limit": "9"},
        "headers": {"x-trace": "ab"},
        "json": {"appType": "MSDK", "mood": "good"},
    }
    wrong: list[dict[str, Any]] = [
        {"json": {"appType": "MSDK", "mood": "bad"}},
        {"json": {"appType": "EXTERNAL", "mood": "good"}},
        {"params": {"v": "2.0", "limit": "10"}},
        {"params": {"v": "2.0", "limit": "many"}},
        {"params": {"v": "1.0", "limit": "9"}},
        {"params": {"v": "2.0"}},
        {"headers": {"x-trace": "a"}},
        {"headers": {}},
        {"url": path.replace("demo", "demo1")},
    ]
    with Sandbox(contract=document) as sandbox, httpx.Client(base_url=sandbox.url) as http:

        def status(**changes: Any) -> int:
            return http.request("POST", **(right | changes)).status_code

        assert status() == 200
        assert [status(**each) for each in wrong] == [400] * len(wrong)
        assert status(url=VISITORS) == 404
        assert http.get("/hello").json() == {"hello": "world"}


# Failures on demand


@pytest.mark.parametrize("status", [301, 304, 400, 401, 404, 418, 429, 499, 500, 502, 503, 520, 599, 600, 999])
def test_any_status_can_be_answered(sandbox: Sandbox, http: httpx.Client, status: int) -> None:
    """Registered or not, before any check; a documented one with its error. Then all is well again."""
    sandbox.fail_next(status)
    sandbox.fail_next(status, operation="findDomain")
    answers = [create(http, {}), find(http)]
    assert [answer.status_code for answer in answers] == [status, status]
    names = {400: "BadRequest", 401: "Unauthorized", 404: "NotFound", 500: "InternalError", 503: "Unavailable"}
    if status in names:
        content = CONTRACT["components"]["responses"][names[status]]["content"]["application/json"]
        expected = next(iter(content["examples"].values()))["value"]
        assert code(answers[0]) == (status, expected["internalCode"])
        assert answers[0].json()["message"] == expected["message"]
    elif 400 <= status < 600:
        assert [code(answer)[1] for answer in answers] == [33 if status < 500 else 18] * 2
    assert create(http).status_code == 200
    assert [request.status for request in sandbox.requests] == [status, status, 200]
    assert len(sandbox.visitors) == 1


def test_every_part_of_a_failure_can_be_chosen(sandbox: Sandbox, http: httpx.Client) -> None:
    """Code, body, type and headers; a gateway's is a page. They come in the order told, each as often as told."""
    sandbox.fail_next(500, internal_code=99, retry_after=7, headers={"X-More": "yes"})
    sandbox.fail_next(503, body="busy", content_type="text/plain", retry_after="Fri, 31 Dec 2038 23:59:59 GMT")
    sandbox.fail_next(503, times=2, body=b"\xff\x00", headers={"Content-Type": "image/png"})
    sandbox.html_error()
    first, second, third, again, page, good = (create(http) for _ in range(6))
    assert code(first) == (500, 99)
    assert (first.headers["retry-after"], first.headers["x-more"]) == ("7", "yes")
    assert (second.text, second.headers["content-type"]) == ("busy", "text/plain")
    assert second.headers["retry-after"] == "Fri, 31 Dec 2038 23:59:59 GMT"
    for answer in (third, again):
        assert (answer.content, answer.headers.get_list("content-type")) == (b"\xff\x00", ["image/png"])
    assert (page.status_code, page.headers["content-type"], page.text[:6]) == (503, "text/html", "<html>")
    assert good.status_code == 200


def test_a_failure_waits_for_its_operation(sandbox: Sandbox, http: httpx.Client) -> None:
    """And without one, findDomain is spared."""
    sandbox.fail_next(503)
    sandbox.fail_next(500, operation="updateSession")
    sandbox.fail_next(502, operation="findDomain")
    assert [find(http).status_code for _ in range(2)] == [502, 200]
    assert [create(http).status_code for _ in range(2)] == [503, 200]
    assert [update(http, "nobody", sid="s").status_code for _ in range(2)] == [500, 404]


NO_BODY = "body: must be bytes or a string, such as json.dumps makes"
NO_OPERATION = "operation: the contract has no operation"
NO_STATUS, NO_PORT = "status: must be a whole number, from 100 to 999", "port: must be a whole number, from 0 to 65535"
NO_ACCOUNTS = "accounts: must be a collection of account ids, such as ['demo'], not a string"
DOES_NOT_LOAD = "operation: findDomain does not load accounts, leave it out or name another"
NONSENSE: list[tuple[str, dict[str, Any], str]] = [
    ("fail_next", {"status": 503, "times": 0}, "times: must be a whole number, 1 or more, not 0"),
    ("fail_next", {"status": 503, "times": 1.5}, "times: must be a whole number, 1 or more, not 1.5"),
    ("fail_next", {"status": 1000}, f"{NO_STATUS}, not 1000"),
    ("fail_next", {"status": "503"}, f"{NO_STATUS}, not '503'"),
    ("answer_next", {"status": True}, f"{NO_STATUS}, not True"),
    ("fail_next", {"status": 503, "body": {}}, f"{NO_BODY}, not dict"),
    ("answer_next", {"body": [1]}, f"{NO_BODY}, not list"),
    ("slow", {"seconds": -1}, "seconds: must be a number, 0 or more, not -1"),
    ("slow", {"seconds": float("nan")}, "seconds: must be a number, 0 or more, not nan"),
    (
        "slow",
        {"seconds": 1, "operation": "createsession"},
        f"{NO_OPERATION} createsession; did you mean createSession?",
    ),
    ("slow", {"seconds": 1, "operation": "x"}, f"{NO_OPERATION} x; it has {KNOWN}"),
    ("loading_account", {"operation": "findDomain"}, DOES_NOT_LOAD),
    ("drop_connection", {"when": "later"}, "when: must be one of before, after, during, not 'later'"),
    ("__init__", {"port": 70000}, f"{NO_PORT}, not 70000"),
    ("__init__", {"port": "8787"}, f"{NO_PORT}, not '8787'"),
    ("__init__", {"accounts": "demo"}, NO_ACCOUNTS),
]


@pytest.mark.parametrize(("method", "arguments", "line"), NONSENSE)
def test_nonsense_is_refused_at_once(method: str, arguments: Any, line: str) -> None:
    """Not when a request comes; in a line that names the argument and what it may be."""
    with pytest.raises(ValueError, match=f"^{re.escape(line)}$"):
        getattr(Sandbox(), method)(**arguments)


def test_any_answer_can_be_given(sandbox: Sandbox, http: httpx.Client, caplog: pytest.LogCaptureFixture) -> None:
    """Bytes, headers and type as told, and nothing is done; even one that HTTP forbids or that lies of its length."""
    sandbox.answer_next(body=b"\xff", headers={"X-A": "b"})
    sandbox.answer_next(204)
    sandbox.answer_next(200, "", content_type=None)
    first, second, third = create(http), create(http), create(http)
    assert (first.status_code, first.content, first.headers["x-a"]) == (200, b"\xff", "b")
    assert (second.status_code, second.content) == (204, b"")
    assert (third.status_code, "content-type" in third.headers) == (200, False)
    sandbox.fail_next(102, body=b"")  # which is no answer: the client misses the final one
    sandbox.answer_next(body=b"{}", headers={"Content-Length": "10"})
    for _ in range(2):
        with pytest.raises(httpx.RemoteProtocolError):
            create(http)
    sandbox.answer_next(body=b"{}", headers={"Content-Length": "1"})
    assert exchange(sandbox, "POST", VISITORS, b"").endswith(b"\r\n\r\n{}")
    sandbox.answer_next(304, b"{}")
    assert create(http).status_code == 304
    assert sandbox.visitors == ()
    assert create(http).status_code == 200
    assert caplog.records == []


def test_instructions_from_many_threads_are_all_followed(sandbox: Sandbox, http: httpx.Client) -> None:
    """Each exactly once."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(sandbox.fail_next, [503] * 20))
        statuses = [each.status_code for each in pool.map(create, [http] * 40)]
    assert sorted(statuses) == [200] * 20 + [503] * 20
    assert (len(sandbox.visitors), len(sandbox.requests)) == (20, 40)


def test_an_account_is_loaded_when_it_is_first_called(sandbox: Sandbox, http: httpx.Client) -> None:
    """Retries that name the visitor need no session and make no other; those that do not make one more each."""
    sandbox.loading_account(times=2)
    first = create(http)
    assert code(first) == (500, 20)
    start, _, visitor_id = first.json()["message"].rpartition(" ")
    assert start == "Loading account: demo, vid:"
    second = resume(http, visitor_id)
    assert (code(second), second.json()["message"]) == ((500, 20), first.json()["message"])
    assert resume(http, visitor_id).json()["visitorId"] == visitor_id
    assert [visitor.visitor_id for visitor in sandbox.visitors] == [visitor_id]
    assert code(resume(http, visitor_id)) == (400, 5)
    sandbox.reset()
    sandbox.loading_account(times=2)
    for _ in range(3):
        create(http)
    assert [len(visitor.sessions) for visitor in sandbox.visitors] == [0, 0, 1]


# Lost connections


@pytest.mark.parametrize(("when", "visitors"), [("before", 0), ("after", 1), ("during", 1)])
def test_a_connection_can_be_lost(sandbox: Sandbox, http: httpx.Client, when: Any, visitors: int) -> None:
    """Before anything was done, or after, without or with half of an answer; of which the journal has nothing."""
    sandbox.drop_connection(when=when)
    with pytest.raises(httpx.ReadError if when == "after" else httpx.RemoteProtocolError):
        create(http)
    assert len(sandbox.visitors) == visitors
    answer = create(http)
    seen = [(request.status, request.response_body) for request in sandbox.requests]
    assert seen == [(None, b""), (200, answer.content)]


def test_an_answer_can_end_halfway(sandbox: Sandbox, http: httpx.Client) -> None:
    """Status and headers are whole, half of the body is missing, also where the whole would be empty."""
    session = create(http).json()
    changed = f"{VISITORS}{session['visitorId']}?v=1.0&sid={session['sessionId']}"
    for method, path, body in [("POST", f"{VISITORS}?v=1.0", BODY), ("PUT", changed, {"pageId": "p"})]:
        sandbox.drop_connection(when="during")
        head, _, half = exchange(sandbox, method, path, json.dumps(body).encode()).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ")
        assert len(half) == int(re.findall(rb"content-length: (\d+)", head.lower())[0]) // 2


def test_requests_behind_each_other_are_answered_in_order(sandbox: Sandbox) -> None:
    """On one connection, also those that arrive while an answer is slow."""
    sandbox.slow(0.1, operation="findDomain")
    get = f"GET {DOMAIN}?version=1.0 HTTP/1.1\r\nhost: x\r\n"
    with connect(sandbox) as connection:
        connection.sendall(f"{get}\r\nHEAD / HTTP/1.1\r\nhost: x\r\n\r\n".encode())
        while not sandbox.requests:
            time.sleep(0.005)
        connection.sendall(f"{get}connection: close\r\n\r\n".encode())
        raw = b"".join(iter(lambda: connection.recv(65536), b""))
    heads = [part.partition(b"\r\n\r\n") for part in raw.split(b"HTTP/1.1 ")[1:]]
    assert [(head[:3], bool(body)) for head, _, body in heads] == [(b"200", True), (b"200", False), (b"200", True)]
    assert len({request.caller for request in sandbox.requests}) == 1


def test_a_body_is_asked_for_and_waited_for(sandbox: Sandbox) -> None:
    """As curl has it for large ones; a request that ends halfway is not handled."""
    body = json.dumps(BODY).encode()
    head = f"POST {VISITORS}?v=1.0 HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nconnection: close\r\n"
    with connect(sandbox) as connection:
        connection.sendall(f"{head}content-length: 9\r\n\r\n{{".encode())
    with connect(sandbox) as connection:
        connection.sendall(f"{head}content-length: {len(body)}\r\nexpect: 100-continue\r\n\r\n".encode())
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert connection.recv(100).startswith(b"HTTP/1.1 200 ")
    assert len(sandbox.requests) == 1


def test_a_request_that_is_no_http_makes_no_noise(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Nor do lost connections and ordinary requests, whatever the level of logging."""
    caplog.set_level(logging.DEBUG, "asyncio")
    with Sandbox() as sandbox:
        sandbox.drop_connection(when="after")
        with connect(sandbox) as connection:
            connection.sendall(b"nonsense\r\n\r\n")
            assert connection.recv(100).startswith(b"HTTP/1.1 400 ")
        for _ in range(2):
            with contextlib.suppress(OSError):
                exchange(sandbox, "POST", f"{VISITORS}?v=1.0", json.dumps(BODY).encode())
    assert [record for record in caplog.records if record.name != "asyncio" or record.levelno > logging.DEBUG] == []
    assert capfd.readouterr() == ("", "")


# The journal


def test_a_request_is_kept_as_it_was_sent(sandbox: Sandbox, http: httpx.Client) -> None:
    """Decoded and raw, with the ids that it named; also what no operation answered. Nothing of it can be changed."""
    before, requests, visitors = time.monotonic(), sandbox.requests, sandbox.visitors
    body = {"pageId": "p", "impAttributes": [CLOSED]}
    http.put(f"{VISITORS}a%2Fb?v=1.0&sid=c%20d", json=body, headers={"X-Trace": "t"})
    http.get("/nowhere")
    http.delete(DOMAIN)
    http.post(VISITORS, params=VERSION, content=b"{")
    request, *others, unreadable = sandbox.requests
    assert (request.operation_id, request.method, request.status) == ("updateSession", "PUT", 404)
    assert (request.path, request.query) == (f"{VISITORS}a%2Fb", {"v": "1.0", "sid": "c d"})
    assert request.headers["x-trace"] == "t"
    assert (request.body, json.loads(request.raw_body)) == (body, body)
    assert (request.account_id, request.visitor_id, request.session_id) == ("demo", "a/b", "c d")
    assert before < request.at < time.monotonic()
    assert [(each.operation_id, each.status, each.body) for each in others] == [(None, 404, None), (None, 405, None)]
    assert (unreadable.operation_id, unreadable.status, unreadable.body) == ("createSession", 400, None)
    assert unreadable.raw_body == b"{"
    create(http)
    assert (requests, visitors) == ((), ())
    with pytest.raises(AttributeError):
        setattr(sandbox.visitors[0], "visitor_id", "other")  # noqa: B010 - it is declared as frozen


# Starting and stopping


def test_several_run_at_once_and_none_leaves_a_trace() -> None:
    """Threads, ports and signal handlers are as before; one stops at once, though a request is pending."""
    threads, handler = threading.active_count(), signal.getsignal(signal.SIGINT)
    with contextlib.ExitStack() as stack:
        sandboxes = [stack.enter_context(Sandbox()) for _ in range(5)]
        http = stack.enter_context(httpx.Client(timeout=90))
        assert [http.get(f"{each.url}{DOMAIN}?version=1.0").json()["baseURI"] for each in sandboxes] == [
            sandbox.host for sandbox in sandboxes
        ]
        assert signal.getsignal(signal.SIGINT) is handler
        urls = [sandbox.url for sandbox in sandboxes]
        sandboxes[0].slow(90, operation="findDomain")
        with ThreadPoolExecutor() as pool:
            pending = pool.submit(http.get, f"{urls[0]}{DOMAIN}?version=1.0")
            while len(sandboxes[0].requests) < 2:
                time.sleep(0.005)
            assert http.get(f"{urls[0]}{DOMAIN}?version=1.0").status_code == 200
            assert not pending.done()  # a slow answer holds up nobody else
            sandboxes[0].stop()
            assert isinstance(pending.exception(30), httpx.TransportError)
    assert threading.active_count() == threads
    for url in urls:
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])))


def test_it_can_run_again_on_a_port_of_choice() -> None:
    """With the visitors of the first time; twice at once it cannot."""
    with Sandbox() as other:
        port = int(other.host.partition(":")[2])
        reason = f"port: cannot listen on {port} of 127.0.0.1 (Address already in use)"
        with pytest.raises(OSError, match=re.escape(f"{reason}: stop what uses it, or pass port=0 for a free one")):
            Sandbox(port=port).start()
    sandbox = Sandbox(port=port)
    for count in (1, 2):
        with sandbox:
            assert sandbox.host == f"127.0.0.1:{port}"
            exchange(sandbox, "POST", f"{VISITORS}?v=1.0", json.dumps(BODY).encode())
            assert len(sandbox.visitors) == count
            with pytest.raises(RuntimeError, match="running already"):
                sandbox.start()
    with pytest.raises(RuntimeError, match="not running"):
        _ = sandbox.url


def test_it_works_in_an_event_loop() -> None:
    """As an asynchronous context, with a client in the same loop."""

    async def run() -> int:
        async with Sandbox() as sandbox, httpx.AsyncClient(base_url=sandbox.url) as http:
            answers = await asyncio.gather(*(http.post(VISITORS, params=VERSION, json=BODY) for _ in range(10)))
            assert {answer.status_code for answer in answers} == {200}
            return len(sandbox.visitors)

    assert asyncio.run(run()) == 10


def test_it_needs_no_more_than_the_package() -> None:
    """No extra, no command line, and no web framework, even if one is installed."""
    others = "{'starlette', 'uvicorn', 'httpx', 'typer', 'yaml'}"
    code = f"import sys, liveperson_engagement.sandbox; print({others} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
