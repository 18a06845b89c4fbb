"""scripts/contract-diff tells what breaks callers from what does not, and keeps the version honest."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import contract_diff
from checkout import ROOT
from contract import walk
from contract_changes import Effect, changes, worst
from contract_tools import CONTRACT, CONTRACT_FILE, GONE, TEXT, Document, edited, place_of

BREAKING, ADDITIVE, DOCUMENTATION = Effect.BREAKING, Effect.ADDITIVE, Effect.DOCUMENTATION
_, FIRST, _ = place_of("createSession")
_, LATER, _ = place_of("continueSession")
_, DOMAIN, _ = place_of("findDomain")
SESSION = "responses Session"
LINK = f"{SESSION} links impClose"
BODY = "requestBodies CreateSession"
TEXTS: Document = {"description": "A text.", "type": "string"}


def plus(*values: object) -> Callable[[list[Any]], list[Any]]:
    """Lengthen a list."""
    return lambda known: [*known, *values]


def without(value: object) -> Callable[[list[Any]], list[Any]]:
    """Shorten a list."""
    return lambda known: [each for each in known if each != value]


def ref(name: str) -> Document:
    """Refer to a schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def member(union: str, name: str, tag: str, value: str) -> Document:
    """Add a member to a union."""
    return {
        f"schemas {name}": {"type": "object", "required": [tag], "properties": {tag: {**TEXTS, "const": value}}},
        f"{union} oneOf": plus(ref(name)),
        f"{union} discriminator mapping {value}": ref(name)["$ref"],
    }


TRACE: Document = {"name": "trace", "in": "query", "description": "A trace.", "schema": {"type": "string"}}
NEEDED = {**TRACE, "required": True}
LISTING: Document = {"operationId": "listVisitors", "tags": ["Session"], "responses": {"200": {"description": "All."}}}
GENDER = CONTRACT["components"]["schemas"]["Gender"]
TAGS = "ImpressionEvent discriminator mapping"
NO_CLOSING = {"ImpressionEvent oneOf": without(ref("CloseImpression")), f"{TAGS} impClose": GONE}
NO_CONDITION = {f"MarketingChannel {keyword}": GONE for keyword in ("if", "then", "else")}
PATIENT = {**CONTRACT["x-retry-policies"]["documented"], "maxRetries": 9}
RENAMED = {"schemas Sex": GENDER, "Gender": GONE, "Personal properties gender": ref("Sex")}
PATIENTLY = {"x-retry-policies patient": PATIENT, "createSession x-retry-policy $ref": "#/x-retry-policies/patient"}
HERE = f"POST {FIRST}"

