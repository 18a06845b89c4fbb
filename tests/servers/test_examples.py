"""The examples without a page: each started by its one command, the desktop app, and the batch."""

import re
import runpy
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from liveperson_engagement.sandbox import Sandbox
from liveperson_engagement.testing import FakeClock
from program import EXAMPLES, reported, started
from waiting import until

BUTTON, CHAT = r"Click to Chat    \(type chat\)", "Your chat window opens here."


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """Run a sandbox for code in this process, which offers what is valid for no time."""
    with Sandbox(valid_for_seconds=0) as sandbox:
        monkeypatch.setenv("LIVEPERSON_ACCOUNT_ID", "demo")
        monkeypatch.setenv("LIVEPERSON_BASE_URL", sandbox.url)
        yield sandbox


def module(name: str) -> Any:
    """Import an example."""
    return SimpleNamespace(**runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name=name))


@pytest.mark.parametrize(
    ("command", "ready"),
    [
        ("fastapi_app --sandbox --port 0", r"running on (http://127\.0\.0\.1:\d+)"),
        ("django_app --sandbox 0", r"server at (http://127\.0\.0\.1:\d+)/"),
        ("desktop_app --sandbox", BUTTON),
        ("batch_update --sandbox --rate 1000", r"60 rows done, 0 done before, 0 failed, of 60\."),
    ],
)
def test_an_example_runs_with_one_command(command: str, ready: str) -> None:
    """With a sandbox of its own; a backend answers for each shopper, and reports."""
    with started(*command.split()) as program:
        controls = program.said(r"Sandbox: (http://127\.0\.0\.1:\d+/sandbox/)")
        url = program.said(ready)
        if url.startswith("http"):
            with httpx.Client(base_url=url) as shop:
                shown = {"show": True, "engagementId": "3562981110"}
                assert [shop.get("/engagement/shopper-42").json() for _ in range(3)] == [shown] * 3
                assert shop.post("/engagement/shopper-42/impressions/impDisplay").status_code == 204
                httpx.post(f"{controls}not_available")
                assert shop.get("/engagement/shopper-43").json() == {"show": False, "engagementId": None}
            requests = httpx.get(f"{controls}requests").json()
            assert reported(each["body"] for each in requests) == {"impDisplay": 1}
            assert len(httpx.get(f"{controls}visitors").json()) == 2
        elif "batch" in command:
            assert program.ends() == 0
            assert "━ 60/60 0 failed" in program.printed
        else:
            program.say("quit")
            assert program.ends() == 0


