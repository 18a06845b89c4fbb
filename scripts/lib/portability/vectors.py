"""The conformance vectors: what each says is in tests/conformance/README.md."""

import functools
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeGuard

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "tests/conformance"
FILES = ("requests", "attributes", "updates", "answers", "errors", "visits")
Json = Any

_EXPRESSION = re.compile(r"\$\{(\d+)\.([\w.]+)\}")


@dataclass(frozen=True, slots=True)
class Exchange:
    """One call, what it must look like on the wire, what is answered, and what the caller must get of it."""

    call: Mapping[str, Json]
    result: Mapping[str, Json]
    request: Mapping[str, Json] | None = None
    answer: Mapping[str, Json] | None = None


@dataclass(frozen=True, slots=True)
class Vector:
    """Some exchanges, most often one, that every client is held to."""

    name: str
    about: str
    group: str
    exchanges: tuple[Exchange, ...]
    visitors: int | None = None


def vectors() -> tuple[Vector, ...]:
    """Read all vectors, in the order of the files and within them."""
    return tuple(
        Vector(**entry | {"group": group, "exchanges": tuple(Exchange(**exchange) for exchange in entry["exchanges"])})
        for group in FILES
        for entry in parse((FOLDER / f"{group}.json").read_text(encoding="utf-8"))
    )


def parse(text: str) -> Json:
    """Read JSON without losing a digit."""
    return json.loads(text, parse_float=Decimal)


def write(value: Json) -> str:
    """Write JSON without losing a digit."""
    return json.dumps(value, ensure_ascii=False, default=_number)


def filled(template: Json, values: Sequence[Json]) -> Json:
    """Replace each `${n.path}` by that member of the n-th value of the same vector."""
    if is_object(template):
        return {name: filled(part, values) for name, part in template.items()}
    if is_array(template):
        return [filled(part, values) for part in template]
    if isinstance(template, str) and (found := _EXPRESSION.fullmatch(template)):
        return functools.reduce(lambda value, name: value[name], found[2].split("."), values[int(found[1])])
    return template


def is_object(value: object) -> TypeGuard[Mapping[str, Json]]:
    """Tell whether a value stands for a JSON object."""
    return isinstance(value, Mapping)


def is_array(value: object) -> TypeGuard[list[Json]]:
    """Tell whether a value stands for a JSON array."""
    return isinstance(value, list)


def _number(value: object) -> float:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(type(value).__name__)
