"""The sandbox: what it answers, what it remembers, and how it misbehaves, seen over real sockets by a plain client."""

import contextlib
import json
import logging
import re
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from conftest import BODY
from contract_tools import CONTRACT, edited, validator
from liveperson_engagement.sandbox import Sandbox
from waiting import until

VISITORS = "/api/account/demo/app/engagement/visitors/"
DOMAIN = "/api/account/demo/service/msdkgw/baseURI.json"
VERSION = {"v": "1.0"}
PAGE: Any = {"pageId": "p"}
LEAD = {"type": "lead", "lead": {"topic": "upgrade"}}
CLOSED = {"type": "impClose", "campaign": 1, "engId": 2, "revision": 3}
KNOWN = "createSession, updateSession, continueSession, findDomain"


@pytest.fixture(scope="module")
def http(running_sandbox: Sandbox) -> Iterator[httpx.Client]:
    """A plain client of the sandbox."""
    with httpx.Client(base_url=running_sandbox.url, timeout=30) as client:
        yield client


def visit(http: httpx.Client, visitor_id: str = "", body: Any = BODY, **query: str) -> httpx.Response:
    """Start a visit, or ask again within it."""
    return http.post(VISITORS + visitor_id, params=VERSION | query, json=body)


def update(http: httpx.Client, visitor_id: str, body: Any = PAGE, **query: str) -> httpx.Response:
    """Tell more about a visitor."""
    return http.put(VISITORS + visitor_id, params=VERSION | query, json=body)


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
    return validator(CONTRACT, {"$ref": f"#/components/schemas/{schema}"}).is_valid(instance)


def connect(sandbox: Sandbox) -> socket.socket:
    """Open a connection to the sandbox."""
    return socket.create_connection(("127.0.0.1", int(sandbox.host.partition(":")[2])), timeout=30)


def exchange(sandbox: Sandbox, content: bytes) -> bytes:
    """Send a request, and return all bytes that come back before the connection ends."""
    with connect(sandbox) as connection:
        connection.sendall(content)
        return b"".join(iter(lambda: connection.recv(65536), b""))


CONTENT = json.dumps(BODY)
HEADERS = f"host: x\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {len(CONTENT)}"
CREATE = f"POST {VISITORS}?v=1.0 HTTP/1.1\r\n{HEADERS}\r\n\r\n{CONTENT}".encode()


def test_a_visit_is_one_visitor_with_one_session(sandbox: Sandbox, http: httpx.Client) -> None:
    """Until it has ended or is forgotten; attributes of every request count, and bodies of updates."""
    first = visit(http, body={**BODY, "engagementAttributes": [LEAD], "impAttributes": "unknown here"}).json()
    visitor_id, sid = first["visitorId"], first["sessionId"]
    second = visit(http, visitor_id, sid=sid).json()
    body = {"pageId": second["pageId"], "engagementAttributes": [LEAD], "impAttributes": [CLOSED]}
    assert (update(http, visitor_id, body, sid=sid).content, second["pageId"] == first["pageId"]) == (b"", False)
    [visitor] = sandbox.visitors
    [session] = visitor.sessions
    assert (visitor.account_id, visitor.visitor_id, session.session_id) == ("demo", visitor_id, sid)
    assert (session.ended, session.updates, session.attributes) == (False, (body,), (LEAD, LEAD))
    assert session.impressions == (CLOSED,)
    assert repr([visitor, session]) == "[<SandboxVisitor, 1 sessions>, <SandboxSession active, 1 updates>]"
    assert code(update(http, visitor_id, sid="other")) == (404, 39)
    sandbox.expire_sessions()
    assert code(update(http, visitor_id, sid=sid)) == (404, 39)
    assert visit(http, visitor_id, sid=sid).json()["sessionId"] != sid
    assert [each.ended for each in sandbox.visitors[0].sessions] == [True, False]
    elsewhere = VISITORS.replace("demo", "other") + visitor_id
    assert code(http.post(elsewhere, params=VERSION | {"sid": sid}, json=BODY)) == (404, 37)
    sandbox.forget_visitors()
    assert (code(visit(http, visitor_id, sid=sid)), code(update(http, visitor_id, sid=sid))) == ((404, 37), (404, 37))


