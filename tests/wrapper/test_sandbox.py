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
from importlib import resources
from typing import Any

import httpx
import pytest
from jsonschema_rs import Draft202012Validator

from liveperson_engagement.sandbox import Sandbox

CONTRACT: dict[str, Any] = json.loads(
    resources.files("liveperson_engagement_api").joinpath("openapi.json").read_bytes()
)
VISITORS = "/api/account/demo/app/engagement/visitors/"
DOMAIN = "/api/account/demo/service/msdkgw/baseURI.json"
VERSION = {"v": "1.0"}
BODY = {"appType": "EXTERNAL"}
LEAD = {"type": "lead", "lead": {"topic": "upgrade"}}
NO_BODY = "body: must be bytes or a string, such as json.dumps makes"
KNOWN = "createSession, updateSession, continueSession, findDomain"
CLOSED = {"type": "impClose", "campaign": 1, "engId": 2, "revision": 3}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox that is running."""
    with Sandbox() as running:
        yield running


@pytest.fixture
def http(sandbox: Sandbox) -> Iterator[httpx.Client]:
    """A plain client of that sandbox."""
    with httpx.Client(base_url=sandbox.url, timeout=5) as client:
        yield client


def create(http: httpx.Client, body: Any = BODY, **query: str) -> httpx.Response:
    """Start a visit."""
    return http.post(VISITORS, params={**VERSION, **query}, json=body)


def resume(http: httpx.Client, visitor_id: str, body: Any = BODY, **query: str) -> httpx.Response:
    """Ask again within a visit."""
    return http.post(VISITORS + visitor_id, params={**VERSION, **query}, json=body)


def update(http: httpx.Client, visitor_id: str, body: Any = None, **query: str) -> httpx.Response:
    """Tell more about a visitor."""
    return http.put(VISITORS + visitor_id, params={**VERSION, **query}, json=body or {"pageId": "p"})


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
    components = CONTRACT["components"]
    validator = Draft202012Validator(
        {"$ref": f"#/components/schemas/{schema}", "components": components}, validate_formats=True
    )
    return validator.is_valid(instance)


class TestVisits:
    """What a service in good health does."""

    def test_a_new_visit_makes_one_visitor_with_one_session(self, sandbox: Sandbox, http: httpx.Client) -> None:
        """The ids of the answer are on the visitor list."""
        session = create(http).json()
        assert valid("AvailableSession", session)
        (visitor,) = sandbox.visitors
        assert (visitor.visitor_id, visitor.account_id) == (session["visitorId"], "demo")
        assert [each.session_id for each in visitor.sessions] == [session["sessionId"]]
        assert not visitor.sessions[0].ended

    def test_ids_are_recognisable_and_never_repeated(self, http: httpx.Client) -> None:
        """Two sandboxes give six different long ids."""
        names = ("visitorId", "sessionId", "pageId")
        with Sandbox() as other, httpx.Client(base_url=other.url) as http_of_other:
            sessions = [create(http).json(), create(http_of_other).json()]
        ids = {session[name] for session in sessions for name in names}
        assert len(ids) == 6
        assert all(len(each) > 30 for each in ids)

    def test_a_visit_goes_on_with_its_ids_and_a_fresh_page(self, sandbox: Sandbox, http: httpx.Client) -> None:
        """Visitor and session stay, the page changes."""
        first = create(http).json()
        second = resume(http, first["visitorId"], sid=first["sessionId"]).json()
        assert (second["visitorId"], second["sessionId"]) == (first["visitorId"], first["sessionId"])
        assert second["pageId"] != first["pageId"]
        assert len(sandbox.visitors) == 1

    @pytest.mark.parametrize("ended", [True, False])
    def test_an_ended_or_unknown_session_is_replaced(self, sandbox: Sandbox, http: httpx.Client, ended: bool) -> None:
        """The same visitor gets another session."""
        first = create(http).json()
        if ended:
            sandbox.expire_sessions()
        second = resume(http, first["visitorId"], sid=first["sessionId"] if ended else "other").json()
        assert second["visitorId"] == first["visitorId"]
        assert second["sessionId"] not in {first["sessionId"], "other"}
        assert [each.ended for each in sandbox.visitors[0].sessions] == [ended, False]

    def test_an_unknown_visitor_is_not_found(self, sandbox: Sandbox, http: httpx.Client) -> None:
        """Neither a made-up one, nor another account's, nor one that was forgotten."""
        session = create(http).json()
        elsewhere = VISITORS.replace("demo", "other") + session["visitorId"]
        query = {**VERSION, "sid": session["sessionId"]}
        assert code(resume(http, "nobody", sid="s")) == (404, 37)
        assert code(update(http, "nobody", sid="s")) == (404, 37)
        assert code(http.post(elsewhere, params=query, json=BODY)) == (404, 37)
        sandbox.forget_visitors()
        assert sandbox.visitors == ()
        assert code(resume(http, session["visitorId"], sid=session["sessionId"])) == (404, 37)

    def test_an_update_needs_a_living_session(self, sandbox: Sandbox, http: httpx.Client) -> None:
        """Unknown and ended sessions are not found."""
        session = create(http).json()
        assert code(update(http, session["visitorId"], sid="other")) == (404, 39)
        sandbox.expire_sessions()
        assert code(update(http, session["visitorId"], sid=session["sessionId"])) == (404, 39)

    def test_updates_are_remembered_and_answered_with_nothing(self, sandbox: Sandbox, http: httpx.Client) -> None:
        """Attributes of every request count, impressions and bodies those of updates."""
        session = create(http, {**BODY, "engagementAttributes": [LEAD], "impAttributes": "unknown here"}).json()
        body = {"pageId": session["pageId"], "engagementAttributes": [LEAD], "impAttributes": [CLOSED]}
        answer = update(http, session["visitorId"], body, sid=session["sessionId"])
        assert (answer.status_code, answer.content) == (200, b"")
        (remembered,) = sandbox.visitors[0].sessions
        assert remembered.updates == (body,)
        assert remembered.attributes == (LEAD, LEAD)
        assert remembered.impressions == (CLOSED,)

    def test_an_update_may_be_answered_with_an_empty_object(self) -> None:
        """As the contract allows."""
        with Sandbox(update_body="{}") as sandbox, httpx.Client(base_url=sandbox.url) as http:
            session = create(http).json()
            answer = update(http, session["visitorId"], sid=session["sessionId"])
        assert (answer.content, answer.headers["content-type"]) == (b"{}", "application/json")

    def test_engagements_can_be_withheld(self, sandbox: Sandbox, http: httpx.Client) -> None:
        """The visit goes on without them, and gets them back."""
        sandbox.not_available()
        withheld = create(http).json()
        assert valid("NotAvailableSession", withheld)
        assert "engagementDetails" not in withheld
        sandbox.available()
        session = resume(http, withheld["visitorId"], sid=withheld["sessionId"]).json()
        assert session["status"] == "Available"

    @pytest.mark.parametrize(("quoted", "kind"), [(False, int), (True, str)])
    def test_engagement_ids_are_plain_or_quoted(self, quoted: bool, kind: type) -> None:
        """Both are valid, with a validity of choice."""
        with Sandbox(quoted_ids=quoted, valid_for_seconds=0.5) as sandbox, httpx.Client(base_url=sandbox.url) as http:
            session = create(http).json()
        assert valid("AvailableSession", session)
        details = session["engagementDetails"]
        assert {type(details["campaignId"]), type(details["engagementId"])} == {kind}
        assert details["validForSeconds"] == 0.5

    def test_the_validity_can_be_changed_until_a_reset(self, sandbox: Sandbox, http: httpx.Client) -> None:
        """Then it is the example's again."""
        sandbox.valid_for_seconds = 7
        changed = create(http).json()
        sandbox.reset()
        assert [each["engagementDetails"]["validForSeconds"] for each in (changed, create(http).json())] == [7, 900]

    def test_an_id_with_a_slash_is_one_segment(self, http: httpx.Client) -> None:
        """Encoded, it names an unknown visitor, not another path."""
        assert code(http.post(VISITORS + "a%2Fb", params={**VERSION, "sid": "s"}, json=BODY)) == (404, 37)


