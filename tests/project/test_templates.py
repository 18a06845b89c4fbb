"""The templates render constructs that this contract does not use, or refuse them with file, line and reason."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import renderable
from contract import parse
from contract_tools import CONTRACT_FILE, regenerate, run_generator

TEXT = CONTRACT_FILE.read_text(encoding="utf-8")

PATHS = """\
  /things/{number}/{word}:
    parameters:
      - {name: word, in: path, required: true, schema: {type: string, default: all}}
    get:
      operationId: findThings
      summary: "Find things"
      tags: [Things]
      x-retry-policy:
        $ref: "#/x-retry-policies/documented"
      parameters:
        - {name: number, in: path, required: true, schema: {type: integer}}
        - {name: only, in: query, schema: {type: boolean, default: true}}
        - {name: limit, in: query, required: true, schema: {type: integer, default: 10}}
        - {name: ratio, in: query, schema: {type: number, default: 0.5}}
        - {name: app type, in: query, schema: {$ref: "#/components/schemas/AppType"}}
        - {name: status, in: query, schema: {$ref: "#/components/schemas/ServiceStatus"}}
        - {name: quoted, in: query, schema: {type: string, default: "it's \\"so\\""}}
        - {name: id, in: query, schema: {$ref: "#/components/schemas/NumericId"}}
        - {name: X-Trace, in: header, schema: {type: string}}
        - {name: X-Dry-Run, in: header, required: true, schema: {type: boolean}}
      responses:
        "200":
          description: "Things."
          content:
            application/json:
              schema: {type: array, items: {$ref: "#/components/schemas/Thing"}}
        "404":
          $ref: "#/components/responses/NotFound"
    post:
      operationId: addThing
      summary: "Add a thing"
      tags: [Things]
      x-retry-policy:
        $ref: "#/x-retry-policies/documented"
      parameters:
        - {name: number, in: path, required: true, schema: {type: integer}}
      requestBody:
        content:
          application/json:
            schema: {$ref: "#/components/schemas/Shape"}
      responses:
        "201":
          description: "The thing."
          content:
            application/json:
              schema: {$ref: "#/components/schemas/Thing"}
        "202":
          description: "How long it will take."
          content:
            application/json:
              schema: {type: integer}
        "204":
          description: "Nothing."

components:
"""
SCHEMAS = """\
  schemas:
    Thing:
      description: 'A thing, \\ and "quoted"'
      type: object
      required: [id, at, note, owner, shape, free]
      properties:
        id: {$ref: "#/components/schemas/NumericId"}
        at: {type: string, format: date-time}
        note: {type: [string, "null"]}
        owner: {oneOf: [{$ref: "#/components/schemas/Owner"}, {type: "null"}]}
        shape: {$ref: "#/components/schemas/Shape"}
        free: {$ref: "#/components/schemas/Free"}
        day: {type: string, format: date}
        key: {type: string, format: uuid}
        remark: {type: [string, "null"]}
        heir: {oneOf: [{type: "null"}, {$ref: "#/components/schemas/Owner"}]}
        hole: {oneOf: [{$ref: "#/components/schemas/Shape"}, {type: "null"}]}
        shapes: {type: array, items: {$ref: "#/components/schemas/Shape"}}
        gaps: {type: array, items: {oneOf: [{$ref: "#/components/schemas/Owner"}, {type: "null"}]}}
        ids: {type: array, items: {type: array, items: {$ref: "#/components/schemas/NumericId"}}}
        words: {type: array, items: {type: array, items: {type: string}}}
        moments: {type: array, items: {type: string, format: date-time}}
        rest: {type: [array, "null"], items: {$ref: "#/components/schemas/Thing"}}
        states: {type: array, items: {$ref: "#/components/schemas/ServiceStatus"}}
        size: {oneOf: [{type: integer}, {type: string, const: large}]}
        any: {description: "Anything."}
        inner: {type: object, properties: {deep: {type: string}}}
        mode: {type: string, const: quiet}
        field: {type: string}
        date: {type: string}
        value: {type: string}
        data: {type: string}
        class: {type: string}
        'it"s': {type: string}
    Owner: {type: object, properties: {name: {type: string}}}
    Free: {type: object, description: "Anything in an object."}
    Shape:
      description: "A circle or a square."
      oneOf: [{$ref: "#/components/schemas/Circle"}, {$ref: "#/components/schemas/Square"}]
      discriminator:
        propertyName: kind
        mapping: {circle: "#/components/schemas/Circle", square: "#/components/schemas/Square"}
    Circle: {type: object, required: [kind], properties: {kind: {type: string, const: circle}}}
    Square: {type: object, required: [kind], properties: {kind: {type: string, const: square}}}
