"""A visit's whole life, good and bad, for tests of what may be said of it."""

import json
import socket
from typing import Any

import httpx

from conftest import Backend
from liveperson_engagement import EngagementError, MemoryStore, StoreError
from liveperson_engagement.sandbox import Sandbox

KEY = "key-of-sarah"
BODY: Any = {
    "appType": "EXTERNAL",
    "consumerSections": ["Sarahs-section"],
    "engagementAttributes": [
        {"type": "personal", "personal": {"firstname": "Sarah", "contacts": [{"email": "sarahw@example.com"}]}}
    ],
}


class StoreDown(MemoryStore):
    """Cannot be read."""

    def load(self, key: str, timeout: float | None = None) -> Any:  # noqa: ARG002
        """Fail, as a database may: with the key in its words."""
        raise StoreError("OSError") from OSError(f"no connection for {key}")


def talkative(kind: type[Exception]) -> httpx.MockTransport:
    """Make a transport that fails with the whole URL in its words, as one of a caller's own may."""

    def fail(request: httpx.Request) -> httpx.Response:
        raise kind(f"no way to {request.url}")

    return httpx.MockTransport(fail)


def live(backend: Backend, sandbox: Sandbox, **options: Any) -> tuple[set[str], list[type[BaseException]]]:
    """Make calls that succeed and fail in every way; return what must not be told of them, and what they raised."""
    raised: list[type[BaseException]] = []
    secrets = {KEY, "Sarah", "sarahw@example.com"}
    client = backend.client(domain_api=sandbox.url, **options)
    visit = client.visit(KEY)

    def call(method: Any, *arguments: Any, **limits: Any) -> None:
        if visit.ids:
            secrets.update(filter(None, (visit.ids.visitor_id, visit.ids.session_id, visit.ids.page_id)))
        try:
            method(*arguments, **limits)
        except (EngagementError, RuntimeError) as error:
            raised.append(type(error))

    call(visit.create_session, BODY)
    call(visit.engagement, BODY)
    call(visit.update_session, {"engagementAttributes": BODY["engagementAttributes"]})
    call(visit.report_impressions, "impDisplay")
    for status, times in ((503, 2), (503, 4), (500, 1), (500, 4), (302, 1), (400, 1), (401, 1), (429, 1)):
        message = f"vid: {visit.ids.visitor_id if visit.ids else 'vid-0'} of sarahw@example.com"
        sandbox.fail_next(status, times, body=json.dumps({"message": message, "internalCode": 20}))
        call(visit.create_session, BODY)
    sandbox.html_error(502)
    call(visit.create_session, BODY)
    sandbox.answer_next(body='{"status": "Sarah"}')
    call(visit.create_session, BODY)
    sandbox.drop_connection(times=2)
    call(visit.create_session, BODY)
    sandbox.fail_next(503)
    call(visit.create_session, BODY, deadline=4.9)
    call(visit.create_session, {**BODY, "appType": "Sarah"})
    sandbox.slow(0.3, times=4)
    call(client.with_options(timeout=0.05).visit(ids=visit.ids).update_session, {})
    sandbox.forget_visitors()
    call(visit.create_session, BODY)
    sandbox.loading_account()
    call(visit.create_session, BODY)
    with socket.create_server(("127.0.0.1", 0)) as free:
        nowhere = f"http://127.0.0.1:{free.getsockname()[1]}"
    call(client.with_options(base_url=nowhere).visit(ids=visit.ids).create_session, BODY)
    call(client.with_options(base_url=None, domain_api=nowhere).visit(KEY).create_session, BODY)
    for kind in (httpx.ConnectError, httpx.ReadError, RuntimeError):
        failing = backend.client(base_url=sandbox.url, transport=talkative(kind), **options)
        call(failing.visit(ids=visit.ids).create_session, BODY)
    down = client.with_options(store=StoreDown())
    call(down.visit(KEY).create_session, BODY)
    call(down.with_options(on_store_error="continue").visit(KEY).create_session, BODY)
    call(visit.forget)
    call(client.find_domain)
    for request in sandbox.requests:
        secrets.update(filter(None, (request.visitor_id, request.session_id)))
    for visitor in sandbox.visitors:
        secrets.update({visitor.visitor_id, *(session.session_id for session in visitor.sessions)})
    return secrets, raised