class TestDomain:
    """The Domain API."""

    def test_the_domain_is_the_sandbox_itself(self, sandbox: Sandbox, http: httpx.Client) -> None:
        """With the port, so that a client gets back here."""
        domain = find(http).json()
        assert domain == {"service": "msdkgw", "account": "demo", "baseURI": sandbox.host}
        assert valid("ServiceDomain", domain)
        assert sandbox.url == f"http://{sandbox.host}"

    @pytest.mark.parametrize(
        ("path", "version", "expected"),
        [
            (DOMAIN, "2.0", (400, 33)),
            (DOMAIN.replace("msdkgw", "MSDKGW"), "1.0", (400, 5)),
            (DOMAIN.replace("msdkgw", "a!"), "1.0", (400, 5)),
            (DOMAIN.replace("demo", "de-mo"), "1.0", (400, 5)),
        ],
    )
    def test_a_wrong_question_is_refused(
        self, http: httpx.Client, path: str, version: str, expected: tuple[int, int]
    ) -> None:
        """Version, service and account are checked."""
        assert code(find(http, path, version)) == expected

    def test_accounts_can_be_named(self) -> None:
        """All others are then unauthorized, in both APIs."""
        with Sandbox(accounts={"other"}) as sandbox, httpx.Client(base_url=sandbox.url) as http:
            assert code(find(http)) == (401, 1)
            assert code(create(http)) == (401, 1)
            assert find(http, DOMAIN.replace("demo", "other")).status_code == 200