def test_sandboxes_differ_as_they_are_told(http: httpx.Client) -> None:
    """In what they answer to updates, how ids are written, how long engagements are valid; no id is given twice."""
    with (
        Sandbox(update_body="{}", quoted_ids=True, valid_for_seconds=0.5, accounts={"demo"}) as other,
        httpx.Client(base_url=other.url) as http_of_other,
    ):
        sessions = [visit(http).json(), visit(http_of_other).json()]
        answer = update(http_of_other, sessions[1]["visitorId"], sid=sessions[1]["sessionId"])
        assert (answer.content, answer.headers["content-type"]) == (b"{}", "application/json")
        assert code(find(http_of_other, DOMAIN.replace("demo", "other"))) == (401, 1)
        assert find(http_of_other).status_code == 200
    details = [session["engagementDetails"] for session in sessions]
    assert [type(each[name]) for each in details for name in ("campaignId", "engagementId")] == [int, int, str, str]
    assert [each["validForSeconds"] for each in details] == [900, 0.5]
    assert all(valid("AvailableSession", session) for session in sessions)
    ids = {session[name] for session in sessions for name in ("visitorId", "sessionId", "pageId")}
    assert [len(each) > 30 for each in ids] == [True] * 6


ATTRIBUTES = "engagementAttributes"
PERSON = {"type": "personal", "personal": {"age": {"month": 13}}}


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ([], "the body"),
        ({**BODY, "appDetails": {"ipAddress": "1.2.3.secret"}}, "appDetails.ipAddress"),
        ({**BODY, ATTRIBUTES: [LEAD, {"type": "secret"}]}, f"{ATTRIBUTES}[1].type"),
        ({**BODY, ATTRIBUTES: [PERSON]}, f"{ATTRIBUTES}[0].personal.age.month"),
    ],
)
def test_an_invalid_body_is_named_by_its_path(sandbox: Sandbox, http: httpx.Client, body: Any, where: str) -> None:
    """Values stay out of the message."""
    answer = visit(http, body=body)
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


def test_only_what_the_contract_has_is_there(http: httpx.Client) -> None:
    """Version and accounts fit, a known visitor names a session; no path is redirected, and a HEAD is not a GET."""
    for query in ("", "v=1", "v=%221.0%22", "v=1.0&v=1.0", "V=1.0"):
        assert code(http.post(f"{VISITORS}?{query}", json=BODY)) == (400, 33), query
    assert code(find(http, version="2.0")) == (400, 33)
    assert code(find(http, DOMAIN.replace("msdkgw", "MSDKGW"))) == (400, 5)
    for account in ("de-mo", "d%0A", "%FF", "d%2Fd"):
        answer = http.post(VISITORS.replace("demo", account), params=VERSION, json=BODY)
        assert code(answer) == (400, 5), account
        assert answer.json()["message"].endswith("path parameter accountId")
    visitor_id = visit(http).json()["visitorId"]
    for ids in ({}, {"sid": ""}):
        assert (code(visit(http, visitor_id, **ids)), code(update(http, visitor_id, **ids))) == ((400, 5), (400, 5))
    for path in ("/", VISITORS.rstrip("/"), VISITORS + "a/b", VISITORS + "a/", "/%FF"):
        answer = http.post(path, params=VERSION, json=BODY)
        assert (answer.status_code, answer.text) == (404, "Not Found")
    for method, path, allowed in (("GET", VISITORS + "xyz", "POST, PUT"), ("HEAD", DOMAIN, "GET")):
        answer = http.request(method, path)
        assert (answer.status_code, answer.headers["allow"]) == (405, allowed)


def test_a_changed_contract_is_obeyed() -> None:
    """Schemas, required fields, parameters and paths all come from the document; a new operation gives its example."""
    limit = {"name": "limit", "in": "query", "required": True, "schema": {"type": "integer", "maximum": 9}}
    trace = {"name": "X-Trace", "in": "header", "required": True, "schema": {"type": "string", "minLength": 2}}
    content = {"application/json": {"schema": {}, "examples": {"hello": {"value": {"hello": "world"}}}}}
    hello = {"get": {"operationId": "hello", "responses": {"200": {"content": content}}}}
    edits: dict[str, Any] = {
        "CreateSessionBody properties mood": {"type": "string", "enum": ["good"]},
        "AccountId pattern": "^[a-z]+$",
        "parameters ApiVersion schema const": "2.0",
    }
    document = edited(CONTRACT, edits)
    document["paths"][VISITORS.replace("demo", "{accountId}")]["post"]["parameters"] += [limit, trace]
    document["paths"] = {path.replace("/api/", "/v2/"): item for path, item in document["paths"].items()}
    document["paths"]["/h"] = hello
    path = VISITORS.replace("/api/", "/v2/")
    right: dict[str, Any] = {"url": path, "params": {"v": "2.0", "limit": "9"}, "headers": {"x-trace": "ab"}}
    right |= {"json": {"appType": "MSDK", "mood": "good"}}
    changes: list[dict[str, Any]] = [
        {},
        {"json": {"appType": "MSDK", "mood": "bad"}},
        *({"params": {"v": "2.0"} | limited} for limited in ({}, {"limit": "10"}, {"limit": "many"})),
        *({"headers": traced} for traced in ({}, {"x-trace": "a"})),
        {"url": path.replace("demo", "demo1")},
        {"url": VISITORS},
    ]
    with Sandbox(contract=document) as sandbox, httpx.Client(base_url=sandbox.url) as http:
        statuses = [http.request("POST", **(right | each)).status_code for each in changes]
        assert statuses == [200, *[400] * 7, 404]
        assert http.get("/h").json() == {"hello": "world"}