# What is edited, the gravest effect, its heading in the changelog, a part of its line.
CASES: list[tuple[Document, Effect, str, str]] = [
    ({"OsFamily enum": without("LINUX")}, BREAKING, "Removed", 'OsFamily/enum: value "LINUX" is gone'),
    ({"OsFamily enum": plus("TV")}, ADDITIVE, "Added", 'OsFamily/enum: value "TV"'),
    ({"Product required": ["sku"]}, BREAKING, "Changed", "Product/required: sku is required now"),
    ({"AppDetails properties battery": TEXTS}, ADDITIVE, "Added", "AppDetails.battery: new field"),
    ({"AppDetails properties osVersion": GONE}, BREAKING, "Removed", "AppDetails.osVersion: field is gone"),
    ({"CountryCode pattern": "^[A-Y]{2}$"}, BREAKING, "Changed", 'CountryCode: pattern: "^[A-Z]{2}$" → "^[A-Y]{2}$"'),
    ({"CountryCode pattern": "^[A-Z][A-Z]$"}, DOCUMENTATION, "Changed", ""),
    ({"CountryCode pattern": "^(?=a).*$"}, BREAKING, "Changed", ""),
    ({"CountryCode pattern": "[A-Z]{2}"}, ADDITIVE, "Changed", 'CountryCode: pattern: "^[A-Z]{2}$" → "[A-Z]{2}"'),
    (NO_CLOSING, BREAKING, "Removed", "ImpressionEvent/discriminator: tag impClose is gone"),
    (member("ImpressionEvent", "Move", "type", "move"), ADDITIVE, "Added", "oneOf: Move is a member now"),
    ({f"{TAGS} impClose": ref("TimeoutImpression")["$ref"]}, BREAKING, "Changed", ""),
    ({"CalendarDate properties day maximum": 32}, ADDITIVE, "Changed", "CalendarDate.day: maximum: 31 → 32"),
    (NO_CONDITION, ADDITIVE, "Changed", 'MarketingChannel: if: {"type": "string"} → nothing'),
    ({"Address additionalProperties": False}, BREAKING, "Changed", "Address: additionalProperties: nothing → false"),
    ({f"{BODY} required": False}, ADDITIVE, "Changed", "CreateSession: is optional now"),
    ({f"{BODY} content text/plain": {}}, ADDITIVE, "Added", "CreateSession/content/text/plain: new media type"),
    ({"findDomain requestBody": {"required": True}}, BREAKING, "Added", "requestBody: new required request body"),
    ({"ServiceStatus x-enum-varnames 0": "DONE"}, BREAKING, "Changed", "ServiceStatus/enum: 0: COMPLETE → DONE"),
    ({"EngagementDetails required": without("windowId")}, BREAKING, "Changed", "windowId is no longer required"),
    ({"ErrorAnswer oneOf": without(ref("WrappedErrorEntity"))}, ADDITIVE, "Removed", "Entity is a member no more"),
    (member("Session", "Queued", "status", "Queued"), BREAKING, "Added", "Session/discriminator: new tag Queued"),
    ({"createSession responses 202": {"description": "Later."}}, BREAKING, "Added", "responses: new answer 202"),
    ({"createSession responses 200": GONE}, BREAKING, "Removed", f"{HERE} responses: answer 200 is gone"),
    ({f"{SESSION} content": {"text/plain": {}}}, BREAKING, "Removed", "application/json: media type is gone"),
    ({LINK: GONE}, BREAKING, "Removed", "Session/links/impClose: link is gone"),
    ({f"paths {FIRST} get": LISTING}, ADDITIVE, "Added", f"GET {FIRST}: new operation listVisitors"),
    ({f"paths {DOMAIN}": GONE}, BREAKING, "Removed", f"GET {DOMAIN}: operation findDomain is gone"),
    ({"createSession operationId": "start"}, BREAKING, "Changed", f'{HERE}: operationId: "createSession" → "start"'),
    ({"createSession deprecated": True}, ADDITIVE, "Deprecated", f"{HERE} deprecated: is deprecated"),
    ({"updateSession parameters 2 required": False}, ADDITIVE, "Changed", "parameters/2: is optional now"),
    ({"createSession parameters": plus(TRACE)}, ADDITIVE, "Added", "new optional query parameter trace"),
    ({"createSession parameters": plus(NEEDED)}, BREAKING, "Added", "new required query parameter trace"),
    ({"updateSession parameters 2": GONE}, BREAKING, "Removed", f"PUT {LATER}: query parameter sid is gone"),
    ({"parameters ApiVersion schema const": "2.0"}, BREAKING, "Removed", 'schema/const: value "1.0" is gone'),
    ({"servers": plus({"url": "https://other"})}, ADDITIVE, "Added", "servers: one more server"),
    ({"security": [{"key": []}]}, BREAKING, "Changed", 'security: security: [] → [{"key": []}]'),
    (RENAMED, BREAKING, "Removed", "Gender: type is gone"),
    ({"Personal properties gender": GENDER}, BREAKING, "Changed", "Personal.gender: type Gender → without a name"),
    ({"policy pausesInSeconds": [5, 10, 20]}, BREAKING, "Changed", "pausesInSeconds: [5, 10, 15] → [5, 10, 20]"),
    ({"x-retry-policies patient": PATIENT}, ADDITIVE, "Added", "x-retry-policies/patient: new policy"),
    (PATIENTLY, BREAKING, "Changed", ""),
    ({"createSession x-retry-policy": GONE}, BREAKING, "Changed", ""),
    ({f"{BODY} content application/json examples ipv6": {}}, DOCUMENTATION, "Changed", ""),
]

