"""The API reference: an OpenAPI document as one page without scripts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from html import escape

from liveperson_engagement.sandbox.contract import METHODS, Json, Node, resolve

_SHOWN = frozenset({"type", "format", "enum", "const", "description", "properties", "required", "items"})
"""The keywords that have a place of their own; all others are written as they are."""
_CHOICES = {"oneOf": "one of these", "anyOf": "any of these", "allOf": "all of these"}
_NOTHING: Node = {}


def render(document: Node, page: str, note: str = "") -> str:
    """Put a document into `page`, below a note in Markdown."""
    info = document["info"]
    parts = {
        "title": escape(info["title"]),
        "contents": "".join(_contents(document)),
        "reference": "".join(_reference(document, note)),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], page)


def markdown(text: str) -> str:
    """Render the Markdown that descriptions use: paragraphs, numbered lists, bold, code and links."""
    blocks: list[str] = []
    for block in re.split(r"\n\s*\n", text.strip()):
        items = re.split(r"^\d+\. ", block, flags=re.MULTILINE)
        if len(items) > 1 and not items[0]:
            blocks.append(f"<ol>{''.join(f'<li>{_inline(item)}</li>' for item in items[1:])}</ol>")
        else:
            blocks.append(f"<p>{_inline(block)}</p>")
    return "".join(blocks) if text.strip() else ""


def _inline(text: str) -> str:
    # Code first: what stands in it is no Markdown.
    pieces = re.split(r"`([^`]+)`", escape(" ".join(text.split())))
    for place in range(0, len(pieces), 2):
        bold = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", pieces[place])
        pieces[place] = re.sub(r"\[([^]]+)\]\(((?:https?:|[/#.])[^)\s]*)\)", r'<a href="\2">\1</a>', bold)
    return "".join(f"<code>{piece}</code>" if place % 2 else piece for place, piece in enumerate(pieces))


def _operations(document: Node) -> Iterator[tuple[str, str, Node, Node]]:
    for path, item in document["paths"].items():
        for method in item:
            if method in METHODS:
                yield path, method.upper(), item, item[method]


def _contents(document: Node) -> Iterator[str]:
    for _, method, _, operation in _operations(document):
        name = operation["operationId"]
        yield f'<li><a href="#{escape(name)}">{_method(method)} {_inline(_title(operation))}</a></li>'
    for name in document.get("x-retry-policies", ()):
        yield f'<li><a href="#{_policy_id(name)}">Retry policy</a></li>'


def _reference(document: Node, note: str) -> Iterator[str]:
    info = document["info"]
    yield f"<h1>{escape(info['title'])}</h1>{markdown(note)}<p>Version {escape(info['version'])}</p>"
    yield markdown(info.get("description", ""))
    for path, method, item, operation in _operations(document):
        yield from _operation(document, path, method, item, operation)
    for name, policy in document.get("x-retry-policies", _NOTHING).items():
        numbers = {key: value for key, value in policy.items() if key != "description"}
        yield f'<section id="{_policy_id(name)}"><h2>Retry policy</h2>{markdown(policy.get("description", ""))}'
        yield f"{_code(numbers)}</section>"


def _operation(document: Node, path: str, method: str, item: Node, operation: Node) -> Iterator[str]:
    name = escape(operation["operationId"])
    yield f'<section id="{name}"><h2>{_inline(_title(operation))}</h2>'
    server = next(iter(operation.get("servers") or document.get("servers", ())), {"url": ""})["url"]
    yield f'<p class="line">{_method(method)} <code>{escape(server)}<b>{escape(path)}</b></code></p>'
    yield f"<p>Operation <code>{name}</code>.</p>{markdown(operation.get('description', ''))}"
    for sample in operation.get("x-codeSamples", ()):
        yield f"<pre><code>{escape(sample['source'])}</code></pre>"
    if "externalDocs" in operation:
        url, docs = operation["externalDocs"]["url"], operation["externalDocs"].get("description", "More")
        yield f'<p><a href="{escape(url)}" rel="noreferrer">{escape(docs)}</a></p>'
    if policy := str(operation.get("x-retry-policy", _NOTHING).get("$ref", "")):
        yield f'<p>Tried again as the <a href="#{_policy_id(policy)}">retry policy</a> says.</p>'
    if parameters := [
        resolve(document, each) for each in (*item.get("parameters", ()), *operation.get("parameters", ()))
    ]:
        yield "<h3>Parameters</h3><ul>"
        for each in parameters:
            schema = {**each["schema"], "description": each.get("description", "")}
            place = f"{each['in']} · "
            yield from _member(
                document, each["name"], schema, frozenset(), required=each.get("required", False), place=place
            )
        yield "</ul>"
    if body := resolve(document, operation.get("requestBody", _NOTHING)):
        yield f"<h3>Request body</h3>{markdown(body.get('description', ''))}"
        yield from _content(document, body)
    yield "<h3>Answers</h3>"
    for status, answer in operation["responses"].items():
        yield from _answer(document, status, resolve(document, answer))
    yield "</section>"


def _answer(document: Node, status: str, answer: Node) -> Iterator[str]:
    about = f"{_status(status)} {_inline(answer.get('description', ''))}"
    if not (answer.get("content") or answer.get("links")):
        yield f'<p class="answer">{about}</p>'
        return
    yield f'<details class="answer"><summary>{about}</summary>'
    yield from _content(document, answer)
    if links := answer.get("links"):
        yield "<h4>What may follow, and which values go where</h4>"
        for link in (resolve(document, each) for each in links.values()):
            values = {key: link[key] for key in ("parameters", "requestBody") if key in link}
            about = f"{_inline(link.get('description', ''))} <code>{escape(link.get('operationId', ''))}</code>"
            yield f'<details class="link"><summary>{about}</summary>{_code(values)}</details>'
    yield "</details>"


def _content(document: Node, holder: Node) -> Iterator[str]:
    for media_type, media in holder.get("content", _NOTHING).items():
        yield f"<p><code>{escape(media_type)}</code></p><ul>"
        yield from _members(document, media.get("schema", _NOTHING))
        yield "</ul>"
        examples = {name: resolve(document, each) for name, each in media.get("examples", _NOTHING).items()}
        if "example" in media:
            examples["example"] = {"value": media["example"], "summary": "For example"}
        if examples:
            yield "<h4>Examples</h4>"
        for name, example in examples.items():
            summary = _inline(example.get("summary", name))
            yield f'<details class="example"><summary>{summary}</summary>{_code(example.get("value"))}</details>'


def _members(document: Node, node: Node, seen: frozenset[str] = frozenset()) -> Iterator[str]:
    """Write what a schema consists of as items of a list; what it is a part of itself is not written again."""
    reference, schema = node.get("$ref", ""), _schema(document, node)
    if reference in seen:
        return
    inner = seen | {reference} if reference else seen
    for name, member in schema.get("properties", _NOTHING).items():
        yield from _member(document, name, member, inner, required=name in schema.get("required", ()))
    for keyword in _CHOICES:
        for choice in schema.get(keyword, ()):
            yield from _member(document, _name(choice, keyword), choice, inner)
    if "items" in schema:
        yield from _members(document, _node(schema["items"]), inner)


def _member(
    document: Node, name: str, node: Json, seen: frozenset[str], *, required: bool = False, place: str = ""
) -> Iterator[str]:
    """Write a member or parameter; what is in it can be opened."""
    schema = _schema(document, _node(node))
    need = ' <em class="required">required</em>' if required else ""
    head = (
        f'<code><b>{escape(name)}</b></code> <span class="kind">{escape(place)}{_kind(document, schema)}</span>{need}'
    )
    rest = {key: value for key, value in schema.items() if key not in {*_SHOWN, *_CHOICES, "discriminator", "$ref"}}
    more = "".join(f" <code>{escape(key)}: {escape(_compact(value))}</code>" for key, value in rest.items())
    about = markdown(schema.get("description", "")) + (f'<p class="more">{more}</p>' if more else "")
    inside = "".join(_members(document, _node(node), seen))
    if inside:
        yield f"<li><details><summary>{head}</summary>{about}<ul>{inside}</ul></details></li>"
    else:
        yield f"<li>{head}{about}</li>"


def _node(schema: Json) -> Node:
    # A schema may be True or False as well, of which there is nothing to describe.
    return _NOTHING if isinstance(schema, bool) else schema


def _schema(document: Node, node: Node) -> Node:
    """Return a schema with what its references lead to; what stands beside a reference goes before that."""
    own = {key: value for key, value in node.items() if key != "$ref" and value not in ("", None)}
    return {**resolve(document, node), **own}


def _kind(document: Node, schema: Node) -> str:
    """Say in a few words, as HTML, what values a schema takes."""
    if "const" in schema:
        return f"always <code>{escape(_compact(schema['const']))}</code>"
    if "enum" in schema:
        return "one of " + ", ".join(f"<code>{escape(_compact(value))}</code>" for value in schema["enum"])
    kinds = schema.get("type", next((said for keyword, said in _CHOICES.items() if keyword in schema), "any"))
    said = escape(" or ".join([kinds] if isinstance(kinds, str) else kinds))
    if "items" in schema:
        items = _schema(document, _node(schema["items"]))
        said += " of " + ("array" if "items" in items else _kind(document, items))
    return said + (f", {escape(schema['format'])}" if "format" in schema else "")


def _title(operation: Node) -> str:
    return str(operation.get("summary", operation["operationId"]))


def _name(choice: Json, keyword: str) -> str:
    return str(_node(choice).get("$ref", keyword)).rpartition("/")[2]


def _policy_id(reference: str) -> str:
    return escape(f"retry-policy-{reference.rpartition('/')[2]}")


def _method(method: str) -> str:
    return f'<span class="method">{escape(method)}</span>'


def _status(status: str) -> str:
    kind = "good" if status.startswith("2") else "bad" if status.startswith("5") else "poor"
    return f'<span class="status {kind}">{escape(status)}</span>'


def _compact(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)


def _code(value: Json | Mapping[str, Json]) -> str:
    return f"<pre><code>{escape(json.dumps(value, indent=2, ensure_ascii=False))}</code></pre>"