@pytest.mark.parametrize(
    ("status", "internal_code"),
    [(301, 0), (400, 33), (401, 1), (404, 37), (418, 33), (500, 18), (599, 18), (999, 0)],
)
def test_any_status_can_be_answered(sandbox: Sandbox, http: httpx.Client, status: int, internal_code: int) -> None:
    """Registered or not, before any check; a documented one with its error. Then all is well again."""
    sandbox.fail_next(status)
    answer = visit(http, body={})
    assert code(answer) == (status, internal_code) if internal_code else answer.content == b""
    assert visit(http).status_code == 200
    assert [request.status for request in sandbox.requests] == [status, 200]


def test_every_part_of_a_failure_can_be_chosen(sandbox: Sandbox, http: httpx.Client) -> None:
    """Code, body, type and headers. They come in the order told, each as often as told, and for its operation."""
    sandbox.fail_next(500, internal_code=99, retry_after=7, headers={"X-More": "yes"})
    sandbox.fail_next(503, times=2, body="busy", content_type="text/plain", retry_after="Fri, 31 Dec 2038 23:59:59 GMT")
    sandbox.fail_next(503, body=b"\xff\x00", headers={"Content-Type": "image/png"})
    sandbox.fail_next(502, operation="find_domain")  # which the others spare
    assert [find(http).status_code for _ in range(2)] == [502, 200]
    first, second, third, fourth, good = (visit(http) for _ in range(5))
    assert (code(first), first.headers["retry-after"], first.headers["x-more"]) == ((500, 99), "7", "yes")
    for answer in (second, third):
        assert (answer.text, answer.headers["content-type"]) == ("busy", "text/plain")
        assert answer.headers["retry-after"] == "Fri, 31 Dec 2038 23:59:59 GMT"
    assert (fourth.content, fourth.headers.get_list("content-type")) == (b"\xff\x00", ["image/png"])
    assert good.status_code == 200


NONSENSE: list[tuple[str, dict[str, Any], str]] = [
    ("serve_next", {"times": 0}, "times: must be a whole number, 1 or more, not 0"),
    ("fail_next", {"status": 1000}, "status: must be a whole number, from 100 to 999, not 1000"),
    ("answer_next", {"status": True}, "status: must be a whole number, from 100 to 999, not True"),
    ("answer_next", {"body": [1]}, "body: must be bytes or a string, such as json.dumps makes, not list"),
    ("slow", {"seconds": float("nan")}, "seconds: must be a number, 0 or more, not nan"),
    ("serve_next", {"operation": "x"}, f"operation: the contract has no operation x; it has {KNOWN}"),
    ("loading_account", {"operation": "createsession"}, "operation: the contract has no operation createsession; "
     "did you mean createSession?"),
    ("loading_account", {"operation": "findDomain"}, "operation: findDomain does not load accounts, leave it out or "
     "name another"),
    ("drop_connection", {"when": "later"}, "when: must be one of before, after, during, not 'later'"),
    ("__init__", {"port": 70000}, "port: must be a whole number, from 0 to 65535, not 70000"),
    ("fail_next", {"status": 503, "internal_code": "x"}, "internal_code: must be a whole number, not 'x'"),
    ("__init__", {"update_body": "x"}, "update_body: must be '' or '{}', not 'x'"),
    ("__init__", {"valid_for_seconds": float("inf")}, "valid_for_seconds: must be a number, from 0 to 1000000000, "
     "not inf"),
    *(("__init__", {"accounts": accounts}, "accounts: must be a collection of account ids, such as ['demo'], not "
       f"{type(accounts).__name__}") for accounts in ("demo", 5)),
]  # fmt: skip


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
    first, second, third = visit(http), visit(http), visit(http)
    assert (first.status_code, first.content, first.headers["x-a"]) == (200, b"\xff", "b")
    assert (second.status_code, second.content) == (204, b"")
    assert (third.status_code, "content-type" in third.headers) == (200, False)
    sandbox.fail_next(102, body=b"")  # which is no answer: the client misses the final one
    sandbox.answer_next(body=b"{}", headers={"Content-Length": "10"})
    for _ in range(2):
        with pytest.raises(httpx.RemoteProtocolError):
            visit(http)
    sandbox.answer_next(body=b"{}", headers={"Content-Length": "1"})
    assert exchange(sandbox, CREATE).endswith(b"\r\n\r\n{}")
    sandbox.answer_next(304, b"{}")
    assert visit(http).status_code == 304
    assert sandbox.visitors == ()
    assert visit(http).status_code == 200
    assert caplog.records == []