"""
WIDER = TEXT.replace("components:\n", PATHS, 1).replace("  schemas:\n", SCHEMAS, 1)

USE = """\
import datetime, uuid
from liveperson_engagement_api import Client, ResponseError, models
from liveperson_engagement_api.api import operation
from liveperson_engagement_api.api.things import add_thing, find_things

def refused(error, call, *arguments, **options):
    try:
        call(*arguments, **options)
    except error as raised:
        return raised
    raise AssertionError("not refused")

request = find_things.build_request(5, x_dry_run=True)
assert request.target == "/things/5/all?only=true&limit=10&ratio=0.5&quoted=it%27s%20%22so%22", request.target
assert dict(request.headers) == {"accept": "application/json", "x-dry-run": "true"}
request = find_things.build_request(
    5, "a b", only=False, limit=0, ratio=None, app_type="MSDK", status=models.ServiceStatus.CLOSED, quoted=None,
    id=2**63 - 1, x_trace="t", x_dry_run=False)
assert request.target == (
    "/things/5/a%20b?only=false&limit=0&app%20type=MSDK&status=7&id=9223372036854775807"), request.target
assert dict(request.headers) == {"accept": "application/json", "x-dry-run": "false", "x-trace": "t"}
assert find_things.PARAMETERS["X-Trace"] == "x_trace"

least = {
    "id": "7", "at": "2024-02-29T12:00:00+02:00", "note": None, "owner": None, "free": {}, "shape": {"kind": "circle"},
}
thing = models.Thing.from_dict(least)
assert thing.at == datetime.datetime.fromisoformat("2024-02-29T12:00:00+02:00")
assert thing.to_dict() == {**least, "id": 7}
full = {
    **least, "id": 7, "note": "", "owner": {"name": "n"}, "free": {"a": 1}, "day": "2024-02-29",
    "key": "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "remark": "r", "heir": {}, "hole": {"kind": "square"},
    "shapes": [{"kind": "square"}, {"kind": "circle"}], "gaps": [None, {"name": "g"}], "ids": [[1, 2], []],
    "words": [["a"], []], "moments": ["2024-02-29T12:00:00+00:00"], "rest": [{**least, "id": 8}], "states": [0, 13],
    "size": "large", "any": [{}], "inner": {"deep": "d"}, "mode": "quiet", "field": "f", "date": "d", "value": "v",
    "data": "x", "class": "c", 'it"s': "odd", "unknown": 1,
}
thing = models.Thing.from_dict({**full, "ids": [["1", 2], []]})
assert thing.to_dict() == full
assert thing.ids == ((1, 2), ()) and thing.words == (("a",), ()), thing
assert isinstance(thing.shapes[0], models.Square) and thing.day == datetime.date(2024, 2, 29)
assert thing.key == uuid.UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")
assert thing.class_ == "c" and thing.additional_properties == {"unknown": 1}
nulls = models.Thing.from_dict({**least, "remark": None, "heir": None, "hole": None, "rest": None, "shapes": None})
assert nulls == models.Thing.from_dict(least)
refused(ValueError, models.Thing.from_dict, {**full, "ids": [["1_0"]]})
refused(ValueError, models.Thing.from_dict, {**full, "mode": "loud"})
refused(KeyError, models.Thing.from_dict, {"id": 1})

assert [each.id for each in find_things.parse_response(200, [least, full])] == [7, 7]
assert refused(ResponseError, find_things.parse_response, 200, {"a": 1}).status == 200
assert add_thing.parse_response(201, full) == models.Thing.from_dict(full)
assert add_thing.parse_response(202, 5) == 5
assert add_thing.parse_response(204, None) is None
assert refused(ResponseError, add_thing.parse_response, 200, full).status == 200
empty = add_thing.build_request(1)
assert (empty.body, dict(empty.headers)) == (None, {"accept": "application/json"})
sent = add_thing.build_request(1, body=models.Square())
assert sent.body == b'{"kind":"square"}' and sent.headers["content-type"] == "application/json"
assert operation("addThing").METHOD == "POST"
"""


@pytest.fixture(scope="module")
def wider(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Generate from a contract with more constructs than this one has."""
    return regenerate(WIDER, tmp_path_factory.mktemp("wider"))