class TestRefusals:
    """What breaks the contract is refused, and changes nothing."""

    @pytest.mark.parametrize(
        ("body", "where"),
        [
            ({}, "appType"),
            ({"appType": "SECRET"}, "appType"),
            ([], "the body"),
            ({**BODY, "appDetails": {"ipAddress": "1.2.3.secret"}}, "appDetails.ipAddress"),
            ({**BODY, "engagementAttributes": [LEAD, {"type": "secret"}]}, "engagementAttributes[1].type"),
            ({**BODY, "engagementAttributes": [CLOSED]}, "engagementAttributes[0].type"),
            ({**BODY, "engagementAttributes": [{"kind": "lead"}]}, "engagementAttributes[0].type"),
            ({**BODY, "engagementAttributes": [{"type": "cart", "total": 1}]}, "engagementAttributes[0].numItems"),
            (
                {**BODY, "engagementAttributes": [{"type": "personal", "personal": {"age": {"month": 13}}}]},
                "engagementAttributes[0].personal.age.month",
            ),
        ],
    )
    def test_an_invalid_body_is_named_by_its_path(
        self, sandbox: Sandbox, http: httpx.Client, body: Any, where: str
    ) -> None:
        """Values stay out of the message."""
        answer = create(http, body)
        assert code(answer) == (400, 5)
        assert answer.json()["message"].endswith(f": {where}")
        assert "secret" not in answer.text.lower()
        assert sandbox.visitors == ()

    @pytest.mark.parametrize(
        "raw",
        [
            b"",
            b"{",
            b'{"appType": "MSDK", "x": NaN}',
            b'{"appType": "MSDK", "x": "\xff"}',
            b'{"appType": "\\ud800"}',
            json.dumps(BODY).encode("utf-16"),
            b"[" * 100_000,
            b'{"appType": "MSDK"}' + b" " * 2**20,
        ],
        ids=["nothing", "half", "NaN", "no UTF-8", "lone surrogate", "UTF-16", "deep", "huge"],
    )
    def test_what_is_not_json_is_refused(self, sandbox: Sandbox, http: httpx.Client, raw: bytes) -> None:
        """So is what is too much."""
        headers = {"content-type": "application/json"}
        assert code(http.post(VISITORS, params=VERSION, content=raw, headers=headers)) == (400, 5)
        assert sandbox.visitors == ()

    def test_a_body_may_be_as_large_as_the_limit(self, http: httpx.Client) -> None:
        """One mebibyte."""
        raw = json.dumps(BODY).encode().ljust(2**20)
        answer = http.post(VISITORS, params=VERSION, content=raw, headers={"content-type": "application/json"})
        assert answer.status_code == 200

    @pytest.mark.parametrize(
        ("content_type", "status"),
        [
            ("application/json; charset=utf-8", 200),
            ("Application/JSON", 200),
            ("text/plain", 400),
            ("application/jsonp", 400),
            ("", 400),
        ],
    )
    def test_the_content_type_counts(self, http: httpx.Client, content_type: str, status: int) -> None:
        """Whatever its case and parameters."""
        answer = http.post(VISITORS, params=VERSION, content=json.dumps(BODY), headers={"content-type": content_type})
        assert answer.status_code == status

    @pytest.mark.parametrize("query", ["", "v=", "v=1", "v=1.00", "v=2.0", "v=%221.0%22", "v=1.0&v=1.0", "V=1.0"])
    def test_any_other_version_is_illegal(self, http: httpx.Client, query: str) -> None:
        """The version is spelled exactly 1.0."""
        assert code(http.post(f"{VISITORS}?{query}", json=BODY)) == (400, 33)

    @pytest.mark.parametrize("account", ["de-mo", "d" * 21, "d%0A", "%FF", "d%2Fd"])
    def test_a_malformed_account_is_refused(self, http: httpx.Client, account: str) -> None:
        """By the contract's own pattern."""
        answer = http.post(VISITORS.replace("demo", account), params=VERSION, json=BODY)
        assert code(answer) == (400, 5)
        assert answer.json()["message"].endswith("path parameter accountId")

    @pytest.mark.parametrize("query", [{}, {"sid": ""}])
    def test_a_known_visitor_must_name_a_session(self, http: httpx.Client, query: dict[str, str]) -> None:
        """In both operations that name a visitor."""
        visitor_id = create(http).json()["visitorId"]
        assert code(resume(http, visitor_id, **query)) == (400, 5)
        assert code(update(http, visitor_id, **query)) == (400, 5)

    @pytest.mark.parametrize("path", ["/", "/api", VISITORS.rstrip("/"), VISITORS + "a/b", VISITORS + "a/", "/%FF"])
    def test_an_unknown_path_is_not_found(self, http: httpx.Client, path: str) -> None:
        """And never redirected."""
        answer = http.post(path, params=VERSION, json=BODY)
        assert (answer.status_code, answer.text) == (404, "Not Found")

    @pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "DELETE", "PATCH", "TRACE", "ANY"])
    @pytest.mark.parametrize(("path", "allowed"), [(VISITORS, "POST"), (VISITORS + "xyz", "POST, PUT")])
    def test_another_method_is_not_allowed(self, http: httpx.Client, method: str, path: str, allowed: str) -> None:
        """Those that are stand in the Allow header."""
        answer = http.request(method, path, params=VERSION)
        assert (answer.status_code, answer.headers["allow"]) == (405, allowed)

    def test_a_head_is_not_a_get(self, http: httpx.Client) -> None:
        """Only what the contract knows is allowed."""
        answer = http.head(DOMAIN, params={"version": "1.0"})
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET")


