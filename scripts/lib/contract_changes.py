"""Finds what has changed between two contracts, and says what each change does to callers and to answers.

The rule is variance. Callers write requests: a request schema may come to take more, not less. Callers read answers: an
answer schema may come to say less, not more. Names that generated code is made of (operations, tags, schemas, fields)
may not go, and types that it is made of (type, format, enum, union) may not change. What no rule here knows counts as
breaking. docs/contract-changes.md tells the rules to people.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias, cast

from contract import METHODS, Document, Pointer, resolve
from schema_relations import ABSENT, UNSAID, Relation, in_plain_words, relation

Version: TypeAlias = tuple[int, int, int]


class Effect(StrEnum):
    """What a change does to those who hold the old contract, the worst first."""

    BREAKING = "breaking"
    ADDITIVE = "additive"
    DOCUMENTATION = "documentation"


class Side(StrEnum):
    """Who writes a value: callers write requests, the service writes answers."""

    REQUEST = "request"
    ANSWER = "answer"


@dataclass(frozen=True)
class Change:
    """One change: its effect, its heading in the changelog, where it is, what it is, why that matters, and for whom."""

    effect: Effect
    heading: str
    pointer: Pointer
    text: str
    reason: str
    uses: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """Name the place as a person would: `AppDetails.os`, `createSession`, `Session/links/impClose`."""
        # A text that begins with the keyword needs no place that ends in it.
        named = self.pointer[-1:] and self.text.startswith(f"{self.pointer[-1]}:")
        return _place(self.pointer[:-1] if named else self.pointer)


GENERATED_NAMES = "code that is generated from the contract takes its names from it"
BINDS_NOBODY = "words and examples bind nobody"
NO_RULE = "no rule says that this is harmless"
VARIANCE: dict[tuple[Side, Relation], tuple[Effect, str]] = {
    (Side.REQUEST, Relation.NARROWER): (Effect.BREAKING, "requests that were accepted may be refused"),
    (Side.REQUEST, Relation.WIDER): (Effect.ADDITIVE, "every request that was accepted still is"),
    (Side.REQUEST, Relation.SAME): (Effect.DOCUMENTATION, Relation.SAME),
    (Side.REQUEST, Relation.OTHER): (Effect.BREAKING, NO_RULE),
    (Side.REQUEST, Relation.RETYPED): (Effect.BREAKING, Relation.RETYPED),
    (Side.ANSWER, Relation.NARROWER): (Effect.ADDITIVE, "answers hold nothing that callers don't handle already"),
    (Side.ANSWER, Relation.WIDER): (Effect.BREAKING, "answers may hold what callers don't expect"),
    (Side.ANSWER, Relation.SAME): (Effect.DOCUMENTATION, Relation.SAME),
    (Side.ANSWER, Relation.OTHER): (Effect.BREAKING, NO_RULE),
    (Side.ANSWER, Relation.RETYPED): (Effect.BREAKING, Relation.RETYPED),
}

ANNOTATIONS = {
    "title",
    "summary",
    "description",
    "example",
    "examples",
    "externalDocs",
    "tags",
    "$comment",
    "x-sensitive",
}
MAKES_A_TYPE = {"properties", "enum", "oneOf", "anyOf", "allOf"}
# Of these fields a side neither writes nor reads the value.
NOT_OF_SIDE = {Side.REQUEST: "readOnly", Side.ANSWER: "writeOnly"}


def changes(old: Document, new: Document) -> list[Change]:
    """List the changes from one contract to another, the worst first."""
    comparison = _Comparison(old, new)
    comparison.document()
    order = list(Effect)
    return sorted(comparison.found.values(), key=lambda change: (order.index(change.effect), change.place, change.text))


def worst(found: Iterable[Change]) -> Effect | None:
    """Give the gravest effect among changes, or None if there are none."""
    effects = {change.effect for change in found}
    return next((effect for effect in Effect if effect in effects), None)


def version_of(document: Document) -> Version:
    """Read the contract's own version; raises ValueError if it is not a semantic one."""
    text = str(document.get("info", {}).get("version"))
    match = re.match(r"(\d+)\.(\d+)\.(\d+)(?:[-+]|$)", text)
    if not match:
        raise ValueError(f"info.version {text} is not a semantic version such as 1.0.0")
    major, minor, patch = map(int, match.groups())
    return major, minor, patch