def test_other_constructs_work(wider: Path) -> None:
    """Dates, nullables, unions in arrays, headers, booleans, defaults and names that are hard."""
    environment = {**os.environ, "PYTHONPATH": str(wider)}
    done = subprocess.run([sys.executable, "-c", USE], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_other_constructs_are_typed(wider: Path, tmp_path: Path) -> None:
    """Type checkers find nothing in what is generated for them."""
    strict = {"typeCheckingMode": "strict", "pythonVersion": "3.11", "include": [str(wider)]}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(strict), encoding="utf-8")
    package = str(wider / "liveperson_engagement_api")
    mypy = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--no-error-summary", package]
    pyright = ["pyright", "--project", str(tmp_path), "--pythonpath", sys.executable]
    for command in (mypy, pyright):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


WORDS = '          description: "Words that were searched for."\n          type: array\n'
BODY = '      description: "The app, and what is known of the visitor."\n      required: true\n      content:\n'

# What is refused: a text of the contract, what stands there instead, a text on the line to be named, the reason.
REFUSED = {
    "closed object": (
        "    CalendarDate:\n",
        "    CalendarDate:\n      additionalProperties: false\n",
        "additionalProperties: false",
        "leave additionalProperties out.+",
    ),
    "typed additional members": (
        "    CalendarDate:\n",
        "    CalendarDate:\n      additionalProperties: {type: string}\n",
        "additionalProperties: {",
        "leave additionalProperties out.+",
    ),
    "default of an optional member": (
        '"Number of items."\n          type: integer\n    ProductView',
        '"Number of items."\n          type: integer\n          default: 1\n    ProductView',
        "default: 1",
        "numItems has a default, which only a required const can have",
    ),
    "default through a reference": (
        '"Currency of the amounts beside it, such as USD."\n      type: string\n',
        '"Currency of the amounts beside it, such as USD."\n      type: string\n      default: USD\n',
        "        currency:\n",
        "currency has a default.+",
    ),
    "default of an optional const": (
        '"A context in which the engagement was offered."\n      type: object\n      required: [type, id]',
        '"A context in which the engagement was offered."\n      type: object\n      required: [id]',
        "default: engagementContext",
        "type has a default.+",
    ),
    "member named like a method": (
        "        storeNumber:\n",
        "        fromDict:\n",
        "        fromDict:\n",
        "fromDict is the name of a method of every model",
    ),
    "members alike in snake_case": (
        "        storeNumber:\n",
        "        store_zip_code:\n",
        "        store_zip_code:\n",
        "store_zip_code and storeZipCode are one name in Python",
    ),
    "model named like an import": (
        "    OsFamily:\n",
        "    Sequence: {type: object}\n    OsFamily:\n",
        "    Sequence:",
        "Sequence is a name that the generated models import",
    ),
    "union without tags": (
        "      discriminator:\n        propertyName: status\n        mapping:\n"
        '          Available: "#/components/schemas/AvailableSession"\n'
        '          NotAvailable: "#/components/schemas/NotAvailableSession"\n',
        "",
        '      oneOf:\n        - $ref: "#/components/schemas/AvailableSession"\n',
        "without a discriminator each member needs a required member that no other has",
    ),
    "mapping without a member": (
        '          impClose: "#/components/schemas/CloseImpression"\n',
        "",
        "discriminator:\n        propertyName: type\n        mapping:\n          impDisplay",
        "the mapping must lead to each member of the union.+",
    ),
    "tag that is another": (
        "          const: impClose\n          default: impClose\n",
        "          const: impShut\n",
        "          impClose:",
        "impClose is not the const of type in CloseImpression",
    ),
    "tag that is not required": (
        '"The visitor closed the engagement."\n      type: object\n      required: [type, ',
        '"The visitor closed the engagement."\n      type: object\n      required: [',
        "discriminator:\n        propertyName: type\n        mapping:\n          impDisplay",
        "CloseImpression does not require type.+",
    ),
    "union inside a member": (
        '          $ref: "#/components/schemas/Lead"\n',
        '          oneOf: [{$ref: "#/components/schemas/Lead"}, {$ref: "#/components/schemas/Age"}]\n',
        "          oneOf: [{",
        "a union of objects must be a component.+",
    ),
    "anyOf objects": (
        '      oneOf:\n        - $ref: "#/components/schemas/ErrorEntity"',
        '      anyOf:\n        - $ref: "#/components/schemas/ErrorEntity"',
        "      anyOf:",
        "a value could be several of anyOf at once: write oneOf",
    ),
    "inline member of a union": (
        '        - $ref: "#/components/schemas/CloseImpression"\n',
        "        - {type: object, properties: {}}\n",
        '      oneOf:\n        - $ref: "#/components/schemas/DisplayImpression"',
        "each member of a union must be a reference.+",
    ),
    "text or object": (
        '          $ref: "#/components/schemas/Lead"\n',
        '          oneOf: [{$ref: "#/components/schemas/Lead"}, {type: string}]\n',
        "          oneOf: [{",
        "a union of object and text cannot be told apart",
    ),
    "two unions of the same": (
        "    OsFamily:\n",
        '    Again:\n      oneOf:\n        - $ref: "#/components/schemas/WrappedErrorEntity"\n'
        '        - $ref: "#/components/schemas/ErrorEntity"\n'
        "    OsFamily:\n",
        "    ErrorAnswer:\n",
        "ErrorAnswer and Again have the same members.+",
    ),
    "object or null in one schema": (
        '    CalendarDate:\n      description: "A day of the calendar."\n      type: object\n',
        '    CalendarDate:\n      description: "A day of the calendar."\n      type: [object, "null"]\n',
        "      type: [object",
        "an object or something else.+",
    ),
    "array or text": (
        WORDS,
        '          description: "Words that were searched for."\n          type: [array, string]\n',
        "          type: [array",
        "an array or something else cannot be told apart",
    ),
    "array of anything": (
        f"{WORDS}          items:\n            type: string\n",
        WORDS,
        "        keywords:\n",
        "an array needs items",
    ),
    "tuple": (
        f"{WORDS}          items:\n            type: string\n",
        "          type: array\n          prefixItems: [{type: string}]\n          items: {type: string}\n",
        "          prefixItems",
        "prefixItems is not supported.+",
    ),
    "file": (
        '          description: "The device\'s IMEI."\n          type: string\n',
        "          type: string\n          format: binary\n",
        "          format: binary",
        "files are not supported",
    ),
    "const number": (
        "          const: searchInfo\n          default: searchInfo\n",
        "          const: 1.5\n",
        "          const: 1.5",
        "a const must be.+",
    ),
    "enum values alike": (
        "enum: [DESKTOP, TABLET, MOBILE]",
        "enum: [DESKTOP, TABLET, desktop]",
        "enum: [DESKTOP, TABLET, desktop]",
        "desktop and DESKTOP are one name in Python",
    ),
    "cookie": (
        "        - name: sid\n          in: query\n",
        "        - name: sid\n          in: cookie\n",
        "          in: cookie",
        "a cookie parameter is not supported",
    ),
    "list in a query": (
        '          required: false\n          schema:\n            $ref: "#/components/schemas/SessionId"\n',
        "          required: false\n          schema: {type: array, items: {type: string}}\n",
        "          schema: {type: array",
        "parameter sid must be a text, a number, true or false, not array",
    ),
    "date in a query": (
        '          required: false\n          schema:\n            $ref: "#/components/schemas/SessionId"\n',
        "          required: false\n          schema: {type: string, format: date}\n",
        "          schema: {type: string, format",
        "parameter sid must be .+, not formatted",
    ),
    "style": (
        "          required: false\n          schema",
        "          required: false\n          allowReserved: true\n          schema",
        "        - name: sid\n          in: query\n          description: >-",
        "parameter sid is to be written in a way that is not supported",
    ),
    "content of a parameter": (
        '          required: false\n          schema:\n            $ref: "#/components/schemas/SessionId"\n',
        "          required: false\n          content: {application/json: {schema: {type: string}}}\n",
        "        - name: sid\n          in: query\n          description: >-",
        "parameter sid has content instead of a schema",
    ),
    "header of the client's own": (
        "        - name: sid\n          in: query\n",
        "        - name: Accept\n          in: header\n",
        "        - name: Accept",
        "the client sets Accept by itself",
    ),
    "parameter named like the body": (
        "        - name: sid\n          in: query\n",
        "        - name: body\n          in: query\n",
        "        - name: body",
        "body is the name of something else in the generated module",
    ),
    "parameters alike in snake_case": (
        "        - name: sid\n          in: query\n",
        "        - name: visitor_id\n          in: query\n",
        "        - name: visitor_id",
        "visitor_id and visitorId are one name in Python",
    ),
    "default before none in a path": (
        "  /api/account/{accountId}/service/{serviceName}/",
        "  /api/{serviceName}/account/{accountId}/",
        "    AccountId:\n      name",
        "accountId has no default, but serviceName before it in the path has one",
    ),
    "form body": (
        f"{BODY}        application/json:",
        f"{BODY}        text/plain:",
        "      content:\n        text/plain",
        "a request body must be application/json, and nothing else",
    ),
    "body that is a list": (
        '            $ref: "#/components/schemas/UpdateSessionBody"',
        "            type: array\n            items: {type: string}",
        "      content:\n        application/json:\n          schema:\n            type: array",
        "a request body must be an object",
    ),
    "answer that is text": (
        '          description: "Accepted. The body is empty, or an empty object."\n',
        '          description: "Accepted."\n          content: {text/plain: {schema: {type: string}}}\n',
        "          content: {text/plain",
        "an answer must be application/json with a schema, or empty",
    ),
    "answer that is a list of texts": (
        '          description: "Accepted. The body is empty, or an empty object."\n',
        '          description: "Accepted."\n'
        "          content: {application/json: {schema: {type: array, items: {type: string}}}}\n",
        "          content: {application",
        "an answer must be an object, an array of objects or a plain scalar",
    ),
    "range of successes": (
        '        "200":\n          description: "Accepted.',
        '        "2XX":\n          description: "Accepted.',
        '        "2XX":',
        "name each status of 2XX by itself",
    ),
    "no success": (
        '        "200":\n          description: "Accepted.',
        '        "300":\n          description: "Accepted.',
        '      responses:\n        "300"',
        "no status means success",
    ),
    "two kinds of errors": (
        '        "401":\n          $ref: "#/components/responses/Unauthorized"\n\ncomponents:',
        '        "401":\n          description: "No."\n          content:\n            application/json:\n'
        '              schema: {$ref: "#/components/schemas/ErrorEntity"}\n\ncomponents:',
        '              schema: {$ref: "#/components/schemas/ErrorEntity"}',
        "errors are ErrorEntity here and ErrorAnswer elsewhere",
    ),
    "credentials": ("security: []\n", "security: [{key: []}]\n", "security: [{", "credentials are not supported"),
    "tag without members": (
        "        propertyName: status\n        mapping:\n",
        "        propertyName: status\n    Spare:\n      discriminator:\n        propertyName: status\n"
        "        mapping:\n",
        "      discriminator:\n        propertyName: status\n        mapping:",
        "there is nothing to tell apart.+",
    ),
    "required, but no member": (
        "      required: [type, total, numItems]\n",
        "      required: [type, total, numItem]\n",
        "      required: [type, total, numItem]",
        "numItem is required, but is no member",
    ),
}


