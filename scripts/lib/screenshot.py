"""Takes the picture of the sandbox's front page, after some calls of a client."""

import time
from pathlib import Path
from typing import Any

import httpx

from browser import Tab, chromium
from liveperson_engagement import EngagementClient
from liveperson_engagement.sandbox import Sandbox

PICTURE = Path(__file__).resolve().parents[2] / "docs/images/sandbox.jpg"
LEAD: Any = {"engagementAttributes": [{"type": "lead", "lead": {"topic": "upgrade"}}]}


def main() -> None:
    """Run the command."""
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    with Sandbox(port=8787) as sandbox, chromium() as browser:
        make_calls(sandbox)
        page = Tab(browser, sandbox.url, height=800).page
        page.emulate_media(reduced_motion="reduce")
        page.locator("#requests > li").first.wait_for()
        page.screenshot(path=PICTURE, type="jpeg", quality=75)


def make_calls(sandbox: Sandbox) -> None:
    """Let some visits go well and some not, each pause a tenth of its length."""
    with EngagementClient("demo", base_url=sandbox.url, sleep=lambda seconds: time.sleep(seconds / 10)) as client:
        first, second, third = map(client.visit, ("first", "second", "third"))
        first.create_session({"appType": "EXTERNAL"})
        first.report_impressions("impDisplay")
        sandbox.fail_next(503, times=2)
        second.create_session({"appType": "MSDK", "consumerSections": ["Support"]})
        sandbox.expire_sessions()
        sandbox.loading_account()
        third.create_session({"appType": "EXTERNAL"})
        first.create_session({"appType": "EXTERNAL"})
        first.report_impressions("impAccept")
        sandbox.drop_connection()
        third.update_session(LEAD)
        httpx.post(f"{sandbox.url}/api/account/demo/app/engagement/visitors/?v=1.0", json={"appType": "WEB"})


if __name__ == "__main__":
    main()
