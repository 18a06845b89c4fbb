"""scripts/contract-diff tells what breaks callers from what does not, and keeps the version honest."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple, cast

import pytest

import contract_diff
from checkout import ROOT
from contract_changes import Change, Effect, changes, worst
from contract_tools import CONTRACT, CONTRACT_FILE, METHODS, Document, Place

BREAKING, ADDITIVE, DOCUMENTATION = Effect.BREAKING, Effect.ADDITIVE, Effect.DOCUMENTATION
FIRST = "/api/account/{accountId}/app/engagement/visitors/"
LATER = "/api/account/{accountId}/app/engagement/visitors/{visitorId}"
DOMAIN = "/api/account/{accountId}/service/{serviceName}/baseURI.json"
SCHEMAS: Place = ("components", "schemas")
CREATE: Place = ("paths", FIRST, "post")
POLICY: Place = ("x-retry-policies", "documented")
SESSION: Place = ("components", "responses", "Session")
BODY: Place = ("components", "requestBodies", "CreateSession")
JSON = "application/json"
SECURED: list[Document] = [{"key": []}]
GONE: Any = object()
TEXT: Document = {"description": "A text.", "type": "string"}
SENT: Place = ("AppDetails", "properties", "probe")
READ: Place = ("EngagementDetails", "properties", "probe")


class Edit:
    """Changes a contract at several places; a function gets what is there, GONE takes it away."""

    def __init__(self, *parts: object, first: tuple[tuple[Place, Any], ...] = ()) -> None:
        *place, value = parts
        flat: list[str | int] = []
        for part in place:
            flat += cast(Place, part) if isinstance(part, tuple) else [cast(str, part)]
        self._edits = (*first, (tuple(flat), value))

    def and_at(self, *parts: object) -> Edit:
        """Change one more place: path tuples, keys, and the new value last."""
        return Edit(*parts, first=self._edits)

    def of(self, document: Document) -> Document:
        """Change a copy."""
        copy = deepcopy(document)
        for (*parents, last), value in self._edits:
            target: Any = copy
            for key in parents:
                target = target[key]
            if value is GONE:
                del target[last]
            else:
                target[last] = value(target[last]) if callable(value) else value
        return copy


def plus(*values: object) -> Callable[[list[Any]], list[Any]]:
    """Lengthen a list."""
    return lambda known: [*known, *values]


def without(*values: object) -> Callable[[list[Any]], list[Any]]:
    """Shorten a list."""
    return lambda known: [value for value in known if value not in values]


def as_cbor(content: Document) -> Document:
    """Offer a body in another format than JSON."""
    return {"application/cbor": content[JSON]}


def with_key(components: Document) -> Document:
    """Describe a way to authenticate."""
    return {**components, "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}}}


def component(name: str) -> Document:
    """Refer to a schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def member(tag: str, value: str) -> Document:
    """Describe one more member of a union."""
    properties = {tag: {"description": "A tag.", "type": "string", "const": value}}
    return {"description": "A member.", "type": "object", "required": [tag], "properties": properties}


class Case(NamedTuple):
    """A change of known effect. The expected line is the gravest one; `base` is what the contract has been before."""

    name: str
    effect: Effect | None
    heading: str
    line: str
    edit: Edit
    base: Edit | None = None


def silent(name: str, edit: Edit, base: Edit | None = None) -> Case:
    """Write the same thing in another way: no change at all."""
    return Case(name, None, "", "", edit, base)


def field(name: str, old: Document, new: Document, sent: Effect | None, read: Effect | None) -> list[Case]:
    """Change the schema of a field that callers send, and of one that they read."""
    return [
        Case(f"{name}, {side}", effect, "", "", schema(*place, new), schema(*place, old))
        for side, place, effect in (("sent", SENT, sent), ("read", READ, read))
    ]


def schema(*parts: object) -> Edit:
    """Change a schema."""
    return Edit(SCHEMAS, *parts)


def parameters(*values: object) -> Edit:
    """Give an operation parameters of its own."""
    return Edit("paths", LATER, "post", "parameters", list(values))


