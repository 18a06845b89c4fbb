"""The recipes of docs/web-frameworks.md that keep a visit in a cookie, each asked by a browser of its framework."""
# Django has no types of its own.
# mypy: disable-error-code="import-untyped"
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false, reportUnknownMemberType=false

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Generator
from typing import Any

import httpx
import pytest
from django.conf import settings
from django.test import RequestFactory

from checkout import ROOT
from liveperson_engagement.sandbox import Sandbox
from samples import samples

RECIPES = [each for each in samples(ROOT / "docs/web-frameworks.md", "python") if "VisitIds.from_text" in each.code]
Ask = Callable[[str], str]
"""Asks for /chat with a cookie and returns the one that is set."""


@contextlib.contextmanager
def fastapi(recipe: dict[str, Any]) -> Generator[Ask]:
    """Ask the app amid its lifespan."""
    app = recipe["app"]

    async def get(cookie: str) -> httpx.Response:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="https://shop.example.com"
        ) as browser:
            return await browser.get("/chat", headers={"Cookie": f"visit={cookie}"})

    def ask(cookie: str) -> str:
        answer = runner.run(get(cookie))
        assert answer.json() == {"show": True}
        return answer.cookies["visit"]

    with asyncio.Runner() as runner:
        lifespan = app.router.lifespan_context(app)
        runner.run(lifespan.__aenter__())
        yield ask
        runner.run(lifespan.__aexit__(None, None, None))


@contextlib.contextmanager
def django(recipe: dict[str, Any]) -> Generator[Ask]:
    """Call the view."""
    if not settings.configured:
        settings.configure()

    def ask(cookie: str) -> str:
        answer = recipe["chat"](RequestFactory(headers={"Cookie": f"visit={cookie}"}).get("/chat"))
        assert answer.content == b'{"show": true}'
        return str(answer.cookies["visit"].value)

    with recipe["client"]:
        yield ask


@contextlib.contextmanager
def flask(recipe: dict[str, Any]) -> Generator[Ask]:
    """Ask the app."""
    transport = httpx.WSGITransport(recipe["app"])

    def ask(cookie: str) -> str:
        with httpx.Client(transport=transport, base_url="https://shop.example.com") as browser:
            answer = browser.get("/chat", headers={"Cookie": f"visit={cookie}"})
        assert answer.json() == {"show": True}
        return answer.cookies["visit"]

    with recipe["client"]:
        yield ask


@pytest.mark.parametrize("framework", [fastapi, django, flask], ids=lambda framework: framework.__name__)
def test_a_cookie_keeps_the_visit(
    framework: Callable[[dict[str, Any]], contextlib.AbstractContextManager[Ask]],
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One visitor for two requests with the cookie; a cookie that somebody has changed starts another visit."""
    monkeypatch.setenv("LIVEPERSON_BASE_URL", sandbox.url)
    with framework(names_of(framework.__name__)) as ask:
        assert ask(ask("")) != ""
        assert len(sandbox.visitors) == 1
        ask("changed")
        assert len(sandbox.visitors) == 2


def names_of(framework: str) -> dict[str, Any]:
    """Run the recipe of a framework and return its names."""
    [recipe] = [each for each in RECIPES if f"from {framework}" in each.code]
    names: dict[str, Any] = {"__name__": "shop"}
    exec(compile(recipe.code, str(recipe), "exec"), names)  # noqa: S102
    return names
