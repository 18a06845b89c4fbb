"""Hypothesis strategies that follow the contract's own schemas: what it allows, what it hardly allows, and forbids."""

import datetime
import decimal
import functools
import json
import os
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from importlib import resources
from typing import Any, TypeAlias, cast

import jsonschema  # type: ignore[import-untyped]
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from jsonschema.validators import extend  # type: ignore[import-untyped]

Json: TypeAlias = Any
Place: TypeAlias = tuple[str | int, ...]
Strategy: TypeAlias = "st.SearchStrategy[Any]"

CONTRACT: Any = json.loads(resources.files("liveperson_engagement_api").joinpath("openapi.json").read_bytes())
SCHEMAS: Any = CONTRACT["components"]["schemas"]
REQUIRED = {name for schema in SCHEMAS.values() for name in schema.get("required", ())}

_SLOW = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile(
    "quick", max_examples=20, derandomize=True, database=None, deadline=None, suppress_health_check=_SLOW
)
settings.register_profile("long", settings.get_profile("quick"), max_examples=300)
settings.register_profile("fuzz", settings.get_profile("quick"), max_examples=20_000, derandomize=False)
PROFILE: settings = settings.get_profile(os.environ.get("PROPERTIES", "quick"))
"""PROPERTIES=long tries more of each property, and always the same; fuzz tries others each time."""


def examples(share: float = 1.0) -> settings:
    """Say how often to try, as a share of what the profile says."""
    return settings(PROFILE, max_examples=max(1, int(PROFILE.max_examples * share)))


def _pattern(_: Any, pattern: str, value: Any, __: Any) -> Iterator[jsonschema.ValidationError]:
    if isinstance(value, str) and not re.search(as_python(pattern), value):
        yield jsonschema.ValidationError("does not match")


_Validator: Any = cast(Any, extend)(jsonschema.Draft202012Validator, {"pattern": _pattern})


def as_python(pattern: str) -> str:
    """Write a pattern of ECMA as Python's: there, `$` also stands before a last line break."""
    return re.sub(r"(?<!\\)\$$", r"\\Z", pattern)


class Judge:
    """Says whether a component's schema allows a value; jsonschema shares no code with the package's validator."""

    def __init__(self, component: str) -> None:
        schema = {"$ref": f"#/components/schemas/{component}", "components": CONTRACT["components"]}
        self._validator = _Validator(schema, format_checker=_Validator.FORMAT_CHECKER)

    def allows(self, value: Json) -> bool:
        """Tell whether JSON can carry the value, and the contract allows it."""
        return is_json(value) and bool(self._validator.is_valid(value))

    def wrong_places(self, value: Json) -> set[str]:
        """Name every place that breaks a rule, missing members included; any place if JSON cannot carry the value."""
        if not is_json(value):
            members = [(), *((name,) for name in REQUIRED)]
            return {written((*place, *member)) for place, _ in places(value) for member in members}
        found: set[str] = set()
        todo = list(self._validator.iter_errors(value))
        while todo:
            error = todo.pop()
            place = tuple(error.absolute_path)
            found.add(written(place))
            if error.validator == "required":
                found |= {written((*place, name)) for name in error.validator_value if name not in error.instance}
            todo += error.context
        return found


judge = functools.cache(Judge)


def is_json(value: object) -> bool:
    """Tell whether JSON can carry a value, every digit and character of it."""
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def places(value: Json, place: Place = (), *, depth: int = 12) -> Iterator[tuple[Place, Json]]:
    """Walk through a value: each part with its place."""
    yield place, value
    members: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        members = list(cast(dict[str, Any], value).items())
    elif isinstance(value, list | tuple):
        members = list(enumerate(cast(list[Any], value)))
    for key, part in members if depth else ():
        yield from places(part, (*place, key), depth=depth - 1)


def written(place: Place) -> str:
    """Write a place as errors do."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).removeprefix(".") or "body"


def replaced(value: Json, place: Place, other: Json) -> Json:
    """Copy a value with something else in one place; an ellipsis takes the place away."""
    if not place:
        return other
    copy = deepcopy(value)
    holder = functools.reduce(lambda part, key: part[key], place[:-1], copy)
    if other is ...:
        del holder[place[-1]]
    else:
        holder[place[-1]] = other
    return copy


ODDITIES = ["a.b[0]", "\u2028\x00\x1b[31m\n", "\U0001f600\u202e", '"\\', " "]
TEXTS: Strategy = st.text(max_size=12) | st.sampled_from(ODDITIES)
NUMBERS: Strategy = (
    st.integers()
    | st.integers(min_value=-(10**40), max_value=10**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.integers(min_value=-(2**53), max_value=2**53).map(float)
)
ANYTHING: Strategy = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
"""Any JSON."""


@functools.cache
def allowed(component: str) -> Strategy:
    """Make values that a component's schema allows."""
    return st.deferred(lambda: _values(SCHEMAS[component]))


def _values(node: Any) -> Strategy:
    return next((make(node) for keyword, make in _MAKERS.items() if keyword in node), ANYTHING)


def _merged(node: Any) -> Strategy:
    """Make values of several schemas of one object."""
    parts = [SCHEMAS[part["$ref"].rpartition("/")[2]] if "$ref" in part else part for part in node["allOf"]]
    properties = {name: member for part in parts for name, member in part.get("properties", {}).items()}
    required = [name for part in parts for name in part.get("required", ())]
    return _objects({"properties": properties, "required": required})


