"""Assertions on the journal of a sandbox."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn
from unittest.mock import ANY

from .._json import is_array, is_object

if TYPE_CHECKING:
    from ..sandbox import Sandbox, SandboxRequest, SandboxVisitor


class Journal:
    """Says what a sandbox must have been sent. A failure prints the values that differ, and the journal without any.

    `requests[2]` in a failure is `sandbox.requests[2]`: to see all its values, print its `body`. Operations may be
    named in either spelling, `"createSession"` or `"create_session"`; an unknown one is a ValueError.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._past: tuple[SandboxRequest, ...] = ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}, {len(self._requests())} requests>"

    def __str__(self) -> str:
        """List the requests: operation, status, and the types of their attributes and impressions."""
        return "\n".join(_lines(self._requests())) or "nothing was sent"

    def clear(self) -> None:
        """Leave out what was sent until now: the next assertions are about what follows. The visitor list stays."""
        self._past = self._sandbox.requests

    def assert_nothing_sent(self) -> None:
        """Assert that no request arrived."""
        __tracebackhide__ = True
        if self._requests():
            self._fail("expected that nothing was sent")

    def assert_calls(self, *expected: str | tuple[str, int | None]) -> None:
        """Assert that just these operations were called, in this order, failed attempts included.

        Each is an operationId such as `"createSession"`, or one with its status: `("createSession", 503)`. The status
        of a dropped connection is None.
        """
        __tracebackhide__ = True
        pairs = [(each, ANY) if isinstance(each, str) else each for each in expected]
        wanted = [(self._sandbox.operation_id(name), status) for name, status in pairs]
        calls = [(request.operation_id or request.method, request.status) for _, request in self._requests()]
        if wanted != calls:
            # A status is shown only where some call of its operation was expected to have one.
            open_ones = {name for name, status in wanted if status is ANY} - {
                name for name, status in wanted if status is not ANY
            }
            shown = [name if name in open_ones else _call(name, status) for name, status in calls]
            listed = [name if status is ANY else _call(name, status) for name, status in wanted]
            self._fail("expected these calls (- expected, + sent):", *_diff(listed, shown))

    def assert_sent(self, operation_id: str, body: Mapping[str, Any]) -> None:
        """Assert that a call of the operation, answered with 200, had all of this in its body.

        Objects may have more members than asked for; lists may not, and have the same order.
        """
        __tracebackhide__ = True
        operation_id = self._sandbox.operation_id(operation_id)
        found = [
            (f"requests[{number}]: ", _differences(body, request.body))
            for number, request in self._accepted()
            if request.operation_id == operation_id
        ]
        self._assert_one(f"a call of {operation_id}, answered with 200, with that body", found)

    def assert_attribute_sent(self, attribute: Mapping[str, Any]) -> None:
        """Assert that an engagement attribute with all of this was sent, and answered with 200.

        For example `{"type": "personal", "personal": {"firstname": "Sarah"}}`; compared as by `assert_sent`.
        """
        __tracebackhide__ = True
        found = [
            (f"requests[{number}].engagementAttributes[{index}]: ", _differences(attribute, each))
            for number, request in self._accepted()
            for index, each in enumerate(_sent(request, "engagementAttributes"))
            if _type(each) == attribute.get("type")
        ]
        self._assert_one(f"an attribute of type {attribute.get('type')}, answered with 200, with those values", found)

    def assert_impressions(self, *kinds: str) -> None:
        """Assert that just these impressions were reported, in this order, and answered with 200.

        For example `"impDisplay", "impAccept"`; without arguments, that none was.
        """
        __tracebackhide__ = True
        reported = [_type(each) for _, request in self._accepted() for each in _sent(request, "impAttributes")]
        if reported != list(kinds):
            self._fail("expected these impressions (- expected, + sent):", *_diff(kinds, reported))

    def assert_visitors(self, count: int) -> tuple[SandboxVisitor, ...]:
        """Assert how many visitors are on the visitor list; return them, oldest first."""
        __tracebackhide__ = True
        visitors = self._sandbox.visitors
        if len(visitors) != count:
            self._fail(f"expected {count} on the visitor list, not {len(visitors)}")
        return visitors

    def assert_one_visitor(self) -> SandboxVisitor:
        """Assert that exactly one visitor was put on the list; return it, with what was sent in its sessions."""
        __tracebackhide__ = True
        [visitor] = self.assert_visitors(1)
        return visitor

    def _requests(self) -> Sequence[tuple[int, SandboxRequest]]:
        """Return what counts, each with its place in `sandbox.requests`."""
        past = {id(request) for request in self._past}
        return [each for each in enumerate(self._sandbox.requests) if id(each[1]) not in past]

    def _accepted(self) -> Iterable[tuple[int, SandboxRequest]]:
        return (each for each in self._requests() if each[1].status == 200)

    def _assert_one(self, wanted: str, found: Sequence[tuple[str, Sequence[str]]]) -> None:
        __tracebackhide__ = True
        if all(differences for _, differences in found):
            self._fail(
                f"expected {wanted}", *(f"{place}{each}" for place, differences in found for each in differences)
            )

    def _fail(self, expected: str, *details: str) -> NoReturn:
        __tracebackhide__ = True
        journal = str(self).splitlines()
        raise AssertionError("\n  ".join([expected, *details]) + "\n" + "\n  ".join(["the journal:", *journal]))


def _lines(requests: Iterable[tuple[int, SandboxRequest]]) -> Iterable[str]:
    for number, request in requests:
        found = [*_sent(request, "engagementAttributes"), *_sent(request, "impAttributes")]
        kinds = f"  ({', '.join(map(_type, found))})" if found else ""
        yield f"requests[{number}]: {_call(request.operation_id or request.method, request.status)}{kinds}"


def _call(name: str, status: int | None) -> str:
    return f"{name} → {'dropped' if status is None else status}"


def _sent(request: SandboxRequest, name: str) -> Sequence[Any]:
    found = request.body.get(name) if is_object(request.body) else None
    return found if is_array(found) else ()


def _type(found: Any) -> str:
    return str(found.get("type")) if is_object(found) else "?"


def _diff(expected: Sequence[str], sent: Sequence[str]) -> Iterable[str]:
    """Compare two lists, line by line, as pytest does."""
    return (line.rstrip() for line in difflib.ndiff(expected, sent) if not line.startswith("?"))


def _differences(expected: Any, found: Any, place: str = "") -> list[str]:
    """Say where a value that was found lacks something of what was expected, and what is there instead."""
    if is_object(expected) and is_object(found):
        inner = {name: f"{place}.{name}".removeprefix(".") for name in expected}
        return [
            line
            for name in expected
            for line in (
                _differences(expected[name], found[name], inner[name])
                if name in found
                else [f"{inner[name]} is not there; expected {expected[name]!r}"]
            )
        ]
    if is_array(expected) and is_array(found) and len(expected) == len(found):
        pairs = enumerate(zip(expected, found, strict=True))
        return [line for index, pair in pairs for line in _differences(*pair, f"{place}[{index}]")]
    return [] if expected == found else [f"{place or 'the body'} is {found!r}; expected {expected!r}"]