class TestContract:
    """A changed contract changes the sandbox, without a line of Python."""

    def test_a_new_field_a_tighter_pattern_and_a_new_path_are_obeyed(self) -> None:
        """Schemas, required fields, parameters and paths all come from the document."""
        document = copy.deepcopy(CONTRACT)
        schemas = document["components"]["schemas"]
        schemas["CreateSessionBody"]["properties"]["mood"] = {"type": "string", "enum": ["good"]}
        schemas["AppType"]["enum"] = ["MSDK"]
        schemas["AccountId"]["pattern"] = "^[a-z]+$"
        document["components"]["parameters"]["ApiVersion"]["schema"]["const"] = "2.0"
        operation = document["paths"][VISITORS.replace("demo", "{accountId}")]["post"]
        operation["parameters"] += [
            {"name": "limit", "in": "query", "required": True, "schema": {"type": "integer", "maximum": 9}},
            {"name": "X-Trace", "in": "header", "required": True, "schema": {"type": "string", "minLength": 2}},
        ]
        document["paths"] = {path.replace("/api/", "/v2/"): item for path, item in document["paths"].items()}
        path = VISITORS.replace("/api/", "/v2/")
        query, headers, body = {"v": "2.0", "limit": "9"}, {"x-trace": "ab"}, {"appType": "MSDK", "mood": "good"}
        refused: list[tuple[str, dict[str, str], dict[str, str], dict[str, str]]] = [
            (path, query, headers, {**body, "mood": "bad"}),
            (path, query, headers, {**body, "appType": "EXTERNAL"}),
            (path, {**query, "limit": "10"}, headers, body),
            (path, {**query, "limit": "many"}, headers, body),
            (path, {**query, "v": "1.0"}, headers, body),
            (path, {"v": "2.0"}, headers, body),
            (path, query, {"x-trace": "a"}, body),
            (path, query, {}, body),
            (path.replace("demo", "demo1"), query, headers, body),
        ]
        with Sandbox(contract=document) as sandbox, httpx.Client(base_url=sandbox.url) as http:
            assert http.post(path, params=query, headers=headers, json=body).status_code == 200
            statuses = [http.post(p, params=q, headers=h, json=b).status_code for p, q, h, b in refused]
            assert statuses == [400] * len(refused)
            assert http.post(VISITORS, params=query, headers=headers, json=body).status_code == 404

    def test_an_operation_unknown_to_the_sandbox_answers_its_example(self) -> None:
        """So a new operation has an answer before it has a behaviour."""
        document = copy.deepcopy(CONTRACT)
        content = {"application/json": {"schema": {}, "examples": {"hello": {"value": {"hello": "world"}}}}}
        document["paths"]["/hello"] = {"get": {"operationId": "hello", "responses": {"200": {"content": content}}}}
        with Sandbox(contract=document) as sandbox, httpx.Client(base_url=sandbox.url) as http:
            assert http.get("/hello").json() == {"hello": "world"}

    @pytest.mark.parametrize("status", [400, 401, 404, 500, 503])
    def test_errors_are_the_documented_ones(self, sandbox: Sandbox, http: httpx.Client, status: int) -> None:
        """Message and code of the first example of the status."""
        responses = {"400": "BadRequest", "401": "Unauthorized", "404": "NotFound"}
        responses |= {"500": "InternalError", "503": "Unavailable"}
        content = CONTRACT["components"]["responses"][responses[str(status)]]["content"]["application/json"]
        expected = next(iter(content["examples"].values()))["value"]
        sandbox.fail_next(status)
        answer = create(http)
        assert code(answer) == (status, expected["internalCode"])
        assert answer.json()["message"] == expected["message"]


