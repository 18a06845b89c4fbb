"""Finds what has changed between two contracts, and says what each change does to callers and to answers.

The rule is variance. Callers write requests: a request schema may come to take more, not less. Callers read answers: an
answer schema may come to say less, not more. Names that generated code is made of (operations, tags, schemas, fields)
may not go, and types that it is made of (type, format, enum, union) may not change. What no rule here knows counts as
breaking. docs/contract-changes.md tells the rules to people.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple, TypeAlias

from contract import METHODS, Document, Json, Pointer, target, value_at
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
        """Name the place as a person would: `AppDetails.os`, `POST /path responses/200`, `Session/links/impClose`."""
        # A text that begins with the keyword needs no place that ends in it.
        named = len(self.pointer) > 1 and self.text.startswith(f"{self.pointer[-1]}:")
        match self.pointer[:-1] if named else self.pointer:
            case ("components", _, name, *rest):
                start = name
            case ("paths", path, method, *rest):
                start = f"{method.upper()} {path}{' ' if rest else ''}"
            case pointer:
                return "/".join(pointer)
        within = "".join(f"/{part}" for part in rest).replace("/properties/", ".").replace("/items", "[]")
        return start + (within[1:] if start.endswith(" ") else within)


GENERATED_NAMES = "code that is generated from the contract takes its names from it"
BINDS_NOBODY = "words and examples bind nobody"
POLICY = "clients that follow the released policy no longer do what the contract asks"
# Programs read a policy's numbers, people its text: whether that asks for other behaviour, no program can tell.
POLICY_WORDS = "if the text asks clients for other behaviour, it is breaking: say so and bump the version"
WORDS = {"summary", "description", "example", "examples", "externalDocs", "tags", "info", "$comment", "x-sensitive"}
MAKES_A_TYPE = {"properties", "enum", "oneOf", "anyOf", "allOf"}
ON_EITHER_SIDE: dict[Relation, tuple[Effect, str]] = {
    Relation.SAME: (Effect.DOCUMENTATION, Relation.SAME),
    Relation.RETYPED: (Effect.BREAKING, Relation.RETYPED),
    Relation.OTHER: (Effect.BREAKING, "no rule says that this is harmless"),
}
VARIANCE: dict[Side, dict[Relation, tuple[Effect, str]]] = {
    Side.REQUEST: {
        **ON_EITHER_SIDE,
        Relation.NARROWER: (Effect.BREAKING, "requests that were accepted may be refused"),
        Relation.WIDER: (Effect.ADDITIVE, "every request that was accepted still is"),
    },
    Side.ANSWER: {
        **ON_EITHER_SIDE,
        Relation.NARROWER: (Effect.ADDITIVE, "answers hold nothing that callers don't handle already"),
        Relation.WIDER: (Effect.BREAKING, "answers may hold what callers don't expect"),
    },
}
# Keywords that list something: what one more of them does, and how that is said; what one less does.
LISTS = {
    "required": (Relation.NARROWER, "{} is required now", Relation.WIDER, "{} is no longer required"),
    "allOf": (Relation.NARROWER, "{} is a part now", Relation.RETYPED, "{} is a part no more"),
    **dict.fromkeys(("enum", "const"), (Relation.WIDER, "value {}", Relation.NARROWER, "value {} is gone")),
    **dict.fromkeys(
        ("oneOf", "anyOf"), (Relation.WIDER, "{} is a member now", Relation.NARROWER, "{} is a member no more")
    ),
    "discriminator": (Relation.WIDER, "new tag {}", Relation.NARROWER, "tag {} is gone"),
}


def changes(old: Document, new: Document) -> list[Change]:
    """List the changes from one contract to another, the worst first."""
    comparison = _Comparison()
    comparison.document(_node(old, (), old), _node(new, (), new))
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


class _Node(NamedTuple):
    """A value of a contract and its place: where its reference leads, unless something stands beside the reference."""

    document: Document
    pointer: Pointer
    value: Any
    component: str = ""
    """What the reference named."""

    def at(self, key: str) -> "_Node":
        """Give a member; what is missing is ABSENT."""
        try:
            return _node(self.document, (*self.pointer, key), value_at(self.value, (key,)))
        except LookupError:
            return _Node(self.document, (*self.pointer, key), ABSENT)


class _Comparison:
    """Walks both contracts at once, operation by operation, so that it knows of each schema who writes its values."""

    def __init__(self) -> None:
        self.found: dict[tuple[Pointer, str], Change] = {}
        self._operation = ""
        self._side = Side.REQUEST
        self._seen: set[tuple[str, Side, Pointer, Pointer]] = set()

    def document(self, old: _Node, new: _Node) -> None:
        """Compare everything; servers are compared as those of each operation."""
        for path, before, after in _pairs(old.at("paths"), new.at("paths")):
            self._path(path, before, after)
        # The other kinds of components have names that nothing is made of.
        for _, before, after in _pairs(old.at("components").at("schemas"), new.at("components").at("schemas")):
            self._gone_or_new("type", before, after)
        for _, before, after in _pairs(old.at("x-retry-policies"), new.at("x-retry-policies")):
            if not self._gone_or_new("policy", before, after):
                self._differences(before, after, POLICY, POLICY_WORDS)
        for key, before, after in _pairs(old.at("info"), new.at("info")):
            if key != "version" and before.value != after.value:
                self._note(Effect.DOCUMENTATION, "Changed", after, key, BINDS_NOBODY)
        for key, before, after in _pairs(old, new):
            if key not in {"paths", "components", "x-retry-policies", "info", "servers"}:
                self._other(key, before, after)

    # Operations

    def _path(self, path: str, old: _Node, new: _Node) -> None:
        for key, before, after in _pairs(old, new):
            if key not in METHODS:
                if key not in {"parameters", "servers"}:
                    self._other(key, before, after)
                continue
            known = before if after.value is ABSENT else after
            self._operation, self._side = known.value.get("operationId", f"{key.upper()} {path}"), Side.REQUEST
            if not self._gone_or_new(f"operation {self._operation}", before, after):
                self._inputs(_inputs(old, before), _inputs(new, after), after)
                self._servers(_servers(old, before), _servers(new, after))
                self._parts(before, after)
            self._operation = ""

    def _parts(self, old: _Node, new: _Node) -> None:
        for key, before, after in _pairs(old, new):
            match key:
                case "operationId" | "tags" if before.value != after.value:
                    self._different(Effect.BREAKING, before, after, GENERATED_NAMES)
                case "responses":
                    self._side = Side.ANSWER
                    for status, was, now in _pairs(before, after):
                        self._answer(f"answer {status}", status.startswith("2"), after, (was, now))
                case "x-retry-policy" if ABSENT not in (before.value, after.value):
                    self._differences(before, after, POLICY, POLICY_WORDS)
                case "operationId" | "tags" | "parameters" | "requestBody" | "servers":
                    pass
                case _:
                    self._other(key, before, after)

    def _inputs(self, old: dict[str, _Node], new: dict[str, _Node], operation: _Node) -> None:
        for name in {**old, **new}:
            before, after = old.get(name), new.get(name)
            if after is None:
                self._note(Effect.BREAKING, "Removed", operation, f"{name} is gone", "callers send it")
            elif before is None:
                required = after.value.get("required", False)
                text = f"new {'required' if required else 'optional'} {name}"
                effect = Effect.BREAKING if required else Effect.ADDITIVE
                self._note(effect, "Added", after, text, "callers don't send it yet")
            else:
                was, now = before.value.get("required", False), after.value.get("required", False)
                if was != now:
                    text = f"is {'required' if now else 'optional'} now"
                    self._related(Relation.NARROWER if now else Relation.WIDER, "Changed", after, text)
                self._holder(before, after, {"name", "in", "required"})

    def _holder(self, old: _Node, new: _Node, handled: Iterable[str] = ()) -> None:
        """Compare what has a schema, or media types that have one: a parameter, a body or an answer."""
        for key, before, after in _pairs(old, new):
            if key == "schema":
                self._schema(before, after)
            elif key in {"content", "headers", "links"}:
                for _, was, now in _pairs(before, after):
                    if self._gone_or_new({"content": "media type"}.get(key, key[:-1]), was, now):
                        continue
                    if key == "content":
                        self._holder(was, now)
                    else:
                        self._differences(was, now, "clients that follow it do something else")
            elif key not in handled:
                self._other(key, before, after)

    def _answer(self, name: str, success: bool, at: _Node, pair: tuple[_Node, _Node]) -> None:
        effect = Effect.BREAKING if success else Effect.ADDITIVE
        if pair[0].value is ABSENT:
            reason = "callers don't take it for success" if success else "callers tell errors by their first digit"
            self._note(effect, "Added", at, f"new {name}", reason)
        elif pair[1].value is ABSENT:
            reason = "callers wait for it" if success else "callers that handle it lose nothing"
            self._note(effect, "Removed", at, f"{name} is gone", reason)
        else:
            self._holder(*pair)

    def _servers(self, old: _Node, new: _Node) -> None:
        before, after = ([server["url"] for server in _members(node.value).values()] for node in (old, new))
        if before == after[: len(before)] and before != after:
            self._note(Effect.ADDITIVE, "Added", new, "one more server", "callers stay with the one they use")
        else:
            self._differences(old, new, "callers reach the service by it")

    # Schemas

    def _schema(self, old: _Node, new: _Node) -> None:
        """Compare two schemas whose values the present side writes."""
        visit = (self._operation, self._side, old.pointer, new.pointer)
        if visit in self._seen:
            return
        self._seen.add(visit)
        keywords = {keyword for keyword, _, _ in _pairs(old, new)}
        if old.component != new.component and MAKES_A_TYPE & keywords:
            text = f"type {old.component or 'without a name'} → {new.component or 'without a name'}"
            self._note(Effect.BREAKING, "Changed", new, text, GENERATED_NAMES)
        # Under one and the same condition each branch narrows or widens the whole as it does itself.
        branches = {"then", "else"} if old.at("if").value == new.at("if").value else set[str]()
        for keyword, before, after in _pairs(old, new):
            if keyword == "properties":
                self._fields(before, after)
            elif keyword == "items" or keyword in branches:
                self._schema(before, after)
            elif keyword in LISTS:
                self._list(keyword, (old, before), (new, after))
            elif keyword not in {"then", "else", "x-enum-varnames"}:
                self._other(keyword, before, after)

    def _fields(self, old: _Node, new: _Node) -> None:
        for _, before, after in _pairs(old, new):
            if after.value is ABSENT:
                reason = "callers send it" if self._side is Side.REQUEST else "callers read it"
                self._note(Effect.BREAKING, "Removed", after, "field is gone", reason)
            elif before.value is ABSENT:
                self._note(Effect.ADDITIVE, "Added", after, "new field", "callers that don't know it ignore it")
            else:
                self._schema(before, after)

    def _list(self, keyword: str, old: tuple[_Node, _Node], new: tuple[_Node, _Node]) -> None:
        before, after = _listed(keyword, *old), _listed(keyword, *new)
        if ABSENT in (old[1].value, new[1].value) and keyword not in {"required", "allOf"}:
            self._different(Effect.BREAKING, old[1], new[1], Relation.RETYPED)
            return
        more, more_text, fewer, fewer_text = LISTS[keyword]
        for name in {**before, **after}:
            was, now = before.get(name, ABSENT), after.get(name, ABSENT)
            if was is ABSENT:
                self._related(more, "Changed" if keyword == "required" else "Added", new[1], more_text.format(name))
            elif now is ABSENT:
                self._related(fewer, "Changed" if keyword == "required" else "Removed", new[1], fewer_text.format(name))
            elif isinstance(was, _Node):
                self._schema(was, now)
            elif was != now:
                self._note(Effect.BREAKING, "Changed", new[1], f"{name}: {was} → {now}", GENERATED_NAMES)

    # Notes

    def _other(self, keyword: str, old: _Node, new: _Node) -> None:
        """Compare what is words, or one value."""
        if old.value == new.value:
            return
        if keyword in WORDS:
            self._note(Effect.DOCUMENTATION, "Changed", new, keyword, BINDS_NOBODY)
        elif keyword == "deprecated":
            heading, text = ("Deprecated", "is deprecated") if new.value is True else ("Changed", "is not deprecated")
            self._note(Effect.ADDITIVE, heading, new, text, "it still works")
        elif keyword == "default":
            effect = Effect.ADDITIVE if old.value is ABSENT else Effect.BREAKING
            self._different(effect, old, new, "it is what an absent value means")
        else:
            effect, reason = VARIANCE[self._side][relation(keyword, old.value, new.value)]
            self._different(effect, old, new, reason)

    def _gone_or_new(self, kind: str, old: _Node, new: _Node) -> bool:
        """Note what one of the contracts lacks, and say whether that was so."""
        if old.value is ABSENT:
            self._note(Effect.ADDITIVE, "Added", new, f"new {kind}", "nobody uses it yet")
        elif new.value is ABSENT:
            self._note(Effect.BREAKING, "Removed", new, f"{kind} is gone", "callers use it")
        return ABSENT in (old.value, new.value)

    def _differences(self, old: _Node, new: _Node, reason: str, words: str = BINDS_NOBODY) -> None:
        """Note each value that differs, whatever it is, save the words."""
        for path, was, now in _leaves(old.value, new.value):
            before, after = (_Node({}, (*new.pointer, *path), value) for value in (was, now))
            if path[-1:] == ("description",) and "requestBody" not in path:
                self._note(Effect.DOCUMENTATION, "Changed", after, "description", words)
            else:
                self._different(Effect.BREAKING, before, after, reason)

    def _different(self, effect: Effect, old: _Node, new: _Node, reason: str) -> None:
        self._note(effect, "Changed", new, f"{new.pointer[-1]}: {_short(old.value)} → {_short(new.value)}", reason)

    def _related(self, relation: Relation, heading: str, node: _Node, text: str) -> None:
        effect, reason = VARIANCE[self._side][relation]
        self._note(effect, heading, node, text, reason)

    def _note(self, effect: Effect, heading: str, node: _Node, text: str, reason: str) -> None:
        """Note a change; one that several operations meet is one change, of the worst effect that it has on any."""
        use = (f"{self._side} of {self._operation}",) if self._operation else ()
        change = Change(effect, heading, node.pointer, text, reason, use)
        if known := self.found.get((node.pointer, text)):
            graver = min(known, change, key=lambda one: list(Effect).index(one.effect))
            uses = tuple(dict.fromkeys((*known.uses, *use)))
            change = Change(graver.effect, graver.heading, node.pointer, text, graver.reason, uses)
        self.found[node.pointer, text] = change


def _node(document: Document, pointer: Pointer, value: Any) -> _Node:
    component = ""
    while "$ref" in _members(value):
        beside: Document = {key: member for key, member in value.items() if key != "$ref"}
        place = target(value["$ref"])
        component, pointer = place[-1], pointer if beside else place
        value = {**value_at(document, place), **beside}
    return _Node(document, pointer, value, component)


def _pairs(old: _Node, new: _Node) -> Iterator[tuple[str, _Node, _Node]]:
    """Pair the members of two objects by name."""
    for name in {**_members(old.value), **_members(new.value)}:
        yield name, old.at(name), new.at(name)


def _leaves(old: Any, new: Any, path: Pointer = ()) -> Iterator[tuple[Pointer, Any, Any]]:
    """Each place at which two values differ; lists of plain values count as one."""
    before, after = _members(old), _members(new)
    if before and after:
        for name in {**before, **after}:
            yield from _leaves(before.get(name, ABSENT), after.get(name, ABSENT), (*path, name))
    elif old != new:
        yield path, old, new


def _members(value: Json) -> Document:
    """Give the members of an object, or of a list of objects."""
    if isinstance(value, list):
        return {str(index): each for index, each in enumerate(value) if isinstance(each, dict)}
    return dict(value) if isinstance(value, dict) else {}


def _inputs(path: _Node, operation: _Node) -> dict[str, _Node]:
    """Name what callers send: the parameters of a path and its operation, as `query parameter sid`, and the body."""
    found: dict[str, _Node] = {}
    for holder in (path.at("parameters"), operation.at("parameters")):
        for index in range(len(holder.value) if holder.value is not ABSENT else 0):
            each = holder.at(str(index))
            found[f"{each.value['in']} parameter {each.value['name']}"] = each
    body = operation.at("requestBody")
    return found if body.value is ABSENT else {**found, "request body": body}


def _servers(path: _Node, operation: _Node) -> _Node:
    """Give the servers of an operation: its own, those of its path, or those of the whole contract."""
    nodes = (operation, path, _node(path.document, (), path.document))
    return next(found for node in nodes if (found := node.at("servers")).value is not ABSENT or not node.pointer)


def _listed(keyword: str, schema: _Node, value: _Node) -> dict[str, Any]:
    """Name what a keyword lists: fields, values with their names in code, tags with their components, members."""
    match keyword:
        case _ if value.value is ABSENT:
            return {}
        case "required":
            return dict.fromkeys(value.value)
        case "const":
            return {_short(value.value): None}
        case "enum":
            names = schema.value.get("x-enum-varnames") or [None] * len(value.value)
            return dict(zip(map(_short, value.value), names, strict=False))
        case "discriminator":
            return {"propertyName": value.value.get("propertyName"), **value.value.get("mapping", {})}
        case _:
            members = [value.at(str(index)) for index in range(len(value.value))]
            return {member.component or f"member {index}": member for index, member in enumerate(members)}


def _short(value: Any) -> str:
    if value is ABSENT:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."
