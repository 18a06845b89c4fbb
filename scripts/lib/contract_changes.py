"""Finds what has changed between two contracts, and says what each change does to callers and to answers.

The rule is variance. Callers write requests: a request schema may come to take more, not less. Callers read answers: an
answer schema may come to say less, not more. Names that generated code is made of (operations, tags, schemas, fields)
may not go. What no rule here knows counts as breaking. docs/contract-changes.md tells the rules to people.
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
from schema_relations import ABSENT, Relation, relation

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


VARIANCE: dict[tuple[Side, Relation], tuple[Effect, str]] = {
    (Side.REQUEST, Relation.NARROWER): (Effect.BREAKING, "requests that were accepted may be refused"),
    (Side.REQUEST, Relation.WIDER): (Effect.ADDITIVE, "every request that was accepted still is"),
    (Side.REQUEST, Relation.SAME): (Effect.DOCUMENTATION, Relation.SAME),
    (Side.REQUEST, Relation.OTHER): (Effect.BREAKING, "cannot be shown to accept all that was accepted"),
    (Side.ANSWER, Relation.NARROWER): (Effect.ADDITIVE, "answers hold nothing that callers don't handle already"),
    (Side.ANSWER, Relation.WIDER): (Effect.BREAKING, "answers may hold what callers don't expect"),
    (Side.ANSWER, Relation.SAME): (Effect.DOCUMENTATION, Relation.SAME),
    (Side.ANSWER, Relation.OTHER): (Effect.BREAKING, "cannot be shown to hold nothing but what callers expect"),
}
GENERATED_NAMES = "code that is generated from the contract takes its names from it"
NO_RULE = "no rule says that this is harmless"

ANNOTATIONS = {"title", "summary", "description", "example", "examples", "externalDocs", "$comment"}


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
                case "tags" | "externalDocs" if before != after:
                    self._documentation((key,))
                case "servers":
                    self._servers(before, after, (key,))
                case "security":
                    self._security(before, after, (key,))
                case "paths":
                    self._paths(before, after)
                case "components":
                    self._component_names(before, after)
                case "x-retry-policies":
                    self._policies(before, after)
                case _ if before != after and key not in {"tags", "externalDocs"}:
                    self._unknown(before, after, (key,))
                case _:
                    pass

    def _servers(self, old: Any, new: Any, at: Pointer) -> None:
        before = {server["url"]: server for server in _list(old)}
        after = {server["url"]: server for server in _list(new)}
        if list(before) != list(after)[: len(before)]:
            text = f"{_short(list(before))} → {_short(list(after))}"
            self._note(Effect.BREAKING, "Changed", at, text, "callers reach the service at the first of them")
        elif len(before) < len(after):
            self._note(Effect.ADDITIVE, "Added", at, "one more server", "callers stay with the one they use")
        for url in before.keys() & after.keys():
            for path, was, now in _leaves(before[url], after[url]):
                if path[-1] == "description":
                    self._documentation((*at, *path))
                else:
                    text = f"{'.'.join(path)}: {_short(was)} → {_short(now)}"
                    self._note(Effect.BREAKING, "Changed", at, text, "callers reach the service by it")

    def _security(self, old: Any, new: Any, at: Pointer) -> None:
        if old == new:
            return
        before, after = _list(old), _list(new)
        free = not after or {} in after
        if free or (before and all(way in after for way in before)):
            self._note(Effect.ADDITIVE, "Security", at, "one more way in", "the old ways still lead in")
        else:
            text = f"{_short(before)} → {_short(after)}"
            self._note(Effect.BREAKING, "Security", at, text, "callers have to authenticate in another way")

    def _component_names(self, old: Any, new: Any) -> None:
        for kind, before, after in _pairs(old, new):
            if kind == "schemas":
                for name, was, now in _pairs(before, after):
                    at = ("components", kind, name)
                    if now is ABSENT:
                        self._note(Effect.BREAKING, "Removed", at, "type is gone", GENERATED_NAMES)
                    elif was is ABSENT:
                        self._note(Effect.ADDITIVE, "Added", at, "new type", "nothing refers to it by name yet")
            elif kind == "securitySchemes":
                for name, was, now in _pairs(before, after):
                    if was is not ABSENT and was != now:
                        self._unknown(was, now, ("components", kind, name))

    def _policies(self, old: Any, new: Any) -> None:
        for name, before, after in _pairs(old, new):
            at = ("x-retry-policies", name)
            if after is ABSENT:
                self._note(Effect.BREAKING, "Removed", at, "policy is gone", "clients read it by its name")
            elif before is ABSENT:
                self._note(Effect.ADDITIVE, "Added", at, "new policy", "it concerns only operations that name it")
            else:
                self._policy(before, after, at)

    def _policy(self, old: Any, new: Any, at: Pointer) -> None:
        for path, was, now in _leaves(old, new):
            if path == ("description",):
                reason = "if the text asks clients for other behaviour, it is breaking: say so and bump the version"
                self._note(Effect.DOCUMENTATION, "Changed", (*at, *path), "the policy's text", reason)
            else:
                reason = "clients that follow the released policy no longer do what the contract asks"
                text = f"{'.'.join(path)}: {_short(was)} → {_short(now)}"
                self._note(Effect.BREAKING, "Changed", (*at, path[0]), text, reason)

    # Operations

    def _paths(self, old: Any, new: Any) -> None:
        for path, before, after in _pairs(old, new):
            at = ("paths", path)
            handled = {*METHODS, "parameters"}
            if before is not ABSENT and after is not ABSENT:
                self._servers(before.get("servers"), after.get("servers"), (*at, "servers"))
                self._rest(before, after, at, handled | {"servers"})
            for method in METHODS:
                was, now = _get(before, method), _get(after, method)
                with self._within((now if was is ABSENT else was), f"{method.upper()} {path}"):
                    if was is not ABSENT and now is not ABSENT:
                        place = (*at, method)
                        earlier = _parameters(self._old, before, at) | _parameters(self._old, was, place)
                        later = _parameters(self._new, after, at) | _parameters(self._new, now, place)
                        self._parameters(earlier, later, place)
                        self._one_operation(was, now, place)
                    elif was is not now:
                        self._presence("operation", self._operation, was, now, (*at, method))

    def _one_operation(self, old: Document, new: Document, at: Pointer) -> None:
        for key, before, after in _pairs(old, new):
            place = (*at, key)
            match key:
                case "operationId" | "tags" if before != after:
                    text = f"{key}: {_short(before)} → {_short(after)}"
                    self._note(Effect.BREAKING, "Changed", place, text, GENERATED_NAMES)
                case "requestBody":
                    self._request_body(before, after, place)
                case "responses":
                    self._responses(before, after, place)
                case "servers":
                    self._servers([] if before is ABSENT else before, [] if after is ABSENT else after, place)
                case "security":
                    self._security(_own_security(self._old, before), _own_security(self._new, after), place)
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
        self._requiredness(old, new, at)
        self._side = Side.REQUEST
        self.schema(old.get("schema", True), new.get("schema", True), (*at, "schema"))
        self._content(old.get("content", {}), new.get("content", {}), (*at, "content"))
        self._rest(old, new, at, {"name", "in", "required", "schema", "content"})

    def _request_body(self, old: Any, new: Any, at: Pointer) -> None:
        if old is ABSENT:
            effect = Effect.BREAKING if new.get("required") else Effect.ADDITIVE
            self._note(effect, "Added", at, "a request body", "callers don't send one yet")
        elif new is ABSENT:
            self._note(Effect.BREAKING, "Removed", at, "the request body is gone", "callers send one")
        else:
            (before, _), (after, place) = _target(self._old, old, at), _target(self._new, new, at)
            self._requiredness(before, after, place)
            self._side = Side.REQUEST
            self._content(before.get("content", {}), after.get("content", {}), (*place, "content"))
            self._rest(before, after, place, {"required", "content"})

    def _requiredness(self, old: Document, new: Document, at: Pointer) -> None:
        before, after = old.get("required", False), new.get("required", False)
        if before != after:
            effect = Effect.BREAKING if after else Effect.ADDITIVE
            text = f"is {'required' if after else 'optional'} now"
            reason = "callers may leave it out" if after else "callers may go on sending it"
            self._note(effect, "Changed", at, text, reason)

    def _content(self, old: Document, new: Document, at: Pointer) -> None:
        for media, before, after in _pairs(old, new):
            place = (*at, media)
            if before is ABSENT or after is ABSENT:
                self._presence("media type", media, before, after, place)
            else:
                self.schema(before.get("schema", True), after.get("schema", True), (*place, "schema"))
                self._rest(before, after, place, {"schema"})

    def _responses(self, old: Document, new: Document, at: Pointer) -> None:
        for status, before, after in _pairs(old, new):
            place, success = (*at, status), status.startswith("2")
            if before is ABSENT:
                effect = Effect.BREAKING if success else Effect.ADDITIVE
                reason = "callers don't take it for success" if success else "callers tell errors by their first digit"
                self._note(effect, "Added", place, f"answer {status}", reason)
            elif after is ABSENT:
                effect = Effect.BREAKING if success else Effect.ADDITIVE
                reason = "callers wait for it" if success else "callers that handle it lose nothing"
                self._note(effect, "Removed", place, f"answer {status} is gone", reason)
            else:
                (was, _), (now, target) = _target(self._old, before, place), _target(self._new, after, place)
                self._one_response(was, now, target)

    def _one_response(self, old: Document, new: Document, at: Pointer) -> None:
        self._side = Side.ANSWER
        self._content(old.get("content", {}), new.get("content", {}), (*at, "content"))
        for name, before, after in _pairs(old.get("headers", {}), new.get("headers", {})):
            place = (*at, "headers", name)
            if before is ABSENT or after is ABSENT:
                self._presence("header", name, before, after, place)
            else:
                (was, _), (now, target) = _target(self._old, before, place), _target(self._new, after, place)
                if was.get("required", False) and not now.get("required", False):
                    self._note(Effect.BREAKING, "Changed", target, "may be missing now", "callers rely on it")
                self.schema(was.get("schema", True), now.get("schema", True), (*target, "schema"))
                self._rest(was, now, target, {"schema", "required"})
        for name, before, after in _pairs(old.get("links", {}), new.get("links", {})):
            self._link(name, before, after, (*at, "links", name))
        self._rest(old, new, at, {"content", "headers", "links"})

    def _link(self, name: str, old: Any, new: Any, at: Pointer) -> None:
        if old is ABSENT or new is ABSENT:
            self._presence("link", name, old, new, at)
            return
        (before, _), (after, place) = _target(self._old, old, at), _target(self._new, new, at)
        for path, was, now in _leaves(before, after):
            if path == ("description",):
                self._documentation((*place, *path))
            else:
                text = f"{'.'.join(path)}: {_short(was)} → {_short(now)}"
                reason = "clients that follow it send something else"
                self._note(Effect.BREAKING, "Changed", place, text, reason)

    # Schemas

    def schema(self, old: Any, new: Any, at: Pointer) -> None:
        """Compare two schemas whose values the present side writes."""
        if self._other_type_name(_plain(old), _plain(new)):
            text = f"type {_type_name(_plain(old)) or 'without a name'} → {_type_name(_plain(new)) or 'without a name'}"
            self._note(Effect.BREAKING, "Changed", at, text, GENERATED_NAMES)
        (before, origin), (after, place) = _target(self._old, _plain(old), at), _target(self._new, _plain(new), at)
        visit = (self._operation, self._side, place, origin)
        if visit in self._seen or before == after == {}:
            return
        self._seen.add(visit)
        self._values(before, after, place)
        for keyword, was, now in _pairs(before, after):
            self._keyword(keyword, was, now, (*place, keyword), closed=before.get("additionalProperties") is False)
        if "if" in before or "if" in after:
            self._condition(before, after, place)

    def _other_type_name(self, old: Document, new: Document) -> bool:
        made_of = {"properties", "enum", "oneOf", "anyOf", "allOf"}
        named = made_of & (_target(self._old, old, ())[0].keys() | _target(self._new, new, ())[0].keys())
        return bool(named) and _type_name(old) != _type_name(new)

    def _keyword(self, keyword: str, old: Any, new: Any, at: Pointer, *, closed: bool) -> None:
        match keyword:
            case "properties":
                self._properties(old, new, at, closed=closed)
            case "required":
                for name in _only(_list(new), _list(old)):
                    self._relation(Relation.NARROWER, "Changed", at, f"{name} is required now")
                for name in _only(_list(old), _list(new)):
                    self._relation(Relation.WIDER, "Changed", at, f"{name} is no longer required")
            case "additionalProperties" if (old is False) != (new is False):
                relation = Relation.NARROWER if new is False else Relation.WIDER
                self._relation(relation, "Changed", at, f"other fields are {'refused' if new is False else 'allowed'}")
            case "items" | "additionalProperties":
                self.schema(True if old is ABSENT else old, True if new is ABSENT else new, at)
            case "allOf" | "oneOf" | "anyOf":
                self._members(keyword, old, new, at)
            case "enum" | "const" | "if" | "then" | "else":
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
        both = keyword == "allOf"
        if old is ABSENT or new is ABSENT:
            relation = Relation.NARROWER if old is ABSENT else Relation.WIDER
            self._relation(relation, "Changed", at, f"{keyword} {'added' if old is ABSENT else 'dropped'}")
            return
        for name, before, after in _pairs(_keyed_members(old), _keyed_members(new)):
            if before is ABSENT:
                self._relation(Relation.NARROWER if both else Relation.WIDER, "Added", at, f"{name} is a member now")
            elif after is ABSENT:
                self._relation(
                    Relation.WIDER if both else Relation.NARROWER, "Removed", at, f"{name} is a member no more"
                )
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
        """Compare enum and const as the set of values that they allow."""
        before, after = _allowed(old), _allowed(new)
        if before == after:
            return
        place = (*at, "const" if "const" in new else "enum")
        if before is None or after is None:
            relation = Relation.NARROWER if before is None else Relation.WIDER
            text = f"only {', '.join(after)}" if after is not None else "any value instead of a list"
            self._relation(relation, "Changed", place, text)
            return
        for value in _only(after, before):
            self._relation(Relation.WIDER, "Added", place, f"value {value}")
        for value in _only(before, after):
            self._relation(Relation.NARROWER, "Removed", place, f"value {value} is gone")

    def _assertion(self, keyword: str, old: Any, new: Any, at: Pointer) -> None:
        text = f"{keyword}: {_short(old)} → {_short(new)}"
        if keyword in ANNOTATIONS:
            self._documentation(at)
        elif keyword == "discriminator":
            self._discriminator(old, new, at)
        elif keyword == "deprecated":
            self._deprecated(old, new, at)
        elif keyword == "default":
            effect = Effect.ADDITIVE if old is ABSENT else Effect.BREAKING
            self._note(effect, "Changed", at, text, "it is what an absent value means")
        elif keyword == "x-enum-varnames":
            known = _list(old)
            effect = Effect.ADDITIVE if new is not ABSENT and new[: len(known)] == known else Effect.BREAKING
            self._note(effect, "Changed", at, text, GENERATED_NAMES)
        else:
            self._relation(relation(keyword, old, new), "Changed", at, text)

    def _discriminator(self, old: Any, new: Any, at: Pointer) -> None:
        if old is ABSENT or new is ABSENT or old.get("propertyName") != new.get("propertyName"):
            effect = Effect.ADDITIVE if old is ABSENT else Effect.BREAKING
            text = f"told apart by {_short(_get(old, 'propertyName'))} → {_short(_get(new, 'propertyName'))}"
            self._note(effect, "Changed", at, text, "callers tell the members apart by it")
            return
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

    def _rest(self, old: Document, new: Document, at: Pointer, handled: set[str]) -> None:
        for key, before, after in _pairs(old, new):
            if key in handled or before == after:
                continue
            if key in ANNOTATIONS:
                self._documentation((*at, key))
            elif key == "deprecated":
                self._deprecated(before, after, (*at, key))
            else:
                self._unknown(before, after, (*at, key))

    def _deprecated(self, _old: Any, new: Any, at: Pointer) -> None:
        now = new is True
        text = "is deprecated" if now else "is no longer deprecated"
        self._note(Effect.ADDITIVE, "Deprecated" if now else "Changed", at, text, "it still works")

    def _unknown(self, old: Any, new: Any, at: Pointer) -> None:
        self._note(Effect.BREAKING, "Changed", at, f"{at[-1]}: {_short(old)} → {_short(new)}", NO_RULE)

    def _documentation(self, at: Pointer) -> None:
        self._note(Effect.DOCUMENTATION, "Changed", at, f"{_annotation(at)}", "words and examples bind nobody")

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
        self._operation = ""


def _pairs(old: Any, new: Any) -> Iterator[tuple[str, Any, Any]]:
    """Pair the members of two objects by name; ABSENT stands for what one of them lacks."""
    before: Document = {} if old is ABSENT else old
    after: Document = {} if new is ABSENT else new
    for name in dict.fromkeys((*before, *after)):
        yield name, before.get(name, ABSENT), after.get(name, ABSENT)


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


def _keyed_members(members: Any) -> dict[str, Any]:
    """Name the members of a union or allOf: by the component, or by the position among the others."""
    keyed: dict[str, Any] = {}
    for member in _list(members):
        keyed[_type_name(member) or f"member {len(keyed)}"] = member
    return keyed


def _allowed(schema: Document) -> list[str] | None:
    if "const" in schema:
        return [json.dumps(schema["const"])]
    return [json.dumps(value, sort_keys=True) for value in schema["enum"]] if "enum" in schema else None


def _own_security(document: Document, own: Any) -> Any:
    return document.get("security", []) if own is ABSENT else own


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