class TestFailures:
    """Failures on demand."""

    @pytest.mark.parametrize("status", [301, 304, 400, 418, 429, 499, 500, 502, 520, 599, 600, 999])
    def test_any_status_can_be_answered(self, sandbox: Sandbox, http: httpx.Client, status: int) -> None:
        """Registered or not; then all is well again, on a connection that works."""
        sandbox.fail_next(status)
        assert [create(http).status_code for _ in range(2)] == [status, 200]
        assert [request.status for request in sandbox.requests] == [status, 200]
        assert len(sandbox.visitors) == 1

    def test_an_informational_status_is_no_answer(self, sandbox: Sandbox, http: httpx.Client) -> None:
        """It is sent, and the client misses the final one."""
        sandbox.fail_next(102, body=b"")
        with pytest.raises(httpx.RemoteProtocolError):
            create(http)

    @pytest.mark.parametrize(("status", "expected"), [(502, 18), (520, 18), (429, 33)])
    def test_an_undocumented_status_borrows_an_error_of_its_class(
        self, sandbox: Sandbox, http: httpx.Client, status: int, expected: int
    ) -> None:
        """The body is an error entity all the same."""
        sandbox.fail_next(status)
        sandbox.fail_next(status, operation="findDomain")
        assert code(create(http)) == (status, expected)
        assert code(find(http)) == (status, expected)

    def test_failures_come_in_the_order_told(self, sandbox: Sandbox, http: httpx.Client) -> None:
        """Each as many times as told."""
        sandbox.fail_next(503, times=2)
        sandbox.html_error(502)
        sandbox.fail_next(404)
        assert [create(http).status_code for _ in range(5)] == [503, 503, 502, 404, 200]

    def test_every_part_of_a_failure_can_be_chosen(self, sandbox: Sandbox, http: httpx.Client) -> None:
        """Code, body, type and headers."""
        sandbox.fail_next(500, internal_code=99, retry_after=7, headers={"X-More": "yes"})
        sandbox.fail_next(503, body="busy", content_type="text/plain", retry_after="Fri, 31 Dec 2038 23:59:59 GMT")
        sandbox.fail_next(503, body=b"\xff\x00", headers={"Content-Type": "image/png"})
        first, second, third = create(http), create(http), create(http)
        assert code(first) == (500, 99)
        assert (first.headers["retry-after"], first.headers["x-more"]) == ("7", "yes")
        assert (second.text, second.headers["content-type"]) == ("busy", "text/plain")
        assert second.headers["retry-after"] == "Fri, 31 Dec 2038 23:59:59 GMT"
        assert (third.content, third.headers.get_list("content-type")) == (b"\xff\x00", ["image/png"])

    def test_a_gateway_answers_with_a_page(self, sandbox: Sandbox, http: httpx.Client) -> None:
        """HTML, not JSON."""
        sandbox.html_error()
        answer = create(http)
        assert (answer.status_code, answer.headers["content-type"]) == (503, "text/html")
        assert answer.text.startswith("<html>")

    def test_a_failure_waits_for_its_operation(self, sandbox: Sandbox, http: httpx.Client) -> None:
        """And without one, findDomain is spared."""
        sandbox.fail_next(503)
        sandbox.fail_next(500, operation="updateSession")
        sandbox.fail_next(502, operation="findDomain")
        assert [find(http).status_code for _ in range(2)] == [502, 200]
        assert [create(http).status_code for _ in range(2)] == [503, 200]
        assert [update(http, "nobody", sid="s").status_code for _ in range(2)] == [500, 404]

    def test_a_failure_comes_before_any_check(self, sandbox: Sandbox, http: httpx.Client) -> None:
        """A service that is down does not read requests."""
        sandbox.fail_next(503)
        assert create(http, {}).status_code == 503

    @pytest.mark.parametrize(
        ("method", "arguments", "line"),
        [
            ("fail_next", {"status": 503, "times": 0}, "times: must be a whole number, 1 or more, not 0"),
            ("fail_next", {"status": 503, "times": 1.5}, "times: must be a whole number, 1 or more, not 1.5"),
            ("fail_next", {"status": 1000}, "status: must be a whole number, from 100 to 999, not 1000"),
            ("fail_next", {"status": "503"}, "status: must be a whole number, from 100 to 999, not '503'"),
            ("answer_next", {"status": True}, "status: must be a whole number, from 100 to 999, not True"),
            ("fail_next", {"status": 503, "body": {}}, f"{NO_BODY}, not dict"),
            ("answer_next", {"body": [1]}, f"{NO_BODY}, not list"),
            ("slow", {"seconds": -1}, "seconds: must be a number, 0 or more, not -1"),
            ("slow", {"seconds": float("nan")}, "seconds: must be a number, 0 or more, not nan"),
            (
                "slow",
                {"seconds": 1, "operation": "createsession"},
                "operation: the contract has no operation createsession; did you mean createSession?",
            ),
            ("slow", {"seconds": 1, "operation": "x"}, f"operation: the contract has no operation x; it has {KNOWN}"),
            (
                "loading_account",
                {"operation": "findDomain"},
                "operation: findDomain does not load accounts, leave it out or name another",
            ),
            ("drop_connection", {"when": "later"}, "when: must be one of before, after, during, not 'later'"),
        ],
    )
    def test_nonsense_is_refused_at_once(self, sandbox: Sandbox, method: str, arguments: Any, line: str) -> None:
        """Not when a request comes; in a line that names the argument and what it may be."""
        with pytest.raises(ValueError, match=f"^{re.escape(line)}$"):
            getattr(sandbox, method)(**arguments)
        assert sandbox.requests == ()

    @pytest.mark.parametrize(
        ("arguments", "line"),
        [
            ({"port": 70000}, "port: must be a whole number, from 0 to 65535, not 70000"),
            ({"port": "8787"}, "port: must be a whole number, from 0 to 65535, not '8787'"),
            ({"accounts": "demo"}, "accounts: must be a collection of account ids, such as ['demo'], not a string"),
        ],
    )
    def test_a_sandbox_that_cannot_be_is_refused(self, arguments: Any, line: str) -> None:
        """Before it listens."""
        with pytest.raises(ValueError, match=f"^{re.escape(line)}$"):
            Sandbox(**arguments)

    def test_the_journal_has_what_was_answered(self, sandbox: Sandbox, http: httpx.Client) -> None:
        """Byte for byte, and nothing where the connection was dropped."""
        answer = create(http)
        sandbox.drop_connection(when="during")
        with pytest.raises(httpx.RemoteProtocolError):
            create(http)
        assert [request.response_body for request in sandbox.requests] == [answer.content, b""]

    def test_any_answer_can_be_given(self, sandbox: Sandbox, http: httpx.Client) -> None:
        """Bytes, headers and type as told, and nothing is done."""
        sandbox.answer_next(body=b"\xff", headers={"X-A": "b"})
        sandbox.answer_next(204)
        sandbox.answer_next(200, "", content_type=None)
        first, second, third = create(http), create(http), create(http)
        assert (first.status_code, first.content, first.headers["x-a"]) == (200, b"\xff", "b")
        assert (second.status_code, second.content) == (204, b"")
        assert (third.status_code, "content-type" in third.headers) == (200, False)
        assert sandbox.visitors == ()

    def test_even_an_answer_that_lies_about_its_length(
        self, sandbox: Sandbox, http: httpx.Client, caplog: pytest.LogCaptureFixture
    ) -> None:
        """What HTTP forbids goes out as well, save for a body where none can be."""
        sandbox.answer_next(body=b"{}", headers={"Content-Length": "10"})
        with pytest.raises(httpx.RemoteProtocolError):
            create(http)
        sandbox.answer_next(body=b"{}", headers={"Content-Length": "1"})
        assert exchange(sandbox, "POST", VISITORS, b"").endswith(b"\r\n\r\n{}")
        sandbox.answer_next(304, b"{}")
        assert create(http).status_code == 304
        assert create(http).status_code == 200
        assert caplog.records == []

    def test_instructions_from_many_threads_are_all_followed(self, sandbox: Sandbox, http: httpx.Client) -> None:
        """Each exactly once."""
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(sandbox.fail_next, [503] * 20))
            statuses = [each.status_code for each in pool.map(create, [http] * 40)]
        assert sorted(statuses) == [200] * 20 + [503] * 20
        assert len(sandbox.visitors) == 20
        assert len(sandbox.requests) == 40


