"""The steps of `doctor`. Each uses the package's own client and transport, so that it sees what a program would see."""

import os
import socket
import ssl
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Literal

from liveperson_engagement.cli.failure import describe, printable
from liveperson_engagement.cli.options import Caller, Patience
from liveperson_engagement.cli.output import remark
from liveperson_engagement.cli.pauses import Pauses
from liveperson_engagement.cli.visits import client_of
from liveperson_engagement.client import EngagementClient
from liveperson_engagement.errors import (
    AccountLoading,
    ApiError,
    BadRequest,
    ConnectionFailed,
    DeadlineExceeded,
    DomainLookupFailed,
    EngagementError,
    InvalidRequest,
    InvalidResponse,
    NotFound,
    ServerError,
    Unauthorized,
)
from liveperson_engagement.events import ResponseEvent
from liveperson_engagement.transports import NoResponse
from liveperson_engagement.transports._environment import Trust
from liveperson_engagement.transports.sockets import SocketTransport
from liveperson_engagement_api.models import AvailableSession, NotAvailableSession

STEPS = ("environment", "account id", "domain", "TLS", "first call", "account loaded", "engagement", "clock")
MOST_SKEW = 30.0
"""Seconds that this machine's clock may be wrong."""


@dataclass(frozen=True)
class Finding:
    """What a step found out."""

    step: str
    status: Literal["ok", "failed", "skipped"]
    detail: str
    advice: str = ""

    def to_dict(self) -> dict[str, str]:
        """Write it as JSON has it; `advice` is there only where something is to be done."""
        advice = {"advice": self.advice} if self.advice else {}
        return {"step": self.step, "status": self.status, "detail": self.detail, **advice}


def examine(caller: Caller, body: Any, *, visitor: bool, now: Callable[[], float] = time.time) -> Iterator[Finding]:
    """Take the steps in order; those that an earlier one has made impossible are skipped."""
    clock, done, why = _Clock(now), 0, "left out, as --no-visitor asks"
    for finding in _steps(caller, body, visitor=visitor, clock=clock):
        yield finding
        done = STEPS.index(finding.step) + 1
        if finding.status == "failed":
            why = "needs what failed above"
    for step in STEPS[done:-1]:
        yield Finding(step, "skipped", why)
    yield clock.finding()


def _steps(caller: Caller, body: Any, *, visitor: bool, clock: "_Clock") -> Generator[Finding]:
    try:
        Trust(None).context()  # a client would load the certificates with its first https connection
        client = client_of(caller, Patience(no_retry=True), Pauses(), on_response=clock.note)
    except InvalidRequest as error:
        if error.path in os.environ:
            yield Finding("environment", "failed", f"{error}", f"Correct the variable {error.path}, or unset it.")
            return
        if error.path != "account_id":
            raise
        yield _USABLE
        yield Finding(
            "account id",
            "failed",
            f"is not well-formed: {error.reason}",
            "Use the account (site) id that LivePerson gave you: up to 20 letters, digits and underscores.",
        )
        return
    with client:
        yield _USABLE
        yield Finding("account id", "ok", "is well-formed")
        try:
            url = client.find_domain()
        except (DomainLookupFailed, DeadlineExceeded) as error:
            yield Finding("domain", "failed", *_no_domain(error))
            return
        yield Finding("domain", "ok", f"{url}{'' if caller.base_url is None else ' (given)'}")
        secure = _handshake(url, caller.timeout)
        yield secure
        if secure.status == "ok" and visitor:
            yield from _first_call(client, body)


_USABLE = Finding("environment", "ok", "its proxies and certificates can be used")


def _no_domain(error: EngagementError) -> tuple[str, str]:
    cause = error.__cause__
    if isinstance(cause, ApiError) and not isinstance(cause, ServerError):
        return describe(cause), "LivePerson knows no such account: check the account id."
    return _no_answer(cause if isinstance(cause, EngagementError) else error)


def _handshake(url: str, timeout: float | None) -> Finding:
    """Connect, through a proxy if there is one, and hang up once the server has proved who it is: nothing is sent."""
    if url.startswith("http://"):
        return Finding("TLS", "ok", "is not needed: the host is this machine")
    try:
        SocketTransport({"proxy": None, "ssl_context": None, "max_connections": None}).connect(url, timeout)
    except NoResponse as error:
        return Finding("TLS", "failed", *_no_connection(error))
    return Finding("TLS", "ok", "the certificate is trusted, and is the host's")


def _first_call(client: EngagementClient, body: Any) -> Generator[Finding]:
    remark("The first call puts one visitor on the account's list.")
    try:
        session = client.visit().create_session(body)
    except AccountLoading as error:
        yield Finding("first call", "ok", "is answered")
        yield Finding(
            "account loaded",
            "failed",
            f"LivePerson is still loading the account: {describe(error)}",
            "Try again in a minute.",
        )
    except EngagementError as error:
        if isinstance(error, InvalidRequest):
            raise
        yield Finding("first call", "failed", *_no_answer(error))
    else:
        yield Finding("first call", "ok", "is answered")
        yield Finding("account loaded", "ok", "is ready")
        yield _offer(session)