def test_instructions_from_many_threads_are_all_followed(sandbox: Sandbox, http: httpx.Client) -> None:
    """Each exactly once."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(sandbox.fail_next, [503] * 20))
        statuses = [each.status_code for each in pool.map(visit, [http] * 40)]
    assert (sorted(statuses), len(sandbox.visitors)) == ([200] * 20 + [503] * 20, 20)


def test_an_answer_can_end_halfway(sandbox: Sandbox) -> None:
    """Of a lost answer the journal has nothing."""
    sandbox.drop_connection(when="during")
    head, _, half = exchange(sandbox, CREATE).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert len(half) == int(re.findall(rb"content-length: (\d+)", head)[0]) // 2
    [lost] = sandbox.requests
    assert (lost.status, lost.response_body) == (None, b"")


def test_a_body_is_asked_for_and_waited_for(sandbox: Sandbox) -> None:
    """As some clients have it."""
    head, _, body = CREATE.replace(b"connection", b"expect: 100-continue\r\nconnection").partition(b"\r\n\r\n")
    with connect(sandbox) as connection:
        connection.sendall(head + b"\r\n\r\n")
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert connection.recv(100).startswith(b"HTTP/1.1 200 ")


def test_a_request_that_is_no_http_makes_no_noise(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Nor do lost connections and ordinary requests, whatever the level of logging."""
    caplog.set_level(logging.DEBUG, "asyncio")
    with Sandbox() as sandbox:
        sandbox.drop_connection(when="after")
        assert exchange(sandbox, b"nonsense\r\n\r\n").startswith(b"HTTP/1.1 400 ")
        for _ in range(2):
            with contextlib.suppress(OSError):
                exchange(sandbox, CREATE)
    assert [record for record in caplog.records if record.name != "asyncio" or record.levelno > logging.DEBUG] == []
    assert capfd.readouterr() == ("", "")


def test_a_request_is_kept_as_it_was_sent(sandbox: Sandbox, http: httpx.Client) -> None:
    """Decoded and raw, with the ids that it named; also what no operation answered."""
    before, requests, visitors = time.monotonic(), sandbox.requests, sandbox.visitors
    http.put(f"{VISITORS}a%2Fb?v=1.0&sid=c%20d", json=PAGE, headers={"X-Trace": "t"})
    http.get("/nowhere")
    http.delete(DOMAIN)
    http.post(VISITORS, params=VERSION, content=b"{")
    visit(http)
    assert (requests, visitors) == ((), ())
    request, *others, _ = sandbox.requests
    assert (request.operation_id, request.method, request.status) == ("updateSession", "PUT", 404)
    assert (request.path, request.query) == (f"{VISITORS}a%2Fb", {"v": "1.0", "sid": "c d"})
    assert (request.body, json.loads(request.raw_body), request.headers["x-trace"]) == (PAGE, PAGE, "t")
    assert (request.account_id, request.visitor_id, request.session_id) == ("demo", "a/b", "c d")
    assert before < request.at < time.monotonic()
    seen = [(each.operation_id, each.status, each.body, each.raw_body) for each in others]
    assert seen == [(None, 404, None, b""), (None, 405, None, b""), ("createSession", 400, None, b"{")]


def test_several_run_at_once_and_none_leaves_a_trace() -> None:
    """Threads, ports and signal handlers are as before; one stops at once, though a request is pending."""
    threads, handler = threading.active_count(), signal.getsignal(signal.SIGINT)
    with contextlib.ExitStack() as stack:
        sandboxes = [stack.enter_context(Sandbox()) for _ in range(5)]
        http = stack.enter_context(httpx.Client(timeout=90))
        urls = [sandbox.url for sandbox in sandboxes]
        assert [find(http, url + DOMAIN).json()["baseURI"] for url in urls] == [each.host for each in sandboxes]
        assert signal.getsignal(signal.SIGINT) is handler
        sandboxes[0].slow(90, operation="findDomain")
        with ThreadPoolExecutor() as pool:
            pending = pool.submit(find, http, urls[0] + DOMAIN)
            until(lambda: len(sandboxes[0].requests) == 2)
            assert find(http, urls[0] + DOMAIN).status_code == 200
            assert not pending.done()  # a slow answer holds up nobody else
            sandboxes[0].stop()
            assert isinstance(pending.exception(30), httpx.TransportError)
    assert threading.active_count() == threads
    for url in urls:
        with pytest.raises(httpx.ConnectError, match="refused"):
            httpx.get(url)


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
            exchange(sandbox, CREATE)
            assert len(sandbox.visitors) == count
            with pytest.raises(RuntimeError, match="running already"):
                sandbox.start()
    with pytest.raises(RuntimeError, match="not running"):
        _ = sandbox.url