class TestLoadingAccount:
    """The account is loaded when it is first called."""

    def test_retries_that_name_the_visitor_make_no_other(self, sandbox: Sandbox, http: httpx.Client) -> None:
        """And need no session until there is one."""
        sandbox.loading_account(times=2)
        first = create(http)
        assert code(first) == (500, 20)
        start, _, visitor_id = first.json()["message"].rpartition(" ")
        assert start == "Loading account: demo, vid:"
        second = resume(http, visitor_id)
        assert code(second) == (500, 20)
        assert second.json()["message"] == first.json()["message"]
        session = resume(http, visitor_id).json()
        assert session["visitorId"] == visitor_id
        assert [visitor.visitor_id for visitor in sandbox.visitors] == [visitor_id]
        assert code(resume(http, visitor_id)) == (400, 5)

    def test_retries_that_do_not_make_one_more_each(self, sandbox: Sandbox, http: httpx.Client) -> None:
        """Which is what a client should be caught at."""
        sandbox.loading_account(times=2)
        for _ in range(3):
            create(http)
        assert [len(visitor.sessions) for visitor in sandbox.visitors] == [0, 0, 1]


class TestConnections:
    """Slow answers and lost connections."""

    def test_a_slow_answer_holds_up_nobody_else(self, sandbox: Sandbox, http: httpx.Client) -> None:
        """The request is handled at once."""
        sandbox.slow(0.3)
        with ThreadPoolExecutor() as pool:
            begun = time.monotonic()
            slow = pool.submit(create, http)
            while not sandbox.requests:
                time.sleep(0.005)
            assert create(http).status_code == 200
            assert time.monotonic() - begun < 0.25
            assert len(sandbox.visitors) == 2
            assert slow.result().status_code == 200
            assert time.monotonic() - begun >= 0.3

    def test_a_client_may_lose_patience(self, sandbox: Sandbox, http: httpx.Client) -> None:
        """The visitor has been made by then."""
        sandbox.slow(60)
        with pytest.raises(httpx.ReadTimeout):
            http.post(VISITORS, params=VERSION, json=BODY, timeout=0.05)
        assert len(sandbox.visitors) == 1
        assert create(http).status_code == 200

    @pytest.mark.parametrize(
        ("when", "error", "visitors"),
        [
            ("before", httpx.RemoteProtocolError, 0),
            ("after", httpx.ReadError, 1),
            ("during", httpx.RemoteProtocolError, 1),
        ],
    )
    def test_a_connection_can_be_lost(
        self, sandbox: Sandbox, http: httpx.Client, when: Any, error: type[Exception], visitors: int
    ) -> None:
        """Before anything was done, or after, without or with half of an answer."""
        sandbox.drop_connection(when=when)
        with pytest.raises(error):
            create(http)
        assert len(sandbox.visitors) == visitors
        assert [request.status for request in sandbox.requests] == [None]
        assert create(http).status_code == 200

    def test_an_answer_can_end_halfway(self, sandbox: Sandbox) -> None:
        """Status and headers are whole, half of the body is missing, also where the whole would be empty."""
        with httpx.Client(base_url=sandbox.url) as http:
            session = create(http).json()
        for method, path, body in [
            ("POST", f"{VISITORS}?v=1.0", BODY),
            ("PUT", f"{VISITORS}{session['visitorId']}?v=1.0&sid={session['sessionId']}", {"pageId": "p"}),
        ]:
            sandbox.drop_connection(when="during")
            raw = exchange(sandbox, method, path, json.dumps(body).encode())
            head, _, half = raw.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 ")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            assert len(half) == length // 2

    def test_requests_behind_each_other_are_answered_in_order(self, sandbox: Sandbox) -> None:
        """On one connection, also those that arrive while an answer is slow."""
        sandbox.slow(0.1, operation="findDomain")
        get = f"GET {DOMAIN}?version=1.0 HTTP/1.1\r\nhost: x\r\n"
        with socket.create_connection(("127.0.0.1", int(sandbox.host.partition(":")[2])), timeout=5) as connection:
            connection.sendall(f"{get}\r\nHEAD / HTTP/1.1\r\nhost: x\r\n\r\n".encode())
            time.sleep(0.02)
            connection.sendall(f"{get}connection: close\r\n\r\n".encode())
            raw = b"".join(iter(lambda: connection.recv(65536), b""))
        heads = [part.partition(b"\r\n\r\n") for part in raw.split(b"HTTP/1.1 ")[1:]]
        assert [(head[:6], bool(body)) for head, _, body in heads] == [
            (b"200 OK", True),
            (b"200 OK", False),
            (b"200 OK", True),
        ]
        assert len({request.caller for request in sandbox.requests}) == 1

    def test_a_body_is_asked_for(self, sandbox: Sandbox) -> None:
        """As curl has it for large ones."""
        body = json.dumps(BODY).encode()
        head = f"POST {VISITORS}?v=1.0 HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nconnection: close\r\n"
        with socket.create_connection(("127.0.0.1", int(sandbox.host.partition(":")[2])), timeout=5) as connection:
            connection.sendall(f"{head}content-length: {len(body)}\r\nexpect: 100-continue\r\n\r\n".encode())
            assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
            connection.sendall(body)
            assert connection.recv(100).startswith(b"HTTP/1.1 200 ")

    def test_a_request_that_ends_halfway_is_not_handled(self, sandbox: Sandbox, http: httpx.Client) -> None:
        """Its caller has gone."""
        with socket.create_connection(("127.0.0.1", int(sandbox.host.partition(":")[2]))) as connection:
            connection.sendall(f"POST {VISITORS}?v=1.0 HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{{".encode())
        assert create(http).status_code == 200
        assert len(sandbox.requests) == 1

    def test_a_request_that_is_no_http_makes_no_noise(
        self, sandbox: Sandbox, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
    ) -> None:
        """Nor do lost connections and ordinary requests, whatever the level of logging."""
        caplog.set_level(logging.DEBUG, "asyncio")
        caplog.clear()
        sandbox.drop_connection(when="after")
        with socket.create_connection(("127.0.0.1", int(sandbox.host.partition(":")[2]))) as connection:
            connection.sendall(b"nonsense\r\n\r\n")
            assert connection.recv(100).startswith(b"HTTP/1.1 400 ")
        for _ in range(2):
            with contextlib.suppress(OSError):
                exchange(sandbox, "POST", f"{VISITORS}?v=1.0", json.dumps(BODY).encode())
        sandbox.stop()
        assert [record for record in caplog.records if record.name != "asyncio" or record.levelno > logging.DEBUG] == []
        assert capfd.readouterr() == ("", "")


