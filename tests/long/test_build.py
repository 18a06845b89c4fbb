"""scripts/build makes a release whose every part has been tried, and refuses to make one that is not fit."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from openapi_schema_validator import OAS30Validator
from openapi_spec_validator import OpenAPIV30SpecValidator

import build
from checkout import ROOT
from contract import ContractError, parse, read
from contract_tools import CONTRACT, CONTRACT_FILE, TEXT, Document, edited
from contract_vectors import compare, confirm, conformance_examples, examples_of, judge
from liveperson_engagement import __version__
from openapi_30 import convert, convert_schema

OLDER: Document = convert(read(CONTRACT_FILE, "openapi.yaml"))


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


def test_both_editions_accept_and_refuse_the_same_values() -> None:
    """Examples, conformance vectors, and what becomes of them; by the fast validator and by the one made for 3.0."""
    examples = [*examples_of(CONTRACT), *conformance_examples(ROOT / "tests/conformance")]
    verdicts, disagreements = compare(CONTRACT, OLDER, examples)
    assert disagreements + confirm(OLDER, examples) == []
    assert verdicts.tried > 10_000


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
- [{exclusiveMaximum: 5, maximum: 7}, {maximum: 5, exclusiveMaximum: true}]
- [{examples: [1, 2], type: integer}, {example: 1, type: integer}]
- [{type: array}, {type: array, items: {}}]
- [{additionalProperties: false, properties: {a: true}}, {additionalProperties: false, properties: {a: {}}}]
- [{properties: {a: false}}, {properties: {a: {not: {}}}}]
- - {if: {type: string}, then: {pattern: "^7$"}, else: {type: integer}}
  - {anyOf: [{type: string, pattern: "^7$"}, {type: integer}]}
- - {if: {type: integer}, then: {minimum: 1}, else: {type: number}}
  - {anyOf: [{type: integer, minimum: 1}, {not: {type: integer}, type: number}]}
- [{if: {minimum: 5}, then: {maximum: 9}}, {anyOf: [{minimum: 5, maximum: 9}, {not: {minimum: 5}}]}]
- - {if: {minLength: 2}, then: {minLength: 3}, else: {not: {const: x}}}
  - {anyOf: [{allOf: [{minLength: 2}, {minLength: 3}]}, {allOf: [{not: {minLength: 2}}, {not: {enum: [x]}}]}]}
- - {anyOf: [{type: string}, {type: integer}], if: {type: string}, then: {const: "7"}}
  - {anyOf: [{type: string}, {type: integer}], allOf: [{anyOf: [{type: string, enum: ["7"]}, {not: {type: string}}]}]}
- - {$ref: "#/components/schemas/Gender", description: Which.}
  - {description: Which., allOf: [{$ref: "#/components/schemas/Gender"}]}
- [{then: {type: string}, $comment: Means nothing.}, {}]
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


@pytest.mark.parametrize("keyword", ["patternProperties", "prefixItems", "unevaluatedProperties"])
def test_what_3_0_cannot_say_is_an_error_with_its_line(keyword: str) -> None:
    """Nothing is left out silently."""
    place = "    Gender:\n"
    with pytest.raises(ContractError) as caught:
        convert(parse(TEXT.replace(place, f"{place}      {keyword}: {{}}\n", 1), "openapi.yaml"))
    line = TEXT[: TEXT.index(place)].count("\n") + 2
    assert str(caught.value) == f"openapi.yaml:{line}: OpenAPI 3.0.3 has nothing for {keyword}"


def test_what_is_not_a_schema_is_carried_over() -> None:
    """Examples, links, extensions and servers are the same in both editions, and the summary is not lost."""
    for place in ("servers", "x-retry-policies", "tags", "security"):
        assert OLDER[place] == CONTRACT[place]
    session, original = (document["components"]["responses"]["Session"] for document in (OLDER, CONTRACT))
    assert session["links"] == original["links"]
    assert examples_of(OLDER) == examples_of(CONTRACT)
    assert OLDER["info"]["description"].startswith(f"{CONTRACT['info']['summary']}\n\n")
    assert OLDER["info"]["license"] == {"name": "MIT", "url": "https://spdx.org/licenses/MIT.html"}


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("AppDetails properties ipAddress anyOf", [{"format": "ipv4"}]),
        ("Gender enum", ["MALE", "FEMALE"]),
        ("VisitorId maxLength", 2001),
    ],
)
def test_an_edition_that_allows_something_else_is_found_out(place: str, value: object) -> None:
    """The values that are tried tell even small differences."""
    details = {"appDetails": {"ipAddress": "10.0.0.1"}, "engagementAttributes": [{"type": "lead"}]}
    example: Document = {"appType": "EXTERNAL", **details}
    assert compare(CONTRACT, edited(OLDER, {place: value}), [example, {"baseURI": "host"}])[1]


def test_a_package_of_another_contract_is_not_released(tmp_path: Path) -> None:
    """One that scripts/generate has not made of the contract."""
    with pytest.raises(build.BuildError, match="run scripts/generate"):
        build.write_contracts(parse(TEXT.replace("version: 1.0.0", "version: 1.0.1", 1), "openapi.yaml"), tmp_path)