@pytest.mark.parametrize(("old", "new", "place", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_rendered_is_refused(old: str, new: str, place: str, reason: str) -> None:
    """One line says in which file, on which line and why."""
    assert old in TEXT
    text = TEXT.replace(old, new, 1)
    line = text.count("\n", 0, text.index(place)) + 1
    contract = parse(text, "openapi.yaml")
    said = str(contract.error(*renderable.problems(contract.document))).splitlines()
    assert any(re.fullmatch(f"openapi.yaml:{line}: {reason}", each) for each in said), said


def test_a_refusal_is_an_error_of_the_command(tmp_path: Path) -> None:
    """It is said without a traceback, and nothing is written."""
    old, new, *_ = REFUSED["closed object"]
    contract = tmp_path / "openapi.yaml"
    contract.write_text(TEXT.replace(old, new), encoding="utf-8")
    done = run_generator("--contract", contract, "--output", tmp_path / "generated")
    assert done.returncode == 1
    assert re.fullmatch(rf"{re.escape(str(contract))}:\d+: leave additionalProperties out[^\n]+\n", done.stderr)
    assert list(tmp_path.iterdir()) == [contract]


def test_this_contract_is_rendered_without_a_guess() -> None:
    """Nothing in it is refused."""
    assert renderable.problems(parse(TEXT, "openapi.yaml").document) == []
    assert renderable.problems(parse(WIDER, "openapi.yaml").document) == []