class TestJournal:
    """What can be seen of what arrived."""

    def test_a_request_is_kept_as_it_was_sent(self, sandbox: Sandbox, http: httpx.Client) -> None:
        """Decoded and raw, with the ids that it named."""
        before = time.monotonic()
        body = {"pageId": "p", "impAttributes": [CLOSED]}
        http.put(f"{VISITORS}a%2Fb?v=1.0&sid=c%20d", json=body, headers={"X-Trace": "t"})
        (request,) = sandbox.requests
        assert (request.operation_id, request.method, request.status) == ("updateSession", "PUT", 404)
        assert request.path == f"{VISITORS}a%2Fb"
        assert request.query == {"v": "1.0", "sid": "c d"}
        assert request.headers["x-trace"] == "t"
        assert (request.body, json.loads(request.raw_body)) == (body, body)
        assert (request.account_id, request.visitor_id, request.session_id) == ("demo", "a/b", "c d")
        assert before < request.at < time.monotonic()

    def test_what_no_operation_answered_is_kept_as_well(self, sandbox: Sandbox, http: httpx.Client) -> None:
        """Unknown paths, wrong methods, and bodies that are no JSON."""
        http.get("/nowhere")
        http.delete(DOMAIN)
        http.post(VISITORS, params=VERSION, content=b"{")
        seen = [(request.operation_id, request.status, request.body) for request in sandbox.requests]
        assert seen == [(None, 404, None), (None, 405, None), ("createSession", 400, None)]
        assert sandbox.requests[2].raw_body == b"{"

    def test_journal_and_visitors_are_snapshots(self, sandbox: Sandbox, http: httpx.Client) -> None:
        """They don't change, and cannot be changed."""
        requests, visitors = sandbox.requests, sandbox.visitors
        create(http)
        assert (requests, visitors) == ((), ())
        with pytest.raises(AttributeError):
            sandbox.visitors[0].visitor_id = "other"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]

    def test_nothing_prints_ids(self, sandbox: Sandbox, http: httpx.Client) -> None:
        """Each repr is one line without them."""
        session = create(http).json()
        update(http, session["visitorId"], sid=session["sessionId"])
        values = [sandbox, *sandbox.requests, *sandbox.visitors, *sandbox.visitors[0].sessions]
        printed = [repr(value) for value in values]
        assert printed == [
            f"<Sandbox {sandbox.host}, 1 visitors>",
            "<SandboxRequest createSession → 200>",
            "<SandboxRequest updateSession → 200>",
            "<SandboxVisitor, 1 sessions>",
            "<SandboxSession active, 1 updates>",
        ]

    def test_a_reset_forgets_everything(self, sandbox: Sandbox, http: httpx.Client) -> None:
        """Visitors, journal, instructions."""
        create(http)
        sandbox.not_available()
        sandbox.fail_next(503)
        sandbox.reset()
        assert (sandbox.requests, sandbox.visitors) == ((), ())
        assert create(http).json()["status"] == "Available"