def next_version(released: Version, effect: Effect | None) -> Version:
    """Give the least version to release a change as; below 1.0.0 the minor number plays the part of the major one."""
    major, minor, patch = released
    if effect is Effect.BREAKING:
        return (major + 1, 0, 0) if major else (0, minor + 1, 0)
    if effect is Effect.ADDITIVE and major:
        return major, minor + 1, 0
    return (major, minor, patch + 1) if effect else released


class _Comparison:
    """Walks both contracts at once, operation by operation, so that it knows of each schema who writes its values."""

    def __init__(self, old: Document, new: Document) -> None:
        self.found: dict[tuple[Pointer, str], Change] = {}
        self._old, self._new = old, new
        self._operation = ""
        self._side = Side.REQUEST
        self._seen: set[tuple[str, Side, Pointer, Pointer]] = set()

    # The document

    def document(self) -> None:
        """Compare everything."""
        old, new = self._old, self._new
        for key, before, after in _pairs(old, new):
            match key:
                case "info":
                    for name, was, now in _pairs(before, after):
                        if name != "version" and was != now:
                            self._documentation((key, name))
                case "servers":
                    self._servers(_list(before), _list(after), (key,))
                case "security":
                    self._security(_list(before), _list(after), (key,))
                case "paths":
                    self._paths(before, after)
                case "components":
                    self._component_names(before, after)
                case "x-retry-policies":
                    self._policies(before, after)
                case _:
                    self._rest({key: before}, {key: after}, ())

    def _servers(self, old: list[Any], new: list[Any], at: Pointer) -> None:
        before, after = ({server["url"]: server for server in servers or [{"url": "/"}]} for servers in (old, new))
        if list(before) != list(after)[: len(before)]:
            text = f"{_short(list(before))} → {_short(list(after))}"
            self._note(Effect.BREAKING, "Changed", at, text, "callers reach the service at the first of them")
        elif len(before) < len(after):
            self._note(Effect.ADDITIVE, "Added", at, "one more server", "callers stay with the one they use")
        for url in before.keys() & after.keys():
            for path, was, now in _leaves(before[url], after[url]):
                if path[-1] == "description":
                    self._documentation((*at, *path))
                    continue
                # Whoever fills in one of the values that were allowed goes on as before, if all of them still are.
                free = path[-1] == "enum" and was is not ABSENT and (now is ABSENT or set(was) <= set(now))
                effect = Effect.ADDITIVE if free else Effect.BREAKING
                self._different(effect, (*at, *path), was, now, "callers reach the service by it")

    def _security(self, old: list[Any], new: list[Any], at: Pointer) -> None:
        before, after = old or [{}], new or [{}]
        gone = [way for way in before if way not in after]
        if gone and {} not in after:
            text = f"{_short(old)} → {_short(new)}"
            self._note(Effect.BREAKING, "Security", at, text, "callers have to authenticate in another way")
        elif gone or len(before) < len(after):
            self._note(Effect.ADDITIVE, "Security", at, "one more way in", "the old ways still lead in")

    def _component_names(self, old: Any, new: Any) -> None:
        # The other kinds have names that nothing is made of: they are compared where they are referred to.
        for name, was, now in _pairs(_get(old, "schemas"), _get(new, "schemas")):
            at = ("components", "schemas", name)
            if now is ABSENT:
                self._note(Effect.BREAKING, "Removed", at, "type is gone", GENERATED_NAMES)
            elif was is ABSENT:
                self._note(Effect.ADDITIVE, "Added", at, "new type", "nothing refers to it by name yet")
        for name, was, now in _pairs(_get(old, "securitySchemes"), _get(new, "securitySchemes")):
            at = ("components", "securitySchemes", name)
            if was is ABSENT or now is ABSENT:
                self._presence("security scheme", name, was, now, at)
            else:
                self._differences(was, now, at, "callers authenticate by it")

    def _policies(self, old: Any, new: Any) -> None:
        for name, before, after in _pairs(old, new):
            at = ("x-retry-policies", name)
            if after is ABSENT:
                self._note(Effect.BREAKING, "Removed", at, "policy is gone", "clients read it by its name")
            elif before is ABSENT:
                self._note(Effect.ADDITIVE, "Added", at, "new policy", "it concerns only operations that name it")
            else:
                self._policy(before, after, at)

    def _policy(self, old: Document, new: Document, at: Pointer) -> None:
        # Programs read the numbers, people the text: whether that asks for other behaviour, no program can tell.
        words = "if the text asks clients for other behaviour, it is breaking: say so and bump the version"
        reason = "clients that follow the released policy no longer do what the contract asks"
        if _retried(old) and _retried(old) == _retried(new):
            new = {**new, "retryStatuses": old["retryStatuses"]}
        self._differences(old, new, at, reason, words)

    # Operations

    def _paths(self, old: Any, new: Any) -> None:
        for path, before, after in _pairs(old, new):
            at = ("paths", path)
            if before is not ABSENT and after is not ABSENT:
                self._rest(before, after, at, {*METHODS, "parameters", "servers"})
            for method in METHODS:
                was, now = _get(before, method), _get(after, method)
                with self._within((now if was is ABSENT else was), f"{method.upper()} {path}"):
                    if was is not ABSENT and now is not ABSENT:
                        place = (*at, method)
                        earlier = _parameters(self._old, before, at) | _parameters(self._old, was, place)
                        later = _parameters(self._new, after, at) | _parameters(self._new, now, place)
                        self._parameters(earlier, later, place)
                        for key, compare in (("servers", self._servers), ("security", self._security)):
                            if any(key in holder for holder in (before, after, was, now)):
                                own = _nearest(key, was, before, self._old), _nearest(key, now, after, self._new)
                                compare(*own, (*place, key))
                        self._one_operation(was, now, place)
                    elif was is not now:
                        self._presence("operation", self._operation, was, now, (*at, method))

    def _one_operation(self, old: Document, new: Document, at: Pointer) -> None:
        for key, before, after in _pairs(old, new):
            place = (*at, key)
            match key:
                case "operationId" | "tags" if before != after:
                    self._different(Effect.BREAKING, place, before, after, GENERATED_NAMES)
                case "requestBody":
                    self._request_body(before, after, place)
                case "responses":
                    self._responses(before, after, place)
                case "x-retry-policy":
                    self._named_policy(before, after, place)
                case _:
                    pass
        handled = {"operationId", "tags", "parameters", "requestBody", "responses", "servers", "security"}
        self._rest(old, new, at, handled | {"x-retry-policy"})

    def _named_policy(self, old: Any, new: Any, at: Pointer) -> None:
        # A policy whose name stays is compared where it stands.
        if old == new:
            return
        if old is ABSENT or new is ABSENT:
            effect = Effect.ADDITIVE if old is ABSENT else Effect.BREAKING
            text = "follows a retry policy" if old is ABSENT else "follows no retry policy any more"
            self._note(effect, "Changed", at, text, "the policy is what clients implement")
            return
        self._policy(_target(self._old, old, at)[0], _target(self._new, new, at)[0], at)
        self._note(Effect.DOCUMENTATION, "Changed", at, "names another policy", "what differs is listed by itself")

    def _parameters(self, old: dict[str, Any], new: dict[str, Any], at: Pointer) -> None:
        for name, before, after in _pairs(old, new):
            if before is ABSENT:
                required = after[0].get("required", False)
                effect = Effect.BREAKING if required else Effect.ADDITIVE
                text = f"new {'required' if required else 'optional'} {name}"
                self._note(effect, "Added", after[1], text, "callers don't send it yet")
            elif after is ABSENT:
                self._note(Effect.BREAKING, "Removed", at, f"{name} is gone", "callers send it")
            else:
                self._one_parameter(before[0], after[0], after[1])

    def _one_parameter(self, old: Document, new: Document, at: Pointer) -> None:
        """Compare a parameter, or a header of an answer, which is one too."""
        self._requiredness(old, new, at)
        if ("content" in old) != ("content" in new):
            text = f"is written as {'a media type' if 'content' in new else 'a plain parameter'} now"
            self._note(Effect.BREAKING, "Changed", at, text, "the same value looks otherwise on the wire")
            return
        self.schema(old.get("schema", True), new.get("schema", True), (*at, "schema"))
        self._content(old.get("content", {}), new.get("content", {}), (*at, "content"))
        self._rest(_in_style(old), _in_style(new), at, {"name", "in", "required", "schema", "content"})

    def _request_body(self, old: Any, new: Any, at: Pointer) -> None:
        if old is ABSENT:
            effect = Effect.BREAKING if new.get("required") else Effect.ADDITIVE
            self._note(effect, "Added", at, "a request body", "callers don't send one yet")
        elif new is ABSENT:
            self._note(Effect.BREAKING, "Removed", at, "the request body is gone", "callers send one")
        else:
            (before, _), (after, place) = _target(self._old, old, at), _target(self._new, new, at)
            self._side = Side.REQUEST
            self._requiredness(before, after, place)
            self._content(before.get("content", {}), after.get("content", {}), (*place, "content"))
            self._rest(before, after, place, {"required", "content"})

    def _requiredness(self, old: Document, new: Document, at: Pointer) -> None:
        before, after = old.get("required", False), new.get("required", False)
        if before != after:
            relation = Relation.NARROWER if after else Relation.WIDER
            self._relation(relation, "Changed", at, f"is {'required' if after else 'optional'} now")

    def _content(self, old: Document, new: Document, at: Pointer) -> None:
        for media, before, after in _pairs(old, new):
            place = (*at, media)
            if before is ABSENT or after is ABSENT:
                self._presence("media type", media, before, after, place)
            else:
                self.schema(before.get("schema", True), after.get("schema", True), (*place, "schema"))
                self._rest(before, after, place, {"schema"})

    def _responses(self, old: Any, new: Any, at: Pointer) -> None:
        self._side = Side.ANSWER
        for status, *_ in _pairs(old, new):
            before, after = _answer(old, status), _answer(new, status)
            place, success = (*at, status), status.startswith("2")
            effect = Effect.BREAKING if success else Effect.ADDITIVE
            if before is ABSENT:
                reason = "callers don't take it for success" if success else "callers tell errors by their first digit"
                self._note(effect, "Added", place, f"answer {status}", reason)
            elif after is ABSENT:
                reason = "callers wait for it" if success else "callers that handle it lose nothing"
                self._note(effect, "Removed", place, f"answer {status} is gone", reason)
            else:
                (was, _), (now, target) = _target(self._old, before, place), _target(self._new, after, place)
                self._one_response(was, now, target)

    def _one_response(self, old: Document, new: Document, at: Pointer) -> None:
        self._content(old.get("content", {}), new.get("content", {}), (*at, "content"))
        for kind, compare in (("headers", self._one_parameter), ("links", self._link)):
            for name, before, after in _pairs(old.get(kind, {}), new.get(kind, {})):
                place = (*at, kind, name)
                if before is ABSENT or after is ABSENT:
                    self._presence(kind[:-1], name, before, after, place)
                else:
                    (was, _), (now, target) = _target(self._old, before, place), _target(self._new, after, place)
                    compare(was, now, target)
        self._rest(old, new, at, {"content", "headers", "links"})

    def _link(self, old: Document, new: Document, at: Pointer) -> None:
        self._differences(old, new, at, "clients that follow it send something else")

    # Schemas

    def schema(self, old: Any, new: Any, at: Pointer) -> None:
        """Compare two schemas whose values the present side writes."""
        old, new = _plain(old), _plain(new)
        if self._other_type_name(old, new):
            text = f"type {_type_name(old) or 'without a name'} → {_type_name(new) or 'without a name'}"
            self._note(Effect.BREAKING, "Changed", at, text, GENERATED_NAMES)
        (before, origin), (after, place) = _target(self._old, old, at), _target(self._new, new, at)
        if _beside_reference(old) != _beside_reference(new):
            place = at
        visit = (self._operation, self._side, place, origin)
        if visit in self._seen or before == after == {}:
            return
        self._seen.add(visit)
        before, after = in_plain_words(before), in_plain_words(after)
        self._values(before, after, place)
        self._required(self._own_fields(self._old, before), self._own_fields(self._new, after), (*place, "required"))
        for keyword, was, now in _pairs(before, after, UNSAID):
            self._keyword(keyword, was, now, (*place, keyword), before)
        if "if" in before or "if" in after:
            self._condition(before, after, place)

    def _other_type_name(self, old: Document, new: Document) -> bool:
        named = MAKES_A_TYPE & (_target(self._old, old, ())[0].keys() | _target(self._new, new, ())[0].keys())
        return bool(named) and _type_name(old) != _type_name(new)

    def _own_fields(self, document: Document, schema: Document) -> list[str]:
        """Name the required fields that the present side has to do with."""
        fields = schema.get("properties", {})
        return [
            name
            for name in schema.get("required", [])
            if not _target(document, _plain(fields.get(name, True)), ())[0].get(NOT_OF_SIDE[self._side])
        ]

    def _required(self, old: list[str], new: list[str], at: Pointer) -> None:
        for name in _only(new, old):
            self._relation(Relation.NARROWER, "Changed", at, f"{name} is required now")
        for name in _only(old, new):
            self._relation(Relation.WIDER, "Changed", at, f"{name} is no longer required")

    def _keyword(self, keyword: str, old: Any, new: Any, at: Pointer, schema: Document) -> None:
        match keyword:
            case "properties":
                self._properties(old, new, at, closed=schema.get("additionalProperties") is False)
            case "additionalProperties" if (old is False) != (new is False):
                closed = Relation.NARROWER if old in (ABSENT, True, {}) else Relation.RETYPED
                text = f"other fields are {'refused' if new is False else 'allowed'}"
                self._relation(closed if new is False else Relation.WIDER, "Changed", at, text)
            case "items" | "additionalProperties":
                self.schema(True if old is ABSENT else old, True if new is ABSENT else new, at)
            case "allOf" | "oneOf" | "anyOf":
                self._members(keyword, old, new, at)
            case "title" if old != new and MAKES_A_TYPE & schema.keys():
                self._different(Effect.BREAKING, at, old, new, GENERATED_NAMES)
            case "required" | "enum" | "const" | "x-enum-varnames" | "if" | "then" | "else":
                pass  # Compared together, before and after this.
            case _ if old != new:
                self._assertion(keyword, old, new, at)
            case _:
                pass

    def _properties(self, old: Any, new: Any, at: Pointer, *, closed: bool) -> None:
        for name, before, after in _pairs(old, new):
            place = (*at, name)
            if after is ABSENT:
                reason = "callers send it" if self._side is Side.REQUEST else "callers read it"
                self._note(Effect.BREAKING, "Removed", place, "field is gone", reason)
            elif before is not ABSENT:
                self.schema(before, after, place)
            elif closed and self._side is Side.ANSWER:
                self._note(Effect.BREAKING, "Added", place, "new field", "callers expect no other fields here")
            else:
                self._note(Effect.ADDITIVE, "Added", place, "new field", "callers that don't know it ignore it")

    def _members(self, keyword: str, old: Any, new: Any, at: Pointer) -> None:
        # A union is as wide as its members together. What allOf holds narrows, and generated types inherit its fields.
        union = keyword != "allOf"
        if old is ABSENT or new is ABSENT:
            relation = Relation.RETYPED if union or new is ABSENT else Relation.NARROWER
            self._relation(relation, "Changed", at, f"{keyword} {'added' if old is ABSENT else 'dropped'}")
            return
        for name, before, after in _pairs(_keyed_members(old), _keyed_members(new)):
            if before is ABSENT:
                self._relation(Relation.WIDER if union else Relation.NARROWER, "Added", at, f"{name} is a member now")
            elif after is ABSENT:
                relation = Relation.NARROWER if union else Relation.RETYPED
                self._relation(relation, "Removed", at, f"{name} is a member no more")
            else:
                self.schema(before, after, (*at, str(_list(new).index(after))))

    def _condition(self, old: Document, new: Document, at: Pointer) -> None:
        if "if" not in old or "if" not in new:
            relation = Relation.WIDER if "if" in old else Relation.NARROWER
            self._relation(relation, "Changed", at, f"condition {'dropped' if 'if' in old else 'added'}")
        elif old["if"] != new["if"]:
            self._relation(Relation.OTHER, "Changed", (*at, "if"), "another condition")
        else:
            # Under one and the same condition each branch narrows or widens the whole as it does itself.
            for branch in ("then", "else"):
                self.schema(old.get(branch, True), new.get(branch, True), (*at, branch))

    def _values(self, old: Document, new: Document, at: Pointer) -> None:
        """Compare enum and const as the values that they allow, and the names that generated code has for them."""
        before, after = _allowed(old), _allowed(new)
        keyword = next((key for key in ("const", "enum") if key in new), "enum")
        place = (*at, keyword)
        if ("const" in old, "enum" in old) != ("const" in new, "enum" in new):
            text = f"only {', '.join(after)}" if after else "any value instead of a list"
            self._relation(Relation.RETYPED, "Changed", place, text)
            return
        for value, was, now in _pairs(before, after):
            if was is ABSENT:
                self._relation(Relation.WIDER, "Added", place, f"value {value}")
            elif now is ABSENT:
                self._relation(Relation.NARROWER, "Removed", place, f"value {value} is gone")
            elif was != now:
                text = f"name of {value}: {_short(was)} → {_short(now)}"
                self._note(Effect.BREAKING, "Changed", place, text, GENERATED_NAMES)

    def _assertion(self, keyword: str, old: Any, new: Any, at: Pointer) -> None:
        if keyword in ANNOTATIONS:
            self._documentation(at)
        elif keyword == "discriminator":
            self._discriminator(old, new, at)
        elif keyword == "deprecated":
            if new is True or old is True:
                text, heading = (
                    ("is deprecated", "Deprecated") if new is True else ("is no longer deprecated", "Changed")
                )
                self._note(Effect.ADDITIVE, heading, at, text, "it still works")
        elif keyword == "default":
            effect = Effect.ADDITIVE if old is ABSENT else Effect.BREAKING
            self._different(effect, at, old, new, "it is what an absent value means")
        elif keyword in NOT_OF_SIDE.values():
            lost = new is True and keyword == NOT_OF_SIDE[self._side]
            reason = "callers lose the field" if lost else "callers lose no field"
            self._different(Effect.BREAKING if lost else Effect.ADDITIVE, at, old, new, reason)
        else:
            effect, reason = VARIANCE[self._side, relation(keyword, old, new)]
            self._different(effect, at, old, new, reason)

    def _discriminator(self, old: Any, new: Any, at: Pointer) -> None:
        if old is ABSENT or new is ABSENT or old.get("propertyName") != new.get("propertyName"):
            effect = Effect.ADDITIVE if old is ABSENT else Effect.BREAKING
            text = f"told apart by {_short(_get(old, 'propertyName'))} → {_short(_get(new, 'propertyName'))}"
            self._note(effect, "Changed", at, text, "callers tell the members apart by it")
            return
        self._rest(old, new, at, {"propertyName", "mapping"})
        for tag, before, after in _pairs(old.get("mapping", {}), new.get("mapping", {})):
            place = (*at, "mapping", tag)
            if before is ABSENT:
                self._relation(Relation.WIDER, "Added", place, "new tag")
            elif after is ABSENT:
                self._relation(Relation.NARROWER, "Removed", place, "tag is gone")
            elif before != after:
                self._relation(Relation.OTHER, "Changed", place, f"{_short(before)} → {_short(after)}")

    # Notes

    def _relation(self, relation: Relation, heading: str, at: Pointer, text: str) -> None:
        effect, reason = VARIANCE[self._side, relation]
        self._note(effect, heading, at, text, reason)

    def _presence(self, kind: str, name: str, old: Any, new: Any, at: Pointer) -> None:
        if old is ABSENT and new is not ABSENT:
            self._note(Effect.ADDITIVE, "Added", at, f"{kind} {name}", "nobody uses it yet")
        elif new is ABSENT and old is not ABSENT:
            self._note(Effect.BREAKING, "Removed", at, f"{kind} {name} is gone", "callers use it")

    def _rest(self, old: Document, new: Document, at: Pointer, handled: Iterable[str] = ()) -> None:
        for key, before, after in _pairs(old, new):
            if key not in handled and before != after:
                self._assertion(key, before, after, (*at, key))

    def _differences(self, old: Any, new: Any, at: Pointer, reason: str, words: str = BINDS_NOBODY) -> None:
        for path, was, now in _leaves(old, new):
            if path == ("description",):
                self._documentation((*at, *path), words)
            else:
                self._different(Effect.BREAKING, (*at, *path), was, now, reason)

    def _different(self, effect: Effect, at: Pointer, old: Any, new: Any, reason: str) -> None:
        self._note(effect, "Changed", at, f"{at[-1]}: {_short(old)} → {_short(new)}", reason)

    def _documentation(self, at: Pointer, reason: str = BINDS_NOBODY) -> None:
        self._note(Effect.DOCUMENTATION, "Changed", at, f"{_annotation(at)}", reason)

    def _note(self, effect: Effect, heading: str, at: Pointer, text: str, reason: str) -> None:
        """Note a change; one that several operations meet is one change, of the worst effect that it has on any."""
        use = (f"{self._side} of {self._operation}",) if self._operation else ()
        known = self.found.get((at, text))
        change = Change(effect, heading, at, text, reason, use)
        if known:
            graver = min(known, change, key=lambda one: list(Effect).index(one.effect))
            uses = tuple(dict.fromkeys((*known.uses, *use)))
            change = Change(graver.effect, graver.heading, at, text, graver.reason, uses)
        self.found[at, text] = change

    @contextmanager
    def _within(self, operation: Any, otherwise: str) -> Generator[None]:
        self._operation = otherwise if operation is ABSENT else operation.get("operationId", otherwise)
        self._side = Side.REQUEST
        yield
        self._operation, self._side = "", Side.REQUEST