LANGUAGE = ("EngagementDetails", "properties", "language")
LANGUAGES = schema(*LANGUAGE, {**TEXT, "enum": ["en-US", "de-DE"]})
GREETING = schema("EngagementDetails", "properties", "greeting", TEXT)
MOVED = (
    schema("MoveImpression", member("type", "impMove"))
    .and_at(SCHEMAS, "ImpressionEvent", "oneOf", plus(component("MoveImpression")))
    .and_at(SCHEMAS, "ImpressionEvent", "discriminator", "mapping", "impMove", component("MoveImpression")["$ref"])
)
QUEUED = (
    schema("QueuedSession", member("status", "Queued"))
    .and_at(SCHEMAS, "Session", "oneOf", plus(component("QueuedSession")))
    .and_at(SCHEMAS, "Session", "discriminator", "mapping", "Queued", component("QueuedSession")["$ref"])
)
NO_CLOSING = schema("ImpressionEvent", "oneOf", without(component("CloseImpression"))).and_at(
    SCHEMAS, "ImpressionEvent", "discriminator", "mapping", "impClose", GONE
)
LISTING: Document = {
    "operationId": "listVisitors",
    "summary": "List visitors",
    "description": "Lists them.",
    "tags": ["Session"],
    "responses": {"200": {"description": "The list."}},
}
TRACE: Document = {"name": "trace", "in": "query", "description": "A trace.", "schema": {"type": "string"}}
NEEDED, OTHER = {**TRACE, "required": True}, {**TRACE, "name": "other"}
STATUSES = Edit(POLICY, "retryStatuses", ["5XX"])
HEADED = Edit(SESSION, "headers", {"X-Trace": {"description": "A trace.", "schema": {"type": "string"}}})
# fmt: off
REQUESTS = [
    Case("a value of a request enum goes", BREAKING, "Removed", 'OsFamily/enum: value "LINUX" is gone',
         schema("OsFamily", "enum", without("LINUX"))),
    Case("a request enum gains a value", ADDITIVE, "Added", 'OsFamily/enum: value "TV"',
         schema("OsFamily", "enum", plus("TV"))),
    Case("a request text becomes an enum", BREAKING, "Changed", 'Currency/enum: only "EUR", "USD"',
         schema("Currency", "enum", ["EUR", "USD"])),
    Case("a new required request field", BREAKING, "Changed", "CreateSessionBody/required: tenant is required now",
         schema("CreateSessionBody", "properties", "tenant", TEXT)
         .and_at(SCHEMAS, "CreateSessionBody", "required", plus("tenant"))),
    Case("a request field becomes required", BREAKING, "Changed", "Product/required: sku is required now",
         schema("Product", "required", ["sku"])),
    Case("a request field becomes optional", ADDITIVE, "Changed",
         "CartAttribute/required: numItems is no longer required",
         schema("CartAttribute", "required", without("numItems"))),
    Case("a new optional request field", ADDITIVE, "Added", "AppDetails.battery: new field",
         schema("AppDetails", "properties", "battery", TEXT)),
    Case("a request field goes", BREAKING, "Removed", "AppDetails.osVersion: field is gone",
         schema("AppDetails", "properties", "osVersion", GONE)),
    Case("a request pattern is tightened", BREAKING, "Changed",
         "AccountId: pattern: ^[a-zA-Z0-9_]{1,20}$ → ^[a-zA-Z0-9_]{1,10}$",
         schema("AccountId", "pattern", "^[a-zA-Z0-9_]{1,10}$")),
    Case("a request pattern is loosened", ADDITIVE, "Changed",
         "AccountId: pattern: ^[a-zA-Z0-9_]{1,20}$ → ^[a-zA-Z0-9_-]{1,30}$",
         schema("AccountId", "pattern", "^[a-zA-Z0-9_-]{1,30}$")),
    Case("a request pattern loses its anchors", ADDITIVE, "Changed", "CountryCode: pattern: ^[A-Z]{2}$ → [A-Z]{2}",
         schema("CountryCode", "pattern", "[A-Z]{2}")),
    Case("a request pattern is written in another way", DOCUMENTATION, "Changed",
         "AccountId: pattern: ^[a-zA-Z0-9_]{1,20}$ → ^[A-Za-z_0-9]{1,20}$",
         schema("AccountId", "pattern", "^[A-Za-z_0-9]{1,20}$")),
    Case("a request pattern is replaced by one that looks ahead", BREAKING, "Changed",
         "AccountId: pattern: ^[a-zA-Z0-9_]{1,20}$ → ^(?=a).*$", schema("AccountId", "pattern", "^(?=a).*$")),
    Case("a request pattern is added", BREAKING, "Changed", "Currency: pattern: nothing → ^[A-Z]{3}$",
         schema("Currency", "pattern", "^[A-Z]{3}$")),
    Case("a member of a request union goes", BREAKING, "Removed",
         "ImpressionEvent/discriminator/mapping/impClose: tag is gone", NO_CLOSING),
    Case("a request union gains a member", ADDITIVE, "Added",
         "ImpressionEvent/discriminator/mapping/impMove: new tag", MOVED),
    Case("a tag leads to another member", BREAKING, "Changed",
         "ImpressionEvent/discriminator/mapping/impClose: #/components/schemas/CloseImpression → "
         "#/components/schemas/TimeoutImpression",
         schema("ImpressionEvent", "discriminator", "mapping", "impClose", "#/components/schemas/TimeoutImpression")),
    Case("a request range is widened", ADDITIVE, "Changed", "CalendarDate.day: maximum: 31 → 32",
         schema("CalendarDate", "properties", "day", "maximum", 32)),
    Case("a request range is narrowed", BREAKING, "Changed", "CalendarDate.day: minimum: 1 → 2",
         schema("CalendarDate", "properties", "day", "minimum", 2)),
    Case("a request field takes another type", BREAKING, "Changed",
         "CustomerInfo.companySize: type: integer → string",
         schema("CustomerInfo", "properties", "companySize", "type", "string")),
    Case("a request integer becomes a number", BREAKING, "Changed",
         "CustomerInfo.companySize: type: integer → number",
         schema("CustomerInfo", "properties", "companySize", "type", "number")),
    Case("a branch of a request condition is narrowed", BREAKING, "Changed", "MarketingChannel/else: maximum: 6 → 5",
         schema("MarketingChannel", "else", "maximum", 5)),
    Case("a branch of a request condition is widened", ADDITIVE, "Changed",
         "MarketingChannel/then: pattern: ^[0-6]$ → ^[0-9]$",
         schema("MarketingChannel", "then", "pattern", "^[0-9]$")),
    Case("a request condition goes", ADDITIVE, "Changed", "MarketingChannel: condition dropped",
         schema("MarketingChannel", "if", GONE).and_at(SCHEMAS, "MarketingChannel", "then", GONE)
         .and_at(SCHEMAS, "MarketingChannel", "else", GONE)),
    Case("a condition asks for something else", BREAKING, "Changed", "AppDetails.ipAddress/if: another condition",
         schema("AppDetails", "properties", "ipAddress", "if", "pattern", "::")),
    Case("a request object is closed", BREAKING, "Changed", "Address/additionalProperties: other fields are refused",
         schema("Address", "additionalProperties", False)),
    Case("a default is changed", BREAKING, "Changed", "LeadAttribute.type: default: lead → led",
         schema("LeadAttribute", "properties", "type", "default", "led")),
    Case("a request's list items are narrowed", BREAKING, "Changed",
         "SearchAttribute.keywords[]: maxLength: nothing → 9",
         schema("SearchAttribute", "properties", "keywords", "items", "maxLength", 9)),
    Case("a request body becomes optional", ADDITIVE, "Changed", "CreateSession: is optional now",
         Edit(BODY, "required", False)),
    Case("a request may come in another format", ADDITIVE, "Added",
         "CreateSession/content/application/cbor: media type application/cbor",
         Edit(BODY, "content", "application/cbor", {"schema": component("CreateSessionBody")})),
    Case("a keyword that nobody has a rule for", BREAKING, "Changed",
         'Product: dependentRequired: {} → {"sku": ["name"]}',
         schema("Product", "dependentRequired", {"sku": ["name"]}), schema("Product", "dependentRequired", {})),
]
ANSWERS = [
    Case("a value of an answer enum goes", ADDITIVE, "Removed",
         'EngagementDetails.language/enum: value "de-DE" is gone', schema(*LANGUAGE, "enum", ["en-US"]), LANGUAGES),
    Case("an answer enum gains a value", BREAKING, "Added", 'EngagementDetails.language/enum: value "fr-FR"',
         schema(*LANGUAGE, "enum", plus("fr-FR")), LANGUAGES),
    Case("an answer text becomes an enum", BREAKING, "Changed",
         'EngagementDetails.language/enum: only "en-US", "de-DE"', LANGUAGES),
    Case("a new optional answer field", ADDITIVE, "Added", "EngagementDetails.greeting: new field", GREETING),
    Case("a new field in an answer that had no room for one", BREAKING, "Added",
         "EngagementDetails.greeting: new field", GREETING,
         schema("EngagementDetails", "additionalProperties", False)),
    Case("a new required answer field", ADDITIVE, "Added", "EngagementDetails.greeting: new field",
         GREETING.and_at(SCHEMAS, "EngagementDetails", "required", plus("greeting"))),
    Case("an answer field becomes optional", BREAKING, "Changed",
         "EngagementDetails/required: windowId is no longer required",
         schema("EngagementDetails", "required", without("windowId"))),
    Case("an answer field goes", BREAKING, "Removed", "EngagementDetails.skillName: field is gone",
         schema("EngagementDetails", "properties", "skillName", GONE)),
    Case("an answer field may be null, whose type others have too", BREAKING, "Changed",
         'NotAvailableSession.visitorId: type: string → ["string", "null"]',
         schema("NotAvailableSession", "properties", "visitorId", "nullable", True)),
    Case("an answer field is deprecated, but not its type", ADDITIVE, "Deprecated",
         "NotAvailableSession.visitorId/deprecated: is deprecated",
         schema("NotAvailableSession", "properties", "visitorId", "deprecated", True)),
    Case("an answer pattern is tightened", ADDITIVE, "Changed",
         "NumericId/then: pattern: ^[0-9]{1,19}$ → ^[0-9]{1,9}$",
         schema("NumericId", "then", "pattern", "^[0-9]{1,9}$")),
    Case("an answer pattern is loosened", BREAKING, "Changed", "NumericId/then: pattern: ^[0-9]{1,19}$ → ^[0-9]+$",
         schema("NumericId", "then", "pattern", "^[0-9]+$")),
    Case("a member of an answer union goes", ADDITIVE, "Removed",
         "ErrorAnswer/oneOf: WrappedErrorEntity is a member no more",
         schema("ErrorAnswer", "oneOf", without(component("WrappedErrorEntity")))),
    Case("an answer union gains a member", BREAKING, "Added", "Session/discriminator/mapping/Queued: new tag",
         QUEUED),
    Case("an answer range is widened", BREAKING, "Changed",
         "EngagementDetails.engagementRevision: minimum: -9223372036854775808 → -9223372036854775809",
         schema("EngagementDetails", "properties", "engagementRevision", "minimum", -(2**63) - 1)),
    Case("an answer range is narrowed", ADDITIVE, "Changed",
         "EngagementDetails.engagementRevision: minimum: -9223372036854775808 → 1",
         schema("EngagementDetails", "properties", "engagementRevision", "minimum", 1)),
    Case("an answer integer becomes a number", BREAKING, "Changed",
         "EngagementDetails.skillId: type: integer → number",
         schema("EngagementDetails", "properties", "skillId", "type", "number")),
    Case("what is sent and read takes less", BREAKING, "Changed", "PageId: minLength: 1 → 2",
         schema("PageId", "minLength", 2)),
    Case("what is sent and read takes more", BREAKING, "Changed", "PageId: minLength: 1 → 0",
         schema("PageId", "minLength", 0)),
    Case("a new error status", ADDITIVE, "Added", f"POST {FIRST} responses/429: answer 429",
         Edit(CREATE, "responses", "429", {"$ref": "#/components/responses/BadRequest"})),
    Case("a new status of success", BREAKING, "Added", f"POST {FIRST} responses/202: answer 202",
         Edit(CREATE, "responses", "202", {"description": "Later."})),
    Case("an error status goes", ADDITIVE, "Removed", f"POST {FIRST} responses/404: answer 404 is gone",
         Edit(CREATE, "responses", "404", GONE)),
    Case("a status of success goes", BREAKING, "Removed", f"POST {FIRST} responses/200: answer 200 is gone",
         Edit(CREATE, "responses", "200", GONE)),
    Case("an answer comes in no known format", BREAKING, "Removed",
         "Session/content/application/json: media type application/json is gone", Edit(SESSION, "content", as_cbor)),
    Case("an answer gains a header", ADDITIVE, "Added", "Session/headers/X-Trace: header X-Trace", HEADED),
    Case("an answer's header goes", BREAKING, "Removed", "Session/headers/X-Trace: header X-Trace is gone",
         Edit(SESSION, "headers", {}), HEADED),
]
OPERATIONS = [
    Case("a new operation", ADDITIVE, "Added", f"GET {FIRST}: operation listVisitors",
         Edit("paths", FIRST, "get", LISTING)),
    Case("an operation goes", BREAKING, "Removed", f"GET {DOMAIN}: operation findDomain is gone",
         Edit("paths", DOMAIN, GONE)),
    Case("an operation is called otherwise", BREAKING, "Changed",
         f"POST {FIRST}: operationId: createSession → startSession", Edit(CREATE, "operationId", "startSession")),
    Case("an operation moves to another tag", BREAKING, "Changed", f'POST {FIRST}: tags: ["Session"] → ["Domain"]',
         Edit(CREATE, "tags", ["Domain"])),
    Case("an operation is deprecated", ADDITIVE, "Deprecated", f"POST {FIRST} deprecated: is deprecated",
         Edit(CREATE, "deprecated", True)),
    Case("a parameter becomes required", BREAKING, "Changed", f"POST {LATER} parameters/0: is required now",
         parameters(NEEDED), parameters(TRACE)),
    Case("a parameter becomes optional", ADDITIVE, "Changed", f"POST {LATER} parameters/0: is optional now",
         parameters(TRACE), parameters(NEEDED)),
    Case("a new optional parameter", ADDITIVE, "Added",
         f"POST {LATER} parameters/1: new optional query parameter trace", parameters(OTHER, TRACE), parameters(OTHER)),
    Case("a new required parameter", BREAKING, "Added",
         f"POST {LATER} parameters/1: new required query parameter trace", parameters(OTHER, NEEDED),
         parameters(OTHER)),
    Case("a parameter is written in another style", BREAKING, "Changed",
         f"POST {LATER} parameters/0: style: form → spaceDelimited", parameters({**TRACE, "style": "spaceDelimited"}),
         parameters(TRACE)),
    Case("a parameter goes", BREAKING, "Removed", f"POST {LATER}: query parameter trace is gone",
         parameters(OTHER), parameters(OTHER, TRACE)),
    Case("a parameter's constant changes", BREAKING, "Removed", 'ApiVersion/schema/const: value "1.0" is gone',
         Edit("components", "parameters", "ApiVersion", "schema", "const", "2.0")),
    Case("a parameter's default changes", BREAKING, "Changed", f"POST {LATER} parameters/0/schema: default: a → b",
         parameters({**TRACE, "schema": {"type": "string", "default": "b"}}),
         parameters({**TRACE, "schema": {"type": "string", "default": "a"}})),
    Case("a link goes", BREAKING, "Removed", "Session/links/impClose: link impClose is gone",
         Edit(SESSION, "links", "impClose", GONE)),
    Case("a new link", ADDITIVE, "Added", "Session/links/again: link again",
         Edit(SESSION, "links", "again", {"operationId": "continueSession"})),
    Case("a link takes a value from elsewhere", BREAKING, "Changed",
         "Session/links/impClose/requestBody: pageId: $response.body#/pageId → $response.body#/sessionId",
         Edit(SESSION, "links", "impClose", "requestBody", "pageId", "$response.body#/sessionId")),
    Case("a link's field that is called description", BREAKING, "Changed",
         "Session/links/impClose/requestBody: description: nothing → $response.body#/pageId",
         Edit(SESSION, "links", "impClose", "requestBody", "description", "$response.body#/pageId")),
    Case("another server", BREAKING, "Changed", 'servers: ["https://{domain}"] → ["https://{domain}/v2"]',
         Edit("servers", 0, "url", "https://{domain}/v2")),
    Case("one more server", ADDITIVE, "Added", "servers: one more server",
         Edit("servers", plus({"url": "https://other"}))),
    Case("callers have to authenticate", BREAKING, "Security", 'security: [] → [{"key": []}]',
         Edit("security", SECURED).and_at("components", with_key)),
    Case("a schema is called otherwise", BREAKING, "Removed", "Gender: type is gone",
         schema("Sex", CONTRACT["components"]["schemas"]["Gender"]).and_at(SCHEMAS, "Gender", GONE)
         .and_at(SCHEMAS, "Personal", "properties", "gender", component("Sex"))),
    Case("a field's type loses its name", BREAKING, "Changed", "Personal.gender: type Gender → without a name",
         schema("Personal", "properties", "gender", CONTRACT["components"]["schemas"]["Gender"])),
]
POLICIES = [
    Case("another pause before a retry", BREAKING, "Changed",
         "x-retry-policies/documented: pausesInSeconds: [5, 10, 15] → [5, 10, 20]",
         Edit(POLICY, "pausesInSeconds", [5, 10, 20])),
    Case("fewer retries", BREAKING, "Changed", "x-retry-policies/documented: maxRetries: 3 → 2",
         Edit(POLICY, "maxRetries", 2)),
    Case("other statuses are retried", BREAKING, "Changed",
         'x-retry-policies/documented: retryStatuses: ["5XX"] → ["5XX", 429]',
         Edit(POLICY, "retryStatuses", ["5XX", 429]), STATUSES),
    Case("fewer statuses are retried", BREAKING, "Changed",
         'x-retry-policies/documented: retryStatuses: ["5XX"] → [500, 503]',
         Edit(POLICY, "retryStatuses", [500, 503]), STATUSES),
    Case("the statuses are written in another form, which programs read", BREAKING, "Changed",
         'x-retry-policies/documented: retryStatuses: {"minimum": 500, "maximum": 599} → ["5XX"]',
         STATUSES, Edit(POLICY, "retryStatuses", {"minimum": 500, "maximum": 599})),
    silent("the statuses are listed in another order", Edit(POLICY, "retryStatuses", ["429", "5XX"]),
           Edit(POLICY, "retryStatuses", ["5XX", 429])),
    Case("another code means that an account is loading", BREAKING, "Changed",
         "x-retry-policies/documented/loadingAccount: internalCode: 20 → 21",
         Edit(POLICY, "loadingAccount", "internalCode", 21)),
    Case("a policy gains a second rhythm", BREAKING, "Changed",
         "x-retry-policies/documented: thirdRhythm: nothing → [900]", Edit(POLICY, "thirdRhythm", [900])),
    Case("a policy goes", BREAKING, "Removed", "x-retry-policies/patient: policy is gone",
         Edit("x-retry-policies", "patient", GONE), Edit("x-retry-policies", "patient", {"maxRetries": 9})),
    Case("a new policy that no operation names", ADDITIVE, "Added", "x-retry-policies/patient: new policy",
         Edit("x-retry-policies", "patient", {"maxRetries": 9})),
    Case("an operation names a policy with other numbers", BREAKING, "Changed",
         f"POST {FIRST} x-retry-policy: maxRetries: 3 → 9",
         Edit(CREATE, "x-retry-policy", "$ref", "#/x-retry-policies/patient"),
         Edit("x-retry-policies", "patient", {**CONTRACT["x-retry-policies"]["documented"], "maxRetries": 9})),
    Case("an operation follows no policy any more", BREAKING, "Changed",
         f"POST {FIRST} x-retry-policy: follows no retry policy any more", Edit(CREATE, "x-retry-policy", GONE)),
]
WORDS = [
    Case("the policy's text", DOCUMENTATION, "Changed", "x-retry-policies/documented/description: description",
         Edit(POLICY, "description", "Wait.")),
    Case("a schema's description", DOCUMENTATION, "Changed", "AppDetails/description: description",
         schema("AppDetails", "description", "Other words.")),
    Case("an operation's summary", DOCUMENTATION, "Changed", f"POST {FIRST} summary: summary",
         Edit(CREATE, "summary", "Other words")),
    Case("a link's description", DOCUMENTATION, "Changed", "Session/links/impClose/description: description",
         Edit(SESSION, "links", "impClose", "description", "Other words.")),
    Case("an example", DOCUMENTATION, "Changed", "CreateSession/content/application/json/examples: example",
         Edit(BODY, "content", JSON, "examples", "smallest", "value", "appType", "MSDK")),
]