class TestLife:
    """Starting and stopping."""

    def test_several_run_at_once_and_none_leaves_a_trace(self) -> None:
        """Threads, ports and signal handlers are as before."""
        threads, handler = threading.active_count(), signal.getsignal(signal.SIGINT)
        with contextlib.ExitStack() as stack:
            sandboxes = [stack.enter_context(Sandbox()) for _ in range(5)]
            assert len({sandbox.host for sandbox in sandboxes}) == 5
            for sandbox in sandboxes:
                assert httpx.get(sandbox.url + DOMAIN, params={"version": "1.0"}).json()["baseURI"] == sandbox.host
            assert signal.getsignal(signal.SIGINT) is handler
            urls = [sandbox.url for sandbox in sandboxes]
        assert threading.active_count() == threads
        for url in urls:
            with pytest.raises(httpx.ConnectError):
                httpx.get(url)

    def test_it_starts_and_stops_in_no_time(self) -> None:
        """Even with a request pending and a connection open."""
        begun = time.monotonic()
        with Sandbox() as sandbox, ThreadPoolExecutor() as pool, httpx.Client(base_url=sandbox.url) as http:
            assert time.monotonic() - begun < 3
            find(http)
            sandbox.slow(60)
            pending = pool.submit(create, http)
            while len(sandbox.requests) < 2:
                time.sleep(0.005)
            begun = time.monotonic()
            sandbox.stop()
            assert time.monotonic() - begun < 3
            assert isinstance(pending.exception(5), httpx.TransportError)

    def test_it_answers_in_no_time(self, http: httpx.Client) -> None:
        """Well below the forty milliseconds that a delayed acknowledgement takes."""
        taken = sorted(find(http).elapsed.total_seconds() for _ in range(21))
        assert taken[10] < 0.03

    def test_it_can_run_again_on_a_port_of_choice(self) -> None:
        """With the visitors of the first time; twice at once it cannot."""
        with Sandbox() as other:
            port = int(other.host.partition(":")[2])
            reason = f"port: cannot listen on {port} of 127.0.0.1 (Address already in use)"
            with pytest.raises(OSError, match=re.escape(f"{reason}: stop what uses it, or pass port=0 for a free one")):
                Sandbox(port=port).start()
        sandbox = Sandbox(port=port)
        for count in (1, 2):
            with sandbox, httpx.Client(base_url=sandbox.url) as http:
                assert sandbox.host == f"127.0.0.1:{port}"
                create(http)
                assert len(sandbox.visitors) == count
                with pytest.raises(RuntimeError, match="running already"):
                    sandbox.start()
        with pytest.raises(RuntimeError, match="not running"):
            _ = sandbox.url

    def test_it_works_in_an_event_loop(self) -> None:
        """As an asynchronous context, with a client in the same loop."""

        async def run() -> int:
            async with Sandbox() as sandbox, httpx.AsyncClient(base_url=sandbox.url) as http:
                answers = await asyncio.gather(*(http.post(VISITORS, params=VERSION, json=BODY) for _ in range(10)))
                assert {answer.status_code for answer in answers} == {200}
                return len(sandbox.visitors)

        assert asyncio.run(run()) == 10

    def test_it_needs_no_more_than_the_package(self) -> None:
        """No extra, and no web framework, even if one is installed."""
        code = "import sys, liveperson_engagement.sandbox; print({'starlette', 'uvicorn', 'httpx'} & set(sys.modules))"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout == "set()\n"


def exchange(sandbox: Sandbox, method: str, path: str, body: bytes) -> bytes:
    """Send a request, and return all bytes that come back before the connection ends."""
    head = f"{method} {path} HTTP/1.1\r\nhost: sandbox\r\nconnection: close\r\ncontent-type: application/json\r\n"
    with socket.create_connection(("127.0.0.1", int(sandbox.host.partition(":")[2])), timeout=5) as connection:
        connection.sendall(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        return b"".join(iter(lambda: connection.recv(65536), b""))
