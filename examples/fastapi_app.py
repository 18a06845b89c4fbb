"""May a shopper's page show the chat button? A small backend with FastAPI.

    pip install "liveperson-engagement[redis]" fastapi uvicorn
    LIVEPERSON_ACCOUNT_ID=le12345678 LIVEPERSON_STORE=sqlite:visits.db \
        uvicorn --app-dir examples fastapi_app:app --workers 2

LIVEPERSON_STORE is `memory` (for one worker only), `sqlite:PATH` (for the workers of one machine) or a Redis URL.
LIVEPERSON_BASE_URL points the backend at a sandbox instead of LivePerson. Who the shopper is belongs into your
login session; here it stands in the path.
"""

import logging
import os
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from liveperson_engagement import (
    AsyncEngagementClient,
    AsyncSessionStore,
    EngagementError,
    InvalidRequest,
    MemoryStore,
    RedisStore,
    SQLiteStore,
)

logger = logging.getLogger(__name__)


class Offer(BaseModel):
    """What the page asks for."""

    show: bool
    engagement_id: str | None = Field(default=None, serialization_alias="engagementId")


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
    return await stack.enter_async_context(RedisStore(name, ttl=86400, timeout=0.5))


def the_client(request: Request) -> AsyncEngagementClient:
    """Find the worker's client."""
    client: AsyncEngagementClient = request.app.state.client
    return client


app = FastAPI(lifespan=lifespan)
Client = Annotated[AsyncEngagementClient, Depends(the_client)]


@app.get("/engagement/{shopper}")
async def engagement(shopper: str, client: Client) -> Offer:
    """Answer soon, as deadline and timeout ask: better a page without the button than a page that waits."""
    try:
        session = await client.visit(shopper).engagement({"appType": "EXTERNAL", "consumerSections": ["Support"]})
    except EngagementError as error:
        logger.warning("no engagement: %s", error)
        return Offer(show=False)
    if session.status != "Available":
        return Offer(show=False)
    return Offer(show=True, engagement_id=str(session.engagement_details.engagement_id))  # 64 bits: too long for JS


@app.post("/engagement/{shopper}/impressions/{kind}", status_code=204)
async def impression(shopper: str, kind: str, client: Client) -> None:
    """Report that the button was displayed, clicked and so on: impDisplay, impAccept, ..."""
    await client.visit(shopper).report_impressions(kind)


@app.exception_handler(EngagementError)
async def failed(_: Request, error: EngagementError) -> JSONResponse:
    """Blame the caller for a wrong kind, and for one that was offered no engagement; nobody for the rest."""
    return JSONResponse({"detail": str(error)}, status_code=422 if isinstance(error, InvalidRequest) else 503)
