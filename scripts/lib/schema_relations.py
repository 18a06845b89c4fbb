"""Says of an assertion of JSON Schema whether it allows more values than it did, or fewer."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum
from fractions import Fraction
from functools import cache
from typing import Any, cast

from greenery.fsm import Fsm  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]
from greenery.parse import NoMatch, parse  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]

ABSENT: Any = object()
INFINITY = float("inf")
# What a keyword says where it is absent.
UNSAID: dict[str, Any] = {
    **dict.fromkeys(("nullable", "deprecated", "readOnly", "writeOnly", "uniqueItems"), False),
    **dict.fromkeys(("minLength", "minItems", "minProperties"), 0),
}


class Relation(StrEnum):
    """How the values that a new schema allows relate to those that the old one allowed."""

    NARROWER = "fewer values"
    WIDER = "more values"
    OTHER = "other values"
    RETYPED = "another type in generated code, whatever the values"
    SAME = "the same values, written in another way"


def relation(keyword: str, old: Any, new: Any) -> Relation:
    """Say how the values relate that an assertion allows, of what it said and says; ABSENT stands for nothing."""
    if keyword in PART_OF_THE_TYPE:
        return Relation.RETYPED
    return RELATIONS[keyword](old, new) if keyword in RELATIONS else Relation.OTHER


def in_plain_words(schema: dict[str, Any]) -> dict[str, Any]:
    """Write OpenAPI 3.0's keywords as those of 3.1, and the tags of a union in full."""
    plain = dict(schema)
    if plain.get("nullable") and isinstance(plain.get("type"), str):
        plain["type"] = [plain["type"], "null"]
        del plain["nullable"]
    for limit, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if isinstance(plain.get(exclusive), bool) and plain.pop(exclusive) and limit in plain:
            plain[exclusive] = plain.pop(limit)
    if "discriminator" in plain:
        members = (member.get("$ref") for member in plain.get("oneOf", plain.get("anyOf", [])))
        implied = {ref.rsplit("/", 1)[-1]: ref for ref in members if ref}
        mapping = plain["discriminator"].get("mapping", implied)
        full = {tag: ref if "/" in ref else f"#/components/schemas/{ref}" for tag, ref in mapping.items()}
        plain["discriminator"] = {**plain["discriminator"], "mapping": full}
    return plain


def _presence(old: Any, new: Any) -> Relation:
    """A new assertion of such a kind can only refuse values, and one that is dropped can only allow them."""
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
    if before - {"null"} != after - {"null"}:
        return Relation.RETYPED
    return _subsets(after <= before, before <= after)


def _subsets(none_new: bool, none_gone: bool) -> Relation:
    relations = {(True, False): Relation.NARROWER, (False, True): Relation.WIDER, (True, True): Relation.SAME}
    return relations.get((none_new, none_gone), Relation.OTHER)


def _kinds(value: Any) -> set[str]:
    if value is ABSENT:
        return {"null", "boolean", "object", "array", "number", "string", "integer"}
    kinds = {value} if isinstance(value, str) else set(cast(list[str], value))
    return kinds | {"integer"} if "number" in kinds else kinds


def _multiples(old: Any, new: Any) -> Relation:
    if old is ABSENT or new is ABSENT:
        return _presence(old, new)
    before, after = (Fraction(str(factor)) for factor in (old, new))
    return _subsets(after % before == 0, before % after == 0)


def _patterns(old: Any, new: Any) -> Relation:
    if old is ABSENT or new is ABSENT:
        return _presence(old, new)
    try:
        before, after = (_language(pattern) for pattern in (old, new))
    except (NoMatch, NotImplementedError):
        return Relation.OTHER
    return _subsets(after.issubset(before), before.issubset(after))


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


PART_OF_THE_TYPE = {"format", "contentEncoding", "contentMediaType"}
RELATIONS: dict[str, Callable[[Any, Any], Relation]] = {
    **dict.fromkeys(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"), _upper),
    **dict.fromkeys(("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"), _lower),
    # What a flag allows, or asks for, is a limit too, of false or true.
    **dict.fromkeys(("nullable", "allowEmptyValue"), _upper),
    "uniqueItems": _lower,
    **dict.fromkeys(("not", "contains", "maxContains", "unevaluatedItems"), _presence),
    **dict.fromkeys(("dependentRequired", "dependentSchemas", "propertyNames", "unevaluatedProperties"), _presence),
    "type": _types,
    "multipleOf": _multiples,
    "pattern": _patterns,
}