OBJECT: Document = {"type": "object", "properties": {"sku": TEXTS}}
WHOLE, TAGGED = {"type": "integer"}, {"oneOf": [ref("Gender"), ref("Currency")]}
A, AB = {"type": "string", "const": "a"}, {"type": "string", "enum": ["a", "b"]}
ABC, NAMED = {"type": "string", "enum": ["a", "b", "c"]}, {**AB, "x-enum-varnames": ["A", "B"]}
LISTED: Document = {"type": "array", "items": TEXTS}
OR_NULL: Document = {**TEXTS, "type": ["string", "null"]}

# What becomes of a field: of one that callers send, and of one that they read.
FIELDS: list[tuple[Document, Document, Effect | None, Effect | None]] = [
    ({**WHOLE, "format": "int64"}, {**WHOLE, "format": "int32"}, BREAKING, BREAKING),
    (WHOLE, {"type": "number"}, BREAKING, BREAKING),
    ({}, {"type": "string"}, BREAKING, BREAKING),
    (TEXTS, {**TEXTS, "type": ["string"]}, DOCUMENTATION, DOCUMENTATION),
    (TEXTS, OR_NULL, ADDITIVE, BREAKING),
    (OR_NULL, TEXTS, BREAKING, ADDITIVE),
    (TEXTS, {**TEXTS, "default": "a"}, ADDITIVE, ADDITIVE),
    ({**TEXTS, "default": "a"}, {**TEXTS, "default": "b"}, BREAKING, BREAKING),
    (A, {"type": "string", "enum": ["a"]}, BREAKING, BREAKING),
    ({"type": "string"}, AB, BREAKING, BREAKING),
    (AB, ABC, ADDITIVE, BREAKING),
    (NAMED, {**NAMED, "enum": ["b", "a"]}, BREAKING, BREAKING),
    (NAMED, {"type": "string", "enum": ["b", "a"], "x-enum-varnames": ["B", "A"]}, None, None),
    (TEXTS, {**TEXTS, "pattern": "^a"}, BREAKING, ADDITIVE),
    (LISTED, {**LISTED, "items": {**TEXTS, "maxLength": 5}}, BREAKING, ADDITIVE),
    (TEXTS, {**TEXTS, "not": {"const": "a"}}, BREAKING, ADDITIVE),
    ({"allOf": [OBJECT]}, {"allOf": [OBJECT, {"required": ["sku"]}]}, BREAKING, ADDITIVE),
    ({"allOf": [OBJECT, {"required": ["sku"]}]}, {"allOf": [OBJECT]}, BREAKING, BREAKING),
    (TAGGED, {"oneOf": TAGGED["oneOf"][::-1]}, None, None),
    (TAGGED, {**TAGGED, "discriminator": {"propertyName": "a"}}, BREAKING, BREAKING),
    (ref("Currency"), CONTRACT["components"]["schemas"]["Currency"], None, None),
]

# The same thing, written in another way.
COMPONENTS = CONTRACT["components"]
SILENT: list[Document] = [
    {"info version": "9.9.9"},
    {f"paths {FIRST} parameters": CONTRACT["paths"][FIRST]["post"]["parameters"], "createSession parameters": GONE},
    {"createSession parameters": lambda known: known[::-1]},  # pyright: ignore[reportUnknownLambdaType]
    {"createSession parameters 0": COMPONENTS["parameters"]["AccountId"]},
    {"createSession requestBody": COMPONENTS["requestBodies"]["CreateSession"]},
]


@pytest.mark.parametrize(("edits", "effect", "heading", "line"), CASES)
def test_a_change_is_known_for_what_it_does(edits: Document, effect: Effect, heading: str, line: str) -> None:
    """The gravest effect, what the line says, and the heading in the changelog are those of the table."""
    found = changes(CONTRACT, edited(CONTRACT, edits))
    assert worst(found) is effect, found
    lines = {f"{change.place}: {change.text}": change.heading for change in found if change.effect is effect}
    assert heading in {lines[one] for one in lines if line in one}, lines


