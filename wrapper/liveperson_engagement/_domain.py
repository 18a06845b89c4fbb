"""Which host a call goes to.

What the contract could not express: that an answer of the Domain API must not send a visitor's data to a loopback or
private address, and that plain http never leaves the machine.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from .errors import ApiError, ConnectionFailed, DomainLookupFailed, InvalidRequest, InvalidResponse
from .exchange import Exchange
from .flow import Flow, attempts, turn
from .http import parsed_url
from .retry import Budget, RetryPolicy
from .stores import Turns


@dataclass(slots=True)
class Site:
    """An account's host, looked up once for all callers."""

    account_id: str
    domain_api: str
    base_url: str | None
    lookups: Turns = field(default_factory=Turns)

    def locate(self, retry: RetryPolicy, timeout: float | None, budget: Budget) -> Flow[str]:
        """Return the base URL; the first call asks the Domain API, and the others wait for what it learns."""
        return self.base_url or (
            yield from turn(self.lookups, "", budget, lambda _: self._look_up(retry, timeout, budget))
        )

    def _look_up(self, retry: RetryPolicy, timeout: float | None, budget: Budget) -> Flow[str]:
        if self.base_url is not None:
            return self.base_url

        def prepare() -> Exchange:
            arguments = {"account_id": self.account_id, "service_name": "msdkgw"}
            return Exchange("findDomain", self.domain_api, arguments, budget.limit(timeout), timeout)

        try:
            answer, _ = yield from attempts(prepare, retry, budget)
            self.base_url = self._accepted(answer.base_uri)
        except (ApiError, ConnectionFailed, InvalidResponse) as failure:
            error = DomainLookupFailed(
                f"domain_api: no host for the account ({failure}); check account_id or give base_url"
            )
            error.attempts = failure.attempts
            raise error from failure
        return self.base_url

    def _accepted(self, answer: str) -> str:
        """Make a base URL of a bare host name, as the contract's pattern has checked it."""
        url = parsed_url(f"https://{answer}")
        if url is None or (_address(url.host) is None and url.host.rpartition(".")[2][0].isdigit()):
            raise InvalidResponse("baseURI", "is neither a host name nor an address")
        asked, address, local = urlsplit(self.domain_api), _address(url.host), is_loopback(url.host)
        if (local or (address and not address.is_global)) and not is_loopback(asked.hostname or ""):
            raise InvalidResponse("baseURI", "is an address that only a Domain API on loopback may give")
        return f"{asked.scheme if local else 'https'}://{answer}"


def checked_url(path: str, url: object) -> str:
    """Return a base URL without its last slash; raise `InvalidRequest` unless it is https, or http on loopback."""
    refused = InvalidRequest(path, "must be a URL such as https://host.liveperson.net, without user, query or fragment")
    if not isinstance(url, str) or not url.isprintable() or not _BASE.fullmatch(url.lower()):
        raise refused
    parts = parsed_url(url)
    if parts is None:
        raise refused
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.host)):
        raise InvalidRequest(path, "must be an https URL; plain http is for loopback addresses")
    return url.rstrip("/")


_NAME = r"[a-z0-9_-]{1,63}"
_BASE = re.compile(rf"[a-z]+://(\[[0-9a-f:.]+\]|{_NAME}(\.{_NAME})*\.?)(:[0-9]+)?(/[!-~]{{0,2000}})?", re.ASCII)
"""A base URL, in lower case: what libraries read differently is refused."""


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine."""
    address = _address(host)
    return address.is_loopback if address else host.lower() == "localhost" or host.lower().endswith(".localhost")


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
