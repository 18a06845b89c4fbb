"""A contract with constructs that ours does not use, and one more field; and programs that use what becomes of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from contract_tools import CONTRACT

PACKAGE = "liveperson_engagement_api"


def laid_over(below: Any, above: Any) -> Any:
    """Add members to a document, however deep."""
    return {**below, **{key: laid_over(below[key], value) if key in below else value for key, value in above.items()}}


WIDER = json.dumps(laid_over(CONTRACT, yaml.safe_load(Path(__file__).with_name("wider.yaml").read_text("utf-8"))))

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
