"""What the log says of a client's calls, and what it never says."""

from __future__ import annotations

import io
import logging
import os
import re
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from conftest import Backend
from life import live
from liveperson_engagement import (
    AccountLoading,
    ApiError,
    BadRequest,
    ConnectionFailed,
    DeadlineExceeded,
    DomainLookupFailed,
    InvalidRequest,
    InvalidResponse,
    NotFound,
    ServerError,
    StoreError,
    Timeout,
    Unauthorized,
)
from liveperson_engagement._log import configure_logging
from liveperson_engagement.sandbox import Sandbox

LINES = {
    "DEBUG": r"[a-z]\w+: (attempt [1-4]: (status \d{3}(, internal code \d+)?|[A-Z]\w+) after \d+\.\d{3} s"
    r"|the answer's shape: \{[\w:, {}]*\})",
    "INFO": r"[a-z]\w+: attempt [1-3] failed \((status \d{3}(, internal code \d+)?|[A-Z]\w+)\); trying again in \d+ s",
    "WARNING": r"session store: \w+ failed \([A-Z]\w+\); going on without it"
    r"|[a-z]\w+: attempt [1-3] failed \((status \d{3}(, internal code \d+)?|[A-Z]\w+)\); trying again in \d+ s",
}
"""The whole of what is said; pauses of 5 seconds and more are warnings."""

RAISED = [
    ServerError, AccountLoading, ApiError, BadRequest, Unauthorized, ApiError, InvalidResponse, DeadlineExceeded,
    InvalidRequest, Timeout, NotFound, ConnectionFailed, DomainLookupFailed, ConnectionFailed, ConnectionFailed,
    RuntimeError, StoreError,
]  # fmt: skip


def test_a_whole_life_is_logged_under_one_name_without_ids_keys_bodies_and_queries(
    backend: Backend, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """Every line is one of three kinds: requests at DEBUG, retries, and a store that is done without at WARNING."""
    caplog.set_level(logging.DEBUG)
    secrets, raised = live(backend, sandbox)
    assert raised == RAISED
    records = [each for each in caplog.records if each.name.startswith("liveperson_engagement")]
    records = [each for each in records if not each.name.startswith("liveperson_engagement.sandbox")]
    assert {each.name for each in records} == {"liveperson_engagement"}
    for record in records:
        line = record.getMessage()
        assert re.fullmatch(LINES[record.levelname], line), line
        assert record.exc_info is None
        assert not [secret for secret in {*secrets, "?"} if secret in line], line
    assert len(secrets) > 10


def test_each_request_is_one_debug_line_and_each_retry_one_line(
    backend: Backend, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """With operation, attempt, status, internal code, and seconds."""
    caplog.set_level(logging.DEBUG, logger="liveperson_engagement")
    sandbox.fail_next(503, internal_code=13, times=2)
    visit = backend.client(domain_api=sandbox.url).visit("shopper")
    visit.create_session({"appType": "EXTERNAL"})
    logged = [(each.levelname, each.getMessage()) for each in caplog.records if each.name == "liveperson_engagement"]
    assert [(level, re.sub(r"\d\.\d{3} s", "…", line)) for level, line in logged] == [
        ("DEBUG", "findDomain: attempt 1: status 200 after …"),
        ("DEBUG", "createSession: attempt 1: status 503, internal code 13 after …"),
        ("WARNING", "createSession: attempt 1 failed (status 503, internal code 13); trying again in 5 s"),
        ("DEBUG", "createSession: attempt 2: status 503, internal code 13 after …"),
        ("WARNING", "createSession: attempt 2 failed (status 503, internal code 13); trying again in 10 s"),
        ("DEBUG", "createSession: attempt 3: status 200 after …"),
    ]


PROGRAM = """
import contextlib, io, logging, sys
from liveperson_engagement import EngagementClient, MemoryStore, RetryPolicy, StoreError

options = {"on_store_error": "continue", "retry": RetryPolicy([4]), "sleep": lambda _: None}

class StoreDown(MemoryStore):
    def load(self, key, timeout=None):
        raise StoreError("OSError") from OSError()

def set_up():
    logging.basicConfig(stream=sys.stdout, format="mine %(levelname)s")

if "before" in sys.argv:
    set_up()
for _ in range(2):
    with EngagementClient("demo", store=StoreDown(), **options) as client:
        if "after" in sys.argv:
            set_up()
        with contextlib.redirect_stderr(io.StringIO() if "elsewhere" in sys.argv else sys.stderr) as errors:
            client.visit("shopper").create_session({"appType": "EXTERNAL"})
        print(errors.getvalue() if "elsewhere" in sys.argv else "")
"""


def printed(sandbox: Sandbox, tmp_path: Path, level: str | None, *arguments: str) -> tuple[str, str]:
    """Run a program that makes two clients, each of which retries once and does without its store."""
    sandbox.reset()
    sandbox.fail_next(503)
    sandbox.serve_next()
    sandbox.fail_next(503)
    environment = {name: text for name, text in os.environ.items() if name != "LIVEPERSON_LOG"}
    environment |= {"LIVEPERSON_BASE_URL": sandbox.url} | ({} if level is None else {"LIVEPERSON_LOG": level})
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM, *arguments],
        env=environment, cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert len(sandbox.requests) == 4
    return done.stdout, done.stderr


TOLD = {"debug": ["DEBUG", "INFO", "WARNING"], "info": ["INFO", "WARNING"], "WARNING ": ["WARNING"], "error": []}
"""What is printed at each level; case and blanks don't matter."""


@pytest.mark.parametrize(("level", "told"), TOLD.items(), ids=list(TOLD))
def test_the_environment_chooses_what_is_printed(sandbox: Sandbox, tmp_path: Path, level: str, told: list[str]) -> None:
    """On standard error, with time and name, each line once however many clients are made."""
    _, errors = printed(sandbox, tmp_path, level)
    lines = [
        re.fullmatch(r"[\d-]{10} [\d:,]{12} (\w+) liveperson_engagement: (.+)", line) for line in errors.splitlines()
    ]
    found = [(line[1], line[2]) for line in lines if line]
    assert len(found) == len(lines)
    assert sorted({kind for kind, _ in found}) == told
    assert [kind for kind, _ in found].count("INFO") == (2 if "INFO" in told else 0)
    assert [kind for kind, _ in found].count("DEBUG") == (4 if "DEBUG" in told else 0)
    assert all(re.fullmatch(LINES[kind], line) for kind, line in found)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("level", "told"), TOLD.items(), ids=list(TOLD))