INTEGER, NUMBER = {"type": "integer"}, {"type": "number"}
INT32, INT64 = {**INTEGER, "format": "int32"}, {**INTEGER, "format": "int64"}
FLOAT, DOUBLE = {**NUMBER, "format": "float"}, {**NUMBER, "format": "double"}
ONLY_A: Document = {"type": "string", "const": "a"}
A_OR_B: Document = {"type": "string", "enum": ["a", "b"]}
LISTED: Document = {"type": "array", "items": TEXT}
OBJECT: Document = {"type": "object", "properties": {"sku": TEXT}}
TEXTS: Document = {"type": "object", "additionalProperties": TEXT}
CLOSED: Document = {"type": "object", "additionalProperties": False}
GATES: Document = {"oneOf": [component("Gender"), component("Currency")]}
TAGGED: Document = {**GATES, "discriminator": {"propertyName": "type"}}


def texts(**more: object) -> Document:
    """Describe a text."""
    return {**TEXT, **more}


def named(*names: str) -> Document:
    """Name the values of an enum."""
    return {**A_OR_B, "x-enum-varnames": list(names)}


def sku(*required: str, **more: object) -> Document:
    """Describe an object with one field."""
    return {"type": "object", "required": list(required), "properties": {"sku": texts(**more)}}


