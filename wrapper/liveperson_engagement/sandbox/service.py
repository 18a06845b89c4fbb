"""The service behind the sandbox: its visitors and sessions, and the plans by which it misbehaves."""

import dataclasses
import itertools
import json
import logging
import math
import re
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from liveperson_engagement.sandbox.contract import Contract, Json, Operation, Rejected
from liveperson_engagement.sandbox.records import SandboxRequest, SandboxSession, SandboxVisitor

CREATE_SESSION, UPDATE_SESSION, FIND_DOMAIN = "createSession", "updateSession", "findDomain"
MAX_BODY = 2**20

# A line for each request, at INFO, without ids: for whoever turns it on.
journal = logging.getLogger("liveperson_engagement.sandbox.requests")


@dataclass(frozen=True, slots=True)
class Answer:
    """What to send back, when, and how the connection ends."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    delay: float = 0.0
    ending: Literal["whole", "closed", "reset", "cut"] = "whole"
    reason: str = ""
    """What in the request was refused: a place in it, never a value."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A request to an operation, and `serve`, which handles it as a service in good health would."""

    operation: Operation
    request: SandboxRequest
    parameters: Mapping[str, Mapping[str, list[str]]]
    serve: Callable[[], Answer]


Behaviour = Callable[[Turn], Answer]


@dataclass(slots=True)
class Plan:
    """A behaviour for the next requests, to one operation or to any that is about visits."""

    behave: Behaviour
    operation: str | None
    times: int
    call: str
    """The call that made it, for those who read."""
    used: bool = False

    def concerns(self, operation_id: str) -> bool:
        """Tell whether this plan is for the operation."""
        return operation_id == self.operation if self.operation else operation_id != FIND_DOMAIN


@dataclass(slots=True)
class Session:
    """A session, as the service remembers it."""

    ended: bool = False
    updates: list[Json] = field(default_factory=list[Json])
    attributes: list[Json] = field(default_factory=list[Json])
    impressions: list[Json] = field(default_factory=list[Json])


@dataclass(slots=True)
class Visitor:
    """A visitor, as the service remembers it."""

    account_id: str
    sessions: dict[str, Session] = field(default_factory=dict[str, Session])


