"""What every transport keeps of an attempt: its deadline, the answer so far, and why there is none."""

from __future__ import annotations

import math
import re
import time
import zlib
from collections.abc import Iterable
from typing import Literal, TypeAlias

from liveperson_engagement_api.http import Headers, Response

from . import MAX_RESPONSE_BYTES, NoResponse, UnreadableBody

LONGEST_WAIT = 1e6
"""Seconds that stand for no limit: the operating system takes no infinity."""
Stage: TypeAlias = Literal["name", "connection", "TLS", "proxy"]
"""What has to succeed before a request can be sent."""
_FAILED = {
    "name": ("the host's name could not be looked up", "check the name, and this machine's DNS"),
    "connection": ("no connection to the host", "check host and port, and what may be between, such as a firewall"),
    "TLS": ("TLS with the host failed", "check this machine's clock, and whom it trusts (SSL_CERT_FILE)"),
    "proxy": ("no connection through the proxy", "check its address, user and password (HTTPS_PROXY, NO_PROXY)"),
}
"""What to say of a stage that failed, and what to do."""
_PERMANENT = re.compile(
    r"not known|does not resolve|No address associated|No such host|Errno 11001\b"
    r"|certificate verify failed|invalid peer certificate|\((407|authentication|user or password)\)"
)
"""What systems and libraries say where trying again does not help."""
_TOO_LARGE = f"is larger than {MAX_RESPONSE_BYTES:,} bytes"
_QUOTED_BYTES = re.compile(r":? (?:bytearray\()?b['\"]")


class PendingResponse:
    """One attempt to send a request; its time starts when it is made."""

    def __init__(self, timeout: float | None) -> None:
        self._timeout = timeout
        self._ends = math.inf if timeout is None else time.monotonic() + timeout
        self.may_have_arrived = False
        self.stage: Stage | None = None
        """What is under way, before the request is sent."""
        self._head, self._body = Response(0), bytearray()

    def remaining(self) -> float:
        """Return the seconds that are left; raise `TimeoutError` if there are none."""
        seconds = self._ends - time.monotonic()
        if seconds <= 0:
            raise TimeoutError
        return min(seconds, LONGEST_WAIT)

    def start(self, status: int, fields: Iterable[tuple[str, str]]) -> None:
        """Keep an answer's status and headers; raise `UnreadableBody` if they announce too large a body."""
        if status == 101:
            raise ConnectionError("the protocol was switched, unasked")
        self._head = Response(status, Headers(fields))
        length = self._head.headers.get("content-length", "")
        if length.isdecimal() and (len(length) > 18 or int(length) > MAX_RESPONSE_BYTES):
            raise UnreadableBody(_TOO_LARGE, self._head)

    def add(self, chunk: bytes) -> None:
        """Keep a part of the answer's body; raise `UnreadableBody` if that makes it too large."""
        self._body += chunk
        if len(self._body) > MAX_RESPONSE_BYTES:
            raise UnreadableBody(_TOO_LARGE, self._head)

    def response(self) -> Response:
        """Return the whole answer, its body decompressed."""
        status, headers, body = self._head.status, self._head.headers, bytes(self._body)
        if headers.get("content-encoding", "").strip().lower() in ("gzip", "x-gzip", "deflate"):
            headers = Headers((name, value) for name, value in headers.items() if name != "content-encoding")
            body = _decompress(body, Response(status, headers)) if body else body
        return Response(status, headers, body)

    def failure(self, error: Exception, *, timed_out: bool = False) -> NoResponse:
        """Return what to raise for an error of a library or the operating system."""
        late = isinstance(error, TimeoutError) and error.errno is None
        if late and (self.may_have_arrived or type(error) is TimeoutError):
            reason = f"the request took longer than {self._timeout:g} seconds"
        else:
            name = "" if type(error) is ConnectionError else type(error).__name__  # those of ours say it all
            reason = " ".join(f"{name} {without_quotes(error)}".split())
        stage = None if self.may_have_arrived else self.stage
        permanent = stage is not None and _PERMANENT.search(reason) is not None
        if stage is not None:
            what, advice = _FAILED[stage]
            reason = f"{what} ({reason}): {advice}"
        return NoResponse(
            reason,
            may_have_arrived=self.may_have_arrived,
            timed_out=late or timed_out,
            permanent=permanent,
            response=self._head if self._head.status else None,
        )


def without_quotes(error: Exception) -> Exception:
    """Return the error without the received bytes that h11 quotes: a service may repeat what it was sent."""
    text = str(error)
    kept = _QUOTED_BYTES.split(text)[0]
    return error if kept == text else type(error)(kept)


def _decompress(body: bytes, head: Response) -> bytes:
    """Undo gzip, zlib, or deflate without the header that it should have."""
    for form in (zlib.MAX_WBITS | 32, -zlib.MAX_WBITS):
        stream = zlib.decompressobj(form)
        try:
            plain = stream.decompress(body, MAX_RESPONSE_BYTES + 1)
        except zlib.error:
            continue
        if len(plain) > MAX_RESPONSE_BYTES:
            raise UnreadableBody(_TOO_LARGE, head)
        if stream.eof:
            return plain
    raise UnreadableBody("cannot be decompressed", head)