def tagged(**mapping: str) -> Document:
    """Tell the members of a union apart by tags."""
    return {**GATES, "discriminator": {"propertyName": "type", "mapping": mapping}}


# What becomes of a field: of one that callers send, and of one that they read.
FIELDS = [
    *field("int64 → int32", INT64, INT32, BREAKING, BREAKING),
    *field("int32 → int64", INT32, INT64, BREAKING, BREAKING),
    *field("int64 → no format", INT64, INTEGER, BREAKING, BREAKING),
    *field("no format → int64", INTEGER, INT64, BREAKING, BREAKING),
    *field("double → no format", DOUBLE, NUMBER, BREAKING, BREAKING),
    *field("no format → double", NUMBER, DOUBLE, BREAKING, BREAKING),
    *field("double → float", DOUBLE, FLOAT, BREAKING, BREAKING),
    *field("float → double", FLOAT, DOUBLE, BREAKING, BREAKING),
    *field("no format → date-time", TEXT, texts(format="date-time"), BREAKING, BREAKING),
    *field("date-time → no format", texts(format="date-time"), TEXT, BREAKING, BREAKING),
    *field("date → date-time", texts(format="date"), texts(format="date-time"), BREAKING, BREAKING),
    *field("no format → uuid", TEXT, texts(format="uuid"), BREAKING, BREAKING),
    *field("ipv4 → no format", texts(format="ipv4"), TEXT, BREAKING, BREAKING),
    *field("ipv4 → ipv6", texts(format="ipv4"), texts(format="ipv6"), BREAKING, BREAKING),
    *field("a format nobody knows", TEXT, texts(format="colour"), BREAKING, BREAKING),
    *field("a text becomes bytes", TEXT, texts(contentEncoding="base64"), BREAKING, BREAKING),
    *field("bytes become a text", texts(contentMediaType="image/png"), TEXT, BREAKING, BREAKING),
    *field("integer → number", INTEGER, NUMBER, BREAKING, BREAKING),
    *field("number → integer", NUMBER, INTEGER, BREAKING, BREAKING),
    *field("one more type", TEXT, texts(type=["string", "integer"]), BREAKING, BREAKING),
    *field("one type less", texts(type=["string", "integer"]), TEXT, BREAKING, BREAKING),
    *field("a type at last", {}, {"type": "string"}, BREAKING, BREAKING),
    *field("no type any more", {"type": "string"}, {}, BREAKING, BREAKING),
    *field("a type in a list", TEXT, texts(type=["string"]), DOCUMENTATION, DOCUMENTATION),
    *field("null is a value now", TEXT, texts(type=["string", "null"]), ADDITIVE, BREAKING),
    *field("null is no value any more", texts(type=["string", "null"]), TEXT, BREAKING, ADDITIVE),
    *field("nullable", TEXT, texts(nullable=True), ADDITIVE, BREAKING),
    *field("no longer nullable", texts(nullable=True), TEXT, BREAKING, ADDITIVE),
    *field("nullable beside a union", GATES, {**GATES, "nullable": True}, ADDITIVE, BREAKING),
    *field("nullable, said of what is not", TEXT, texts(nullable=False), None, None),
    *field("nullable in the words of 3.1", texts(nullable=True), texts(type=["string", "null"]), None, None),
    *field("a union gains null", {"anyOf": [TEXT, INTEGER]}, {"anyOf": [TEXT, INTEGER, {"type": "null"}]},
           ADDITIVE, BREAKING),
    *field("a union loses null", {"anyOf": [TEXT, INTEGER, {"type": "null"}]}, {"anyOf": [TEXT, INTEGER]},
           BREAKING, ADDITIVE),
    *field("a default is added", TEXT, texts(default="a"), ADDITIVE, ADDITIVE),
    *field("a default is changed", texts(default="a"), texts(default="b"), BREAKING, BREAKING),
    *field("a default goes", texts(default="a"), TEXT, BREAKING, BREAKING),
    *field("deprecated", TEXT, texts(deprecated=True), ADDITIVE, ADDITIVE),
    *field("no longer deprecated", texts(deprecated=True), TEXT, ADDITIVE, ADDITIVE),
    *field("not deprecated, said aloud", TEXT, texts(deprecated=False), None, None),
    *field("a field is for answers only", sku(), sku(readOnly=True), BREAKING, ADDITIVE),
    *field("a field is no longer for answers only", sku(readOnly=True), sku(), ADDITIVE, ADDITIVE),
    *field("a required field is no longer for answers only", sku("sku", readOnly=True), sku("sku"),
           BREAKING, ADDITIVE),
    *field("a new required field, for answers only", {**OBJECT, "properties": {}}, sku("sku", readOnly=True),
           ADDITIVE, ADDITIVE),
    *field("a field is for requests only", sku(), sku(writeOnly=True), ADDITIVE, BREAKING),
    *field("a field is no longer for requests only", sku(writeOnly=True), sku(), ADDITIVE, ADDITIVE),
    *field("a new required field, for requests only", {**OBJECT, "properties": {}}, sku("sku", writeOnly=True),
           BREAKING, ADDITIVE),
    *field("for both, said aloud", sku(), sku(readOnly=False, writeOnly=False), None, None),
    *field("const → enum of one", ONLY_A, {"type": "string", "enum": ["a"]}, BREAKING, BREAKING),
    *field("enum of one → const", {"type": "string", "enum": ["a"]}, ONLY_A, BREAKING, BREAKING),
    *field("another const", ONLY_A, {"type": "string", "const": "b"}, BREAKING, BREAKING),
    *field("a const at last", {"type": "string"}, ONLY_A, BREAKING, BREAKING),
    *field("no const any more", ONLY_A, {"type": "string"}, BREAKING, BREAKING),
    *field("an enum at last", {"type": "string"}, A_OR_B, BREAKING, BREAKING),
    *field("no enum any more", A_OR_B, {"type": "string"}, BREAKING, BREAKING),
    *field("an enum gains a value", A_OR_B, {**A_OR_B, "enum": ["a", "b", "c"]}, ADDITIVE, BREAKING),
    *field("an enum loses a value", {**A_OR_B, "enum": ["a", "b", "c"]}, A_OR_B, BREAKING, ADDITIVE),
    *field("an enum trades a value", A_OR_B, {**A_OR_B, "enum": ["a", "c"]}, BREAKING, BREAKING),
    *field("an enum in another order", A_OR_B, {**A_OR_B, "enum": ["b", "a"]}, None, None),
    *field("an enum gains null", A_OR_B, {"type": ["string", "null"], "enum": ["a", "b", None]}, ADDITIVE, BREAKING),
    *field("values get names", A_OR_B, named("A", "B"), BREAKING, BREAKING),
    *field("values trade names", named("A", "B"), named("B", "A"), BREAKING, BREAKING),
    *field("values in another order, but not their names", named("A", "B"), {**named("A", "B"), "enum": ["b", "a"]},
           BREAKING, BREAKING),
    *field("values and names in another order", named("A", "B"), {**named("B", "A"), "enum": ["b", "a"]}, None, None),
    *field("a named value is added", named("A", "B"), {**named("A", "B", "C"), "enum": ["a", "b", "c"]},
           ADDITIVE, BREAKING),
    *field("a named value goes", {**named("A", "B", "C"), "enum": ["a", "b", "c"]}, named("A", "B"),
           BREAKING, ADDITIVE),
    *field("a pattern is added", TEXT, texts(pattern="^a"), BREAKING, ADDITIVE),
    *field("a pattern goes", texts(pattern="^a"), TEXT, ADDITIVE, BREAKING),
    *field("a pattern is replaced", texts(pattern="^a"), texts(pattern="^b"), BREAKING, BREAKING),
    *field("multipleOf is added", INTEGER, {**INTEGER, "multipleOf": 2}, BREAKING, ADDITIVE),
    *field("multipleOf goes", {**INTEGER, "multipleOf": 2}, INTEGER, ADDITIVE, BREAKING),
    *field("multipleOf 2 → 4", {**INTEGER, "multipleOf": 2}, {**INTEGER, "multipleOf": 4}, BREAKING, ADDITIVE),
    *field("multipleOf 4 → 2", {**INTEGER, "multipleOf": 4}, {**INTEGER, "multipleOf": 2}, ADDITIVE, BREAKING),
    *field("multipleOf 2 → 3", {**INTEGER, "multipleOf": 2}, {**INTEGER, "multipleOf": 3}, BREAKING, BREAKING),
    *field("multipleOf 0.3 → 0.1", {**NUMBER, "multipleOf": 0.3}, {**NUMBER, "multipleOf": 0.1}, ADDITIVE, BREAKING),
    *field("multipleOf 0.1 → 0.3", {**NUMBER, "multipleOf": 0.1}, {**NUMBER, "multipleOf": 0.3}, BREAKING, ADDITIVE),
    *field("an open end, in the words of 3.0", {**NUMBER, "maximum": 5, "exclusiveMaximum": True},
           {**NUMBER, "exclusiveMaximum": 5}, None, None),
    *field("an open end is closed", {**NUMBER, "maximum": 5, "exclusiveMaximum": True},
           {**NUMBER, "maximum": 5, "exclusiveMaximum": False}, BREAKING, BREAKING),
    *field("a length that says nothing", TEXT, texts(minLength=0), None, None),
    *field("a list without repetitions", LISTED, {**LISTED, "uniqueItems": True}, BREAKING, ADDITIVE),
    *field("a list with repetitions", {**LISTED, "uniqueItems": True}, LISTED, ADDITIVE, BREAKING),
    *field("a list with repetitions, said aloud", LISTED, {**LISTED, "uniqueItems": False, "minItems": 0}, None, None),
    *field("the items' format", {**LISTED, "items": INT64}, {**LISTED, "items": INT32}, BREAKING, BREAKING),
    *field("an object is closed", OBJECT, {**OBJECT, "additionalProperties": False}, BREAKING, ADDITIVE),
    *field("an object is opened", {**OBJECT, "additionalProperties": False}, OBJECT, ADDITIVE, BREAKING),
    *field("an open object, said aloud", OBJECT, {**OBJECT, "additionalProperties": True}, None, None),
    *field("an open object, said otherwise", {**OBJECT, "additionalProperties": True},
           {**OBJECT, "additionalProperties": {}}, None, None),
    *field("other fields get a type", {"type": "object"}, TEXTS, BREAKING, BREAKING),
    *field("other fields lose their type", TEXTS, {**TEXTS, "additionalProperties": True},
           BREAKING, BREAKING),
    *field("other fields get another type", TEXTS, {**TEXTS, "additionalProperties": texts(type="integer")},
           BREAKING, BREAKING),
    *field("other fields grow", {**TEXTS, "additionalProperties": texts(maxLength=5)}, TEXTS, ADDITIVE, BREAKING),
    *field("a dictionary is closed", TEXTS, CLOSED, BREAKING, BREAKING),
    *field("a closed object becomes a dictionary", CLOSED, TEXTS, ADDITIVE, BREAKING),
    *field("something is excluded", TEXT, texts(**{"not": {"const": "a"}}), BREAKING, ADDITIVE),
    *field("nothing is excluded any more", texts(**{"not": {"const": "a"}}), TEXT, ADDITIVE, BREAKING),
    *field("an extension is added", TEXT, texts(**{"x-unit": "s"}), BREAKING, BREAKING),
    *field("an extension goes", texts(**{"x-unit": "s"}), TEXT, BREAKING, BREAKING),
    *field("patternProperties, which may exempt from other rules", OBJECT, {**OBJECT, "patternProperties": {"a": {}}},
           BREAKING, BREAKING),
    *field("a type becomes a union", {"type": "string"}, {"anyOf": [TEXT, INTEGER]}, BREAKING, BREAKING),
    *field("a constraint of many ways", OBJECT, {**OBJECT, "anyOf": [{"required": ["sku"]}]}, BREAKING, BREAKING),
    *field("a part is added", {"allOf": [OBJECT]}, {"allOf": [OBJECT, sku("sku")]}, BREAKING, ADDITIVE),
    *field("a part goes", {"allOf": [OBJECT, CLOSED]}, {"allOf": [OBJECT]}, BREAKING, BREAKING),
    *field("all parts go", {"type": "object", "allOf": [OBJECT]}, {"type": "object"}, BREAKING, BREAKING),
    *field("a union in another order", GATES, {"oneOf": GATES["oneOf"][::-1]}, None, None),
    *field("members get tags", GATES, TAGGED, ADDITIVE, ADDITIVE),
    *field("members lose their tags", TAGGED, GATES, BREAKING, BREAKING),
    *field("members are told apart by another field", TAGGED, {**GATES, "discriminator": {"propertyName": "kind"}},
           BREAKING, BREAKING),
    *field("a tag is added", tagged(g="Gender"), tagged(g="Gender", c="Currency"), ADDITIVE, BREAKING),
    *field("a tag goes", tagged(g="Gender", c="Currency"), tagged(g="Gender"), BREAKING, ADDITIVE),
    *field("a tag leads elsewhere", tagged(g="Gender"), tagged(g="Currency"), BREAKING, BREAKING),
    *field("a tag leads to a full name", tagged(g="Gender"), tagged(g="#/components/schemas/Gender"), None, None),
    *field("tags that go without saying", TAGGED, tagged(Gender="Gender", Currency="Currency"), None, None),
    *field("an extension of a discriminator", TAGGED, {**GATES, "discriminator": {"propertyName": "type", "x-a": 1}},
           BREAKING, BREAKING),
    *field("a type's title", {**OBJECT, "title": "Old"}, {**OBJECT, "title": "New"}, BREAKING, BREAKING),
    *field("a text's title", texts(title="Old"), texts(title="New"), DOCUMENTATION, DOCUMENTATION),
    *field("a text's name", component("Currency"), CONTRACT["components"]["schemas"]["Currency"], None, None),
    *field("an enum's name", component("Gender"), CONTRACT["components"]["schemas"]["Gender"], BREAKING, BREAKING),
]