class Service:
    """Answers requests one at a time, from any thread, as the contract says or as the plans say."""

    def __init__(
        self,
        contract: Contract,
        *,
        accounts: Collection[str] | None,
        quoted_ids: bool,
        valid_for_seconds: float | None,
        update_body: bytes,
    ) -> None:
        self.contract = contract
        self.accounts = accounts
        self.quoted_ids = quoted_ids
        self._valid_for_seconds = valid_for_seconds
        self.update_body = update_body
        self.host = ""
        self._behaviours: dict[str, Behaviour] = {
            contract.operation(CREATE_SESSION).for_known_visitor: self._continue,
            CREATE_SESSION: self._create,
            UPDATE_SESSION: self._update,
            FIND_DOMAIN: self._find_domain,
        }
        self.lock = threading.RLock()
        self.clear()

    def clear(self) -> None:
        """Forget visitors, requests and plans, and offer engagements as at first."""
        with self.lock:
            self.cleared_at = time.time_ns()
            self.visitors: dict[str, Visitor] = {}
            self.requests: list[SandboxRequest] = []
            self.plans: list[Plan] = []
            self.script: deque[Callable[[], None]] = deque()
            self.offering = True
            self.valid_for_seconds = self._valid_for_seconds

    def plan(self, behave: Behaviour, operation: str | None, times: int, call: str) -> None:
        """Let the next requests that match be answered by a behaviour."""
        check_number("times", times, 1)
        operation_id = self.contract.operation(operation).operation_id if operation else None
        with self.lock:
            self.plans.append(Plan(behave, operation_id, times, call))

    def unused(self) -> tuple[str, ...]:
        """Name the plans that no request has met, and the steps of a script that were not reached."""
        with self.lock:
            left = (f"play() with {len(self.script)} left",) if self.script else ()
            return (*(plan.call for plan in self.plans if not plan.used), *left)

    def follow(self, script: Iterable[Callable[[], None]]) -> None:
        """Take the steps of a script one after the other, each once all that was planned before has happened."""
        with self.lock:
            self.script.extend(script)

    def record(self, request: SandboxRequest, answer: Answer) -> Answer:
        """Write a request and how it was answered into the journal."""
        status, body = (answer.status, answer.body) if answer.ending == "whole" else (None, b"")
        with self.lock:
            self.requests.append(dataclasses.replace(request, status=status, response_body=body))
        if journal.isEnabledFor(logging.INFO):
            operation_id = request.operation_id
            path = self.contract.operation(operation_id).path if operation_id else _masked(request.path)
            reason = f" ({answer.reason})" if answer.reason else ""
            journal.info("%s %s → %s%s", request.method, path, status or "dropped", reason)
        return answer

    def respond(self, operation: Operation, request: SandboxRequest, parameters: Mapping[str, Any]) -> Answer:
        """Answer a request to an operation, and write it into the journal."""
        with self.lock:
            while self.script and not self.plans:
                self.script.popleft()()
            turn = Turn(operation, request, parameters, lambda: self._serve(turn))
            plan = next((plan for plan in self.plans if plan.concerns(operation.operation_id)), None)
            if plan is None:
                return self.record(request, turn.serve())
            plan.times, plan.used = plan.times - 1, True
            if not plan.times:
                self.plans.remove(plan)
            return self.record(request, plan.behave(turn))

    def put_on_list(self, account_id: str) -> str:
        """Put a new visitor on the list, and return its id."""
        visitor_id = f"vid-{uuid.uuid4().hex}"
        self.visitors[visitor_id] = Visitor(account_id)
        return visitor_id

    def expire_sessions(self) -> None:
        """End every session there is."""
        with self.lock:
            for visitor in self.visitors.values():
                for session in visitor.sessions.values():
                    session.ended = True

    def forget_visitors(self) -> None:
        """Take every visitor off the list."""
        with self.lock:
            self.visitors.clear()

    def snapshot(self, newest: int | None = None) -> tuple[SandboxVisitor, ...]:
        """Return the visitor list as it is now, oldest first, or the newest of it."""
        with self.lock:
            visitors = [*itertools.islice(reversed(self.visitors.items()), newest)]
            return tuple(
                SandboxVisitor(
                    visitor_id,
                    visitor.account_id,
                    tuple(
                        SandboxSession(
                            session_id,
                            session.ended,
                            tuple(session.updates),
                            tuple(session.attributes),
                            tuple(session.impressions),
                        )
                        for session_id, session in visitor.sessions.items()
                    ),
                )
                for visitor_id, visitor in reversed(visitors)
            )

    def _serve(self, turn: Turn) -> Answer:
        operation, request = turn.operation, turn.request
        try:
            operation.check_parameters(turn.parameters)
            if self.accounts is not None and request.account_id not in self.accounts:
                return error(operation, 401, "unauthorized")
            if len(request.raw_body) > MAX_BODY:
                return error(operation, 400, "invalidData", about="the body is too large")
            operation.check_body(request.headers.get("content-type", ""), request.raw_body, request.body)
            return self._behaviours.get(operation.operation_id, _example)(turn)
        except Rejected as rejected:
            name = "illegalVersion" if rejected.version else "invalidData"
            return error(operation, 400, name, about=rejected.where)

    def _create(self, turn: Turn) -> Answer:
        visitor_id = self.put_on_list(turn.request.account_id or "")
        return self._offer(turn, visitor_id, self.visitors[visitor_id])

    def _continue(self, turn: Turn) -> Answer:
        visitor = self._visitor(turn.request)
        if visitor is None:
            return error(turn.operation, 404, "invalidVisitor")
        # A visitor without any session came from "Loading account".
        if turn.request.session_id is None and visitor.sessions:
            raise Rejected("query parameter sid")
        return self._offer(turn, turn.request.visitor_id or "", visitor)

    def _offer(self, turn: Turn, visitor_id: str, visitor: Visitor) -> Answer:
        session_id = turn.request.session_id
        session = visitor.sessions.get(session_id or "")
        if session is None or session.ended:
            session_id = f"sid-{uuid.uuid4().hex}"
            session = visitor.sessions[session_id] = Session()
        session.attributes += turn.request.body.get("engagementAttributes", ())
        available = "available" if self.quoted_ids else "availableWithConnector"
        example: Mapping[str, Json] = turn.operation.example(200, available if self.offering else "notAvailable")
        entity: dict[str, Json] = {
            **example,
            "visitorId": visitor_id,
            "sessionId": session_id,
            "pageId": f"pid-{uuid.uuid4().hex}",
        }
        details = entity.get("engagementDetails")
        if details and self.valid_for_seconds is not None:
            entity["engagementDetails"] = {**details, "validForSeconds": self.valid_for_seconds}
        return document(200, entity)

    def _update(self, turn: Turn) -> Answer:
        visitor = self._visitor(turn.request)
        if visitor is None:
            return error(turn.operation, 404, "invalidVisitor")
        session = visitor.sessions.get(turn.request.session_id or "")
        if session is None or session.ended:
            return error(turn.operation, 404, "invalidSession")
        session.updates.append(turn.request.body)
        session.attributes += turn.request.body.get("engagementAttributes", ())
        session.impressions += turn.request.body.get("impAttributes", ())
        return Answer(200, self.update_body, {"content-type": "application/json"} if self.update_body else {})

    def _find_domain(self, turn: Turn) -> Answer:
        service = turn.parameters["path"]["serviceName"][0]
        if service != turn.operation.default("serviceName"):
            raise Rejected("path parameter serviceName")
        found: Mapping[str, Json] = turn.operation.example(200)
        return document(200, {**found, "service": service, "account": turn.request.account_id, "baseURI": self.host})

    def _visitor(self, request: SandboxRequest) -> Visitor | None:
        visitor = self.visitors.get(request.visitor_id or "")
        return visitor if visitor and visitor.account_id == request.account_id else None