def _no_answer(error: EngagementError) -> tuple[str, str]:
    if isinstance(error, ConnectionFailed):
        return _no_connection(error)
    return describe(error), next(advice for kind, advice in _ADVICE.items() if isinstance(error, kind))


def _offer(session: AvailableSession | NotAvailableSession) -> Finding:
    if session.status == "Available":
        seconds = session.engagement_details.valid_for_seconds
        return Finding("engagement", "ok", f"is available, valid for {seconds:g} s")
    return Finding(
        "engagement",
        "failed",
        "no engagement of type MSDK or EXTERNAL is available",
        "In LivePerson publish a campaign with an engagement of type MSDK or EXTERNAL. If there is one, see that its "
        "audience, hours and sections fit (try --app-type and --section), and that an agent of its skill is online.",
    )


def _no_connection(error: BaseException) -> tuple[str, str]:
    """Return why a connection failed and what to do, by the first of the causes that is known."""
    below: BaseException | None = error
    while below is not None:
        if isinstance(below, ssl.SSLCertVerificationError):
            other = f"the certificate is not trusted: {below.verify_message}"
            return _CERTIFICATES.get(below.verify_code, (other, _UNTRUSTED))
        for kind, found in _CONNECTIONS.items():
            if isinstance(below, kind):
                return found
        below = below.__cause__ or below.__context__
    return describe(error) if isinstance(error, EngagementError) else printable(str(error)), _NETWORK


_NETWORK = "Check the network, and any proxy (HTTPS_PROXY, NO_PROXY) or firewall."
_UNTRUSTED = "Is there a proxy that inspects TLS? Then let SSL_CERT_FILE name a file with its authority's certificate."
_DATE = "Check this machine's date and time; if they are right, inform those who run the host."
_OTHER_HOST = (
    "the certificate is another host's",
    "Check --base-url, and whether a proxy answers in the host's place.",
)
_ADVICE: dict[type[EngagementError], str] = {
    DeadlineExceeded: "Allow more time: --deadline.",
    InvalidResponse: "Is there a proxy or a login page in between, or is --base-url another server's?",
    Unauthorized: "Check the account id, and ask LivePerson whether the account may use this API.",
    NotFound: "Check the account id, and --base-url if you gave one.",
    BadRequest: "Check --app-type and --section, and whether there is a newer version of this package.",
    ServerError: "LivePerson has trouble, or gets too many new visitors from here: try again in some minutes.",
    EngagementError: "Wait some minutes; if it stays, ask LivePerson's support.",
}
"""What to do about each error; the first that fits counts."""
_CONNECTIONS: dict[type[BaseException], tuple[str, str]] = {
    ssl.SSLError: ("no TLS is spoken there, or one that is too old", "Check --base-url, and any proxy or firewall."),
    socket.gaierror: ("the host's name is not known", "Check the network, its name server, and --base-url."),
    ConnectionRefusedError: ("the connection is refused: nothing listens there", "Check --base-url, and any firewall."),
    TimeoutError: ("no answer in time", f"Allow more: --timeout. {_NETWORK}"),
}
"""What a failure to connect means, and what to do."""
_CERTIFICATES = {
    9: ("the certificate is not valid yet", _DATE),
    10: ("the certificate has expired", _DATE),
    18: ("the certificate is self-signed", _UNTRUSTED),
    19: ("the certificate's authority is not trusted", _UNTRUSTED),
    20: ("the certificate's authority is not known", _UNTRUSTED),
    62: _OTHER_HOST,
    64: _OTHER_HOST,
}
"""The same for a certificate that is refused, by OpenSSL's code."""


class _Clock:
    """Compares this machine's clock with the Date of the answers that come along."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._ahead: float | None = None

    def note(self, event: ResponseEvent) -> None:
        """Read an answer's Date (RFC 9110, 6.6.1): `on_response`."""
        date = event.response.headers.get("date", "") if event.response else ""
        with suppress(ValueError, OverflowError):
            self._ahead = self._now() - parsedate_to_datetime(date).timestamp()

    def finding(self) -> Finding:
        """Say how wrong the clock is."""
        if self._ahead is None:
            return Finding("clock", "skipped", "no answer said what time it is")
        seconds, way = abs(self._ahead), "ahead of" if self._ahead > 0 else "behind"
        if seconds <= MOST_SKEW:
            return Finding("clock", "ok", f"is right, give or take {MOST_SKEW:g} s")
        return Finding(
            "clock",
            "failed",
            f"is {seconds:.0f} s {way} the server's",
            "Set this machine's clock, best by a time service (NTP).",
        )