def traced(name: str, effect: Effect | None, old: Document, new: Document) -> Case:
    """Change a parameter."""
    before, after = (
        {key: value for key, value in {**TRACE, **parts}.items() if value is not GONE} for parts in (old, new)
    )
    return Case(name, effect, "", "", parameters(after), parameters(before))


def moved_down(paths: Document) -> Document:
    """Repeat the parameters of each path in its operations."""
    return {
        path: {
            method: {**operation, "parameters": [*operation.get("parameters", []), *item.get("parameters", [])]}
            for method, operation in item.items()
            if method != "parameters"
        }
        for path, item in paths.items()
    }


def moved_up(paths: Document) -> Document:
    """Say once, of each path, which parameters all of its operations have."""
    found: Document = {}
    for path, item in moved_down(paths).items():
        lists = [operation["parameters"] for operation in item.values()]
        shared = [one for one in lists[0] if all(one in others for others in lists)]
        own = {method: {**part, "parameters": without(*shared)(part["parameters"])} for method, part in item.items()}
        found[path] = {"parameters": shared, **own}
    return found


def backwards(paths: Document) -> Document:
    """Write what operations consist of in the opposite order."""
    return {
        path: {key: dict(reversed(part.items())) if key in METHODS else part for key, part in item.items()}
        for path, item in paths.items()
    }


