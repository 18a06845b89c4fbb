"""Holds clients to the vectors, over real sockets; written once for all languages."""

from collections.abc import Callable, Iterator, Mapping
from urllib.parse import unquote

from liveperson_engagement.sandbox import Sandbox, SandboxRequest

from .vectors import Exchange, Json, Vector, filled, is_array, is_object, parse, write

NUMERIC_IDS = ("campaignId", "engagementId", "connectorId")
"""Members of an engagement that may be written as digits or as quoted digits, and mean the same."""

Call = Mapping[str, Json]
Reply = Mapping[str, Json]
Client = Callable[[Call], Reply]
"""Makes a call, given as in the vectors and with its `baseUrl`; gives status, type and value, or `failure`."""


def play(vector: Vector, sandbox: Sandbox, client: Client) -> list[str]:
    """Let the client make the vector's calls; tell what is not as it should be."""
    sandbox.reset()
    values: list[Json] = []
    for number, exchange in enumerate(vector.exchanges, 1):
        call = filled(exchange.call, values)
        if exchange.answer is not None:
            sandbox.answer_next(
                exchange.answer["status"],
                exchange.answer["body"],
                content_type=exchange.answer.get("contentType"),
                operation=call["operation"],
            )
        reply = client({"baseUrl": sandbox.url, **call})
        if len(sandbox.requests) != number:
            return [f"made {len(sandbox.requests)} requests instead of {number} ({_shown(reply)})"]
        if problems := [
            *_on_the_wire(exchange, call, sandbox.requests[-1]),
            *_decoded(exchange, filled(exchange.result, values), reply),
        ]:
            return problems
        values.append(_same_ids(reply.get("value")))
    if vector.visitors not in {None, len(sandbox.visitors)}:
        return [f"{len(sandbox.visitors)} visitors instead of {vector.visitors}"]
    return []


def _on_the_wire(exchange: Exchange, call: Call, sent: SandboxRequest) -> Iterator[str]:
    if "body" in call:
        yield from _differences("body", call["body"], parse(sent.raw_body.decode()) if sent.raw_body else None)
    if (wanted := exchange.request) is None:
        return
    if sent.method != wanted["method"]:
        yield f"sent {sent.method} instead of {wanted['method']}"
    # Which characters a client escapes beyond those that must be is its own affair.
    if [unquote(part) for part in sent.path.split("/")] != [unquote(part) for part in wanted["path"].split("/")]:
        yield f"sent {sent.path} instead of {wanted['path']}"
    yield from _differences("query", wanted["query"], sent.query)
    for name, value in wanted.get("headers", {}).items():
        if sent.headers.get(name, "").partition(";")[0].strip().lower() != value:
            yield f"sent {name} {sent.headers.get(name)}"


def _decoded(exchange: Exchange, wanted: Mapping[str, Json], reply: Reply) -> Iterator[str]:
    if "failure" in reply:
        yield _shown(reply)
        return
    for member in ("status", "type"):
        if member in wanted and reply.get(member) != wanted[member]:
            yield f"{member} is {reply.get(member)} instead of {wanted[member]}"
    if "value" in wanted:
        answer = exchange.answer
        known = _same_ids(parse(answer["body"])) if answer else reply.get("value")
        yield from _differences("value", _same_ids(wanted["value"]), _same_ids(reply.get("value")), known)


def _differences(path: str, wanted: Json, found: Json, besides: Json = None) -> Iterator[str]:
    """Compare as JSON, every digit; `besides` has the members that may be found although they are not wanted."""
    if is_object(wanted) and is_object(found):
        may: Mapping[str, Json] = besides if is_object(besides) else {}
        for name, value in wanted.items():
            if name not in found:
                yield f"{path}.{name} is missing"
            else:
                yield from _differences(f"{path}.{name}", value, found[name], may.get(name))
        for name, value in found.items():
            # What a client makes of absent members, such as null, is its own affair, once they have arrived.
            if name not in wanted and name not in may and (value is not None or besides is None):
                yield f"{path}.{name} comes from nowhere"
    elif is_array(wanted) and is_array(found) and len(wanted) == len(found):
        for index, (each, other) in enumerate(zip(wanted, found, strict=True)):
            yield from _differences(f"{path}[{index}]", each, other, besides[index] if besides else None)
    elif isinstance(wanted, bool) is not isinstance(found, bool) or wanted != found:
        yield f"{path} is {write(found)} instead of {write(wanted)}"


def _same_ids(value: Json) -> Json:
    if not is_object(value) or not is_object(details := value.get("engagementDetails")):
        return value
    ids = {name: int(details[name]) for name in NUMERIC_IDS if str(details.get(name)).isdecimal()}
    return {**value, "engagementDetails": {**details, **ids}}


def _shown(reply: Reply) -> str:
    return " ".join(str(reply.get("failure", "no failure")).split())[:300]
