"""What cannot work is refused before anything is generated: one line says in which file, on which line and why."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from contract import ContractError
from contract_tools import CONTRACT_FILE
from generate import checked

TEXT = CONTRACT_FILE.read_text(encoding="utf-8")

EVENT_LINK = (
    "              - type: impClose\n                campaign: $response.body#/engagementDetails/campaignId\n"
    "                engId: $response.body#/engagementDetails/engagementId\n"
    "                revision: $response.body#/engagementDetails/engagementRevision\n"
)
RESUME = "        continueSession:\n          operationId: continueSession\n"
CONTINUED = (
    '          description: "Ask again within the same visit."\n          parameters:\n'
    "            accountId: $request.path.accountId\n            visitorId: $response.body#/visitorId\n"
)
LOADING = "    loadingAccount:\n      status: 500\n      internalCode: 20\n"
VID = '      visitorIdInMessage: "vid:\\\\s*([^\\\\s,;\\"]+)"\n'
ANSWERS = TEXT[
    TEXT.index('      responses:\n        "200":\n          description: "The host') : TEXT.index("\ncomponents:")
]
FOUND = '          description: "The host that serves the account."\n          content'
AGAIN = "{again: {operationId: findDomain, parameters: {accountId: $request.path.accountId}, requestBody: {a: 1}}}"
UPDATED = '          description: "Accepted. The body is empty, or an empty object."\n'
POLICY = '      x-retry-policy:\n        $ref: "#/x-retry-policies/documented"\n'
PAGE = '        url: "https://developers.liveperson.com/before-you-get-started-let-s-get-started.html"\n'
FIND_DOMAIN = PAGE + POLICY

# A text of the contract, what stands there instead, a text on the line to be named, the reason.
REFUSED: dict[str, tuple[str, str, str, str]] = {
    # YAML and references
    "syntax": ("\npaths:\n", "\npaths: [\n", "engagement/visitors/:", r"while parsing a flow sequence.+"),
    "tab": ("\npaths:\n", "\n\tpaths:\n", "\tpaths:", r".+ tab character .+"),
    "duplicate key": (
        "      required: [appType]\n",
        "      required: [appType]\n      required: []\n",
        "      required: []",
        r"key required stands twice, first on line \d+",
    ),
    "unknown reference": (
        '"#/components/schemas/OsFamily"',
        '"#/components/schemas/Os"',
        '"#/components/schemas/Os"',
        r"\$ref #/components/schemas/Os leads nowhere",
    ),
    "reference to another kind": (
        '      - $ref: "#/components/parameters/VisitorId"\n',
        '      - $ref: "#/components/schemas/VisitorId"\n',
        '      - $ref: "#/components/schemas/VisitorId"',
        r'"#/components/schemas/VisitorId" does not match "\^#/components/parameters/.+',
    ),
    "schema that contains itself": (
        '        - $ref: "#/components/schemas/SessionUpdate"\n',
        '        - $ref: "#/components/schemas/UpdateSessionBody"\n',
        "openapi: 3.1.0",
        "a schema contains itself through allOf, oneOf or anyOf",
    ),
    # Names
    "operation named twice": (
        "      operationId: continueSession\n      summary",
        "      operationId: createSession\n      summary",
        "      operationId: createSession\n",
        r"createSession is used twice",
    ),
    "operations alike in snake_case": (
        "      operationId: continueSession\n      summary",
        "      operationId: create_session\n      summary",
        "      operationId: create_session\n",
        r"create_session and createSession are one name in Python",
    ),
    "schemas alike in snake_case": (
        "    OsFamily:\n",
        "    appType:\n      type: string\n    OsFamily:\n",
        "    appType:\n      type",
        r"appType and AppType are one name in Python",
    ),
    "operation without a name": (
        "      operationId: findDomain\n",
        "",
        "    get:\n",
        '"operationId" is a required property',
    ),
    # OpenAPI and JSON Schema
    "invalid value": (
        "          required: true\n",
        "          required: yes\n",
        "required: yes",
        '"yes" is not of type "boolean"',
    ),
    "path behind a reference": (
        "  /api/account/{accountId}/service/",
        '  /moved:\n    $ref: "#/paths/~1"\n  /:\n    summary: "Nothing"\n  /api/account/{accountId}/service/',
        '    $ref: "#/paths/~1"',
        r"\$ref is not known here",
    ),
    "no answers": (ANSWERS, "", "    get:\n", '"responses" is a required property'),
    "enum that is no list": (
        "enum: [MSDK, EXTERNAL]\n",
        "enum: MSDK\n",
        "enum: MSDK",
        r'"MSDK" is not of type "array"',
    ),
    "unknown type": ("type: string\n      x-sens", "type: text\n      x-sens", "type: text", r'"text" is not valid .+'),
    "unknown format": ("format: double", "format: dubble", "format: dubble", r'"dubble" is not one of .+'),
    "broken pattern": ('"^[A-Z]{2}$"', '"^[A-Z{2}$"', '"^[A-Z{2}$"', r'.+ is not a "regex"'),
    "unknown keyword": ("          minimum: 1\n", "          minium: 1\n", "minium", "minium is not known here"),
    "unknown keyword behind if": (
        '        pattern: "^[0-6]$"\n',
        '        patern: "^[0-6]$"\n',
        "patern",
        "patern is not known here",
    ),
    "unknown member of the document": ("security: []\n", "securty: []\n", "securty", "securty is not known here"),
    "unknown member of an operation": (
        '      summary: "Start',
        '      sumary: "Start',
        "sumary",
        "sumary is not known here",
    ),
    "unknown member of a parameter": (
        "          required: true\n",
        "          requird: true\n",
        "requird",
        "requird is not known here",
    ),
    "unknown member of a response": (
        UPDATED,
        f"{UPDATED}          contents: {{}}\n",
        "contents",
        "contents is not known here",
    ),
    "unknown member of a media type": (
        "          examples:\n            displayed",
        "          exampels:\n            displayed",
        "exampels",
        "exampels is not known here",
    ),
    "unknown member of a link": (
        CONTINUED,
        f"{CONTINUED[:10]}paramters: {{}}\n{CONTINUED}",
        "paramters",
        "paramters is not known here",
    ),
    "unknown member of a discriminator": (
        "      discriminator:\n",
        "      discriminator:\n        maping: {}\n",
        "maping",
        "maping is not known here",
    ),
    # Extensions
    "unknown extension": ("info:\n", "x-retry: {}\ninfo:\n", "x-retry: {}", "x-retry is not known here"),
    "unknown extension of a schema": (
        "      x-enum-varnames:\n",
        "      x-enum-names:\n",
        "x-enum-names",
        "x-enum-names is not known here",
    ),
    "extension in another place": (
        UPDATED,
        f"{UPDATED}          x-retry-policy: {{}}\n",
        "          x-retry-policy: {}",
        "x-retry-policy is not known here",
    ),
    "operation without a policy": (
        FIND_DOMAIN,
        PAGE,
        "    get:\n",
        '"x-retry-policy" is a required property',
    ),
    "policy that does not exist": (
        FIND_DOMAIN,
        FIND_DOMAIN.replace("documented", "eager"),
        "/eager",
        r"\$ref #/x-retry-policies/eager leads nowhere",
    ),
    "policy that is none": (
        FIND_DOMAIN,
        FIND_DOMAIN.replace("#/x-retry-policies/documented", "#/components/schemas/Age"),
        '"#/components/schemas/Age"\n      parameters',
        r'"#/components/schemas/Age" does not match "\^#/x-retry-policies/.+',
    ),
    "names of too few values": ("        - RESOLVED\n", "", "      x-enum-varnames", "must name each value of enum"),
    # Retry policies
    "pause in words": ("[5, 10, 15]", "[5, ten, 15]", "[5, ten, 15]", '"ten" is not of type "number"'),
    "pause before now": ("[5, 10, 15]", "[5, -10, 15]", "[5, -10, 15]", "-10 is less than the minimum of 0"),
    "no number of retries": (
        "    maxRetries: 3\n",
        "",
        "  documented:\n    desc",
        '"maxRetries" is a required property',
    ),
    "too few pauses": (
        "    maxRetries: 3\n",
        "    maxRetries: 5\n",
        "[5, 10, 15]",
        "maxRetries is 5, but there are 3 pauses",
    ),
    "no pauses": (
        "    pausesInSeconds: [5, 10, 15]\n",
        "",
        "  documented:\n    desc",
        '"pausesInSeconds" is a required property',
    ),
    "no statuses": ('retryStatuses: ["5XX"]', "retryStatuses: []", "retryStatuses: []", r"\[\] has less than 1 item"),
    "status that is none": ('["5XX"]', '["6XX"]', '["6XX"]', '"6XX" is not one of .+'),
    "status that succeeds": ('["5XX"]', "[200]", "[200]", "200 is less than the minimum of 300"),
    "statuses as a range": ('["5XX"]', "{minimum: 500, maximum: 599}", "{minimum: 500", '.+ is not of type "array"'),
    "unknown member of a policy": (
        "    maxRetries",
        "    maxRetrys: 3\n    maxRetries",
        "maxRetrys",
        "maxRetrys is not known here",
    ),
    "longest pause in words": (
        "maximumInSeconds: 60",
        "maximumInSeconds: a minute",
        "a minute",
        '"a minute" is not of type "number"',
    ),
    "outage without a pause": ("[120, 240, 480]", "[]", "      pausesInSeconds: []", r"\[\] has less than 1 item"),
    "outage without a rest": ("[120, 240, 480]", "[120, 0]", "[120, 0]", "0 is less than or equal to the minimum of 0"),
    "loading that is no retry": (LOADING, LOADING.replace("500", "404"), "status: 404", "404 is none of retryStatuses"),
    "loading without a code": (
        LOADING,
        LOADING.replace("      internalCode: 20\n", ""),
        "    loadingAccount:\n      status: 500\n      visitor",
        '"internalCode" is a required property',
    ),
    "no regular expression": (
        VID,
        '      visitorIdInMessage: "vid:\\\\s*([^"\n',
        "visitorIdInMessage",
        r'.+ is not a "regex"',
    ),
    "regular expression of others": (
        VID,
        '      visitorIdInMessage: "vid:(?<id>.+)"\n',
        "visitorIdInMessage",
        "no regular expression of Python.+",
    ),
    "no group": (VID, '      visitorIdInMessage: "vid:.+"\n', "visitorIdInMessage", "needs one group, .+, not 0"),
    "two groups": (VID, '      visitorIdInMessage: "(vid):(.+)"\n', "visitorIdInMessage", "needs one group, .+, not 2"),
    "retry of no operation": (
        "retryOperationId: continueSession",
        "retryOperationId: resume",
        "retryOperationId",
        "no operation is named resume",
    ),
    # Paths
    "undeclared path parameter": (
        "  /api/account/{accountId}/service/{serviceName}/",
        "  /api/account/{accountId}/service/{serviceName}/{part}/",
        "    get:\n",
        "path parameter part is not declared",
    ),
    "path parameter of no path": (
        "  /api/account/{accountId}/service/",
        "  /api/account/service/",
        "    get:\n",
        "path parameter accountId is not in the path",
    ),
    "parameter that stands twice": (
        "        - name: serviceName\n",
        '        - $ref: "#/components/parameters/AccountId"\n        - name: serviceName\n',
        '        - $ref: "#/components/parameters/AccountId"\n        - name: serviceName\n',
        "parameter accountId stands twice",
    ),
    "server with an unknown variable": (
        "      domain:\n",
        "      host:\n",
        "https://{domain}",
        "variable domain is not declared",
    ),
    # Examples
    "example of an answer": (
        "                time: 1469543282471\n                message: Unauthorized\n",
        "                message: Unauthorized\n",
        "value:\n                message: Unauthorized",
        'breaks its schema: "time" is a required property',
    ),
    "example of an attribute": (
        "                      role: broker\n",
        "                      role: 5\n",
        "role: 5",
        'breaks its schema: 5 is not of type "string"',
    ),
    "example of an unknown kind": (
        "                  - type: searchInfo\n",
        "                  - type: search\n",
        "- type: search\n",
        r"breaks its schema: .+ is not valid .+|.+\.\.\.",
    ),
    "example of an address": (
        '"2001:db8::1"',
        '"2001:db8::g"',
        "2001:db8::g",
        'breaks its schema: "2001:db8::g" is not a "ipv6"',
    ),
    "example of a parameter": (
        "      example: le12345678",
        "      example: le-12",
        "le-12",
        'breaks its schema: "le-12" does not match .+',
    ),
    "named example of a parameter": (
        "      example: le12345678\n",
        "      examples: {one: {value: le-12}}\n",
        "le-12",
        'breaks its schema: "le-12" does not match .+',
    ),
    "example of a schema": (
        "      type: string\n      enum: [MSDK",
        "      type: string\n      examples: [WEB]\n      enum: [MSDK",
        "[WEB]",
        'breaks its schema: "WEB" is not one of .+',
    ),
    "default": (
        '            default: "1.0"\n',
        '            default: "2.0"\n',
        'default: "2.0"',
        'breaks its schema: "1.0" was expected',
    ),
    # Links
    "link to no operation": (
        RESUME,
        RESUME.replace(": continue", ": resume"),
        "operationId: resumeSession",
        "no operation is named resumeSession",
    ),
    "link to another document": (
        RESUME,
        RESUME.replace("operationId: continueSession", "operationRef: other.yaml#/paths/~1/get"),
        "        continueSession:\n          operationRef",
        '"operationId" is a required property',
    ),
    "link with a parameter of nobody's": (
        CONTINUED,
        f"{CONTINUED}            page: $response.body#/pageId\n",
        "            page:",
        "continueSession takes no parameter page",
    ),
    "link without a parameter": (
        CONTINUED,
        CONTINUED.replace("            visitorId: $response.body#/visitorId\n", ""),
        "        continueSession:",
        "continueSession needs the parameter visitorId",
    ),
    "link with a parameter that is refused": (
        CONTINUED,
        CONTINUED.replace("body#/visitorId", "body#/engagementDetails"),
        "            visitorId: $response.body#/engagementDetails",
        "continueSession refuses it: .+",
    ),
    "link with a body that is refused": (
        EVENT_LINK,
        EVENT_LINK.replace("engagementRevision", "language"),
        "revision: $response.body#/engagementDetails/language",
        'updateSession refuses the body: "en-US" is not .+',
    ),
    "link with an id in quotes that is none": (
        EVENT_LINK,
        EVENT_LINK.replace("campaignId", "contextId"),
        "campaign: $response.body#/engagementDetails/contextId",
        'updateSession refuses the body: "1" is not of type .+',
    ),
    "link with a body that lacks something": (
        EVENT_LINK,
        EVENT_LINK[: EVENT_LINK.index("                revision")],
        "- type: impClose\n                campaign: $",
        'updateSession refuses .+ "revision" is a required property',
    ),
    "link with a body for nobody": (
        FOUND,
        FOUND.replace("          content", f"          links: {AGAIN}\n          content"),
        AGAIN,
        "findDomain takes no body",
    ),
    "expression into nothing": (
        EVENT_LINK,
        EVENT_LINK.replace("/campaignId", "/campaign"),
        "/campaign\n",
        r"\$response.body#/.+/campaign leads nowhere",
    ),
    "expression of another request": (
        CONTINUED,
        CONTINUED.replace("path.accountId", "query.accountId"),
        "query.accountId",
        r"\$request.query.accountId leads nowhere",
    ),
    "expression of no header": (
        CONTINUED,
        CONTINUED.replace("body#/visitorId", "header.visitor"),
        "header.visitor",
        r"\$response.header.visitor leads nowhere",
    ),
    "expression that is none": (
        CONTINUED,
        CONTINUED.replace("body#/visitorId", "boddy#/visitorId"),
        "boddy",
        r"\$response.boddy#/visitorId leads nowhere",
    ),
}


def refusal(text: str, directory: Path) -> list[str]:
    """Read a contract, and give what is said about it."""
    contract = directory / "openapi.yaml"
    contract.write_text(text, encoding="utf-8")
    try:
        checked(contract, "openapi.yaml")
    except ContractError as error:
        return str(error).splitlines()
    return []


@pytest.mark.parametrize(("old", "new", "place", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_work_is_refused(old: str, new: str, place: str, reason: str, tmp_path: Path) -> None:
    """Nothing else is said of it."""
    assert old in TEXT
    text = TEXT.replace(old, new, 1)
    line = text.count("\n", 0, text.rindex(place)) + 1
    said = refusal(text, tmp_path)
    assert len(said) == 1, said
    assert re.fullmatch(f"openapi.yaml:{line}: {reason}", said[0]), (line, said)


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    """Each problem has a line, in the order of the file: first what is badly formed, then what cannot work."""
    malformed = TEXT.replace("          minimum: 1\n", "          minium: 1\n").replace("[5, 10, 15]", "[5, ten, 15]")
    said = refusal(malformed.replace("example: le12345678", "example: le-12"), tmp_path)
    assert [line.partition(": ")[2] for line in said] == [
        '"ten" is not of type "number"',
        *["minium is not known here"] * 4,
    ]
    assert said == sorted(said, key=lambda line: int(line.split(":")[1]))
    unworkable = TEXT.replace("maxRetries: 3", "maxRetries: 5").replace("example: le12345678", "example: le-12")
    said = refusal(unworkable.replace("#/pageId", "#/page"), tmp_path)
    assert [line.split()[-2:] for line in said] == [
        ["3", "pauses"],
        ["match", '"^[a-zA-Z0-9_]{1,20}$"'],
        *[["leads", "nowhere"]] * 6,
    ]


@pytest.mark.parametrize("text", ["", "[]", "openapi: 3.1.0\n", "a: &a [*a]\n", "\x00", "\x07: 1\n"])
def test_a_text_that_is_no_contract_is_refused(text: str, tmp_path: Path) -> None:
    """Whatever stands in the file, each line names a line of it, and a reason."""
    said = refusal(text, tmp_path)
    assert said
    assert [line for line in said if not re.fullmatch(r"openapi.yaml:\d+: .+", line)] == []


def test_this_contract_is_not_refused(tmp_path: Path) -> None:
    """Nothing is said of it, nor of other numbers and shorter policies."""
    assert refusal(TEXT, tmp_path) == []
    patient = (
        TEXT.replace('["5XX"]', '["4XX", 500, 503]')
        .replace("maxRetries: 3", "maxRetries: 0")
        .replace("[5, 10, 15]", "[]")
    )
    assert refusal(patient, tmp_path) == []
    first, last = TEXT.index("    retryAfter:\n"), TEXT.index("\npaths:\n")
    assert refusal(TEXT[:first] + TEXT[last:], tmp_path) == []
