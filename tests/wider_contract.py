"""A contract with constructs that ours does not use, and one more field; and programs that use what becomes of it."""

from __future__ import annotations

from contract_tools import TEXT

PACKAGE = "liveperson_engagement_api"
VERSION = '        appVersion:\n          description: "Version of the app."\n          type: string\n'
BATTERY = "        batteryLevel: {type: number, maximum: 1}\n"
PATHS = """\
  /things/{number}/{word}:
    parameters:
      - {name: word, in: path, required: true, schema: {type: string, default: all}}
    get:
      operationId: findThings
      summary: "Find things"
      tags: [Things]
      x-retry-policy: {$ref: "#/x-retry-policies/documented"}
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
          content: {application/json: {schema: {type: array, items: {$ref: "#/components/schemas/Thing"}}}}
        "404": {$ref: "#/components/responses/NotFound"}
    post:
      operationId: addThing
      summary: "Add a thing"
      tags: [Things]
      x-retry-policy: {$ref: "#/x-retry-policies/documented"}
      parameters:
        - {name: number, in: path, required: true, schema: {type: integer}}
      requestBody:
        content: {application/json: {schema: {$ref: "#/components/schemas/Shape"}}}
      responses:
        "201": {description: "The thing.", content: {application/json: {schema: {$ref: "#/components/schemas/Thing"}}}}
        "202": {description: "How long it will take.", content: {application/json: {schema: {type: integer}}}}
        "204": {description: "Nothing."}

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
WIDER = TEXT.replace("components:\n", PATHS, 1).replace("  schemas:\n", SCHEMAS, 1).replace(VERSION, VERSION + BATTERY)

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
USE_BATTERY = """
import httpx
from liveperson_engagement import EngagementClient, InvalidRequest
from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement_api.models import AppDetails, CreateSessionBody

def outcome(call, *arguments):
    try:
        return call(*arguments).status
    except (InvalidRequest, TypeError) as error:
        return str(error)

with Sandbox() as sandbox, EngagementClient("demo", base_url=sandbox.url) as client:
    visit = client.visit()
    print("model:", outcome(lambda: visit.create_session(
        CreateSessionBody(app_type="EXTERNAL", app_details=AppDetails(battery_level=0.5)))))
    for level in (0.5, 2, "full"):
        body = {"appType": "EXTERNAL", "appDetails": {"batteryLevel": level}}
        url = f"{sandbox.url}/api/account/demo/app/engagement/visitors/?v=1.0"
        print(level, "client:", outcome(visit.create_session, body), "sandbox:", httpx.post(url, json=body).status_code)
"""
TYPED_BATTERY = f"""\
from {PACKAGE}.models import AppDetails as Model
from {PACKAGE}.requests import AppDetails

details: AppDetails = {{"os": "LINUX", "batteryLevel": 0.5}}
Model(battery_level=0.5)
"""
