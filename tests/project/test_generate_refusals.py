"""What cannot work, or cannot be rendered, is refused before anything is generated: file, line and reason."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contract import ContractError
from contract_tools import CONTRACT, GONE, TEXT, edited, place_of
from generate import checked, problems

SESSION = "responses Session links"
EVENT = f"{SESSION} impClose requestBody impAttributes 0"
AGAIN = f"{SESSION} continueSession"
LOADING = "policy loadingAccount"
NUMBER = "CartAttribute properties numItems"
WORDS = "SearchAttribute properties keywords"
SID = "continueSession parameters 2"
LEAD = "LeadAttribute properties lead"
UPDATED = "updateSession responses 200"
BODY, TAGS, JSON = "requestBodies CreateSession content", "ImpressionEvent discriminator", "application/json"
CREATED = "requestBodies CreateSession content application/json examples"
PLAIN = {"text/plain": {"schema": {"type": "string"}}}
FOUND, LOOKUP = place_of("findDomain")[1], {"operationId": "findDomain"}
PHONE, LISTED = {"type": "string"}, {"type": "array", "items": {"type": "string"}}


def schema(name: str) -> dict[str, str]:
    """Refer to a schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def renamed(old: str, new: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Give a member another name."""
    return lambda members: {new if name == old else name: value for name, value in members.items()}


def as_json(value: Any) -> dict[str, Any]:
    """Describe an answer."""
    return {"description": "An answer.", "content": {JSON: {"schema": value}}}


# A place of the contract, what stands there instead, the place that is named (the same if empty), the reason.
REFUSED: list[tuple[str, Any, str, str]] = [
    ("AppDetails properties os $ref", "#/components/schemas/Os", "", r"\$ref #/components/schemas/Os leads nowhere"),
    ("continueSession parameters 1 $ref", "#/components/schemas/VisitorId", "", ".+ does not match .+/parameters/.+"),
    ("paths /moved", {"$ref": "#/paths/~1"}, "paths /moved $ref", r"\$ref #/paths/~1 leads nowhere"),
    ("UpdateSessionBody allOf 0 $ref", "#/components/schemas/UpdateSessionBody", "?", "a schema contains itself.+"),
    ("continueSession operationId", "create_session", "", "create_session and createSession are one name in Python"),
    ("findDomain operationId", GONE, "findDomain", '"operationId" is a required property'),
    ("parameters AccountId required", "yes", "", '"yes" is not of type "boolean"'),
    ("Age properties day minium", 1, "", "minium is not known here"),
    ("securty", [], "", "securty is not known here"),
    ("findDomain x-retry-policy", GONE, "findDomain", '"x-retry-policy" is a required property'),
    ("policy pausesInSeconds", [5, -10, 15], "policy pausesInSeconds 1", "-10 is less than the minimum of 0"),
    ("policy retryStatuses", [200], "policy retryStatuses 0", "200 is less than the minimum of 300"),
    (f"{LOADING} internalCode", GONE, LOADING, '"internalCode" is a required property'),
    # What contract.schema.yaml has for the templates
    ("CalendarDate additionalProperties", False, "", "true was expected"),
    (f"{WORDS} items", GONE, WORDS, '"items" is a required property'),
    (f"{WORDS} prefixItems", [PHONE], "", "prefixItems is not known here"),
    ("CustomerInfo properties imei format", "binary", "", '"binary" is not one of .+'),
    (f"{SID} in", "cookie", "", '"cookie" is not one of .+'),
    (SID, {"name": "sid", "in": "query", "content": PLAIN}, "", '"schema" is a required .+'),
    (SID, {"name": "Accept", "in": "header", "schema": PHONE}, f"{SID} name", '.+ is not allowed for "Accept"'),
    (BODY, PLAIN, "", '"application/json" is a required .+'),
    (f"{BODY} text/plain", {"schema": PHONE}, BODY, ".+ 1 .+"),
    ("updateSession responses", renamed("200", "2XX"), "updateSession responses 2XX", '.+ is not allowed for "2XX"'),
    ("ServiceStatus x-enum-varnames", ["A"], "", "must name each value of enum"),
    ("policy maxRetries", 5, "policy pausesInSeconds", "maxRetries is 5, but there are 3 pauses"),
    (f"{LOADING} status", 404, "", "404 is none of retryStatuses"),
    (f"{LOADING} visitorIdInMessage", "vid:(?<id>.+)", "", "no regular expression of Python.+"),
    (f"{LOADING} visitorIdInMessage", "(vid):(.+)", "", "needs one group, .+, not 2"),
    (f"{LOADING} operationId", "begin", "", "no operation is named begin"),
    (f"{LOADING} retryOperationId", "resume", "", "no operation is named resume"),
    (f"{LOADING} retryOperationId", "createSession", "", "createSession has no parameter visitorId .+"),
    ("paths", renamed(FOUND, f"{FOUND}/{{part}}"), "?", ".+ part is not declared"),
    ("paths", renamed(FOUND, f"{FOUND}/{{serviceName}}"), "?", ".+ path twice"),
    ("paths", renamed(FOUND, "/a/{accountId}"), "?", ".+ serviceName is not in the path"),
    ("findDomain parameters 2", {"$ref": "#/components/parameters/AccountId"}, "", "parameter accountId stands twice"),
    ("servers 0 variables", {"host": {"default": "a"}}, "servers 0 url", "variable domain is not declared"),
    ("responses Unauthorized content application/json examples unauthorized value time", GONE, "?", '.+"time" is .+'),
    (f"{CREATED} searchInfo value engagementAttributes 0 type", "search", "?", "breaks its schema: .+"),
    ("parameters AccountId example", "le-12", "", 'breaks its schema: "le-12" does not match .+'),
    ("parameters ApiVersion schema default", "2.0", "", 'breaks its schema: "1.0" was expected'),
    (f"{AGAIN} operationId", "resumeSession", "", "no operation is named resumeSession"),
    (f"{AGAIN} parameters page", "$response.body#/pageId", "", "continueSession takes no parameter page"),
    (f"{AGAIN} parameters visitorId", GONE, AGAIN, "continueSession needs the parameter visitorId"),
    (f"{AGAIN} parameters visitorId", "$response.body#/engagementDetails", "", "continueSession refuses it: .+"),
    (f"{EVENT} revision", GONE, EVENT, "updateSession refuses the body: .+ is a required property"),
    ("findDomain responses 200 links", {"a": {**LOOKUP, "requestBody": 1}}, "?", "findDomain takes no body"),
    (f"{EVENT} campaign", "$response.body#/engagementDetails/campaign", "", ".+/campaign leads nowhere"),
    (f"{AGAIN} parameters accountId", "$request.query.accountId", "", r"\$request.query.accountId leads nowhere"),
    # What the templates cannot render
    (f"{NUMBER} default", 1, "", "numItems has a default, which only a required const can have"),
    ("EngagementContext required", ["id"], "EngagementContext properties type default", "type has a default, .+"),
    ("CustomerInfo properties fromDict", PHONE, "", "fromDict is the name of a method of every model"),
    ("CustomerInfo properties store_number", PHONE, "", "store_number and storeNumber are one name in Python"),
    ("schemas Sequence", {"type": "object"}, "", "Sequence is a name that the generated models import"),
    ("Session discriminator", GONE, "Session oneOf", "without a discriminator each member needs .+"),
    (f"{TAGS} mapping impClose", GONE, TAGS, "the mapping must lead .+"),
    ("CloseImpression properties type", {"const": "shut"}, f"{TAGS} mapping impClose", "impClose is not the const .+"),
    ("CloseImpression required", ["campaign"], TAGS, "CloseImpression does not require type.+"),
    (LEAD, {"oneOf": [schema("Lead"), schema("Age")]}, f"{LEAD} oneOf", "a union of objects must be a component, .+"),
    ("ErrorAnswer", renamed("oneOf", "anyOf"), "ErrorAnswer anyOf", "a value could be several of anyOf at once: .+"),
    (LEAD, {"oneOf": [schema("Lead"), PHONE]}, f"{LEAD} oneOf", "a union of object and text cannot be told apart"),
    ("DeviceFamily enum", ["DESKTOP", "desktop"], "DeviceFamily enum 1", "desktop and DESKTOP are one name in Python"),
    ("Age discriminator", {"propertyName": "day"}, "", "there is nothing to tell apart: .+"),
    ("CartAttribute required 2", "numItem", "CartAttribute required", "numItem is required, but is no member"),
    (f"{SID} schema", LISTED, "", "parameter sid must be a text, a number, true or false, not array"),
    (f"{SID} name", "body", SID, "body is the name of something else in the generated module"),
    ("AccountId default", "le1", "parameters VisitorId", "visitorId has no .+"),
    (UPDATED, as_json(LISTED), f"{UPDATED} content", "an answer must be an object, an array of objects or .+"),
    ("updateSession responses", renamed("200", "300"), "", "no status means success"),
    ("findDomain responses 401", as_json(schema("ErrorEntity")), "?", "errors are ErrorEntity here and ErrorAnswer .+"),
]


@pytest.mark.parametrize(("place", "value", "named", "reason"), REFUSED)
def test_what_cannot_work_is_refused(place: str, value: Any, named: str, reason: str) -> None:
    """With the place in the contract, and the reason; a question mark is a place below or above that of the change."""
    found = problems(edited(CONTRACT, {place: value}))
    said = [problem.reason for problem in found if named == "?" or problem.pointer == place_of(named or place)]
    assert any(re.fullmatch(reason, one) for one in said), found


def refusal(text: str, directory: Path) -> list[str]:
    """Read a contract, and give what is said about it."""
    (directory / "openapi.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ContractError) as raised:
        checked(directory / "openapi.yaml", "openapi.yaml")
    return str(raised.value).splitlines()


def test_all_that_is_wrong_is_said_at_once_with_its_line(tmp_path: Path) -> None:
    """Each problem has a line, in the order of the file: first what is badly formed, then what cannot work."""

    def line_of(text: str, words: str) -> int:
        return text.count("\n", 0, text.index(words)) + 1

    malformed = TEXT.replace("          minimum: 1\n", "          minium: 1\n").replace("[5, 10, 15]", "[5, ten, 15]")
    said = refusal(malformed.replace("example: le12345678", "example: le-12"), tmp_path)
    assert said[0] == f'openapi.yaml:{line_of(malformed, "[5, ten")}: "ten" is not of type "number"'
    assert said[1] == f"openapi.yaml:{line_of(malformed, 'minium')}: minium is not known here"
    assert len(said) == 5
    unworkable = TEXT.replace("maxRetries: 3", "maxRetries: 5").replace("example: le12345678", "example: le-12")
    unworkable = unworkable.replace("#/pageId", "#/page")
    said = refusal(unworkable, tmp_path)
    assert said[0] == f"openapi.yaml:{line_of(TEXT, '[5, 10, 15]')}: maxRetries is 5, but there are 3 pauses"
    assert said[1].endswith('"le-12" does not match "^[a-zA-Z0-9_]{1,20}$"')
    assert [line.split()[-2:] for line in said[2:]] == [["leads", "nowhere"]] * 6


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "1: not an OpenAPI document"),
        ("a: &a [*a]\n", "1: nested too deeply, .+"),
        ("a: 1\n\x07: 1\n", "2: .+"),
        ("a: 1\nb: [\n", "3: while parsing a flow .+"),
        ("a:\n\tb: 1\n", "2: while scanning .+"),
        ("a: 1\nb: 1\na: 2\n", "3: key a stands twice, first on line 1"),
        ("a: 1\n[b]: 1\n", "2: a key must be a word, not a list or a mapping"),
    ],
)
def test_a_text_that_is_no_contract_is_refused(text: str, reason: str, tmp_path: Path) -> None:
    """Whatever stands in the file, each line names a line of it, and a reason."""
    said = refusal(text, tmp_path)
    assert [line for line in said if not re.fullmatch(r"openapi.yaml:\d+: .+", line)] == []
    assert any(re.fullmatch(f"openapi.yaml:{reason}", line) for line in said), said
    with pytest.raises(ContractError, match=r"^none.yaml:1: cannot be read: .+No such file"):
        checked(tmp_path / "none.yaml", "none.yaml")


def test_this_contract_is_not_refused() -> None:
    """Nothing is said of it, nor of other numbers and shorter policies."""
    patient = {"policy retryStatuses": ["4XX", 500, 503], "policy maxRetries": 0, "policy pausesInSeconds": []}
    for edits in ({}, patient, {f"policy {name}": GONE for name in ("retryAfter", "longOutage", "loadingAccount")}):
        assert problems(edited(CONTRACT, edits)) == []
