"""What is known of each language: how its client is generated, compiled and run, and what its generator gets wrong."""

from __future__ import annotations

from dataclasses import dataclass, field

CONTRACT = "openapi.yaml"
WORK = ".portability"
HELPERS = "scripts/lib/portability"


@dataclass(frozen=True, slots=True)
class Command:
    """A command, run in the repository or, with `inside`, in the language's own directory."""

    arguments: tuple[str, ...]
    inside: bool = False
    output: str = ""
    """Where what it prints goes; nowhere if empty."""


@dataclass(frozen=True, slots=True)
class Note:
    """Something that a generator gets wrong, and what to do; it concerns the vectors whose names match."""

    wrong: str
    instead: str
    vectors: tuple[str, ...]
    holds: bool = True
    """Whether the vectors pass, as the runner or the options do what `instead` says."""


@dataclass(frozen=True, slots=True)
class Check:
    """What must stand in the generated text, for languages that are not compiled here."""

    says: str
    files: str
    pattern: str
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Language:
    """A language and a generator."""

    name: str
    title: str
    generator: str
    needs: tuple[str, ...]
    steps: tuple[Command, ...]
    compiles: tuple[Command, ...] = ()
    runs: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    """What a later run may use again."""
    typed_bodies: bool = False
    """Whether the vectors' bodies are compiled as well, as literals of the declared types."""
    helpers: tuple[str, ...] = ()
    """Files that a client needs besides the generated ones."""
    notes: tuple[Note, ...] = ()
    checks: tuple[Check, ...] = field(default=())


def _generate(
    language: str, generator: str, *options: str, contract: str = CONTRACT, into: str = "/engagement"
) -> Command:
    # The validator of openapi-generator knows only OpenAPI 3.0's links, whose requestBody is a string.
    general = ("generate", "--skip-validate-spec", "-i", contract, "-o", f"{WORK}/{language}{into}", "-g", generator)
    return Command(("openapi-generator-cli", *general, *options))


def _inside(*arguments: str) -> Command:
    return Command(arguments, inside=True)


def _rewrite(script: str, language: str) -> Command:
    return Command(("python", f"{HELPERS}/{script}", CONTRACT), output=f"{WORK}/{language}/openapi.json")


_MAVEN = _inside(
    *("mvn", "--quiet", "--batch-mode", "compile"),
    *("dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory=target/lib"),
)
_CLASSPATH = "target/classes:target/lib/*"
_GO_BUILD = (_inside("go", "vet", "./..."), _inside("go", "build", "-o", "runner", "."))

_DOUBLES_SENT = Note(
    "`number` holds 53 bits: digits of longer integers are lost when a request is written.",
    "A bigint, declared as the number that it stands for, and `digits.ts`, which writes it.",
    ("attribute-error-64-bit", "update-64-bit"),
)
_DOUBLES_READ = Note(
    "`number` holds 53 bits: digits of longer ids are lost when an answer is read.",
    "`fetchDigits` of `digits.ts`: such ids arrive as strings of digits, as the service may write them anyway.",
    ("available-numbers-64-bit",),
)
_DOUBLES_LOST = Note(
    "The same for `engagementRevision` and `skillId`, declared as numbers.",
    "With `fetchDigits` they arrive as strings of digits beyond 2^53, which the types do not tell: "
    "check `typeof` before computing with them.",
    ("available-revision-64-bit",),
    holds=False,
)

