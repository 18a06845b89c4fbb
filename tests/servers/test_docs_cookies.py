"""The recipes of docs/web-frameworks.md that keep a visit in a cookie, each asked by a browser of its framework."""
# Django has no types of its own.
# mypy: disable-error-code="import-untyped"
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false, reportUnknownMemberType=false

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from django.conf import settings
from django.test import RequestFactory

from checkout import ROOT
from liveperson_engagement import VisitIds
from liveperson_engagement.sandbox import Sandbox
from samples import samples

RECIPES = [each for each in samples(ROOT / "docs/web-frameworks.md", "python") if "VisitIds.from_text" in each.code]
Ask = Callable[[str], tuple[Any, str]]
"""Asks for /chat with a cookie; returns the answer and the cookie that is set."""
URL = "https://shop.example.com/chat"


def asking(framework: str, recipe: dict[str, Any], stack: ExitStack) -> Ask:
    """Open an app of a framework."""
    if framework == "django":
        if not settings.configured:
            settings.configure()
        stack.enter_context(recipe["client"])

        def view(cookie: str) -> tuple[Any, str]:
            answer = recipe["chat"](RequestFactory(headers={"Cookie": f"visit={cookie}"}).get("/chat"))
            return answer.content, answer.cookies["visit"].value

        return view
    app: Any = recipe["app"]
    if framework == "flask":
        stack.enter_context(recipe["client"])
        browser = stack.enter_context(httpx.Client(transport=httpx.WSGITransport(app)))
        get: Callable[..., httpx.Response] = browser.get
    else:
        runner, lifespan = stack.enter_context(asyncio.Runner()), app.router.lifespan_context(app)
        later = httpx.AsyncClient(transport=httpx.ASGITransport(app))
        runner.run(lifespan.__aenter__())
        stack.callback(lambda: runner.run(lifespan.__aexit__(None, None, None)))
        stack.callback(lambda: runner.run(later.aclose()))
        get = lambda *arguments, **options: runner.run(later.get(*arguments, **options))  # noqa: E731

    def ask(cookie: str) -> tuple[Any, str]:
        answer = get(URL, headers={"Cookie": f"visit={cookie}"})
        return answer.content, answer.cookies["visit"]

    return ask


@pytest.mark.parametrize("framework", ["fastapi", "django", "flask"])
def test_a_cookie_keeps_the_visit(framework: str, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """One visitor for two requests with the cookie; a cookie that somebody has changed starts another visit."""
    monkeypatch.setenv("LIVEPERSON_BASE_URL", sandbox.url)
    [sample] = [each for each in RECIPES if f"from {framework}" in each.code]
    recipe: dict[str, Any] = {"__name__": "shop"}
    exec(compile(sample.code, str(sample), "exec"), recipe)  # noqa: S102
    with ExitStack() as stack:
        ask = asking(framework, recipe, stack)
        content, cookie = ask("")
        assert content.replace(b" ", b"").strip() == b'{"show":true}'
        assert (ask(cookie)[1] != "", len(sandbox.visitors)) == (True, 1)
        for count, changed in enumerate(("changed", VisitIds("..").to_text()), 2):
            ask(changed)
            assert len(sandbox.visitors) == count
