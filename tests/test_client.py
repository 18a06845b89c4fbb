"""The client's own settings, and the public surface."""

from __future__ import annotations

import logging
import tomllib
from pathlib import Path
from typing import Any

import pytest

import liveperson_engagement
from conftest import BODY, Colour
from liveperson_engagement import EngagementClient, InvalidRequest, MemoryStore, RetryPolicy, ServerError, StoreError
from liveperson_engagement.sandbox import Sandbox

ROOT = Path(__file__).parent.parent


def test_account_and_url_may_come_from_the_environment(
    colour: Colour, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LIVEPERSON_ACCOUNT_ID and LIVEPERSON_BASE_URL are read where no argument is given."""
    monkeypatch.setenv("LIVEPERSON_ACCOUNT_ID", "fromenv")
    monkeypatch.setenv("LIVEPERSON_BASE_URL", sandbox.url)
    colour.client(None).visit().create_session(BODY)
    assert sandbox.requests[0].account_id == "fromenv"


def test_arguments_win_over_the_environment(colour: Colour, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the caller says counts."""
    monkeypatch.setenv("LIVEPERSON_ACCOUNT_ID", "fromenv")
    monkeypatch.setenv("LIVEPERSON_BASE_URL", "http://127.0.0.1:9")
    colour.client("argument", base_url=sandbox.url).visit().create_session(BODY)
    assert sandbox.requests[0].account_id == "argument"


def test_an_account_is_required(colour: Colour, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without argument and environment the error says what to do."""
    monkeypatch.delenv("LIVEPERSON_ACCOUNT_ID", raising=False)
    with pytest.raises(InvalidRequest, match="account_id: is required: pass it, or set LIVEPERSON_ACCOUNT_ID"):
        colour.client(None)


@pytest.mark.parametrize("name", ["timeout", "deadline"])
@pytest.mark.parametrize("value", [-1, float("nan"), float("inf"), "10", True])
def test_a_limit_that_is_no_time_is_refused(colour: Colour, name: str, value: Any) -> None:
    """Seconds, finite and not negative; None stands for no limit."""
    with pytest.raises(InvalidRequest) as raised:
        colour.client(**{name: value})
    assert raised.value.path == name


@pytest.mark.parametrize("deadline", [-1, float("nan"), "5"])
def test_a_calls_own_deadline_is_checked_as_well(client: EngagementClient, sandbox: Sandbox, deadline: Any) -> None:
    """Nothing is sent."""
    with pytest.raises(InvalidRequest) as raised:
        client.visit().create_session(BODY, deadline=deadline)
    assert raised.value.path == "deadline"
    assert sandbox.requests == ()


@pytest.mark.parametrize(("name", "value"), [("retry", 3), ("sleep", 5)])
def test_a_part_of_the_wrong_kind_is_refused(colour: Colour, name: str, value: Any) -> None:
    """The error names the argument."""
    with pytest.raises(InvalidRequest) as raised:
        colour.client(**{name: value})
    assert raised.value.path == name


@pytest.mark.parametrize("key", [5, b"shopper", ("a",)])
def test_a_key_that_is_not_text_is_refused(client: EngagementClient, key: Any) -> None:
    """A key is text or None."""
    with pytest.raises(InvalidRequest) as raised:
        client.visit(key)
    assert raised.value.path == "key"


def test_with_options_is_a_copy_that_shares_connections_and_memory(
    client: EngagementClient, colour: Colour, sandbox: Sandbox
) -> None:
    """The copy has its own settings; the original keeps its."""
    client.visit("shopper").create_session(BODY)
    hurried = client.with_options(retry=RetryPolicy.none())
    sandbox.fail_next(503)
    with pytest.raises(ServerError):
        hurried.visit("shopper").create_session(BODY)
    assert colour.pauses == []
    sandbox.fail_next(503)
    client.visit("shopper").create_session(BODY)
    assert colour.pauses == [5.0]
    assert len(sandbox.visitors) == 1


def test_with_options_checks_what_it_is_given(client: EngagementClient) -> None:
    """A wrong value or an unknown name fails at once."""
    for wrong in ({"timeout": -1}, {"store": None}, {"retry": None}, {"account_id": "a b"}):
        options: Any = wrong
        with pytest.raises(InvalidRequest) as raised:
            client.with_options(**options)
        assert raised.value.path in wrong
    unknown: Any = {"timeoutt": 1}
    with pytest.raises(TypeError, match="timeoutt"):
        client.with_options(**unknown)


def test_one_connection_serves_one_call_after_the_other(
    client: EngagementClient, caplog: pytest.LogCaptureFixture
) -> None:
    """Connections are kept alive and shared with copies."""
    caplog.set_level(logging.DEBUG, logger="httpcore.connection")
    for _ in range(5):
        client.visit().create_session(BODY)
        client.with_options(timeout=3).visit().create_session(BODY)
    assert sum("connect_tcp.started" in record.getMessage() for record in caplog.records) == 1


def test_cookies_of_one_visitor_do_not_go_out_with_anothers_call(client: EngagementClient, sandbox: Sandbox) -> None:
    """Nothing but the ids ties a request to a visitor."""
    sandbox.fail_next(503, headers={"Set-Cookie": "visitor=one; Path=/"})
    client.visit().create_session(BODY)
    client.visit().create_session(BODY)
    assert not any(name.lower() == "cookie" for request in sandbox.requests for name in request.headers)


class BrokenStore(MemoryStore):
    """Fails when asked to do one thing."""

    def __init__(self, failing: str) -> None:
        super().__init__()
        self.failing = failing

    def load(self, key: str) -> Any:
        """Fail, or load."""
        if self.failing == "load":
            raise OSError("disk full of shopper-42")
        return super().load(key)

    def replace(self, key: str, record: Any, after: Any) -> Any:
        """Fail, or save."""
        if self.failing == "replace":
            raise OSError("disk full of shopper-42")
        return super().replace(key, record, after)


@pytest.mark.parametrize(("failing", "requests"), [("load", 0), ("replace", 1)])
def test_a_store_that_fails_is_reported(colour: Colour, sandbox: Sandbox, failing: str, requests: int) -> None:
    """A store that cannot be read is noticed before anything is sent."""
    client = colour.client(base_url=sandbox.url, store=BrokenStore(failing))
    with pytest.raises(StoreError) as raised:
        client.visit("shopper-42").create_session(BODY)
    assert isinstance(raised.value.__cause__, OSError)
    assert "shopper-42" not in str(raised.value)
    assert len(sandbox.requests) == requests


def test_the_public_names_are_these() -> None:
    """No name appears or vanishes unnoticed."""
    assert liveperson_engagement.__all__ == [
        "AccountLoading",
        "ApiError",
        "AsyncEngagementClient",
        "AsyncSessionStore",
        "AsyncVisit",
        "AvailableSession",
        "BadRequest",
        "ConnectionFailed",
        "CreateSessionBody",
        "DeadlineExceeded",
        "DomainLookupFailed",
        "EngagementClient",
        "EngagementDetails",
        "EngagementError",
        "InvalidRequest",
        "InvalidResponse",
        "MemoryStore",
        "NotAvailableSession",
        "NotFound",
        "RetryPolicy",
        "ServerError",
        "SessionNews",
        "SessionStore",
        "StoreError",
        "Timeout",
        "Unauthorized",
        "UpdateSessionBody",
        "Visit",
        "VisitIds",
        "__version__",
    ]
    assert all(hasattr(liveperson_engagement, name) for name in liveperson_engagement.__all__)


def test_the_version_is_the_distributions() -> None:
    """pyproject.toml and the package agree."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == liveperson_engagement.__version__


def test_each_module_of_the_wrapper_says_what_the_contract_could_not_express() -> None:
    """One line at the top of each module of the core gives the reason why it exists."""
    modules = list((ROOT / "wrapper/liveperson_engagement").glob("[!_]*.py"))
    assert len(modules) >= 8
    reasons = ("hat the contract could not express", "it could not express")
    assert [path.name for path in modules if not any(reason in path.read_text() for reason in reasons)] == []