@pytest.mark.parametrize(("old", "new", "sent", "read"), FIELDS)
def test_a_field_may_change_in_one_direction(
    old: Document, new: Document, sent: Effect | None, read: Effect | None
) -> None:
    """What callers send may come to allow more, and what they read less."""
    for schema, effect in (("AppDetails", sent), ("EngagementDetails", read)):
        place = f"{schema} properties probe"
        found = changes(edited(CONTRACT, {place: old}), edited(CONTRACT, {place: new}))
        assert worst(found) is effect, found


@pytest.mark.parametrize("edits", SILENT)
def test_the_same_in_other_words_is_no_change(edits: Document) -> None:
    """Neither when it is written so, nor when it is written back."""
    other = edited(CONTRACT, edits)
    assert changes(CONTRACT, other) == changes(other, CONTRACT) == []


def test_no_change_goes_unnoticed() -> None:
    """Whatever single value of the contract is changed: words are found to be words, all else to be more."""

    def otherwise(value: Any) -> Any:
        return not value if isinstance(value, bool) else value + 1 if isinstance(value, int) else f"{value or ''}x"

    # The table has other references, tags, names and patterns; the longest pattern takes a minute to compare.
    skipped = {"$ref", "version", "mapping", "pattern", "x-enum-varnames"}
    scalars = (place for place, value in walk(CONTRACT) if not isinstance(value, dict | list))
    every = [each for each in scalars if not skipped & {*each[-2:]} and not {"example", "examples"} & {*each}]
    unnoticed: list[Any] = []
    for part in range(40):  # Many at once, far from each other, and each is looked for where it stands.
        found = changes(CONTRACT, edited(CONTRACT, dict.fromkeys(every[part::40], otherwise)))
        for place in every[part::40]:
            above = [change for change in found if place[: len(change.pointer)] == change.pointer]
            nearest = max((len(change.pointer) for change in above), default=0)
            effect = worst(change for change in above if len(change.pointer) == nearest)
            words = {"description", "summary", "externalDocs", "x-sensitive"} & {*place[-2:]}
            if effect is None or bool(words or place[0] in {"info", "tags"}) is not (effect is DOCUMENTATION):
                unnoticed.append(place)
    assert unnoticed == []


def written(path: Path, document: Document, version: str = "1.0.0") -> Path:
    """Write a contract of some version."""
    path.write_text(json.dumps(edited(document, {"info version": version})), encoding="utf-8")
    return path


PAUSE = edited(CONTRACT, {"policy pausesInSeconds": [5, 10, 20]})
BATTERY = edited(CONTRACT, {"AppDetails properties battery": TEXTS})
REWORDED = edited(CONTRACT, {"AppDetails description": "Other words."})


@pytest.mark.parametrize(
    ("document", "old", "new", "status", "verdict"),
    [
        (PAUSE, "1.4.2", "1.4.2", 1, "raise its major number, to 2.0.0."),
        (PAUSE, "1.4.2", "2.0.0", 0, "May be released as 2.0.0."),
        (PAUSE, "1.4.2", "2.0.0-rc.1", 0, "May be released as 2.0.0-rc.1."),
        (PAUSE, "0.4.2", "0.4.3", 1, "to 0.5.0."),
        (BATTERY, "1.4.2", "1.4.2", 0, "raise info.version from 1.4.2 to 1.5.0."),
        (REWORDED, "1.4.2", "1.4.2", 0, "raise info.version from 1.4.2 to 1.4.3."),
        (CONTRACT, "1.4.2", "1.4.2", 0, "Nothing has changed."),
    ],
)
def test_a_breaking_change_needs_a_version_that_says_so(
    tmp_path: Path, capsys: Any, document: Document, old: str, new: str, status: int, verdict: str
) -> None:
    """The major number has to rise, below 1.0.0 the minor one; nothing else stops a release."""
    base, contract = written(tmp_path / "old.json", CONTRACT, old), written(tmp_path / "new.json", document, new)
    assert contract_diff.main([str(base), "--contract", str(contract)]) == status
    assert capsys.readouterr().out.rstrip().endswith(verdict)


