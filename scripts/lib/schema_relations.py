"""Says of an assertion of JSON Schema whether it allows more values than it did, or fewer."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum
from typing import Any, cast

from greenery.fsm import Fsm  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]
from greenery.parse import NoMatch, parse  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]

ABSENT: Any = object()
INFINITY = float("inf")


class Relation(StrEnum):
    """How the values that a new schema allows relate to those that the old one allowed."""

    NARROWER = "fewer values"
    WIDER = "more values"
    OTHER = "other values"
    SAME = "the same values, written in another way"


def relation(keyword: str, old: Any, new: Any) -> Relation:
    """Say how the values relate that an assertion allows, of what it said and says; ABSENT stands for nothing."""
    return RELATIONS.get(keyword, _presence)(old, new)


def _presence(old: Any, new: Any) -> Relation:
    """A new assertion of whatever kind can only refuse values, and one that is dropped can only allow them."""
    if old is ABSENT:
        return Relation.NARROWER
    return Relation.WIDER if new is ABSENT else Relation.OTHER


def _upper(old: Any, new: Any) -> Relation:
    before, after = (INFINITY if limit is ABSENT else limit for limit in (old, new))
    return Relation.WIDER if after > before else Relation.NARROWER


def _lower(old: Any, new: Any) -> Relation:
    before, after = (-INFINITY if limit is ABSENT else limit for limit in (old, new))
    return Relation.WIDER if after < before else Relation.NARROWER


def _types(old: Any, new: Any) -> Relation:
    before, after = _kinds(old), _kinds(new)
    return _subsets(after <= before, before <= after)


def _subsets(none_new: bool, none_gone: bool) -> Relation:
    relations = {(True, False): Relation.NARROWER, (False, True): Relation.WIDER, (True, True): Relation.SAME}
    return relations.get((none_new, none_gone), Relation.OTHER)


def _kinds(value: Any) -> set[str]:
    if value is ABSENT:
        return {"null", "boolean", "object", "array", "number", "string", "integer"}
    kinds = {value} if isinstance(value, str) else set(cast(list[str], value))
    return kinds | {"integer"} if "number" in kinds else kinds


def _formats(old: Any, new: Any) -> Relation:
    wider = {("int32", "int64"), ("float", "double")}
    if (old, new) in wider:
        return Relation.WIDER
    return Relation.NARROWER if (new, old) in wider else _presence(old, new)


def _multiples(old: Any, new: Any) -> Relation:
    if old is ABSENT or new is ABSENT:
        return _presence(old, new)
    if new % old == 0:
        return Relation.NARROWER
    return Relation.WIDER if old % new == 0 else Relation.OTHER


def _uniqueness(_old: Any, new: Any) -> Relation:
    return Relation.NARROWER if new is True else Relation.WIDER


def _patterns(old: Any, new: Any) -> Relation:
    if old is ABSENT or new is ABSENT:
        return _presence(old, new)
    try:
        before, after = (_language(pattern) for pattern in (old, new))
    except (NoMatch, NotImplementedError):
        return Relation.OTHER
    return _subsets(after.issubset(before), before.issubset(after))


def _language(pattern: str) -> Fsm:
    """Give the automaton of the strings that a pattern matches; anchors within it, and look-around, cannot be read."""
    starts, ends = pattern.startswith("^"), pattern.endswith("$") and not pattern.endswith("\\$")
    core = pattern[starts : len(pattern) - ends]
    core = re.sub(r"(?<!\\)(\[\^?)-|(?<!\\)-(?=\])", r"\1\\-", core)  # The parser wants a plain hyphen escaped.
    if re.search(r"(?<![\\\[])[\^$]|\(\?", core):
        raise NotImplementedError(pattern)
    anything = "(.|\\n|\\r)*"
    return parse(("" if starts else anything) + f"({core})" + ("" if ends else anything)).to_fsm()


RELATIONS: dict[str, Callable[[Any, Any], Relation]] = {
    **dict.fromkeys(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"), _upper),
    **dict.fromkeys(("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"), _lower),
    "type": _types,
    "format": _formats,
    "multipleOf": _multiples,
    "uniqueItems": _uniqueness,
    "pattern": _patterns,
}