@pytest.mark.parametrize("command", ["fastapi_app --port 0", "django_app runserver --noreload 0"])
def test_a_failure_never_reaches_the_page(
    command: str, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No error of the service reaches the page, and each request that failed may come again."""
    monkeypatch.setenv("LIVEPERSON_STORE", f"sqlite:{tmp_path / 'visits.db'}")
    monkeypatch.setenv("LIVEPERSON_SQLITE", str(tmp_path / "visits.db"))
    shopper, hidden = "/engagement/shopper", {"show": False, "engagementId": None}
    with (
        started(*command.split(), url=sandbox.url) as program,
        httpx.Client(base_url=program.said(r"(http://127\.0\.0\.1:\d+)"), timeout=120) as client,
    ):
        until(lambda: client.get(shopper).json()["show"])  # in the 1.5 seconds that the examples give it
        until(lambda: client.post(f"{shopper}/impressions/impDisplay").status_code == 204)
        assert client.post("/engagement/stranger/impressions/impDisplay").status_code == 422
        sandbox.not_available()
        assert client.get("/engagement/s3").json() == hidden
        sandbox.available()
        sandbox.fail_next(503)
        sandbox.drop_connection()
        assert [client.get(f"/engagement/s{number}").json() for number in (4, 5)] == [hidden] * 2
        sandbox.fail_next(503)
        assert client.post(f"{shopper}/impressions/impAccept").status_code == 503
        until(lambda: client.get("/engagement/s4").json()["show"])


def test_the_life_of_a_desktop_app(tmp_path: Path, sandbox: Sandbox) -> None:
    """The button comes and goes; each click is reported once; offline it ends at once, while it pauses."""
    with started("desktop_app", "--visits", tmp_path / "visits.db", "--every", 0.05, url=sandbox.url) as program:
        program.said(BUTTON)
        sandbox.not_available()
        program.said("No chat: not available")
        program.say("chat")
        program.said("Type quit, or chat while there is a button.")
        sandbox.available()
        program.said(f"{BUTTON}(?s:.*){BUTTON}")
        for _ in range(2):
            program.say("chat")
        program.said(f"{CHAT}\n{CHAT}")
        until(lambda: reported(each.body for each in sandbox.requests) == {"impDisplay": 1, "impAccept": 1})
        sandbox.stop()
        program.said("No chat: offline")
        program.say("quit")
        assert program.ends() == 0
    assert len(program.printed.splitlines()) == 7
    assert reported(each.body for each in sandbox.requests) == {"impDisplay": 1, "impAccept": 1}


def test_the_next_start_goes_on_as_the_same_visitor(tmp_path: Path, sandbox: Sandbox) -> None:
    """After an outage too, and after the documented pauses."""
    states, clock = list[str](), FakeClock()
    button = module("desktop_app").ChatButton
    for _ in range(2):
        with button(tmp_path / "visits.db", states.append):
            until(lambda: states == ["available"])
        states.clear()
    assert [len(visitor.sessions) for visitor in sandbox.visitors] == [1]
    with button(tmp_path / "visits.db", states.append, every=0.01, sleep=clock.asleep):
        until(lambda: states == ["available"])
        sandbox.drop_connection(times=3)
        until(lambda: states == ["available", "offline", "available"])
        sandbox.fail_next(503, times=4)
        until(lambda: states[3:] == ["not available", "available"])
    assert clock.pauses == [5, 10, 15] * 2
    assert len(sandbox.visitors) == 1


def visits(folder: Path, *rows: str) -> Path:
    """Write a file of visits."""
    (folder / "visits.csv").write_text("\n".join(["customer,topic,value,currency", *rows]) + "\n")
    return folder / "visits.csv"


Batch = Callable[..., tuple[int, list[str]]]


@pytest.fixture
def batch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Batch]:
    """Run the batch in this process, without pauses; give its exit status and the lines of the outcome."""

    def run(*rows: str) -> tuple[int, list[str]]:
        options = ["--state", str(tmp_path / "state"), "--rate", "1000", "--concurrency", "4"]
        status: int = module("batch_update").main([str(visits(tmp_path, *rows)), *options], sleep=FakeClock().asleep)
        return status, capsys.readouterr().out.splitlines()

    before = signal.getsignal(signal.SIGINT)
    yield run
    signal.signal(signal.SIGINT, before)


def customers(number: int, cents: int = 5) -> list[str]:
    """Make rows up."""
    return [f"c-{each},upgrade,{each}.{cents},USD" for each in range(number)]


def leads(sandbox: Sandbox) -> list[Any]:
    """Give the value of each visitor's last lead."""
    return sorted(visitor.sessions[-1].attributes[-1]["lead"]["value"] for visitor in sandbox.visitors)


def test_each_row_becomes_a_visitor_once(batch: Batch, sandbox: Sandbox) -> None:
    """What is done is not sent again; more news goes to the same visitors."""
    sandbox.slow(0.2, times=4)
    assert batch(*customers(40)) == (0, ["40 rows done, 0 done before, 0 failed, of 40."])
    assert leads(sandbox) == [each + 0.5 for each in range(40)]
    assert [each.operation_id for each in sandbox.requests] == ["createSession"] * 40
    assert 2 <= len({each.caller for each in sandbox.requests}) <= 4  # connections, as many as there are calls at once
    news = batch(*customers(40), *customers(40, 75))
    assert news == (0, ["40 rows done, 40 done before, 0 failed, of 80."])
    assert leads(sandbox) == [each + 0.75 for each in range(40)]
    assert [each.operation_id for each in sandbox.requests[40:]] == ["updateSession"] * 40


def test_rows_that_are_wrong_are_noted_and_can_be_mended(batch: Batch, sandbox: Sandbox) -> None:
    """By line and place, without a word of what stands there; the others are done."""
    wrong = ["c-7,upgrade,much,USD", ",upgrade,1,USD", "c-8,upgrade,nan,USD", "c-9"]
    status, lines = batch(*customers(3), *wrong)
    assert status == 1
    assert [line.partition(": must")[0] for line in lines] == [
        *("3 rows done, 0 done before, 4 failed, of 7.", "line 5: value", "line 6: customer: is required"),
        *("line 7: engagementAttributes[0].lead.value", "line 8: value"),
    ]
    assert not re.search("c-|much|upgrade|nan", "".join(lines))
    mended = batch(*customers(3), *[f"c-{each},upgrade,{each},USD" for each in range(6, 10)])
    assert mended == (0, ["4 rows done, 3 done before, 0 failed, of 7."])
    assert len(sandbox.visitors) == 7


def test_an_outage_stops_it_and_the_next_run_goes_on(batch: Batch, sandbox: Sandbox) -> None:
    """It does not send all rows to a service that is down; in the end each row is one visitor."""
    assert batch(*customers(10))[0] == 0
    sandbox.fail_next(503, times=1000)
    status, lines = batch(*customers(60))
    assert (status, lines[-1]) == (3, "Stopped, as 5 rows in a row failed: try again later.")
    sent = len(sandbox.requests) - 10
    assert 5 * 4 <= sent <= (5 + 4) * 4
    assert [re.sub(r"\[503\] .* after", "[503] after", line) for line in lines[1:-1]] == [
        f"line {number}: [503] after 4 attempts" for number in range(12, 12 + sent // 4)
    ]
    sandbox.reset()
    assert batch(*customers(60))[0] == 0
    assert len(sandbox.visitors) == 50


def test_ctrl_c_lets_the_calls_under_way_end(batch: Batch, sandbox: Sandbox, tmp_path: Path) -> None:
    """So that the next run makes no visitor twice."""
    options = ("--state", tmp_path / "state", "--rate", 5)
    with started("batch_update", visits(tmp_path, *customers(60)), *options, url=sandbox.url) as program:
        until(lambda: len(sandbox.visitors) >= 3)
        sandbox.slow(0.2, times=4)
        program.process.send_signal(signal.SIGINT)
        assert program.ends() == 3
    assert program.printed.endswith("Stopped, as you asked.\n")
    assert len(sandbox.visitors) == int(program.said(r"(\d+) rows done")) < 60
    assert batch(*customers(60))[0] == 0
    assert len(sandbox.visitors) == 60