LANGUAGES = (
    Language(
        "typescript-openapi-fetch",
        "TypeScript, openapi-fetch",
        "openapi-typescript and openapi-fetch",
        needs=("node", "npm"),
        sources=("typescript", "typescript-openapi-fetch"),
        kept=("node_modules",),
        typed_bodies=True,
        helpers=("typescript/digits.ts",),
        steps=(
            _inside("npm", "ci"),
            _inside("npx", "openapi-typescript", f"../../{CONTRACT}", "--output", "engagement.d.ts"),
        ),
        compiles=(_inside("npx", "tsc", "--project", ".", "--outDir", "dist"),),
        runs=("node", "dist/runner.js"),
        notes=(_DOUBLES_SENT, _DOUBLES_READ, _DOUBLES_LOST),
    ),
    Language(
        "typescript-fetch",
        "TypeScript, typescript-fetch",
        "openapi-generator, typescript-fetch",
        needs=("java", "node", "npm"),
        sources=("typescript", "typescript-fetch"),
        kept=("node_modules",),
        typed_bodies=True,
        helpers=("typescript/digits.ts",),
        steps=(
            _inside("npm", "ci"),
            _generate("typescript-fetch", "typescript-fetch", "--additional-properties", "importFileExtension=.js"),
        ),
        compiles=(_inside("npx", "tsc", "--project", ".", "--outDir", "dist"),),
        runs=("node", "dist/runner.js"),
        notes=(
            Note(
                _DOUBLES_SENT.wrong,
                "The same bigint; `initOverrides` gives the body as a Blob, since the client would otherwise use "
                "`JSON.stringify`, which refuses it.",
                _DOUBLES_SENT.vectors,
            ),
            _DOUBLES_READ,
            _DOUBLES_LOST,
        ),
    ),
    Language(
        "typescript-hey-api",
        "TypeScript, hey-api",
        "@hey-api/openapi-ts and its client for fetch",
        needs=("node", "npm"),
        sources=("typescript", "typescript-hey-api"),
        kept=("node_modules",),
        typed_bodies=True,
        helpers=("typescript/digits.ts",),
        steps=(
            _inside("npm", "ci"),
            _inside("npx", "openapi-ts", "--input", f"../../{CONTRACT}", "--output", "engagement", "--no-log-file"),
        ),
        compiles=(_inside("npx", "tsc", "--project", ".", "--outDir", "dist"),),
        runs=("node", "dist/runner.js"),
        notes=(
            _DOUBLES_SENT,
            _DOUBLES_READ,
            _DOUBLES_LOST,
            Note(
                "The error of an answer that is no JSON is a string, and that of an empty one an empty object; the "
                "types say `ErrorAnswer`.",
                "Look for `error` or `time` in it before using it as that; the status is in `response`.",
                ("error-503-html", "error-503-empty"),
            ),
        ),
    ),
    Language(
        "java",
        "Java",
        "openapi-generator, java, library native",
        needs=("java", "mvn"),
        sources=("java",),
        steps=(
            _generate(
                *("java", "java", "--library", "native", "--schema-mappings", "NumericId=Long"),
                *("--invoker-package", "com.example.engagement", "--api-package", "com.example.engagement.api"),
                *("--model-package", "com.example.engagement.model"),
                *("--additional-properties", "containerDefaultToNull=true"),
            ),
        ),
        compiles=(_MAVEN,),
        runs=("java", "-cp", _CLASSPATH, "Runner"),
        notes=(
            Note(
                "Classes don't look for required members, so that an error matches both members of `ErrorAnswer`, "
                "and reading it as that fails.",
                "Read `ApiException.getResponseBody()` as `WrappedErrorEntity` if it has a member `error`, "
                "else as `ErrorEntity`.",
                ("error-40*", "error-500*", "error-503", "error-without-message", "error-domain-401", "visit-unknown"),
            ),
        ),
    ),
    Language(
        "kotlin",
        "Kotlin",
        "openapi-generator, kotlin, library jvm-okhttp4",
        needs=("java", "mvn"),
        sources=("kotlin",),
        steps=(
            _generate(
                *("kotlin", "kotlin", "--schema-mappings", "NumericId=kotlin.Long"),
                *("--type-mappings", "AnyType=JsonElement"),
                *("--import-mappings", "JsonElement=kotlinx.serialization.json.JsonElement"),
                *("--package-name", "com.example.engagement", "--additional-properties"),
                "library=jvm-okhttp4,serializationLibrary=kotlinx_serialization,generateOneOfAnyOfWrappers=true",
            ),
        ),
        compiles=(_MAVEN,),
        runs=("java", "-cp", _CLASSPATH, "RunnerKt"),
        notes=(
            Note(
                "What has no plain type in the contract becomes `kotlin.Any`, for which kotlinx.serialization has no "
                "serializer: every `EngagementDetails` fails, and so does every `MarketingInfo`.",
                "Map `NumericId` to `kotlin.Long`, which reads both spellings, and other untyped values to "
                "`JsonElement`, as above.",
                ("create-*", "attribute*", "available*", "visit"),
            ),
            Note(
                "With `library=jvm-retrofit2` the version goes out as `v=_1Period0`, the enum's name.",
                "`library=jvm-okhttp4`, as above.",
                ("create-*", "continue*", "find-domain", "attribute*", "update-*", "visit*"),
            ),
            Note(
                "Optional members that are not set are sent as null.",
                "`Serializer.kotlinxSerializationJsonConfiguration = { explicitNulls = false }`, before any call.",
                (
                    *("create-*", "continue*", "attribute*", "update-*", "available*", "not-available*"),
                    *("error-[!d]*", "visit", "visit-unknown"),
                ),
            ),
            Note(
                "Then members that are set to null are not sent; impExpanded is documented with three.",
                "`JsonNull` in place of `null`.",
                ("update-impExpanded",),
            ),
        ),
    ),
    Language(
        "go",
        "Go, openapi-generator",
        "openapi-generator, go",
        needs=("java", "go"),
        sources=("go", "go-openapi-generator"),
        helpers=("go-openapi-generator/engagement/numeric_id.go",),
        steps=(
            _generate(
                *("go", "go", "--schema-mappings", "NumericId=NumericId"),
                *("--global-property", "apis,models,supportingFiles,apiTests=false,modelTests=false"),
                "--additional-properties",
                "packageName=engagement,withGoMod=false,enumClassPrefix=true,useOneOfDiscriminatorLookup=true,"
                "disallowAdditionalPropertiesIfNotPresent=false",
            ),
        ),
        compiles=_GO_BUILD,
        runs=("./runner",),
        notes=(
            Note(
                "An id without a plain type becomes `interface{}`, which reads numbers as float64: digits beyond 2^53 "
                "are lost.",
                "Map `NumericId` to itself, as above, and declare it as `json.Number`, in a file of its own: "
                "`numeric_id.go`.",
                ("available-numbers-64-bit",),
            ),
            Note(
                "Members that are null are not sent; impExpanded is documented with three.",
                '`AdditionalProperties = map[string]any{"expanded": nil, "userInit": nil, "actionableItems": nil}`.',
                ("update-impExpanded",),
            ),
        ),
    ),
    Language(
        "go-ogen",
        "Go, ogen",
        "ogen, as pinned in [go.mod](../scripts/lib/portability/go-ogen/go.mod)",
        needs=("go",),
        sources=("go", "go-ogen"),
        steps=(
            _rewrite("with_one_of.py", "go-ogen"),
            _inside(
                *("go", "tool", "ogen", "--clean", "--target", "engagement", "--package", "engagement", "openapi.json"),
            ),
        ),
        compiles=_GO_BUILD,
        runs=("./runner",),
        notes=(
            Note(
                "An optional member without a plain type is written even if it is absent, as a name without a value: "
                "marketing information without a channel, an engagement without a connector.",
                "Generate from the contract with `oneOf` in place of `if`, as above: such a member is then of one of "
                "two types, or absent.",
                ("available", "available-revision-64-bit", "available-fraction", "available-unknown"),
            ),
            Note(
                "The status of an error whose body is no JSON is lost.",
                "`WithClient`, with a client that keeps the status: `watch` in `runner.go`.",
                ("error-503-html", "error-503-empty"),
            ),
        ),
    ),
    Language(
        "go-oapi-codegen",
        "Go, oapi-codegen",
        "oapi-codegen, as pinned in [go.mod](../scripts/lib/portability/go-oapi-codegen/go.mod)",
        needs=("go",),
        sources=("go", "go-oapi-codegen"),
        helpers=("go-oapi-codegen/overlay.yaml",),
        steps=(
            _inside("mkdir", "engagement"),
            _inside("go", "tool", "oapi-codegen", "-config", "config.yaml", f"../../{CONTRACT}"),
        ),
        compiles=_GO_BUILD,
        runs=("./runner",),
        notes=(
            Note(
                "An id without a plain type becomes `interface{}`, which reads numbers as float64: digits beyond 2^53 "
                "are lost.",
                "`json.Number`, by `overlay.yaml`, which `config.yaml` names.",
                ("available-numbers-64-bit",),
            ),
            Note(
                "Reading a member of `ErrorAnswer` does not look for what it requires, so that any error can be read "
                "as either.",
                "`AsWrappedErrorEntity` first, and `AsErrorEntity` if its `Error` is empty.",
                ("error-40*", "error-500*", "error-503", "error-without-message", "error-domain-401", "visit-unknown"),
            ),
        ),
    ),
    Language(
        "rust",
        "Rust",
        "openapi-generator, rust, library reqwest",
        needs=("java", "cargo"),
        sources=("rust",),
        kept=("target",),
        steps=(
            _rewrite("without_discriminators.py", "rust"),
            _generate(
                *("rust", "rust", "--additional-properties", "packageName=engagement"),
                contract=f"{WORK}/rust/openapi.json",
            ),
        ),
        compiles=(_inside("cargo", "build", "--locked", "--quiet"),),
        runs=("target/debug/runner",),
        notes=(
            Note(
                "A union with a discriminator takes the tag away, and its members miss it: no answer can be read, and "
                "no attribute or event either.",
                "Generate from the contract without discriminators, as above: the const of each member tells it apart.",
                (
                    *("create-*", "continue*", "attribute*", "update-imp*", "update-attributes", "update-64-bit"),
                    *("update-together", "available*", "not-available*", "visit"),
                ),
            ),
            Note(
                "A space in a path goes out as `+`, which means a plus there.",
                "Refuse a visitorId with a space, or rewrite the path in a middleware "
                "(`supportMiddleware=true`); no id of the documented examples has one.",
                ("continue-space",),
                holds=False,
            ),
        ),
    ),
    Language(
        "python",
        "Python",
        "openapi-generator, python",
        needs=("java",),
        sources=("python",),
        steps=(
            _generate(
                *("python", "python", "--additional-properties", "packageName=engagement,generateSourceCodeOnly=true"),
                into="",
            ),
        ),
        compiles=(_inside("mypy", "--strict", "--follow-imports", "silent", "runner.py"),),
        runs=("python", "runner.py"),
    ),
    Language(
        "swift",
        "Swift",
        "openapi-generator, swift6",
        needs=("java",),
        steps=(_generate("swift", "swift6"),),
        notes=(
            Note(
                "A slash in a path goes out as it is, so that an id with a slash names another resource.",
                "Refuse a visitorId with a slash; no id of the documented examples has one.",
                ("continue-escaped",),
                holds=False,
            ),
        ),
        checks=(
            Check(
                "the first path keeps its slash, and `v` is `1.0`",
                "APIs/SessionAPI.swift",
                r'(?s)case _10 = "1\.0".*"/api/account/\{accountId\}/app/engagement/visitors/"\n',
                ("requests", "visits"),
            ),
            Check(
                "`sid` may be left out when continuing, and not when updating",
                "APIs/SessionAPI.swift",
                r"(?s)func continueSession\([^)]*sid: String\? = nil.*func updateSession\([^)]*sid: String,",
                ("requests", "updates"),
            ),
            Check(
                "a slash in a path is not escaped (see the note on continue-escaped)",
                "APIs/SessionAPI.swift",
                r"visitorIdPreEscape\.addingPercentEncoding\(withAllowedCharacters: \.urlPathAllowed\)",
                ("requests",),
            ),
            Check(
                "attributes are told apart by their type",
                "Models/EngagementAttribute.swift",
                r'(?s)discriminatorValue {.*case "cart".*case "ctmrinfo".*case "error".*case "lead".*case "mrktInfo".*'
                r'case "personal".*case "prodView".*case "purchase".*case "searchInfo".*case "service"',
                ("attributes",),
            ),
            Check("amounts are Double", "Models/CartAttribute.swift", r"var total: Double\n", ("attributes",)),
            Check("`level` is Int64", "Models/VisitorError.swift", r"var level: Int64\?\n", ("attributes",)),
            Check(
                "events are told apart by their type",
                "Models/ImpressionEvent.swift",
                r'(?s)discriminatorValue {.*case "impAccept".*case "impClose".*case "impDisplay".*case "impExpanded".*'
                r'case "impTimeout"',
                ("updates",),
            ),
            Check("their ids are Int64", "Models/CloseImpression.swift", r"var campaign: Int64\n", ("updates",)),
            Check(
                "nulls of impExpanded are sent",
                "Models/ExpandedImpression.swift",
                r"var expanded: JSONValue\?\n(?s:.*)container\.encode\(expanded,",
                ("updates",),
            ),
            Check(
                "answers are told apart by `status`",
                "Models/Session.swift",
                r'(?s)case "Available":\s+self = \.typeAvailableSession.*case "NotAvailable":\s+self = \.typeNotAvail',
                ("answers", "visits"),
            ),
            Check(
                "ids keep their spelling and 64 bits, as `JSONValue`",
                "Infrastructure/JSONValue.swift",
                r"(?s)case string\(String\).*case int\(Int\).*\.decode\(String\.self\).*\.decode\(Int\.self\)",
                ("answers",),
            ),
            Check(
                "`engagementRevision` is Int64, `validForSeconds` Double",
                "Models/EngagementDetails.swift",
                r"(?s)var engagementRevision: Int64\n.*var validForSeconds: Double\n",
                ("answers",),
            ),
            Check(
                "the plain error is tried first and needs its members, the wrapped one next",
                "Models/ErrorAnswer.swift",
                r"(?s)decode\(ErrorEntity\.self\).*decode\(WrappedErrorEntity\.self\)",
                ("errors", "visits"),
            ),
            Check("`time` is Int64 and required", "Models/ErrorEntity.swift", r"var time: Int64\n", ("errors",)),
        ),
    ),
    Language(
        "csharp",
        "C#",
        "openapi-generator, csharp, library httpclient, for netstandard2.0",
        needs=("java", "mcs", "mono"),
        sources=("csharp",),
        helpers=("csharp/older_newtonsoft.cs",),
        steps=(
            _generate(
                *("csharp", "csharp", "--library", "httpclient", "--additional-properties"),
                "packageName=Engagement,targetFramework=netstandard2.0,supportsRetry=false,"
                "disallowAdditionalPropertiesIfNotPresent=false,conditionalSerialization=true,"
                "optionalEmitDefaultValues=true",
            ),
        ),
        compiles=(
            _inside(
                *("mcs", "-langversion:latest", "-nowarn:0219,0649", "-out:runner.exe"),
                "-reference:System.Net.Http,System.Runtime.Serialization,System.ComponentModel.DataAnnotations",
                "-reference:/usr/lib/cli/Newtonsoft.Json-5.0/Newtonsoft.Json.dll",
                *("-recurse:engagement/src/Engagement/*.cs", "Runner.cs", "older_newtonsoft.cs"),
            ),
        ),
        runs=("mono", "runner.exe"),
        notes=(
            Note(
                "Compiled here by Mono, on its own class library, with Newtonsoft.Json 6.0.8 of Debian; the client is "
                "made for 13.0.3 and JsonSubTypes, which Debian does not have.",
                "`older_newtonsoft.cs` declares what is missing; leave it out where you have these two.",
                ("*",),
            ),
            Note(
                "The default library, generichost, writes each attribute and event as an empty object, and refuses the "
                "status `Available`.",
                "`library=httpclient`, as above.",
                ("create-*", "attribute*", "update-[!e]*", "available*", "visit"),
            ),
            Note(
                "Without `disallowAdditionalPropertiesIfNotPresent=false`, an answer with a member that is not known "
                "is refused.",
                "The option, as above.",
                ("available-unknown", "not-available-unknown", "error-without-message"),
            ),
            Note(
                "An optional number that is 0 is not sent, and an optional truth value that is absent is sent as "
                "false.",
                "`conditionalSerialization=true` and `optionalEmitDefaultValues=true`, as above.",
                ("attribute-error-64-bit", "attributes-zero"),
            ),
        ),
    ),
)
