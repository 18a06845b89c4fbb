"""May a shopper's page show the chat button? A small backend with FastAPI, and a page that asks it.

    pip install "liveperson-engagement[redis]" fastapi uvicorn
    python examples/fastapi_app.py --sandbox                    # then open http://127.0.0.1:8000

That plays LivePerson's services on this machine. For the real ones, and with as many workers as you like:

    LIVEPERSON_ACCOUNT_ID=le12345678 LIVEPERSON_STORE=sqlite:visits.db \
        uvicorn --app-dir examples fastapi_app:app --workers 2

LIVEPERSON_STORE is `memory` (for one worker only), `sqlite:PATH` (for the workers of one machine) or a Redis URL.
The page, `shop.html`, knows its shopper by a cookie that nobody can guess or read. The routes with a shopper in their
path are for callers who know who their shopper is: keep them behind your login.
"""

import argparse
import hashlib
import logging
import os
import re
import secrets
import sys
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Annotated, Literal

import uvicorn
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import BaseModel, Field

from liveperson_engagement import (
    AsyncEngagementClient,
    AsyncSessionStore,
    AvailableSession,
    EngagementError,
    ImpressionEventType,
    InvalidRequest,
    MemoryStore,
    RedisStore,
    SQLiteStore,
)

logger = logging.getLogger(__name__)
PAGE = Path(__file__).with_name("shop.html").read_text(encoding="utf-8")
DAY = 86400


class Offer(BaseModel):
    """What an app asks for."""

    show: bool
    engagement_id: str | None = Field(default=None, serialization_alias="engagementId")


class PageOffer(Offer):
    """What the page asks for."""

    offer: str | None = None
    """Tells one offer from the next, so that each is reported once; says nothing of the session."""
    valid_for_seconds: float | None = Field(default=None, serialization_alias="validForSeconds")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
    """Give each worker one client, in the worker's own event loop."""
    async with AsyncExitStack() as stack:
        store = await open_store(os.environ.get("LIVEPERSON_STORE", "memory"), stack)
        app.state.client = await stack.enter_async_context(AsyncEngagementClient(store=store, deadline=1.5))
        yield


async def open_store(name: str, stack: AsyncExitStack) -> AsyncSessionStore:
    """Open the store of that name until the worker ends."""
    if name == "memory":
        return MemoryStore()
    if name.startswith("sqlite:"):
        return await stack.enter_async_context(SQLiteStore(name.removeprefix("sqlite:"), timeout=0.5))
    return await stack.enter_async_context(RedisStore(name, time_to_live=DAY, timeout=0.5))


def the_client(request: Request) -> AsyncEngagementClient:
    """Find the worker's client."""
    client: AsyncEngagementClient = request.app.state.client
    return client


def the_shopper(request: Request) -> str | None:
    """Read whose browser this is from its cookie, if it is one of ours."""
    cookie = request.cookies.get("shopper", "")
    return f"cookie:{cookie}" if re.fullmatch(r"[\w-]{43}", cookie, re.ASCII) else None


app = FastAPI(lifespan=lifespan)
Client = Annotated[AsyncEngagementClient, Depends(the_client)]
Shopper = Annotated[str | None, Depends(the_shopper)]


async def available(client: AsyncEngagementClient, shopper: str) -> AvailableSession | None:
    """Answer soon, as deadline and timeout ask: better a page without the button than a page that waits."""
    try:
        session = await client.visit(shopper).engagement({"appType": "EXTERNAL", "consumerSections": ["Support"]})
    except EngagementError as error:
        logger.warning("no engagement: %s", error)
        return None
    return session if session.status == "Available" else None


# The page


@app.get("/")
async def page(request: Request, shopper: Shopper) -> HTMLResponse:
    """Show the shop, and give a browser that has none the cookie that its visit is kept by."""
    answer = HTMLResponse(PAGE, headers={"Cache-Control": "no-store"})
    value = shopper.removeprefix("cookie:") if shopper else secrets.token_urlsafe()
    secure = request.url.scheme == "https"
    answer.set_cookie("shopper", value, max_age=DAY, httponly=True, samesite="lax", secure=secure)
    return answer


@app.get("/chat")
async def chat(client: Client, shopper: Shopper, response: Response) -> PageOffer:
    """Say whether the button may be shown, and for how long.

    A browser that keeps no cookies gets no button: it would be a new visitor on LivePerson's list with each question.
    """
    response.headers["Cache-Control"] = "no-store"
    if shopper is None or (session := await available(client, shopper)) is None:
        return PageOffer(show=False)
    details = session.engagement_details
    return PageOffer(
        show=True,
        engagement_id=str(details.engagement_id),  # 64 bits: too long for a number in JavaScript
        offer=hashlib.sha256(f"{session.session_id} {details.engagement_id}".encode()).hexdigest()[:16],
        valid_for_seconds=details.valid_for_seconds,
    )


@app.post("/chat/{kind}", status_code=204)
async def chat_impression(kind: Literal["impDisplay", "impAccept"], client: Client, shopper: Shopper) -> None:
    """Report that the button was displayed, or clicked. The cookie does not come with another site's request."""
    if shopper is None:
        raise HTTPException(422, "this browser was offered nothing")
    await client.visit(shopper).report_impressions(kind)


# Callers who know who their shopper is


@app.get("/engagement/{shopper}")
async def engagement(shopper: str, client: Client) -> Offer:
    """Say whether the button may be shown."""
    if session := await available(client, shopper):
        return Offer(show=True, engagement_id=str(session.engagement_details.engagement_id))
    return Offer(show=False)


@app.post("/engagement/{shopper}/impressions/{kind}", status_code=204)
async def impression(shopper: str, kind: ImpressionEventType, client: Client) -> None:
    """Report that the button was displayed, clicked and so on: impDisplay, impAccept, ..."""
    await client.visit(shopper).report_impressions(kind)


@app.exception_handler(EngagementError)
async def failed(_: Request, error: EngagementError) -> JSONResponse:
    """Blame the caller for a wrong kind, and for one that was offered no engagement; nobody for the rest."""
    return JSONResponse({"detail": str(error)}, status_code=422 if isinstance(error, InvalidRequest) else 503)


def main() -> None:
    """Serve, until Ctrl-C."""
    parser = argparse.ArgumentParser(description="A shop's page with a chat button.")
    parser.add_argument("--sandbox", action="store_true", help="play LivePerson's services in this process")
    parser.add_argument("--port", type=int, default=8000, help="0 for a free one; default: %(default)s")
    options = parser.parse_args()
    if options.sandbox:
        from liveperson_engagement.sandbox import Sandbox  # noqa: PLC0415

        sandbox = Sandbox(valid_for_seconds=10).start()  # ends with the process
        os.environ.update(LIVEPERSON_ACCOUNT_ID="demo", LIVEPERSON_BASE_URL=sandbox.url)
        print(f"Sandbox: {sandbox.url}/sandbox/ says how to make the button go and come.", file=sys.stderr, flush=True)
    uvicorn.run(app, port=options.port)


if __name__ == "__main__":
    main()
