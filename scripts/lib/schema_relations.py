"""Says of a keyword of JSON Schema whether it allows more values than it did, or fewer."""

import re
from collections.abc import Callable
from enum import StrEnum
from functools import cache
from typing import Any

from greenery.fsm import Fsm  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]
from greenery.parse import NoMatch, parse  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]

ABSENT: Any = object()
INFINITY = float("inf")


class Relation(StrEnum):
    """How the values that a new schema allows relate to those that the old one allowed."""

    NARROWER = "fewer values"
    WIDER = "more values"
    OTHER = "other values"
    RETYPED = "another type in generated code, whatever the values"
    SAME = "the same values, written in another way"


def relation(keyword: str, old: Any, new: Any) -> Relation:
    """Say how the values relate that a keyword allows, of what it said and says; ABSENT stands for nothing."""
    return RELATIONS[keyword](old, new) if keyword in RELATIONS else Relation.OTHER


def _retyped(_old: Any, _new: Any) -> Relation:
    return Relation.RETYPED


def _upper(old: Any, new: Any) -> Relation:
    before, after = (INFINITY if limit is ABSENT else limit for limit in (old, new))
    return Relation.WIDER if after > before else Relation.NARROWER


def _lower(old: Any, new: Any) -> Relation:
    before, after = (-INFINITY if limit is ABSENT else limit for limit in (old, new))
    return Relation.WIDER if after < before else Relation.NARROWER


def _presence(old: Any, new: Any) -> Relation:
    """Such a keyword can only refuse values when it is added, and only allow them when it is dropped."""
    if old is ABSENT:
        return Relation.NARROWER
    return Relation.WIDER if new is ABSENT else Relation.OTHER


def _types(old: Any, new: Any) -> Relation:
    before, after = ({kinds} if isinstance(kinds, str) else {*kinds} for kinds in map(_listed, (old, new)))
    if before - {"null"} != after - {"null"}:
        return Relation.RETYPED
    return _subsets(after <= before, before <= after)


def _listed(types: Any) -> Any:
    return () if types is ABSENT else types


def _patterns(old: Any, new: Any) -> Relation:
    if old is ABSENT or new is ABSENT:
        return _presence(old, new)
    try:
        before, after = _language(old), _language(new)
    except (NoMatch, NotImplementedError):
        return Relation.OTHER
    return _subsets(after.issubset(before), before.issubset(after))


def _subsets(none_new: bool, none_gone: bool) -> Relation:
    if none_new:
        return Relation.SAME if none_gone else Relation.NARROWER
    return Relation.WIDER if none_gone else Relation.OTHER


@cache
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
    **dict.fromkeys(("format", "contentEncoding", "contentMediaType"), _retyped),
    **dict.fromkeys(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"), _upper),
    **dict.fromkeys(("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties", "uniqueItems"), _lower),
    **dict.fromkeys(("if", "not"), _presence),
    "type": _types,
    "pattern": _patterns,
}
