"""The client's own settings, and the public surface."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

import liveperson_engagement
from checkout import ROOT
from conftest import BODY, Backend
from liveperson_engagement import EngagementClient, InvalidRequest, MemoryStore, RetryPolicy, ServerError, StoreError
from liveperson_engagement.sandbox import Sandbox


def test_account_and_url_may_come_from_the_environment(
    backend: Backend, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LIVEPERSON_ACCOUNT_ID and LIVEPERSON_BASE_URL are read where no argument is given."""
    monkeypatch.setenv("LIVEPERSON_ACCOUNT_ID", "fromenv")
    monkeypatch.setenv("LIVEPERSON_BASE_URL", sandbox.url)
    backend.client(None).visit().create_session(BODY)
    assert sandbox.requests[0].account_id == "fromenv"


def test_the_domain_api_may_come_from_the_environment(
    backend: Backend, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LIVEPERSON_DOMAIN_API, where no argument is given; empty it is none."""
    monkeypatch.setenv("LIVEPERSON_DOMAIN_API", sandbox.url)
    assert backend.client().find_domain() == sandbox.url
    monkeypatch.setenv("LIVEPERSON_DOMAIN_API", "http://elsewhere.example")
    with pytest.raises(InvalidRequest, match=r"^domain_api: must be an https URL"):
        backend.client()
    assert backend.client(domain_api=sandbox.url).find_domain() == sandbox.url
    monkeypatch.setenv("LIVEPERSON_DOMAIN_API", "")
    backend.client()


def test_arguments_win_over_variables(backend: Backend, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the caller says counts."""
    monkeypatch.setenv("LIVEPERSON_ACCOUNT_ID", "fromenv")
    monkeypatch.setenv("LIVEPERSON_BASE_URL", "http://127.0.0.1:9")
    backend.client("argument", base_url=sandbox.url).visit().create_session(BODY)
    assert sandbox.requests[0].account_id == "argument"


def test_a_url_that_is_empty_in_the_environment_is_none(
    backend: Backend, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So the Domain API is asked."""
    monkeypatch.setenv("LIVEPERSON_BASE_URL", "")
    assert backend.client(domain_api=sandbox.url).find_domain() == sandbox.url


@pytest.mark.parametrize("unset", [None, ""])
def test_an_account_is_required(backend: Backend, monkeypatch: pytest.MonkeyPatch, unset: str | None) -> None:
    """Without argument and environment the error says what to do."""
    monkeypatch.delenv("LIVEPERSON_ACCOUNT_ID", raising=False)
    if unset is not None:
        monkeypatch.setenv("LIVEPERSON_ACCOUNT_ID", unset)
    with pytest.raises(InvalidRequest, match="account_id: is required: pass it, or set LIVEPERSON_ACCOUNT_ID"):
        backend.client(None)


@pytest.mark.parametrize("name", ["timeout", "deadline"])
@pytest.mark.parametrize("value", [-1, float("nan"), float("inf"), "10", True])
def test_a_limit_that_is_no_time_is_refused(backend: Backend, name: str, value: Any) -> None:
    """Seconds, finite and not negative; None stands for no limit."""
    with pytest.raises(InvalidRequest) as raised:
        backend.client(**{name: value})
    assert raised.value.path == name


@pytest.mark.parametrize("deadline", [-1, float("nan"), "5"])
def test_a_calls_own_deadline_is_checked_as_well(client: EngagementClient, sandbox: Sandbox, deadline: Any) -> None:
    """Nothing is sent."""
    with pytest.raises(InvalidRequest) as raised:
        client.visit().create_session(BODY, deadline=deadline)
    assert raised.value.path == "deadline"
    assert sandbox.requests == ()


@pytest.mark.parametrize(
    ("name", "value"), [("retry", 3), ("sleep", 5), ("on_retry", 5), ("telemetry", 5), ("outage_guard", True)]
)
def test_a_part_of_the_wrong_kind_is_refused(backend: Backend, name: str, value: Any) -> None:
    """The error names the argument."""
    with pytest.raises(InvalidRequest) as raised:
        backend.client(**{name: value})
    assert raised.value.path == name


@pytest.mark.parametrize("name", ["sleep", "on_retry"])
def test_a_sync_client_takes_no_coroutine_function(name: str) -> None:
    """It would never be awaited, and a pause would be none."""

    async def never_awaited(_: Any) -> None:
        raise AssertionError

    options: dict[str, Any] = {name: never_awaited}
    with pytest.raises(InvalidRequest, match=f"{name}: must be a plain function"):
        EngagementClient("demo", **options)


@pytest.mark.parametrize("key", [5, b"shopper", ("a",)])
def test_a_key_that_is_not_text_is_refused(client: EngagementClient, key: Any) -> None:
    """A key is text or None."""
    with pytest.raises(InvalidRequest) as raised:
        client.visit(key)
    assert raised.value.path == "key"


def test_with_options_is_a_copy_that_shares_connections_and_memory(
    client: EngagementClient, backend: Backend, sandbox: Sandbox
) -> None:
    """The copy has its own settings; the original keeps its."""
    client.visit("shopper").create_session(BODY)
    hurried = client.with_options(retry=RetryPolicy.none())
    sandbox.fail_next(503)
    with pytest.raises(ServerError):
        hurried.visit("shopper").create_session(BODY)
    assert backend.pauses == []
    sandbox.fail_next(503)
    client.visit("shopper").create_session(BODY)
    assert backend.pauses == [5.0]
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


def test_one_connection_serves_one_call_after_the_other(client: EngagementClient, sandbox: Sandbox) -> None:
    """Connections are kept alive and shared with copies."""
    for _ in range(5):
        client.visit().create_session(BODY)
        client.with_options(deadline=30).visit().create_session(BODY)
        client.with_options(deadline=12, timeout=20).visit().create_session(BODY)
    assert len({request.caller for request in sandbox.requests}) == 1


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

    def _fail(self, method: str) -> None:
        if self.failing == method:
            raise StoreError("OSError") from OSError("disk full of shopper-42")

    def load(self, key: str, timeout: float | None = None) -> Any:
        """Fail, or load."""
        self._fail("load")
        return super().load(key, timeout)

    def compare_and_set(self, key: str, expected: Any, record: Any, timeout: float | None = None) -> Any:
        """Fail, or save."""
        self._fail("compare_and_set")
        return super().compare_and_set(key, expected, record, timeout)

    def acquire(self, key: str, token: str, timeout: float | None, ttl: float) -> bool:
        """Fail, or wait."""
        self._fail("acquire")
        return super().acquire(key, token, timeout, ttl)

    async def aacquire(self, key: str, token: str, timeout: float | None, ttl: float) -> bool:
        """Fail, or wait."""
        self._fail("acquire")
        return await super().aacquire(key, token, timeout, ttl)

    def release(self, key: str, token: str, timeout: float | None = None) -> None:
        """Fail, or give back."""
        super().release(key, token, timeout)
        self._fail("release")


@pytest.mark.parametrize(("failing", "requests"), [("load", 0), ("acquire", 0), ("compare_and_set", 1)])
def test_a_store_that_fails_is_reported(backend: Backend, sandbox: Sandbox, failing: str, requests: int) -> None:
    """A store that cannot be read is noticed before anything is sent."""
    client = backend.client(base_url=sandbox.url, store=BrokenStore(failing))
    with pytest.raises(StoreError) as raised:
        client.visit("shopper-42").create_session(BODY)
    assert isinstance(raised.value.__cause__, OSError)
    assert "shopper-42" not in str(raised.value)
    assert len(sandbox.requests) == requests


def test_ids_that_could_not_be_saved_are_kept_and_saved_later(backend: Backend, sandbox: Sandbox) -> None:
    """The answer was good: the visit object still knows whose it was."""
    store = BrokenStore("compare_and_set")
    visit = backend.client(base_url=sandbox.url, store=store).visit("shopper")
    with pytest.raises(StoreError):
        visit.create_session(BODY)
    store.failing = ""
    assert visit.create_session(BODY).visitor_id == sandbox.visitors[0].visitor_id
    assert len(sandbox.visitors) == 1
    assert store.load("demo:shopper") is not None


def test_ids_that_could_not_be_saved_give_way_to_newer_ones(backend: Backend, sandbox: Sandbox) -> None:
    """Others have started the visit anew meanwhile: theirs is the one that goes on."""
    store = BrokenStore("compare_and_set")
    client = backend.client(base_url=sandbox.url, store=store)
    visit = client.visit("shopper")
    with pytest.raises(StoreError):
        visit.create_session(BODY)
    store.failing = ""
    newer = client.visit("shopper").create_session(BODY).visitor_id
    assert visit.create_session(BODY).visitor_id == newer
    assert client.visit("shopper").create_session(BODY).visitor_id == newer


@pytest.mark.parametrize("failing", ["load", "compare_and_set", "acquire", "release"])
def test_a_caller_can_go_on_without_the_store(
    backend: Backend, sandbox: Sandbox, caplog: pytest.LogCaptureFixture, failing: str
) -> None:
    """The call is made, a warning is logged, and no key or id is in it."""
    client = backend.client(base_url=sandbox.url, store=BrokenStore(failing), on_store_error="continue")
    session = client.visit("shopper-42").create_session(BODY)
    assert session.status == "Available"
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert f"session store: {failing} failed (OSError); going on without it" in warnings
    assert not [line for line in warnings if "shopper-42" in line or session.visitor_id in line]


def test_a_record_that_cannot_be_read_does_not_stop_a_caller_who_goes_on(backend: Backend, sandbox: Sandbox) -> None:
    """Nothing is saved over it, and the visit object goes on with the ids that it was given."""
    store = BrokenStore("")
    client = backend.client(base_url=sandbox.url, store=store, on_store_error="continue")
    before = client.visit("shopper").create_session(BODY)
    store.failing = "load"
    visit = client.visit("shopper")
    first, second = visit.create_session(BODY), visit.create_session(BODY)
    assert first.visitor_id == second.visitor_id != before.visitor_id
    store.failing = ""
    assert client.visit("shopper").create_session(BODY).visitor_id == before.visitor_id


def test_a_key_that_cannot_be_given_back_frees_itself(
    backend: Backend, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """The answer has been saved by then: it is returned, and a warning is logged."""
    client = backend.client(base_url=sandbox.url, store=BrokenStore("release"))
    assert client.visit("shopper").create_session(BODY).status == "Available"
    assert [record.levelname for record in caplog.records if record.name == "liveperson_engagement"] == ["WARNING"]


@pytest.mark.parametrize("value", ["ignore", None, True])
def test_what_to_do_without_a_store_is_one_of_two(backend: Backend, value: Any) -> None:
    """A misspelt choice fails at once."""
    with pytest.raises(InvalidRequest) as raised:
        backend.client(on_store_error=value)
    assert raised.value.path == "on_store_error"


def test_the_version_is_the_distributions() -> None:
    """pyproject.toml and the package agree."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == liveperson_engagement.__version__
