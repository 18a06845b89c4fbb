"""scripts/build makes a release whose every part has been tried, and refuses to make one that is not fit."""

import contextlib
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import jsonschema_rs
import pytest
import yaml
from openapi_schema_validator import OAS30Validator
from openapi_spec_validator import OpenAPIV30SpecValidator

import build
from checkout import ROOT
from contract import ContractError, Pointer, parse, read, walk
from contract_tools import CONTRACT, CONTRACT_FILE, TEXT, Document, edited
from liveperson_engagement import __version__
from openapi_30 import convert, convert_schema

OLDER: Document = convert(read(CONTRACT_FILE, "openapi.yaml"))
ODDITIES: tuple[Any, ...] = (
    *(None, True, False, [], {}, [None], {"type": None}, "", " ", ".", "..", "x", "0", "7", "-1", "1.5", "gb", "GB"),
    *(0, -1, 1.5, 2**31, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, "9223372036854775807", "12345678901234567890"),
    *("10.0.0.1", "999.1.1.1", "::1", "1::2::3", "en-US", "é"),
)
"""What is wrong nearly everywhere, and what is nearly right: other types, empty values, edges, addresses."""


def test_a_release_is_built_and_every_part_of_it_works(tmp_path: Path) -> None:
    """The whole script: built twice, installed and used where nothing else is; the wheel has what git has, no more."""
    output, name = tmp_path / "dist", f"liveperson_engagement-{__version__}"
    output.mkdir()
    (output / "of-an-earlier-release.whl").touch()
    command = [sys.executable, str(ROOT / "scripts/lib/build.py"), "--output", str(output)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    files = {f"{name}-py3-none-any.whl", f"{name}.tar.gz", "openapi.json", "openapi-3.0.3.json"}
    assert {path.name for path in output.iterdir()} == files
    assert json.loads((output / "openapi.json").read_bytes()) == CONTRACT
    assert json.loads((output / "openapi-3.0.3.json").read_bytes()) == OLDER
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "generated", "wrapper"]
    known = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    with zipfile.ZipFile(output / f"{name}-py3-none-any.whl") as wheel:
        shipped = {each for each in wheel.namelist() if ".dist-info/" not in each}
    assert shipped == {each.partition("/")[2] for each in known if (ROOT / each).is_file()}


def examples_of(document: Document) -> list[Any]:
    """Give the values of every example."""
    return [
        value for place, value in walk(document) if place[-1:] == ("example",) or place[-3::2] == ("examples", "value")
    ]


def bodies_of_vectors() -> Iterator[Any]:
    """Give the bodies of calls as they are, those of answers as what their text says."""
    for path in sorted((ROOT / "tests/conformance").glob("*.json")):
        for place, value in walk(json.loads(path.read_text(encoding="utf-8"))):
            if place[-1:] == ("body",):
                with contextlib.suppress(ValueError):  # an answer that is no JSON
                    yield json.loads(value) if isinstance(value, str) else value


def unique(values: Iterable[Any]) -> list[Any]:
    """Leave out what has been there; 30.0 becomes 30, since only the newer dialect takes both for integers."""

    def number(text: str) -> float:
        return int(float(text)) if float(text).is_integer() else float(text)

    return [json.loads(text, parse_float=number) for text in dict.fromkeys(map(json.dumps, values))]


def limits(document: Document) -> Iterator[Any]:
    """Give what is just within each limit and just beyond, and each constant."""
    for place, value in walk(document):
        found: Any = value
        match place[-1:]:
            case ("minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum",):
                yield from (found - 1, found, found + 1)
            case ("minLength" | "maxLength",):
                yield from ("a" * max(0, found + more) for more in (-1, 0, 1))
            case ("const",):
                yield found
            case ("enum",):
                yield from found
            case _:
                pass


def changed(value: Any, spares: list[Any]) -> Iterator[Any]:
    """Leave out each member in turn, put something else in its place, and add one."""
    items = cast(list[Any], value)
    if isinstance(value, dict):
        members = cast(Document, value)
        yield {**members, "unheardOf": 1}
        for name in members:
            yield {key: member for key, member in members.items() if key != name}
            yield from ({**members, name: spare} for spare in spares)
    elif isinstance(value, list):
        yield from ([*items, spare] for spare in spares)


def judge(document: Document, place: Pointer) -> Any:
    """Give a validator of one schema, in the dialect of its document."""
    reference = "/".join(quote(part.replace("~", "~0").replace("/", "~1")) for part in place)
    schema = {"$ref": f"#/{reference}", **{key: document[key] for key in ("components", "paths")}}
    if document["openapi"].startswith("3.0"):
        return jsonschema_rs.Draft4Validator(without_nullable(schema), validate_formats=True)
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True)


def without_nullable(value: Any) -> Any:
    """Write `nullable` as the draft does that 3.0 has taken the rest from."""
    items = cast(list[Any], value)
    if isinstance(value, list):
        return [without_nullable(one) for one in items]
    if not isinstance(value, dict):
        return value
    members: Document = {key: without_nullable(one) for key, one in cast(Document, value).items()}
    return members | {"type": [members["type"], "null"]} if members.get("nullable") is True else members


def disagreements(edition: Document, examples: Iterable[Any]) -> Iterator[str]:
    """Try every schema of both editions with parts of examples, each also with one member changed."""
    parts = unique(part for example in examples for _, part in walk(example))
    spares = unique([*ODDITIES, *limits(CONTRACT)])
    for place in [
        place for place, _ in walk(CONTRACT) if place[:-1] == ("components", "schemas") or place[-1:] == ("schema",)
    ]:
        one, other = judge(CONTRACT, place), judge(edition, place)
        nearly = (each for part in parts if one.is_valid(part) for each in changed(part, spares))
        for value in (*spares, *parts, *nearly):
            if one.is_valid(value) != other.is_valid(value):
                yield f"only one edition accepts {value!r:.160} as {place}"