def inlined(value: Any, kinds: tuple[str, ...] = ("parameters", "requestBodies", "responses")) -> Any:
    """Write out what is referred to, unless it is a schema."""
    if isinstance(value, list):
        return [inlined(part) for part in cast(list[object], value)]
    if not isinstance(value, dict):
        return value
    kind, name = cast(Document, value).get("$ref", "/").split("/")[-2:]
    found = CONTRACT["components"][kind][name] if kind in kinds else cast(Document, value)
    return {key: inlined(part) for key, part in found.items()}


def header(**header: object) -> Edit:
    """Give an answer a header."""
    return Edit(SESSION, "headers", {"X-Trace": {"description": "A trace.", "schema": {"type": "string"}, **header}})


def answers(**statuses: object) -> Edit:
    """Give an operation these answers beside 200 and 400, as `_500`."""
    first = {"200": ref("Session"), "400": ref("BadRequest")}
    return Edit(CREATE, "responses", {**first, **{name.removeprefix("_"): answer for name, answer in statuses.items()}})


def ref(name: str) -> Document:
    """Refer to an answer."""
    return {"$ref": f"#/components/responses/{name}"}


def host(**variable: object) -> Edit:
    """Describe the variable of the server."""
    return Edit("servers", 0, "variables", "domain", {"default": "a", **variable})


def secured(*ways: Document) -> Edit:
    """Let callers authenticate in these ways."""
    return Edit("security", list(ways)).and_at("components", with_key)


QUERY = {"schema": {"type": "string"}}
AS_JSON: Document = {"schema": GONE, "content": {JSON: QUERY}}
KEY: Document = {"key": []}
OWN_HOST = [{"url": "https://other"}]
FAILED = ref("InternalError")
TOLD = {"description": "Told.", "content": {JSON: {"schema": {"type": "string"}}}}
PATH: Place = ("paths", FIRST)
WIRE = [
    traced("a query's style, said aloud", None, {}, {"style": "form", "explode": True, "required": False}),
    traced("all flags, said aloud", None, {}, {"allowReserved": False, "allowEmptyValue": False, "deprecated": False}),
    traced("lists are written in one", BREAKING, {}, {"explode": False}),
    traced("lists are written one by one", BREAKING, {"explode": False}, {}),
    traced("a list's style implies how it is written", BREAKING, {"style": "form"}, {"style": "spaceDelimited"}),
    traced("reserved characters are sent as they are", BREAKING, {}, {"allowReserved": True}),
    traced("reserved characters are escaped", BREAKING, {"allowReserved": True}, {}),
    traced("an empty value is accepted", ADDITIVE, {}, {"allowEmptyValue": True}),
    traced("an empty value is refused", BREAKING, {"allowEmptyValue": True}, {}),
    traced("a query becomes a header", BREAKING, {}, {"in": "header"}),
    traced("a parameter is deprecated", ADDITIVE, {}, {"deprecated": True}),
    traced("a parameter's default is added", ADDITIVE, {}, {"schema": {"type": "string", "default": "a"}}),
    traced("a parameter's default goes", BREAKING, {"schema": {"type": "string", "default": "a"}}, {}),
    traced("a parameter's format", BREAKING, {"schema": INT64}, {"schema": INT32}),
    traced("a parameter takes null", ADDITIVE, {}, {"schema": {"type": ["string", "null"]}}),
    traced("a parameter is written as JSON", BREAKING, {}, AS_JSON),
    traced("a parameter of any type is written as JSON", BREAKING, {"schema": {}}, AS_JSON),
    traced("a parameter is no longer written as JSON", BREAKING, AS_JSON, {}),
    traced("a parameter is written as CBOR", BREAKING, AS_JSON,
           {"schema": GONE, "content": {"application/cbor": QUERY}}),
    traced("an extension of a parameter", BREAKING, {}, {"x-unit": "s"}),
    traced("a parameter's words", DOCUMENTATION, {}, {"description": "Words.", "example": "a"}),
    silent("parameters in another order", parameters(TRACE, {**TRACE, "name": "b"}),
           parameters({**TRACE, "name": "b"}, TRACE)),
    silent("parameters move from paths to operations", Edit("paths", moved_down), Edit("paths", moved_up)),
    silent("parameters move from operations to paths", Edit("paths", moved_up), Edit("paths", moved_down)),
    silent("parameters, bodies and answers are written out", Edit("paths", inlined)),
    silent("parameters, bodies and answers are referred to", Edit("paths", CONTRACT["paths"]), Edit("paths", inlined)),
    silent("parameters move and are written out", Edit("paths", inlined(moved_down(CONTRACT["paths"]))),
           Edit("paths", moved_up)),
    silent("a header's style, said aloud", header(style="simple", explode=False, required=False), header()),
    silent("a header is referred to", Edit(SESSION, "headers", {"X-Trace": {"$ref": "#/components/headers/Trace"}})
           .and_at("components", "headers", {"Trace": {**QUERY, "description": "A trace."}}), header()),
    Case("a header is always there", ADDITIVE, "Changed", "Session/headers/X-Trace: is required now",
         header(required=True), header()),
    Case("a header may be missing", BREAKING, "Changed", "Session/headers/X-Trace: is optional now", header(),
         header(required=True)),
    Case("a header's format", BREAKING, "Changed", "Session/headers/X-Trace/schema: format: int64 → int32",
         header(schema=INT32), header(schema=INT64)),
    Case("a header is written in another style", BREAKING, "Changed", "Session/headers/X-Trace: explode: false → true",
         header(explode=True), header()),
    Case("a header is written as JSON", BREAKING, "", "",
         Edit(SESSION, "headers", "X-Trace", {"content": {JSON: QUERY}}), header()),
    Case("a request may no longer come in a format", BREAKING, "Removed",
         "CreateSession/content/application/cbor: media type application/cbor is gone",
         Edit(BODY, "content", "application/cbor", GONE), Edit(BODY, "content", "application/cbor", QUERY)),
    Case("an answer may come in another format", ADDITIVE, "Added",
         "Session/content/application/cbor: media type application/cbor",
         Edit(SESSION, "content", "application/cbor", QUERY)),
    Case("two errors become a range", ADDITIVE, "Added", f"POST {FIRST} responses/5XX: answer 5XX",
         answers(_5XX=FAILED), answers(_500=FAILED, _503=FAILED)),
    Case("an error with another body becomes part of a range", BREAKING, "", "",
         answers(_5XX=TOLD), answers(_500=FAILED)),
    Case("a range becomes one error", ADDITIVE, "Removed", f"POST {FIRST} responses/5XX: answer 5XX is gone",
         answers(_503=FAILED), answers(_5XX=FAILED)),
    silent("an error of a range is described by itself", answers(_503=FAILED, _5XX=FAILED), answers(_5XX=FAILED)),
    Case("an error of a range gets a body of its own", BREAKING, "", "",
         answers(_503=TOLD, _5XX=FAILED), answers(_5XX=FAILED)),
    Case("all other answers", ADDITIVE, "Added", f"POST {FIRST} responses/default: answer default",
         answers(default=FAILED), answers()),
    Case("a new status of success, where there is a default", BREAKING, "Added",
         f"POST {FIRST} responses/202: answer 202", answers(_202=FAILED, default=FAILED), answers(default=FAILED)),
    Case("success becomes a range", BREAKING, "Added", f"POST {FIRST} responses/2XX: answer 2XX",
         Edit(CREATE, "responses", {"2XX": ref("Session")}), Edit(CREATE, "responses", {"200": ref("Session")})),
    Case("a range of success becomes one status", BREAKING, "Removed",
         f"POST {FIRST} responses/2XX: answer 2XX is gone",
         Edit(CREATE, "responses", {"200": ref("Session")}), Edit(CREATE, "responses", {"2XX": ref("Session")})),
    Case("the host is one of a list", BREAKING, "Changed", 'servers/variables/domain: enum: nothing → ["a"]',
         host(enum=["a"]), host()),
    Case("the host may be one more", ADDITIVE, "Changed", 'servers/variables/domain: enum: ["a"] → ["b", "a"]',
         host(enum=["b", "a"]), host(enum=["a"])),
    Case("the host may be one less", BREAKING, "Changed", 'servers/variables/domain: enum: ["a", "b"] → ["a"]',
         host(enum=["a"]), host(enum=["a", "b"])),
    Case("the host may be any", ADDITIVE, "Changed", 'servers/variables/domain: enum: ["a"] → nothing',
         host(), host(enum=["a"])),
    Case("another host if none is named", BREAKING, "Changed", "servers/variables/domain: default: a → b",
         host(default="b"), host()),
    Case("words about the host", DOCUMENTATION, "Changed", "servers/variables/domain/description: description",
         host(description="Words."), host()),
    Case("a server goes", BREAKING, "", "", Edit("servers", CONTRACT["servers"]),
         Edit("servers", plus({"url": "https://b"}))),
    Case("servers in another order", BREAKING, "", "", Edit("servers", [{"url": "https://b"}, *CONTRACT["servers"]]),
         Edit("servers", plus({"url": "https://b"}))),
    Case("an operation gets a server of its own", BREAKING, "", "", Edit(CREATE, "servers", OWN_HOST)),
    Case("an operation's own server goes", BREAKING, "", "", Edit("paths", DOMAIN, "get", "servers", GONE)),
    silent("an operation names the server that it has", Edit(CREATE, "servers", CONTRACT["servers"])),
    silent("an operation's server moves to its path", Edit(PATH, "servers", OWN_HOST).and_at(CREATE, "servers", GONE),
           Edit(CREATE, "servers", OWN_HOST)),
    Case("a request enum gains a value, where answers stand first", ADDITIVE, "Added",
         'AppDetails.probe/enum: value "c"', schema(*SENT, "enum", plus("c")),
         schema(*SENT, A_OR_B).and_at("paths", backwards)),
    silent("a path's server moves to its operation", Edit(PATH, "servers", GONE).and_at(CREATE, "servers", OWN_HOST),
           Edit(PATH, "servers", OWN_HOST)),
    silent("the host that serves the contract, said aloud", Edit("servers", [{"url": "/"}]), Edit("servers", [])),
    silent("no security, said otherwise", Edit("security", GONE)),
    silent("no security, said of an operation", Edit(CREATE, "security", [])),
    Case("no authentication is needed any more", ADDITIVE, "", "", Edit("security", []), secured(KEY)),
    Case("authentication is optional", ADDITIVE, "", "", secured(KEY, {}), secured(KEY)),
    Case("authentication is no longer optional", BREAKING, "", "", secured(KEY), secured(KEY, {})),
    Case("one more way to authenticate", ADDITIVE, "Security", "security: one more way in", secured(KEY, {"b": []}),
         secured(KEY)),
    Case("one way to authenticate less", BREAKING, "", "", secured(KEY), secured(KEY, {"b": []})),
    silent("ways to authenticate in another order", secured({"b": []}, KEY), secured(KEY, {"b": []})),
    Case("another scope is needed", BREAKING, "", "", secured({"key": ["write"]}), secured({"key": ["read"]})),
    Case("an operation has to authenticate", BREAKING, "", "", Edit(CREATE, "security", [KEY])),
    Case("a new way to authenticate that nothing names", ADDITIVE, "Added", "key: security scheme key",
         Edit("components", with_key)),
    Case("words about a key", DOCUMENTATION, "Changed", "key/description: description",
         Edit("components", "securitySchemes", "key", "description", "Words."), Edit("components", with_key)),
    Case("a key goes elsewhere", BREAKING, "Changed", "key: in: header → query",
         Edit("components", "securitySchemes", "key", "in", "query"), Edit("components", with_key)),
    Case("an extension of an operation", BREAKING, "", "", Edit(CREATE, "x-unit", "s")),
    Case("an operation names another policy of the same numbers", DOCUMENTATION, "Changed",
         f"POST {FIRST} x-retry-policy: names another policy",
         Edit(CREATE, "x-retry-policy", CONTRACT["x-retry-policies"]["documented"])),
]
# fmt: on
CASES = [*REQUESTS, *ANSWERS, *OPERATIONS, *POLICIES, *WORDS, *FIELDS, *WIRE]


