"""Writes an OpenAPI 3.1 contract as OpenAPI 3.0.3, for tools that know no newer one; both allow the same values.

Schemas of 3.0.3 are an older dialect of JSON Schema. What it says otherwise is rewritten, what it lacks is built from
what it has (`if` from `anyOf` and `not`), and what cannot be said at all is an error, never a silent loss.
"""

from typing import Any, cast

from contract import Contract, Document, Pointer, Problem

VERSION = "3.0.3"

# These mean the same in both dialects.
KEPT = {
    *("type", "format", "enum", "default", "title", "description", "deprecated", "readOnly", "writeOnly"),
    *("multipleOf", "maximum", "minimum", "maxLength", "minLength", "pattern", "maxItems", "minItems", "uniqueItems"),
    *("maxProperties", "minProperties", "required", "discriminator", "externalDocs", "example"),
}
DROPPED = {"$schema", "$comment", "then", "else"}  # the last two are read together with `if`
DATA = {"example", "examples", "links", "default", "mapping"}


class _UntranslatableError(Exception):
    """A keyword that 3.0.3 has nothing for."""

    def __init__(self, pointer: Pointer) -> None:
        self.pointer = pointer


def convert(contract: Contract) -> Document:
    """Give the contract as OpenAPI 3.0.3; raises ContractError, with the line, where that cannot be done."""
    try:
        document = cast(Document, _node(contract.document, ()))
    except _UntranslatableError as error:
        place = error.pointer
        raise contract.error(Problem(place, f"OpenAPI {VERSION} has nothing for {place[-1]}")) from None
    return {**document, "openapi": VERSION, "info": _info(document["info"])}


def convert_schema(schema: Any, at: Pointer = ()) -> Document:
    """Give a schema in the dialect of 3.0.3."""
    if isinstance(schema, bool):
        return {} if schema else {"not": {}}
    members = cast(Document, schema)
    if "$ref" in members:
        return _reference(members, at)
    converted: Document = {}
    conjuncts = [
        one
        for keyword, value in members.items()
        for one in _keyword(keyword, value, members, converted, (*at, keyword))
    ]
    if converted.get("type") == "array":
        converted.setdefault("items", {})
    return _and(converted, conjuncts)


def _keyword(keyword: str, value: Any, members: Document, converted: Document, at: Pointer) -> list[Document]:
    """Convert one keyword of a schema, and give what has to hold as well."""
    match keyword:
        case "allOf" | "anyOf" | "oneOf":
            converted[keyword] = [convert_schema(one, (*at, str(index))) for index, one in enumerate(value)]
        case "items" | "not" | "additionalProperties":
            plain = keyword == "additionalProperties" and value in (True, False)
            converted[keyword] = value if plain else convert_schema(value, at)
        case "properties":
            converted[keyword] = {name: convert_schema(one, (*at, name)) for name, one in value.items()}
        case "type":
            return _type(value, converted, at)
        case "if":
            return [_condition(members, at[:-1])]
        case "const":
            converted["enum"] = [one for one in members.get("enum", [value]) if one == value]
        case "exclusiveMaximum" | "exclusiveMinimum":
            inclusive, stricter = ("maximum", min) if keyword == "exclusiveMaximum" else ("minimum", max)
            if stricter(value, members.get(inclusive, value)) == value:
                converted.update({inclusive: value, keyword: True})
        case "examples":
            converted.update({"example": value[0]} if value else {})
        case _ if keyword in KEPT or keyword.startswith("x-"):
            converted.setdefault(keyword, value)
        case _ if keyword not in DROPPED:
            raise _UntranslatableError(at)
        case _:
            pass
    return []


def _node(value: Any, at: Pointer) -> Any:
    """Copy what is around the schemas; 3.0.3 wants it just as 3.1 does, save that nothing may stand beside a $ref."""
    items = cast(list[Any], value)
    if isinstance(value, list):
        return [_node(one, (*at, str(index))) for index, one in enumerate(items)]
    if not isinstance(value, dict):
        return value
    members = cast(Document, value)
    if "$ref" in members:
        return {"$ref": members["$ref"]}
    copy: Document = {}
    for key, one in members.items():
        place = (*at, key)
        if key == "schema" or at == ("components", "schemas"):
            copy[key] = convert_schema(one, place)
        elif key in {"webhooks", "pathItems"}:
            raise _UntranslatableError(place)
        elif key != "jsonSchemaDialect":
            copy[key] = one if key in DATA or key.startswith("x-") else _node(one, place)
    return copy


def _info(info: Document) -> Document:
    """Put the summary into the description, and name the license by the address of what identifies it."""
    copy = {key: value for key, value in info.items() if key != "summary"}
    if "summary" in info:
        copy["description"] = "\n\n".join(text for text in (info["summary"], info.get("description")) if text)
    if identifier := info.get("license", {}).get("identifier"):
        copy["license"] = {"name": info["license"]["name"], "url": f"https://spdx.org/licenses/{identifier}.html"}
    return copy


def _reference(schema: Document, at: Pointer) -> Document:
    """Beside a $ref 3.0.3 reads nothing, so what stands there has to stand around it."""
    beside = {keyword: value for keyword, value in schema.items() if keyword != "$ref"}
    reference = {"$ref": schema["$ref"]}
    return _and(convert_schema(beside, at), [reference]) if beside else reference


def _type(said: str | list[str], converted: Document, at: Pointer) -> list[Document]:
    kinds = [said] if isinstance(said, str) else said
    others = [kind for kind in kinds if kind != "null"]
    if not others:
        raise _UntranslatableError(at)
    nullable = {"nullable": True} if "null" in kinds else {}
    if len(others) == 1:
        converted.update({"type": others[0], **nullable})
        return []
    return [{"anyOf": [{"type": kind, **nullable} for kind in others]}]


def _condition(schema: Document, at: Pointer) -> Document:
    """Either the condition holds, and `then`; or it does not, and `else`."""
    condition, then, otherwise = (convert_schema(schema.get(key, True), (*at, key)) for key in ("if", "then", "else"))
    # Where `else` asks for another type than the condition, it need not deny the condition as well.
    told_apart = condition.keys() == {"type"} and otherwise.get("type", condition["type"]) != condition["type"]
    unmet = otherwise if told_apart and not _overlap(condition, otherwise) else _both({"not": condition}, otherwise)
    return {"anyOf": [_both(condition, then), unmet]}


def _overlap(one: Document, other: Document) -> bool:
    return {one["type"], other["type"]} == {"integer", "number"}


def _both(one: Document, other: Document) -> Document:
    return {"allOf": [one, other]} if one.keys() & other.keys() else {**one, **other}


def _and(schema: Document, conjuncts: list[Document]) -> Document:
    """Add what has to hold as well, beside the schema's own keywords where they leave room."""
    for conjunct in conjuncts:
        if schema.keys() & conjunct.keys() or "$ref" in conjunct:
            schema = {**schema, "allOf": [*schema.get("allOf", []), conjunct]}
        else:
            schema = {**schema, **conjunct}
    return schema