def test_a_program_that_sets_up_logging_prints_the_lines_itself(
    sandbox: Sandbox, tmp_path: Path, level: str, told: list[str], when: str
) -> None:
    """Be it before it makes a client or after; nothing is printed twice, and the level is the environment's."""
    output, errors = printed(sandbox, tmp_path, level, when)
    lines = [line for line in output.splitlines() if line]
    assert errors == ""
    assert sorted(set(lines)) == [f"mine {kind}" for kind in told]
    assert lines.count("mine INFO") == (2 if "INFO" in told else 0)
    assert lines.count("mine DEBUG") == (4 if "DEBUG" in told else 0)


def test_standard_error_is_the_one_of_that_moment(sandbox: Sandbox, tmp_path: Path) -> None:
    """A program may redirect it after the client was made."""
    output, errors = printed(sandbox, tmp_path, "info", "elsewhere")
    assert errors == ""
    assert output.count("trying again in 4 s") == 2


def test_a_wrong_level_is_told_once_and_ignored(sandbox: Sandbox, tmp_path: Path) -> None:
    """Calls are made as ever."""
    _, errors = printed(sandbox, tmp_path, "loud")
    first, *others = errors.splitlines()
    assert first == "LIVEPERSON_LOG: must be one of debug, info, warning, error; it is ignored"
    assert others
    assert all(re.fullmatch(LINES["WARNING"], line) for line in others)


def test_without_the_variable_only_warnings_are_printed(sandbox: Sandbox, tmp_path: Path) -> None:
    """As Python prints those of any package."""
    _, errors = printed(sandbox, tmp_path, None)
    assert all(re.fullmatch(LINES["WARNING"], line) for line in errors.splitlines())
    assert errors


# --- The handler by itself --------------------------------------------------------------------------------------------


@contextmanager
def configured(monkeypatch: pytest.MonkeyPatch, level: str) -> Generator[tuple[logging.Logger, logging.Logger]]:
    """Configure as a first client does, in a program without handlers of its own; yield our logger and the root."""
    ours, root = logging.getLogger("liveperson_engagement"), logging.getLogger()
    before = ours.level, ours.propagate
    with monkeypatch.context() as patch:
        patch.setattr(ours, "handlers", [])
        patch.setattr(root, "handlers", [])
        patch.setenv("LIVEPERSON_LOG", level)
        configure_logging.__wrapped__()
        try:
            yield ours, root
        finally:
            ours.setLevel(before[0])
            ours.propagate = before[1]


def test_a_line_has_time_level_name_and_text(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And a line of its own, at once."""
    flushed: list[str] = []

    class Flushing(io.StringIO):
        """Notes what is there when it is flushed."""

        def flush(self) -> None:
            flushed.append(self.getvalue())

    with configured(monkeypatch, " Info ") as (ours, _):
        ours.debug("not asked for")
        ours.info("%s: tried", "createSession")
        monkeypatch.setattr(sys, "stderr", Flushing())
        ours.warning("now")
    output, errors = capsys.readouterr()
    assert output == ""
    assert re.fullmatch(r"[\d-]{10} [\d:,]{12} INFO liveperson_engagement: createSession: tried\n", errors)
    assert re.fullmatch(r"[\d-]{10} [\d:,]{12} WARNING liveperson_engagement: now\n", flushed[-1])


@pytest.mark.parametrize(
    ("where", "propagates", "printed_by_us"),
    [("ours", True, False), ("root", True, False), ("ours", False, False), ("root", False, True)],
)
def test_who_has_a_handler_prints_the_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], where: str, *, propagates: bool,
    printed_by_us: bool,
) -> None:  # fmt: skip
    """One that would see them: the root's does not where nothing is handed on."""
    with configured(monkeypatch, "info") as (ours, root):
        ours.propagate = propagates
        {"ours": ours, "root": root}[where].addHandler(logging.NullHandler())
        ours.info("told")
    assert ("told" in capsys.readouterr().err) is printed_by_us


def test_without_standard_error_nothing_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a program without a console."""
    failures: list[logging.LogRecord] = []
    with configured(monkeypatch, "info") as (ours, _):
        monkeypatch.setattr(ours.handlers[0], "handleError", failures.append)
        monkeypatch.setattr(sys, "stderr", None)
        ours.info("told")
    assert failures == []


def test_a_line_that_cannot_be_printed_ends_no_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """The standard library is told which one, as by its own handlers."""
    failures: list[logging.LogRecord] = []
    closed = io.StringIO()
    closed.close()
    with configured(monkeypatch, "info") as (ours, _):
        monkeypatch.setattr(ours.handlers[0], "handleError", failures.append)
        ours.info("%d seconds", "no number")
        monkeypatch.setattr(sys, "stderr", closed)
        ours.info("told")
    assert [record.msg for record in failures] == ["%d seconds", "told"]