def found_by(case: Case) -> list[Change]:
    """Compare the contracts before and after a case."""
    base = case.base.of(CONTRACT) if case.base else CONTRACT
    return changes(base, case.edit.of(base))


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_change_is_known_for_what_it_does(case: Case) -> None:
    """The gravest effect, the line that says why, and the heading in the changelog are those of the table."""
    found = found_by(case)
    assert worst(found) is case.effect, found
    if not case.line:
        return
    lines = {f"{change.place}: {change.text}": change for change in found if change.effect is case.effect}
    assert case.line in lines, list(lines)
    assert lines[case.line].heading == case.heading


def test_the_cases_tell_the_effects_apart() -> None:
    """Every effect is expected somewhere, and the table is as long as it has to be."""
    assert len({case.name for case in CASES}) == len(CASES) >= 25
    assert {case.effect for case in CASES} == {*Effect, None}


def test_the_same_contract_has_no_changes() -> None:
    """Nothing is found where nothing is."""
    assert changes(CONTRACT, deepcopy(CONTRACT)) == []


def places(value: Any, place: Place = ()) -> Iterator[Place]:
    """Each scalar of the contract that is not within an example."""
    if isinstance(value, dict | list):
        members: Any = value.items() if isinstance(value, dict) else enumerate(value)  # pyright: ignore
        for key, member in members:
            if key not in {"example", "examples"}:
                yield from places(member, (*place, key))
    else:
        yield place


def otherwise(value: Any) -> Any:
    """Give another value of the same type."""
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int) else f"{value or ''}x"


@pytest.mark.parametrize("part", range(4))
def test_no_change_goes_unnoticed(part: int) -> None:
    """Whatever single value of the contract is changed: words are found to be words, all else to be more."""
    unnoticed: list[Place] = []
    document: Document = deepcopy(CONTRACT)
    for place in list(places(CONTRACT))[part::4]:
        # Another reference or tag is no change of a value; the table has them.
        if place[-1] in {"$ref", "version"} or "mapping" in place:
            continue
        target: Any = document
        for key in place[:-1]:
            target = target[key]
        before, target[place[-1]] = target[place[-1]], otherwise(target[place[-1]])
        effect = worst(changes(CONTRACT, document))
        target[place[-1]] = before
        words = {"description", "summary", "externalDocs", "x-sensitive"}
        is_words = words & {*place[-2:]} or place[0] in {"info", "tags"}
        if effect is None or bool(is_words) is not (effect is DOCUMENTATION):
            unnoticed.append(place)
    assert unnoticed == []


# The command