def test_both_editions_accept_and_refuse_the_same_values() -> None:
    """Examples, conformance vectors, and what becomes of them; small differences are found."""
    assert [*disagreements(OLDER, [*examples_of(CONTRACT), *bodies_of_vectors()])] == []
    one: Document = {"appType": "EXTERNAL", "appDetails": {"ipAddress": "10.0.0.1"}}
    four = {"AppDetails properties ipAddress anyOf": [{"format": "ipv4"}]}
    for edits in (four, {"Gender enum": ["MALE", "FEMALE"]}, {"VisitorId maxLength": 2001}):
        assert any(disagreements(edited(OLDER, edits), [one])), edits


def test_other_tools_find_no_fault_with_the_edition(tmp_path: Path) -> None:
    """A validator in Python, and a linter whose one complaint is the slash at a path's end: the protocol has it."""
    assert [error.message for error in OpenAPIV30SpecValidator(OLDER).iter_errors()] == []
    (tmp_path / "openapi-3.0.3.json").write_text(json.dumps(OLDER), encoding="utf-8")
    options = ["--config", "scripts/lint/redocly.yaml", "--skip-rule", "no-path-trailing-slash"]
    redocly = ROOT / "scripts/env/node_modules/.bin/redocly"
    command: list[str | Path] = [redocly, "lint", *options, tmp_path / "openapi-3.0.3.json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


SCHEMAS: list[tuple[Document, Document]] = yaml.safe_load(r"""
- [{type: string, const: a}, {type: string, enum: [a]}]
- [{type: [string, "null"]}, {type: string, nullable: true}]
- [{type: [integer, string]}, {anyOf: [{type: integer}, {type: string}]}]
- - {type: [integer, string, "null"], minimum: 1}
  - {minimum: 1, anyOf: [{type: integer, nullable: true}, {type: string, nullable: true}]}
- [{exclusiveMinimum: 1}, {minimum: 1, exclusiveMinimum: true}]
- [{maximum: 5, exclusiveMaximum: 7}, {maximum: 5}]
- [{examples: [1, 2], type: integer}, {example: 1, type: integer}]
- [{additionalProperties: false, properties: {a: true}}, {additionalProperties: false, properties: {a: {}}}]
- - {if: {type: string}, then: {pattern: "^7$"}, else: {type: integer}}
  - {anyOf: [{type: string, pattern: "^7$"}, {type: integer}]}
- - {if: {type: integer}, then: {minimum: 1}, else: {type: number}}
  - {anyOf: [{type: integer, minimum: 1}, {not: {type: integer}, type: number}]}
- - {$ref: "#/components/schemas/Gender", description: Which.}
  - {description: Which., allOf: [{$ref: "#/components/schemas/Gender"}]}
""")
"""Each of 3.1 with what it becomes."""


@pytest.mark.parametrize(("newer", "older"), SCHEMAS)
def test_a_schema_of_3_1_becomes_one_of_3_0_that_allows_the_same(newer: Document, older: Document) -> None:
    """Written as expected, and both accept the same of a handful of values, by two validators of the older dialect."""
    assert convert_schema(newer) == older
    one, other = (
        judge(edited(document, {"schemas Subject": subject}), ("components", "schemas", "Subject"))
        for document, subject in ((CONTRACT, newer), (OLDER, older))
    )
    strict = OAS30Validator({**older, "components": OLDER["components"]})
    values: list[Any] = [None, 0, 1, 2, 5, 6, 7, 9, 10, 1.5]
    values += ["", "a", "x", "7", "77", "MALE", [], [1], {}, {"a": 1}, {"b": 1}]
    assert [value for value in values if one.is_valid(value) != other.is_valid(value)] == []
    # The validator made for the older dialect refuses null where no type allows it; JSON Schema does not.
    assert [value for value in values[1:] if strict.is_valid(value) != one.is_valid(value)] == []


def test_what_3_0_cannot_say_is_an_error_with_its_line() -> None:
    """Nothing is left out silently."""
    place = "    Gender:\n"
    with pytest.raises(ContractError) as caught:
        convert(parse(TEXT.replace(place, f"{place}      prefixItems: {{}}\n", 1), "openapi.yaml"))
    line = TEXT[: TEXT.index(place)].count("\n") + 2
    assert str(caught.value) == f"openapi.yaml:{line}: OpenAPI 3.0.3 has nothing for prefixItems"


def test_what_is_not_a_schema_is_carried_over() -> None:
    """Examples, links, extensions and servers are the same in both editions, and the summary is not lost."""
    for place in ("servers", "x-retry-policies", "tags", "security"):
        assert OLDER[place] == CONTRACT[place]
    session, original = (document["components"]["responses"]["Session"] for document in (OLDER, CONTRACT))
    assert session["links"] == original["links"]
    assert examples_of(OLDER) == examples_of(CONTRACT)
    assert OLDER["info"]["description"].startswith(f"{CONTRACT['info']['summary']}\n\n")
    assert OLDER["info"]["license"] == {"name": "MIT", "url": "https://spdx.org/licenses/MIT.html"}


def test_a_package_of_another_contract_is_not_released(tmp_path: Path) -> None:
    """One that scripts/generate has not made of the contract."""
    with pytest.raises(build.BuildError, match="run scripts/generate"):
        build.write_contracts(parse(TEXT.replace("version: 1.0.0", "version: 1.0.1", 1), "openapi.yaml"), tmp_path)
