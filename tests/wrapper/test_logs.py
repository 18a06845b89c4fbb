"""What the log says of a client's calls, what it never says, and who prints it."""

import io
import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import Mock

import pytest

from conftest import BODY, Backend
from life import live
from liveperson_engagement import RetryPolicy
from liveperson_engagement._log import configure_logging
from liveperson_engagement.sandbox import Sandbox

OURS, ROOT = logging.getLogger("liveperson_engagement"), logging.getLogger()
OUTCOME = r"(status \d{3}(, internal code \d+)?|[A-Z]\w+)"
RETRY = rf"[a-z]\w+: attempt [1-3] failed \({OUTCOME}\); trying again in \d+ s"
LINES = {
    "DEBUG": rf"[a-z]\w+: (attempt [1-4]: {OUTCOME} after \d+\.\d{{3}} s|the answer's shape: \{{[\w:, {{}}]*\}})",
    "INFO": RETRY,
    "WARNING": rf"session store: \w+ failed \([A-Z]\w+\); going on without it|{RETRY}",
}
"""The whole of what is said; pauses of 5 seconds and more are warnings."""

RAISED = (
    "ServerError AccountLoading ApiError BadRequest Unauthorized ApiError InvalidResponse DeadlineExceeded"
    " InvalidRequest Timeout NotFound ConnectionFailed DomainLookupFailed ConnectionFailed ConnectionFailed"
    " RuntimeError StoreError"
)