def run(*arguments: str | Path, root: Path = ROOT, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run the program behind scripts/contract-diff."""
    command = [sys.executable, str(root / "scripts/lib/contract_diff.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def written(directory: Path, name: str, document: Document, version: str = "1.0.0") -> Path:
    """Write a contract of some version."""
    path = directory / name
    path.write_text(json.dumps({**document, "info": {**document["info"], "version": version}}), encoding="utf-8")
    return path


PAUSE = Edit(POLICY, "pausesInSeconds", [5, 10, 20]).of(CONTRACT)
BATTERY = schema("AppDetails", "properties", "battery", TEXT).of(CONTRACT)
REWORDED = schema("AppDetails", "description", "Other words.").of(CONTRACT)


@pytest.mark.parametrize(
    ("document", "old", "new", "status", "needed"),
    [
        (PAUSE, "1.4.2", "1.4.2", 1, "2.0.0"),
        (PAUSE, "1.4.2", "1.5.0", 1, "2.0.0"),
        (PAUSE, "1.4.2", "2.0.0", 0, "2.0.0"),
        (PAUSE, "1.4.2", "2.0.0-rc.1", 0, "2.0.0"),
        (PAUSE, "0.4.2", "0.4.3", 1, "0.5.0"),
        (PAUSE, "0.4.2", "0.5.0", 0, "0.5.0"),
        (PAUSE, "0.4.2", "1.0.0", 0, "0.5.0"),
        (BATTERY, "1.4.2", "1.4.2", 0, "1.5.0"),
        (BATTERY, "0.4.2", "0.4.2", 0, "0.4.3"),
        (REWORDED, "1.4.2", "1.4.2", 0, "1.4.3"),
        (CONTRACT, "1.4.2", "1.4.2", 0, "1.4.2"),
    ],
)
def test_a_breaking_change_needs_a_version_that_says_so(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    document: Document,
    old: str,
    new: str,
    status: int,
    needed: str,
) -> None:
    """The major number has to rise, below 1.0.0 the minor one; nothing else stops a release."""
    base, contract = written(tmp_path, "old.json", CONTRACT, old), written(tmp_path, "new.json", document, new)
    assert contract_diff.main([str(base), "--contract", str(contract), "--json"]) == status
    said = json.loads(capsys.readouterr().out)
    assert (said["acceptable"], said["contract"]["neededVersion"]) == (status == 0, needed)


def test_people_are_told_where_what_and_why(tmp_path: Path) -> None:
    """The line in the file, the change, the reason, the changelog's draft and the verdict; and no colours in a file."""
    text = CONTRACT_FILE.read_text(encoding="utf-8").replace(
        "pausesInSeconds: [5, 10, 15]", "pausesInSeconds: [5, 10, 20]"
    )
    contract = tmp_path / "new.yaml"
    contract.write_text(text.replace("        osVersion:\n", "        osRelease:\n", 1), encoding="utf-8")
    done = run(CONTRACT_FILE, "--contract", contract)
    assert done.returncode == 1, done.stderr
    line = text[: text.index("pausesInSeconds: [")].count("\n") + 1
    pause = "x-retry-policies/documented  pausesInSeconds: [5, 10, 15] → [5, 10, 20]"
    assert f"new.yaml:{line}  {pause}\n    clients that follow the released policy" in done.stdout
    assert "callers send it (request of createSession, request of continueSession)" in done.stdout
    draft = done.stdout[done.stdout.index("### Added") :]
    headings = re.findall(r"^### (\w+)\n\n- (\*\*Breaking:\*\* )?`([^`]+)`", draft, re.MULTILINE)
    assert headings == [
        ("Added", "", "AppDetails.osRelease"),
        ("Changed", "**Breaking:** ", "x-retry-policies/documented"),
        ("Removed", "**Breaking:** ", "AppDetails.osVersion"),
    ]
    assert done.stdout.rstrip().endswith("raise its major number, to 2.0.0.")
    assert "\x1b" not in done.stdout


def test_a_terminal_gets_colours(tmp_path: Path) -> None:
    """Breaking changes stand out."""
    contract = written(tmp_path, "new.json", PAUSE)
    keeper, terminal = pty.openpty()
    command = [
        sys.executable,
        str(ROOT / "scripts/lib/contract_diff.py"),
        str(CONTRACT_FILE),
        "--contract",
        str(contract),
    ]
    environment = {key: value for key, value in os.environ.items() if key not in {"NO_COLOR", "TERM"}}
    with subprocess.Popen(command, stdout=terminal, env={**environment, "TERM": "xterm"}) as process:
        os.close(terminal)
        shown = b""
        while chunk := _read(keeper):
            shown += chunk
    os.close(keeper)
    assert process.returncode == 1
    assert b"\x1b[1;31mBreaking (1)" in shown


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # How Linux says that the other end is closed.
        return b""


@pytest.mark.parametrize(
    ("base", "reason"),
    [
        ("nowhere", "git show"),
        ("{directory}/broken.yaml", "broken.yaml:2: while parsing"),
        ("{directory}/dangling.json", "leads nowhere"),
        ("{directory}/unversioned.json", "info.version one is not a semantic version"),
    ],
)
def test_a_base_that_cannot_be_read_is_no_success(tmp_path: Path, base: str, reason: str) -> None:
    """The status is neither that of a good contract nor that of a breaking one, and one line says why."""
    (tmp_path / "broken.yaml").write_text("[", encoding="utf-8")
    written(tmp_path, "unversioned.json", CONTRACT, "one")
    written(tmp_path, "dangling.json", schema("Gender", GONE).of(CONTRACT))
    done = run(base.format(directory=tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert reason in done.stderr
    assert "Traceback" not in done.stderr


# The last release


def git(root: Path, *arguments: str) -> None:
    """Run git as somebody, whoever runs the tests."""
    somebody = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *somebody, *arguments], cwd=root, check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Make a repository of the contract and the program, of one commit, without a release."""
    root = tmp_path / "checkout"
    root.mkdir()
    shutil.copytree(ROOT / "scripts/lib", root / "scripts/lib", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(CONTRACT_FILE, root)
    git(root, "init", "--quiet")
    commit(root)
    return root


def commit(root: Path) -> None:
    """Commit everything."""
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "A contract")


def release(root: Path, document: Document, contract_version: str, tag: str) -> None:
    """Commit a contract and tag it."""
    written(root, "openapi.yaml", document, contract_version)
    commit(root)
    git(root, "tag", tag)


def test_before_the_first_release_everything_may_change(checkout: Path) -> None:
    """Nobody holds an older contract."""
    done = run(root=checkout)
    assert done.returncode == 0
    assert "Nothing has been released" in done.stdout


def test_the_newest_release_is_what_is_compared_with(checkout: Path) -> None:
    """It is the highest version among the tags of releases, not the last by name; candidates don't count."""
    release(checkout, BATTERY, "1.0.0", "v0.9.0")
    release(checkout, CONTRACT, "1.1.0", "v0.10.0")
    release(checkout, BATTERY, "1.2.0", "v0.11.0-rc1")
    written(checkout, "openapi.yaml", PAUSE, "1.1.0")
    done = run(root=checkout)
    assert done.stdout.startswith("v0.10.0:openapi.yaml 1.1.0 → openapi.yaml 1.1.0")
    assert done.returncode == 1


def test_any_revision_can_be_the_base(checkout: Path) -> None:
    """A branch, a commit, an older release."""
    release(checkout, BATTERY, "1.0.0", "v0.9.0")
    done = run("HEAD~1", "--json", root=checkout)
    assert [change["place"] for change in json.loads(done.stdout)["changes"]] == ["AppDetails.battery"]


def test_a_shallow_clone_says_how_to_get_the_releases(checkout: Path, tmp_path: Path) -> None:
    """Nobody can tell from it whether there has been a release; the one command that it names helps."""
    release(checkout, CONTRACT, "1.0.0", "v0.9.0")
    release(checkout, PAUSE, "1.0.0", "untagged")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", "--depth", "1", "--no-tags", f"file://{checkout}", str(clone))
    done = run(root=clone)
    assert done.returncode == 2
    command = done.stderr.strip().rpartition("Fetch them: ")[2]
    subprocess.run(command, shell=True, cwd=clone, check=True, capture_output=True)  # noqa: S602 - as a person would
    assert run(root=clone).returncode == 1