def test_people_are_told_where_what_and_why(tmp_path: Path) -> None:
    """The line in the file, the change, the reason, the changelog's draft and the verdict, by the script itself."""
    text = TEXT.replace("[5, 10, 15]", "[5, 10, 20]").replace("        osVersion:\n", "        osRelease:\n", 1)
    contract, script = tmp_path / "new.yaml", ROOT / "scripts/lib/contract_diff.py"
    contract.write_text(text, encoding="utf-8")
    command: list[str | Path] = [sys.executable, script, CONTRACT_FILE, "--contract", contract]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    line = text[: text.index("pausesInSeconds: [")].count("\n") + 1
    pause = "pausesInSeconds: [5, 10, 15] → [5, 10, 20]\n    clients that follow the released policy"
    assert f"new.yaml:{line}  x-retry-policies/documented  {pause}" in done.stdout
    assert "callers send it (request of createSession, request of continueSession)" in done.stdout
    draft = done.stdout[done.stdout.index("### Added") :]
    assert re.findall(r"^### (\w+)\n\n- (\*\*Breaking:\*\* )?`([^`]+)`", draft, re.MULTILINE) == [
        ("Added", "", "AppDetails.osRelease"),
        ("Changed", "**Breaking:** ", "x-retry-policies/documented"),
        ("Removed", "**Breaking:** ", "AppDetails.osVersion"),
    ]
    assert done.stdout.rstrip().endswith("raise its major number, to 2.0.0.")


@pytest.mark.parametrize(
    ("base", "reason"),
    [
        ("{}/broken.yaml", "broken.yaml:2: while parsing"),
        ("{}/dangling.json", "leads nowhere"),
        ("{}/unversioned.json", "info.version one is not a semantic version"),
    ],
)
def test_a_base_that_cannot_be_read_is_no_success(tmp_path: Path, capsys: Any, base: str, reason: str) -> None:
    """The status is neither that of a good contract nor that of a breaking one, and one line says why."""
    (tmp_path / "broken.yaml").write_text("[", encoding="utf-8")
    written(tmp_path / "unversioned.json", CONTRACT, "one")
    written(tmp_path / "dangling.json", edited(CONTRACT, {"Gender": GONE}))
    assert contract_diff.main([base.format(tmp_path)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert reason in said.err


def test_the_newest_release_is_what_is_compared_with(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The highest version among the tags of releases, not the last by name; or any revision; a shallow clone asks."""
    root, clone = tmp_path / "checkout", tmp_path / "clone"
    somebody = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.com", "-c", "commit.gpgsign=false")

    def git(*arguments: str) -> None:
        subprocess.run(["git", *somebody, *arguments], cwd=root, check=True, capture_output=True)

    def commit(document: Document, version: str) -> None:
        written(root / "openapi.yaml", document, version)
        git("add", "--all")
        git("commit", "--quiet", "--message", f"A contract {version}")

    root.mkdir()
    git("init", "--quiet")
    commit(CONTRACT, "0.9.0")
    assert contract_diff.main([], root) == 0
    assert "Nothing has been released" in capsys.readouterr().out
    for document, version, tag in (
        (BATTERY, "1.0.0", "v0.9.0"),
        (CONTRACT, "1.1.0", "v0.10.0"),
        (BATTERY, "1.2.0", "v0.11.0-rc1"),
    ):
        commit(document, version)
        git("tag", tag)
    written(root / "openapi.yaml", PAUSE, "1.1.0")
    assert contract_diff.main([], root) == 1
    assert capsys.readouterr().out.startswith("v0.10.0:openapi.yaml 1.1.0 → openapi.yaml 1.1.0")
    assert contract_diff.main(["HEAD~2"], root) == 1
    assert "AppDetails.battery" in capsys.readouterr().out

    git("clone", "--quiet", "--depth", "1", "--no-tags", f"file://{root}", str(clone))
    assert contract_diff.main([], clone) == 2
    command = capsys.readouterr().err.strip().rpartition("Fetch them: ")[2]
    subprocess.run(command, shell=True, cwd=clone, check=True, capture_output=True)  # noqa: S602 - as a person would
    written(clone / "openapi.yaml", PAUSE, "1.1.0")
    assert contract_diff.main([], clone) == 1