@pytest.mark.backends
def test_a_whole_life_is_logged_without_ids_keys_and_bodies(
    backend: Backend, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """Under one name; each line is a request at DEBUG, a retry, or at WARNING a store that is done without."""
    caplog.set_level(logging.DEBUG)
    secrets, raised = live(backend, sandbox)
    assert " ".join(kind.__name__ for kind in raised) == RAISED
    records = [each for each in caplog.records if each.name.startswith(OURS.name) and "sandbox" not in each.name]
    assert {each.name for each in records} == {OURS.name}
    for record in records:
        line = record.getMessage()
        assert re.fullmatch(LINES[record.levelname], line), line
        assert record.exc_info is None
        assert not [secret for secret in {*secrets, "?"} if secret in line], line
    assert len(secrets) > 10


def test_each_request_is_one_debug_line_and_each_retry_one_line(
    backend: Backend, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """With operation, attempt, status or error, internal code, and seconds; a pause from 5 s on is a warning."""
    caplog.set_level(logging.DEBUG, logger=OURS.name)
    client = backend.client(domain_api=sandbox.url, retry=RetryPolicy([4.9, 5]))
    sandbox.fail_next(503, internal_code=13)
    sandbox.html_error(520)
    visit = client.visit("shopper")
    visit.create_session(BODY)
    sandbox.drop_connection()
    visit.update_session({})
    logged = [f"{each.levelname} {each.getMessage()}" for each in caplog.records if "sandbox" not in each.name]
    assert [re.sub(r"\d+\.\d{3} s", "…", line) for line in logged] == [
        "DEBUG findDomain: attempt 1: status 200 after …",
        "DEBUG createSession: attempt 1: status 503, internal code 13 after …",
        "INFO createSession: attempt 1 failed (status 503, internal code 13); trying again in 4.9 s",
        "DEBUG createSession: attempt 2: status 520 after …",
        "WARNING createSession: attempt 2 failed (status 520); trying again in 5 s",
        "DEBUG createSession: attempt 3: status 200 after …",
        "DEBUG updateSession: attempt 1: ConnectionFailed after …",
        "INFO updateSession: attempt 1 failed (ConnectionFailed); trying again in 4.9 s",
        "DEBUG updateSession: attempt 2: status 200 after …",
    ]


PROGRAM = """
from liveperson_engagement import EngagementClient
for _ in range(2):
    with EngagementClient("demo", sleep=lambda _: None) as client:
        client.visit().create_session({"appType": "EXTERNAL"})
"""


def test_the_environment_has_a_program_print_the_lines(sandbox: Sandbox) -> None:
    """On standard error, each once, however many clients are made."""
    sandbox.play([{"fail_next": {"status": 503}}, "serve_next"] * 2)
    environment = {**os.environ, "LIVEPERSON_BASE_URL": sandbox.url, "LIVEPERSON_LOG": "Info "}
    command = [sys.executable, "-W", "error", "-c", PROGRAM]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    lines = [line.partition(" WARNING liveperson_engagement: ")[2] for line in done.stderr.splitlines()]
    assert [bool(re.fullmatch(RETRY, line)) for line in lines] == [True, True]


@pytest.fixture
def configure(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Configure as a first client does, in a program without handlers of its own."""
    before = OURS.level, OURS.propagate

    def set_up(level: str) -> None:
        monkeypatch.setattr(OURS, "handlers", [])
        monkeypatch.setattr(ROOT, "handlers", [])
        monkeypatch.setenv("LIVEPERSON_LOG", level)
        configure_logging.__wrapped__()

    yield set_up
    OURS.setLevel(before[0])
    OURS.propagate = before[1]


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error"])
def test_a_line_has_time_level_name_and_text(
    configure: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, level: str
) -> None:
    """And a line of its own, at once, on what is standard error at that moment; case and blanks don't matter."""
    configure(f" {level.title()} ")
    monkeypatch.setattr(sys, "stderr", stream := Mock())
    levels = ["DEBUG", "INFO", "WARNING", "ERROR"]
    for each in levels:
        OURS.log(logging.getLevelNamesMapping()[each], "%s: tried", "createSession")
    lines = "".join(call.args[0] for call in stream.write.mock_calls).splitlines()
    assert [line.split(" ")[2] for line in lines] == levels[levels.index(level.upper()) :]
    assert stream.flush.call_count == len(lines)
    form = r"[\d-]{10} [\d:,]{12} [A-Z]+ liveperson_engagement: createSession: tried"
    assert all(re.fullmatch(form, line) for line in lines)


@pytest.mark.parametrize("level", ["", "loud"])
def test_without_a_level_that_exists_only_warnings_are_printed(
    configure: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, level: str
) -> None:
    """As Python prints those of any package; a wrong level is told."""
    monkeypatch.setattr(OURS, "handle", handle := Mock())
    before = OURS.level
    configure(level)
    line = "LIVEPERSON_LOG: must be one of debug, info, warning, error; it is ignored"
    assert [call.args[0].getMessage() for call in handle.mock_calls] == ([line] if level else [])
    assert (OURS.handlers, OURS.level) == ([], before)


@pytest.mark.parametrize(
    ("handler", "propagates", "printed_by_us"),
    [(OURS, True, False), (ROOT, True, False), (OURS, False, False), (ROOT, False, True)],
    ids=range(4),
)
def test_who_has_a_handler_prints_the_lines(
    configure: Callable[[str], None], capsys: Any, handler: logging.Logger, *, propagates: bool, printed_by_us: bool
) -> None:
    """One that would see them: the root's does not where nothing is handed on."""
    configure("info")
    OURS.propagate = propagates
    handler.addHandler(logging.NullHandler())
    OURS.info("told")
    assert ("told" in capsys.readouterr().err) is printed_by_us


def test_a_line_that_cannot_be_printed_ends_no_call(
    configure: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The standard library is told which one, as by its own handlers; without standard error there is nothing to do."""
    failures: list[logging.LogRecord] = []
    closed = io.StringIO()
    closed.close()
    configure("info")
    monkeypatch.setattr(OURS.handlers[0], "handleError", failures.append)
    OURS.info("%d seconds", "no number")
    monkeypatch.setattr(sys, "stderr", closed)
    OURS.info("told")
    monkeypatch.setattr(sys, "stderr", None)
    OURS.info("not told")
    assert [record.msg for record in failures] == ["%d seconds", "told"]