def check_number(name: str, value: Any, least: float, most: float = math.inf, *, whole: bool = True) -> None:
    """Raise unless an argument is a number within bounds."""
    kinds = int if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not least <= value <= most:
        bounds = "" if math.isinf(least) else f", {least} or more" if math.isinf(most) else f", from {least} to {most}"
        raise ValueError(f"{name}: must be a {'whole ' * whole}number{bounds}, not {value!r}")


def _example(turn: Turn) -> Answer:
    # For an operation that is newer than this file.
    status = min((each for each in turn.operation.examples if each < 300), default=200)
    return document(status, turn.operation.example(status))


def loading_account(service: Service) -> Behaviour:
    """Answer that the account is being loaded, and name the visitor: the request's own, or a new one."""

    def behave(turn: Turn) -> Answer:
        loading = turn.operation.loading
        if loading is None:
            raise ValueError(f"{turn.operation.operation_id} does not load accounts")
        account_id = turn.request.account_id or ""
        visitor_id = turn.request.visitor_id or service.put_on_list(account_id)
        return document(loading.status, {**loading.naming(account_id, visitor_id), "time": _now()})

    return behave


def document(status: int, entity: Json) -> Answer:
    """Answer with JSON, or with nothing at all for None."""
    if entity is None:
        return Answer(status)
    return Answer(status, json.dumps(entity).encode(), {"content-type": "application/json"})


def error(
    operation: Operation, status: int, name: str = "", *, about: str | None = None, code: int | None = None
) -> Answer:
    """Answer with a documented error entity, as of now; say what it is about, or give it another internalCode."""
    example: Mapping[str, Json] | None = operation.error(status, name)
    if example is None:
        return Answer(status)
    entity: dict[str, Json] = {**example, "time": _now()}
    if about is not None:
        entity["message"] = f"{entity['message']}: {about}"
    if code is not None:
        entity["internalCode"] = code
    return dataclasses.replace(document(status, entity), reason=about or "")


def _masked(path: str) -> str:
    # Of a path that the contract does not know, only what is plainly a word.
    return "/".join(part if re.fullmatch(r"[A-Za-z.]*", part) else "***" for part in path.split("/"))


def _now() -> int:
    return time.time_ns() // 1_000_000