def _either(node: Any) -> Strategy:
    """Make values of a schema with `if`, of one kind or the other."""
    rest = {name: part for name, part in node.items() if name not in {"if", "then", "else"}}
    within = _Validator({"type": ["string", "number", "null", "boolean", "object", "array"], **node["if"]})
    then = _values({**rest, **node["if"], **node.get("then", {})}).filter(within.is_valid)
    return then | _values({**rest, **node.get("else", {})}).filter(lambda value: not within.is_valid(value))


def _objects(node: Any) -> Strategy:
    properties, required = node.get("properties", {}), node.get("required", ())
    known = {name: _values(part) for name, part in properties.items()}
    needed = {name: known.pop(name) for name in required}
    bare = st.fixed_dictionaries(needed, optional=dict(sorted(known.items())))
    others = st.dictionaries(TEXTS.filter(lambda name: name not in properties), ANYTHING, min_size=1, max_size=2)
    # Members that are not known yet pass, both ways; more seldom than not, or nothing else would be seen.
    return bare | bare | bare | st.tuples(bare, others).map(lambda both: {**both[0], **both[1]})


def _texts(node: Any) -> Strategy:
    pattern, least, most = node.get("pattern", ""), node.get("minLength", 0), node.get("maxLength", 2000)
    texts = TEXTS
    if "format" in node:
        texts = st.ip_addresses(v=4 if node["format"] == "ipv4" else 6).map(str)
    elif pattern:
        texts = st.from_regex(as_python(pattern)).filter(is_json)
    return texts.filter(lambda text: least <= len(text) <= most and re.search(as_python(pattern), text) is not None)


def _whole(node: Any) -> Strategy:
    numbers = st.integers(min_value=node.get("minimum"), max_value=node.get("maximum"))
    # 3.0 is an integer, too; beyond 53 bits a float no longer says which one.
    return numbers | numbers.filter(lambda number: abs(number) <= 2**53).map(float)


def _numbers(node: Any) -> Strategy:
    least, most = node.get("minimum", float("-inf")), node.get("maximum", float("inf"))
    return NUMBERS.filter(lambda number: least <= number <= most)


_KINDS: dict[str, Callable[[Any], Strategy]] = {
    "object": _objects,
    "array": lambda node: st.lists(_values(node.get("items", {})), max_size=3),
    "string": _texts,
    "integer": _whole,
    "number": _numbers,
    "boolean": lambda _: st.booleans(),
}
_MAKERS: dict[str, Callable[[Any], Strategy]] = {
    "$ref": lambda node: allowed(node["$ref"].rpartition("/")[2]),
    "allOf": _merged,
    "oneOf": lambda node: st.one_of([_values(member) for member in node["oneOf"]]),
    "if": _either,
    "const": lambda node: st.just(node["const"]),
    "enum": lambda node: st.sampled_from(node["enum"]),
    "type": lambda node: _KINDS[node["type"]](node),
}
"""What to make of a schema, by the first of these keywords that it has."""


NOT_TEXT = ["\ud800", "a\udfffb", ["\udc00"], {"\ud800": 1}, {("a",): 1}, [{"a": {b"b": 3}}]]
NOT_NUMBERS = [float("nan"), float("inf"), float("-inf"), {"a": float("nan")}, decimal.Decimal("1.5"), 1j]
NOT_VALUES = [b"bytes", {1}, frozenset[int](), object(), datetime.date(2026, 1, 1), range(3), ..., type]
NOT_JSON: Strategy = st.sampled_from([*NOT_TEXT, *NOT_NUMBERS, *NOT_VALUES])
ODD_TEXTS = ["", " ", ".", "..", "x", "0", "7", "-1", "1.5", "GB", "GB\n", "5\n", "\u0661", "A\u0300", "en-US", "é"]
ODD_ADDRESSES = ["10.0.0.1", "999.1.1.1", "1.2.3.4\n", "01.2.3.4", "::1", "1::2::3", "::1%eth0"]
ODD_NUMBERS = [0, -1, 1.5, 12.5, 1e300, 2**31, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1]
ODD: list[Json] = [None, True, False, [], {}, [None], {"type": None}, *ODD_TEXTS, *ODD_ADDRESSES, *ODD_NUMBERS]
NEARLY: Strategy = (
    st.sampled_from(ODD) | st.integers(min_value=-2, max_value=40) | st.sampled_from(sorted(SCHEMAS)).flatmap(allowed)
)
"""What is allowed in some other place, and edges."""


@st.composite
def mutated(draw: st.DrawFn, component: str) -> Json:
    """Make a value that a component allows, and change one place, or two, in a way that it may forbid."""
    value = draw(allowed(component))
    for _ in range(draw(st.sampled_from([1, 1, 1, 2]))):
        place, part = draw(st.sampled_from(list(places(value))))
        kind = draw(st.sampled_from(["odd", "nearly", "nearly", "gone", "itself", "name"]))
        if kind == "gone" and place:
            value = replaced(value, place, ...)
        elif kind == "itself" and isinstance(part, dict | list) and place:
            value = deepcopy(value)
            holder = functools.reduce(lambda inner, key: inner[key], place, value)
            cast(dict[str, Any], holder).update(itself=value) if isinstance(holder, dict) else holder.append(value)
            return value
        elif kind == "name" and isinstance(part, dict):
            value = replaced(value, place, {**part, draw(st.sampled_from(["\udfff", ("a",), b"name"])): 1})
        else:
            value = replaced(value, place, draw(NOT_JSON if kind == "odd" else NEARLY))
    return value
