"""What Sphinx does with this folder; scripts/docs runs it. Nothing is loaded from elsewhere, now or by a reader."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import tomllib
import typing
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.util.typing import stringify_annotation

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
sys.path[:0] = [str(ROOT / "wrapper"), str(ROOT / "generated")]

from liveperson_engagement import ImpressionEventType, __version__  # noqa: E402
from liveperson_engagement.sandbox.pages import reference_page  # noqa: E402

project = "liveperson-engagement"
version = release = __version__
copyright = "the authors of liveperson-engagement"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_copybutton"]

# Text. Fences that name no language are shell commands or output, not Python.
myst_heading_anchors = 3
myst_enable_extensions = ["attrs_inline"]
highlight_language = "text"
pygments_dark_style = "github-dark"
smartquotes = False

# The API reference. What stands between single backticks is a link where it names something, otherwise it is code.
default_role = "py:obj"
nitpicky = True
nitpick_ignore_regex = [
    ("py:obj", ".*"),
    ("py:class", r"(asyncio|collections|contextlib|httpx|opentelemetry|os|pathlib|redis|ssl|types|typing|_pytest)\..*"),
    ("py:class", "OnStoreError"),
    ("py:class", r"Mapping\[str"),  # Sphinx splits the annotations of a NamedTuple at their commas
    ("py:class", "(Async)?CallOperation"),  # generated, one overload for each operation
]
add_module_names = False
autodoc_member_order = "bysource"
autodoc_class_signature = "mixed"
autodoc_inherit_docstrings = False
autodoc_preserve_defaults = True
python_maximum_signature_line_length = 90
toc_object_entries_show_parents = "hide"

# The site.
html_theme = "furo"
html_title = f"liveperson-engagement {__version__}"
html_favicon = "_static/favicon.svg"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["search.js"]
html_copy_source = False
html_show_sphinx = False
html_use_index = True
templates_path = ["_templates"]
html_sidebars = {
    "**": [
        f"sidebar/{part}.html" for part in ("brand", "search", "scroll-start", "navigation", "repository", "scroll-end")
    ]
}
URLS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"].get("urls", {})
html_context = {
    "repository": next((url for name, url in URLS.items() if name.lower() in {"repository", "source"}), None)
}

STYLE = ROOT / "wrapper/liveperson_engagement/sandbox/page/style.css"
CONTRACT = ROOT / "generated/liveperson_engagement_api/openapi.json"
ALIASES = {
    "AnyAsyncTransport": "AsyncTransport | httpx.AsyncBaseTransport",
    "AnyTransport": "Transport | httpx.BaseTransport",
    "OnStoreError": "Literal['raise', 'continue']",
    "Session": "AvailableSession | NotAvailableSession",
    "ImpressionEventType": str(ImpressionEventType).removeprefix("typing."),
    "<factory>": "...",
}
"""What signatures abbreviate, and what a reader wants to see instead."""
MADE_BY_OTHERS = {f"liveperson_engagement.{name}" for name in ("Visit", "AsyncVisit")}
"""Classes whose constructor is not for users."""
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s#:]+)(#[^)\s]*)?\)")
ANCHOR = re.compile(r'<a id="([\w-]+)"></a>')
README = ROOT / "README.md"
PAGES = {
    README: "/index.md",
    ROOT / "CHANGELOG.md": "/changelog.md",
    ROOT / "tests/conformance/README.md": "/conformance.md",
}
SECTIONS = {
    "#connections": "/connections.md",
    "#errors": "/errors.md",
    "#generated": "/contract-changes.md",
    "#other-languages": "/languages.md",
    "#retries": "/retries.md",
    "#sessions": "/sessions.md",
    "#testing-your-own-code": "/sandbox.md",
}
"""Which page holds a section of the README."""


def setup(app: Sphinx) -> None:
    """Add what is done at each step."""
    app.connect("source-read", lambda app, name, text: _lead_on(text, app.env.doc2path(name)))
    app.connect("include-read", lambda _app, path, _name, text: _lead_on(text, DOCS / path))
    app.connect("autodoc-process-docstring", _as_rst)
    app.connect("autodoc-process-signature", _spelled_out)
    app.connect("build-finished", _put_contract)


def _lead_on(text: list[str], place: str | os.PathLike[str]) -> None:
    """Make links between the repository's files into links of the site: files are downloads, folders only text."""

    def led(match: re.Match[str]) -> str:
        mark, label, target, fragment = match.groups("")
        path = (Path(place).parent / target).resolve()
        if label.endswith(".md"):
            label = ""  # the page's title
        if path == README and fragment in SECTIONS:
            return f"[{label}]({SECTIONS[fragment]})"
        if path in PAGES:
            return f"[{label}]({PAGES[path]}{fragment})"
        if path.is_relative_to(DOCS):
            return f"{mark}[{label}](/{path.relative_to(DOCS)}{fragment})"
        if path.is_file():
            return f"{mark}[{label}](/../{path.relative_to(ROOT)})"
        return f"`{label}`" if path.is_dir() else match[0]

    text[0] = LINK.sub(led, ANCHOR.sub(r"[]{#\1}", text[0]))


def _as_rst(_app: Sphinx, _what: str, _name: str, _item: Any, _options: Any, lines: list[str]) -> None:
    """Read Markdown's fences and indented paragraphs as blocks of code."""
    fenced = False
    read = [""]
    for line in lines:
        if line.startswith("```"):
            fenced = not fenced
            read += ["", f".. code-block:: {line[3:]}", ""] if fenced else [""]
            continue
        if line.startswith("    ") and not (fenced or read[-1]):
            read += [".. code-block:: python", ""]
        read.append(f"    {line}" if fenced else line)
    lines[:] = read


def _spelled_out(
    _app: Sphinx, what: str, name: str, item: Any, _options: Any, signature: str | None, returned: str | None
) -> tuple[str | None, str | None]:
    """Write `AvailableSession` for an alias, and `SessionStore` for the type variable of a private base."""
    if signature == "(*args, **kwargs)":  # a protocol, which nobody makes
        return "", returned
    if name in MADE_BY_OTHERS:
        return "", returned
    if name.startswith("liveperson_engagement_pytest."):  # a fixture, which nobody calls
        return "()", returned and re.sub(r"^.*Iterator\[(.*)\]$", r"\1", returned)
    meant = dict(ALIASES)
    for base in getattr(item, "__orig_bases__", ()) if what == "class" else ():
        variables = getattr(typing.get_origin(base), "__parameters__", ())
        for variable, argument in zip(variables, typing.get_args(base), strict=False):
            alias = argument.__forward_arg__ if isinstance(argument, typing.ForwardRef) else ""
            meant[variable.__name__] = ALIASES.get(alias) or stringify_annotation(argument, "smart")
    names = re.compile(rf"~?(?<![\w.])({'|'.join(map(re.escape, meant))})(?!\w)")
    signature, returned = (text and names.sub(lambda name: meant[name[1]], text) for text in (signature, returned))
    return signature, returned


def _put_contract(app: Sphinx, failure: Exception | None) -> None:
    """Put the API reference as the sandbox serves it, and the contract, into a folder of the site."""
    if failure or app.builder.name != "html":
        return
    folder = app.outdir / "contract"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    shutil.copy(STYLE, folder)
    shutil.copy(CONTRACT, folder / "openapi.json")
    page = reference_page(json.loads(CONTRACT.read_bytes()), "[← Documentation](../contract.html)")
    (folder / "index.html").write_text(page, encoding="utf-8")
