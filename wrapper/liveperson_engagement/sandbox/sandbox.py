"""`Sandbox`: the server, and the methods that control what it answers."""

import asyncio
import dataclasses
import functools
import math
from collections.abc import Collection, Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, Self

from liveperson_engagement.sandbox.app import Application
from liveperson_engagement.sandbox.contract import Contract, packaged_contract
from liveperson_engagement.sandbox.controls import Controls
from liveperson_engagement.sandbox.pages import calls, pages
from liveperson_engagement.sandbox.records import SandboxRequest, SandboxVisitor
from liveperson_engagement.sandbox.server import Server
from liveperson_engagement.sandbox.service import (
    Answer,
    Behaviour,
    Service,
    Turn,
    check_number,
    error,
    loading_account,
)

LONGEST = 10**9
"""Seconds that an engagement may be valid for: JSON has no infinity."""


class Sandbox:
    """The App Engagement API and the Domain API, played by a server in this process, on a real socket of this machine.

    ```python
    with Sandbox() as sandbox:                                   # or: async with
        client = EngagementClient("demo", base_url=sandbox.url)  # or: domain_api=sandbox.url
    ```

    It speaks the contract: what breaks the contract is refused, and answers are made from the contract's own examples.
    Each instruction applies to the next requests that match, one instruction per request, in the order of the calls;
    `operation` narrows the match to one operation, "createSession" or "create_session", otherwise every operation but
    findDomain matches. Every method may be called from any thread, while the sandbox runs or before.

    From another language the same methods are called over HTTP: `POST {url}/sandbox/fail_next`, and so on; a
    browser that opens `url` sees visitors and requests as they come, with buttons for these calls, and finds the API
    reference.

    - `port`: a free one if 0.
    - `accounts`: the accounts that exist; all of them if None.
    - `quoted_ids`: write campaignId and engagementId as strings of digits, as the service may do.
    - `valid_for_seconds`: how long engagements are valid; as in the contract's example if None.
    - `update_body`: what updateSession answers: nothing, or `{}`.
    - `contract`: a parsed OpenAPI document to speak instead of the packaged one.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        accounts: Collection[str] | None = None,
        quoted_ids: bool = False,
        valid_for_seconds: float | None = None,
        update_body: Literal["", "{}"] = "",
        contract: Mapping[str, Any] | None = None,
    ) -> None:
        check_number("port", port, 0, 65535)
        if isinstance(accounts, str) or not isinstance(accounts, Collection | None):  # pyright: ignore[reportUnnecessaryIsInstance]
            line = f"accounts: must be a collection of account ids, such as ['demo'], not {type(accounts).__name__}"
            raise ValueError(line)  # noqa: TRY004 - as all wrong arguments are
        if update_body not in ("", "{}"):
            raise ValueError(f"update_body: must be '' or '{{}}', not {update_body!r}")
        _check_validity(valid_for_seconds)
        self._service = Service(
            packaged_contract() if contract is None else Contract(contract),
            accounts=None if accounts is None else frozenset(accounts),
            quoted_ids=quoted_ids,
            valid_for_seconds=valid_for_seconds,
            update_body=update_body.encode(),
        )
        self._controls = Controls(type(self), self._service.contract)
        self._server = Server(Application(self._service, pages(self, self._service, self._controls)), port)

    def __repr__(self) -> str:
        return f"<Sandbox {self._service.host or 'not running'}, {len(self.visitors)} visitors>"

    def start(self) -> Self:
        """Start to listen; what `with` does."""
        if self._service.host:
            raise RuntimeError("the sandbox is running already: stop it first, or make another one")
        self._service.host = f"127.0.0.1:{self._server.start()}"
        return self

    def stop(self) -> None:
        """Stop to listen, and drop every connection; the journal and the visitor list stay."""
        if self._service.host:
            self._server.stop()
            self._service.host = ""

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return await asyncio.to_thread(self.start)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.stop)

    @property
    def host(self) -> str:
        """Host and port, as findDomain answers them."""
        if not self._service.host:
            raise RuntimeError("the sandbox is not running: use it in a with statement, or call start() first")
        return self._service.host

    @property
    def url(self) -> str:
        """What to pass as `base_url` or `domain_api`."""
        return f"http://{self.host}"

    @property
    def calls(self) -> tuple[tuple[str, str], ...]:
        """The controls over HTTP: curl commands, each with what it does."""
        return tuple(calls(self.url, self._controls))

    @property
    def requests(self) -> tuple[SandboxRequest, ...]:
        """The journal: every request that arrived so far, in the order they were handled."""
        with self._service.lock:
            return tuple(self._service.requests)

    @property
    def visitors(self) -> tuple[SandboxVisitor, ...]:
        """The visitor list as it is now, oldest first."""
        return self._service.snapshot()

    @property
    def unused_instructions(self) -> tuple[str, ...]:
        """The instructions that no request has met so far, such as `fail_next(503, times=2)`."""
        return self._service.unused()

    def operation_id(self, name: str) -> str:
        """Return the operationId of an operation that is named in either spelling: createSession, create_session."""
        return self._service.contract.operation(name).operation_id

    @property
    def valid_for_seconds(self) -> float | None:
        """How long the next engagements are valid; as in the contract's example if None. May be set."""
        return self._service.valid_for_seconds

    @valid_for_seconds.setter
    def valid_for_seconds(self, seconds: float | None) -> None:
        _check_validity(seconds)
        self._service.valid_for_seconds = seconds

    def reset(self) -> None:
        """Forget visitors, journal and instructions, and offer engagements as at first."""
        self._service.clear()

    def available(self) -> None:
        """Offer engagements from now on, which is how a sandbox begins."""
        self._service.offering = True

    def not_available(self) -> None:
        """Offer no engagements from now on."""
        self._service.offering = False

    def expire_sessions(self) -> None:
        """End every session there is."""
        self._service.expire_sessions()

    def forget_visitors(self) -> None:
        """Take every visitor off the list, with their sessions."""
        self._service.forget_visitors()

    def play(self, scenario: Sequence[Any]) -> None:
        """Follow a scenario: what to do, in order, each step once all instructions before it were followed.

        A step is the name of a method, or one name with arguments: `["serve_next", {"fail_next": {"status": 503}}]`.
        """
        stage = type(self)(contract=self._service.contract.document)
        steps = self._controls.steps(scenario, stage)
        self._service.follow(functools.partial(self._controls.call, self, *step) for step in steps)

    def serve_next(self, times: int = 1, *, operation: str | None = None) -> None:
        """Answer as a service in good health does, so that the next instruction applies to later requests."""
        self._plan(lambda turn: turn.serve(), operation, times, "serve_next")

    def fail_next(
        self,
        status: int,
        times: int = 1,
        internal_code: int | None = None,
        body: bytes | str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        content_type: str | None = None,
        retry_after: float | str | None = None,
        operation: str | None = None,
    ) -> None:
        """Answer with a status, and nothing is done.

        Without `body`, the first error that the contract has for the status or its class, or nothing if it has none;
        `internal_code` replaces its internalCode. `retry_after` is sent as it is: seconds, or an HTTP date.
        """
        check_number("status", status, 100, 999)
        if internal_code is not None:
            check_number("internal_code", internal_code, -math.inf)
        given = None if body is None else _with_headers(_literal(status, body), {"content-type": "application/json"})
        extra = {"content-type": content_type, "retry-after": None if retry_after is None else str(retry_after)}

        def behave(turn: Turn) -> Answer:
            return _with_headers(given or error(turn.operation, status, code=internal_code), extra, headers)

        self._plan(behave, operation, times, "fail_next", status)

    def answer_next(
        self,
        status: int = 200,
        body: bytes | str = b"",
        *,
        times: int = 1,
        headers: Mapping[str, str] | None = None,
        content_type: str | None = "application/json",
        operation: str | None = None,
    ) -> None:
        """Answer with exactly these bytes, whatever the contract says, and nothing is done."""
        check_number("status", status, 100, 999)
        answer = _with_headers(_literal(status, body), {"content-type": content_type}, headers)
        self._plan(lambda _: answer, operation, times, "answer_next", status)

    def html_error(self, status: int = 503, times: int = 1, *, operation: str | None = None) -> None:
        """Answer with a status and a web page, as gateways do."""
        check_number("status", status, 100, 999)
        page = f"<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>"
        answer = _with_headers(_literal(status, page), {"content-type": "text/html"})
        self._plan(lambda _: answer, operation, times, "html_error", status)

    def loading_account(self, times: int = 1, *, operation: str | None = None) -> None:
        """Answer that the account is being loaded, naming the visitor in the message.

        That is the visitor of the request; a request that names none puts a new visitor on the list, without a session.
        """
        if operation and self._service.contract.operation(operation).loading is None:
            raise ValueError(f"operation: {operation} does not load accounts, leave it out or name another")
        self._plan(loading_account(self._service), operation, times, "loading_account")

    def slow(self, seconds: float, times: int = 1, *, operation: str | None = None) -> None:
        """Handle the request at once, and answer after a while; other requests don't wait."""
        check_number("seconds", seconds, 0, whole=False)
        self._plan(lambda turn: dataclasses.replace(turn.serve(), delay=seconds), operation, times, "slow", seconds)

    def drop_connection(
        self,
        times: int = 1,
        when: Literal["before", "after", "during"] = "before",
        *,
        operation: str | None = None,
    ) -> None:
        """Drop the connection: `before` the request is handled, `after` it was, or `during` the answer's body."""
        behaviours: dict[str, Behaviour] = {
            "before": lambda _: Answer(ending="closed"),
            "after": lambda turn: dataclasses.replace(turn.serve(), ending="reset"),
            "during": lambda turn: dataclasses.replace(turn.serve(), ending="cut"),
        }
        if when not in behaviours:
            raise ValueError(f"when: must be one of {', '.join(behaviours)}, not {when!r}")
        self._plan(behaviours[when], operation, times, "drop_connection", when)

    def _plan(self, behave: Behaviour, operation: str | None, times: int, name: str, *arguments: object) -> None:
        said = [*map(repr, arguments)]
        said += [f"times={times}"] if times > 1 else []
        said += [f"operation={operation!r}"] if operation else []
        self._service.plan(behave, operation, times, f"{name}({', '.join(said)})")


def _check_validity(seconds: float | None) -> None:
    if seconds is not None:
        check_number("valid_for_seconds", seconds, 0, LONGEST, whole=False)


def _literal(status: int, body: bytes | str) -> Answer:
    if not isinstance(body, bytes | str):  # pyright: ignore[reportUnnecessaryIsInstance]
        kind = type(body).__name__
        raise ValueError(f"body: must be bytes or a string, such as json.dumps makes, not {kind}")  # noqa: TRY004 - as above
    return Answer(status, body.encode() if isinstance(body, str) else body)


def _with_headers(answer: Answer, *more: Mapping[str, str | None] | Mapping[str, str] | None) -> Answer:
    headers = dict(answer.headers)
    for each in more:
        headers |= {name.lower(): value for name, value in (each or {}).items() if value is not None}
    return dataclasses.replace(answer, headers=headers)