def _pairs(old: Any, new: Any, unsaid: Document | None = None) -> Iterator[tuple[str, Any, Any]]:
    """Pair the members of two objects by name; for what one of them lacks stands what it means then, or ABSENT."""
    before: Document = {} if old is ABSENT else old
    after: Document = {} if new is ABSENT else new
    for name in dict.fromkeys((*before, *after)):
        missing = (unsaid or {}).get(name, ABSENT)
        yield name, before.get(name, missing), after.get(name, missing)


def _leaves(old: Any, new: Any, path: Pointer = ()) -> Iterator[tuple[Pointer, Any, Any]]:
    """Each place at which two values differ; lists count as one."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name, before, after in _pairs(old, new):
            yield from _leaves(before, after, (*path, name))
    elif old != new:
        yield path, old, new


def _target(document: Document, value: Any, at: Pointer) -> tuple[Document, Pointer]:
    """Follow references; what stands beside one adds to what it leads to."""
    found: Document = value
    while "$ref" in found:
        beside = {key: member for key, member in found.items() if key != "$ref"}
        at = tuple(part.replace("~1", "/").replace("~0", "~") for part in found["$ref"].removeprefix("#/").split("/"))
        found = {**_plain(resolve(document, found["$ref"])), **beside}
    return found, at


def _parameters(document: Document, holder: Document, at: Pointer) -> dict[str, tuple[Document, Pointer]]:
    """Name the parameters of a path or an operation, as `query parameter sid`."""
    places = ((value, (*at, "parameters", str(index))) for index, value in enumerate(holder.get("parameters", [])))
    found = (_target(document, value, place) for value, place in places)
    return {f"{parameter['in']} parameter {parameter['name']}": (parameter, place) for parameter, place in found}


def _plain(schema: Any) -> Document:
    if isinstance(schema, bool) or schema is ABSENT:
        return {} if schema else {"not": {}}
    return cast(Document, schema)


def _type_name(schema: Document) -> str | None:
    reference = schema.get("$ref")
    return str(reference).rsplit("/", 1)[-1] if reference else None


def _beside_reference(schema: Document) -> Document:
    return {key: value for key, value in schema.items() if key != "$ref"} if "$ref" in schema else {}


def _keyed_members(members: Any) -> dict[str, Any]:
    """Name the members of a union or allOf: by the component, or by the position among the others."""
    keyed: dict[str, Any] = {}
    for member in _list(members):
        keyed[_type_name(member) or f"member {len(keyed)}"] = member
    return keyed


def _allowed(schema: Document) -> dict[str, Any]:
    """Name the values of an enum or a const, each with the name that generated code has for it."""
    values = [schema["const"]] if "const" in schema else schema.get("enum", [])
    names = [*schema.get("x-enum-varnames", []), *[None] * len(values)]
    return {json.dumps(value, sort_keys=True): name for value, name in zip(values, names, strict=False)}


def _in_style(parameter: Document) -> Document:
    """Say aloud how a parameter or header is written."""
    style = parameter.get("style", "form" if parameter.get("in") in {"query", "cookie"} else "simple")
    flags = {"explode": style == "form", "allowReserved": False, "allowEmptyValue": False}
    return {"style": style, **flags, **parameter}


def _answer(answers: Any, status: str) -> Any:
    """Find the answer of a status: its own, that of its range, or, of an error, the default."""
    keys = (status, f"{status[0]}XX", *(() if status.startswith("2") else ("default",)))
    return next((found for key in keys if (found := _get(answers, key)) is not ABSENT), ABSENT)


def _nearest(key: str, *holders: Document) -> list[Any]:
    """Give what the first of the holders says that says anything."""
    return _list(next((holder[key] for holder in holders if key in holder), ABSENT))


def _retried(policy: Document) -> set[str]:
    """Give the statuses that a policy lists, in whatever order; none if it gives a range instead."""
    statuses: Any = policy.get("retryStatuses")
    return set(map(str, cast(list[object], statuses))) if isinstance(statuses, list) else set()


def _list(value: Any) -> list[Any]:
    return [] if value is ABSENT or value is None else value


def _get(value: Any, key: str) -> Any:
    return ABSENT if value is ABSENT else value.get(key, ABSENT)


def _only(these: Iterable[str], those: Iterable[str]) -> list[str]:
    others = set(those)
    return [one for one in these if one not in others]


def _short(value: Any) -> str:
    if value is ABSENT:
        return "nothing"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _annotation(at: Pointer) -> str:
    return "example" if at[-1].startswith("example") else at[-1]


def _place(pointer: Pointer) -> str:
    if pointer[:1] == ("components",) and len(pointer) > 2:
        return pointer[2] + _within_component(pointer[3:])
    if pointer[:1] == ("paths",) and len(pointer) > 2:
        method, within = ((pointer[2].upper(),), pointer[3:]) if pointer[2] in METHODS else ((), pointer[2:])
        return " ".join((*method, pointer[1], _within_component(within).removeprefix("/"))).rstrip()
    return "/".join(pointer)


def _within_component(pointer: Pointer) -> str:
    """Write `properties/age/items/maximum` as `.age[]/maximum`."""
    written, field = "", False
    for name in pointer:
        if name == "properties" and not field:
            field = True
            continue
        written += f".{name}" if field else "[]" if name == "items" else f"/{name}"
        field = False
    return written
