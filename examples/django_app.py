"""May a shopper's page show the chat button? A small backend with Django, in one file.

    pip install liveperson-engagement django
    python examples/django_app.py --sandbox                     # then open http://127.0.0.1:8000/engagement/shopper-42

That plays LivePerson's services on this machine; `--sandbox 8001` takes another port. For the real ones:

    LIVEPERSON_ACCOUNT_ID=le12345678 python examples/django_app.py runserver --noreload 8000

Or with any WSGI server, in as many threads and processes as you like: `gunicorn --chdir examples django_app`.
LIVEPERSON_SQLITE is the path of the visits that they share. Who the shopper is belongs into your login session; here
it stands in the path. `fastapi_app.py` has a page that goes with such a backend, and keeps the shopper in a cookie.
"""
# Django has no types of its own; django-stubs has them.
# mypy: disable-error-code="import-untyped,untyped-decorator"
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false, reportUnknownMemberType=false

import logging
import os
import sys
from typing import cast

from django.conf import settings
from django.core.management import execute_from_command_line
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.views.decorators.http import require_GET, require_POST

from liveperson_engagement import (
    EngagementClient,
    EngagementError,
    ImpressionEventType,
    InvalidRequest,
    MemoryStore,
    SQLiteStore,
)

if SANDBOX := __name__ == "__main__" and sys.argv[1:2] == ["--sandbox"]:
    from liveperson_engagement.sandbox import Sandbox

    sandbox = Sandbox(valid_for_seconds=10).start()  # ends with the process
    os.environ.update(LIVEPERSON_ACCOUNT_ID="demo", LIVEPERSON_BASE_URL=sandbox.url)
    print(f"Sandbox: {sandbox.url}/sandbox/ says how to make the button go and come.", file=sys.stderr, flush=True)
    sys.argv[1:] = ["runserver", "--noreload", *sys.argv[2:]]

settings.configure(ALLOWED_HOSTS=["127.0.0.1", "localhost"], ROOT_URLCONF=__name__)
logger = logging.getLogger(__name__)
store = MemoryStore() if SANDBOX else SQLiteStore(os.environ.get("LIVEPERSON_SQLITE", "visits.db"), timeout=0.5)
client = EngagementClient(store=store, deadline=1.5)
"""One for all threads of the process. Nothing is sent, and no connection opened, before the first request."""


@require_GET
def engagement(_: HttpRequest, shopper: str) -> HttpResponse:
    """Answer soon, as deadline and timeout ask: better a page without the button than a page that waits."""
    try:
        session = client.visit(shopper).engagement({"appType": "EXTERNAL", "consumerSections": ["Support"]})
    except EngagementError as error:
        logger.warning("no engagement: %s", error)
        return JsonResponse({"show": False, "engagementId": None})
    if session.status != "Available":
        return JsonResponse({"show": False, "engagementId": None})
    engagement_id = str(session.engagement_details.engagement_id)  # 64 bits: too long for a number in JavaScript
    return JsonResponse({"show": True, "engagementId": engagement_id})


@require_POST
def impression(_: HttpRequest, shopper: str, kind: str) -> HttpResponse:
    """Report that the button was displayed, clicked and so on: impDisplay, impAccept, ..."""
    try:
        client.visit(shopper).report_impressions(cast(ImpressionEventType, kind))
    except InvalidRequest as error:  # a wrong kind, or no engagement was offered
        return JsonResponse({"detail": str(error)}, status=422)
    except EngagementError as error:
        return JsonResponse({"detail": str(error)}, status=503)
    return HttpResponse(status=204)


urlpatterns = [
    path("engagement/<str:shopper>", engagement),
    path("engagement/<str:shopper>/impressions/<str:kind>", impression),
]
application = get_wsgi_application()

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
