"""Clients in other languages: what docs/languages.md says of them is what scripts/portability finds."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from checkout import ROOT
from liveperson_engagement.sandbox import Sandbox
from portability import page
from portability.languages import LANGUAGES, Check, Language, Note
from portability.vectors import vectors
from portability.work import marks, unlike, unread

SCRIPT = ROOT / "scripts/portability"
PAGE = ROOT / "docs/languages.md"
QUICK = ("typescript-openapi-fetch", "go")
"""Two that are soon done; the whole run is scripts/portability."""
SHELLS = {"typescript-openapi-fetch": "bash", "go": "zsh"}
"""What their recipes are typed in."""
BY_NAME = {language.name: language for language in LANGUAGES}

ONLY_FIND_DOMAIN = """
import json, sys, urllib.request
for line in sys.stdin:
    call, reply = json.loads(line), {"failure": "unknown"}
    if call["operation"] == "findDomain":
        path = "{baseUrl}/api/account/{accountId}/service/{serviceName}/baseURI.json?version=1.0".format(**call)
        try:
            with urllib.request.urlopen(path) as answer:
                reply = {"status": answer.status, "type": "ServiceDomain", "value": json.load(answer)}
        except OSError as error:
            reply = {"failure": str(error)}
    print(json.dumps(reply), flush=True)
"""

each_language = pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.name)


def test_clients_of_other_languages_behave_as_the_page_says() -> None:
    """Two clients are generated, compiled and held to every vector, with the commands that stand on the page."""
    quick = _quick()
    done = subprocess.run([SCRIPT, *quick], capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "skipped" not in done.stdout
    shown = re.findall(r"^  \$ (.*)$", done.stdout, re.MULTILINE)
    assert shown == [line for name in quick for line in page.commands(BY_NAME[name])]
    assert set(shown) <= set(PAGE.read_text(encoding="utf-8").splitlines())


def test_recipes_can_be_typed_on_a_fresh_clone(tmp_path: Path, sandbox: Sandbox) -> None:
    """Each line of two recipes works as printed, and the program at the end makes a call."""
    clone = tmp_path / "clone"
    _clone(clone)
    (asked,) = (vector.exchanges[0].call for vector in vectors() if vector.name == "visit-domain")
    calls = tmp_path / "calls"
    calls.write_text(json.dumps({"baseUrl": sandbox.url, **asked}) + "\n")
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    for name in _quick():
        recipe = _recipe(BY_NAME[name])
        assert recipe[0] == f"scripts/portability --prepare {name}"
        typed = "\n".join([*recipe[:-1], f"{recipe[-1]} < {calls}"])
        done = subprocess.run(
            [SHELLS[name], "-eu", "-c", typed],
            cwd=clone,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=900,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert json.loads(done.stdout.splitlines()[-1])["status"] == 200


def test_the_page_is_what_the_last_run_found() -> None:
    """Recipes, notes and table are those that a run writes; a whole run is needed after a change."""
    text = PAGE.read_text(encoding="utf-8")
    assert page.expected(text) == text


def test_every_vector_has_a_cell_for_every_language() -> None:
    """No cell is empty: it says pass, or names the note that says why not."""
    text = PAGE.read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    header, _, *body = rows
    assert header == ["vector", *(language.title for language in LANGUAGES)]
    assert [re.findall("`(.*?)`", row[0])[0] for row in body] == [vector.name for vector in vectors()]
    for row in body:
        assert len(row) == len(header)
        for cell in row[1:]:
            assert re.fullmatch(r"pass( \[\d+\]\(#note-\d+\))*|(limit|read)( \[\d+\]\(#note-\d+\))+", cell)
            assert all(f'<a id="note-{number}">' in text for number in re.findall(r"#note-(\d+)", cell))


@each_language
def test_every_note_concerns_a_vector(language: Language) -> None:
    """A note that concerns nothing is out of date."""
    for index in range(len(language.notes)):
        assert any(index in marks(language, vector)[1] for vector in vectors())


@pytest.mark.parametrize(("ci", "status"), [("true", 1), ("", 0)])
def test_what_a_machine_lacks_is_named_and_fails_in_ci(tmp_path: Path, ci: str, status: int) -> None:
    """Without its compiler a language is skipped, except in CI; the page stays as it was."""
    before = PAGE.read_bytes()
    environment = {"PATH": str(tmp_path), "CI": ci}
    done = _run("kotlin", "go", environment=environment)
    assert done.returncode == status
    assert "skipped: this machine has no java and no mvn" in done.stdout
    assert "skipped: this machine has no java and no go" in done.stdout
    assert PAGE.read_bytes() == before


def test_a_language_that_there_is_not_is_refused() -> None:
    """The message has the names."""
    for arguments in (["cobol"], ["--prepare", "cobol"]):
        done = _run(*arguments)
        assert done.returncode == 2
        assert "kotlin" in done.stderr


def test_an_interrupted_run_leaves_the_page_as_it_was(tmp_path: Path) -> None:
    """Ctrl-C ends the step that is running, and says so."""
    before = PAGE.read_bytes()
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho began >&2\nexec sleep 600\n")
    npm.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    command = [sys.executable, "-m", "portability", "typescript-openapi-fetch"]
    with subprocess.Popen(
        command, cwd=ROOT / "scripts/lib", env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        while "node dist" not in running.stdout.readline():
            pass
        running.send_signal(signal.SIGINT)
        _, complaint = running.communicate(timeout=60)
    assert running.returncode == 130
    assert complaint.strip().endswith("stopped: docs/languages.md is as it was")
    assert PAGE.read_bytes() == before


def _client(tmp_path: Path, program: str, *notes: Note) -> Language:
    (tmp_path / "runner.py").write_text(program)
    return Language("test", "Test", "none", (), (), runs=(sys.executable, "runner.py"), notes=notes)


def test_a_client_that_fails_is_reported_unless_a_note_says_so(tmp_path: Path) -> None:
    """Each vector that fails is named with its reason, save those that are known to."""
    program = 'import sys\nfor line in sys.stdin:\n    print(\'{"failure": "it broke"}\', flush=True)\n'
    known = Note("It breaks.", "Nothing.", ("error-*",), holds=False)
    wrong = unlike(_client(tmp_path, program, known), tmp_path)
    assert {line.partition(":")[0] for line in wrong} == {
        vector.name for vector in vectors() if not vector.name.startswith("error-")
    }
    assert wrong[0] == "create-documented: made 0 requests instead of 1 (it broke)"


def test_a_note_that_is_out_of_date_is_reported(tmp_path: Path) -> None:
    """A client that does better than its note says does not go unnoticed."""
    known = Note("It breaks.", "Nothing.", ("*",), holds=False)
    assert unlike(_client(tmp_path, ONLY_FIND_DOMAIN, known), tmp_path) == [
        f"{name}: passes; its note is out of date" for name in ("find-domain", "visit-domain")
    ]


@pytest.mark.parametrize(
    ("text", "complaints"),
    [("let amount: Double\n", []), ("let amount: Float\n", ["a/B.swift: not as it was: amounts are Double"])],
)
def test_generated_text_that_is_not_as_it_was_is_reported(tmp_path: Path, text: str, complaints: list[str]) -> None:
    """What is not compiled is at least read."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a/B.swift").write_text(text)
    check = Check("amounts are Double", "a/B.swift", r"amount: Double\n", ("answers",))
    assert unread(Language("test", "Test", "none", (), (), checks=(check,)), tmp_path) == complaints


@each_language
def test_what_is_not_compiled_is_read_for_every_group(language: Language) -> None:
    """A language is either compiled and run, or read for each group of vectors."""
    groups = {group for check in language.checks for group in check.groups}
    assert groups == (set() if language.runs else {vector.group for vector in vectors()})


def _quick() -> list[str]:
    return [name for name in QUICK if name != "go" or shutil.which("go") or "CI" in os.environ]


def _recipe(language: Language) -> list[str]:
    text = PAGE.read_text(encoding="utf-8")
    section = text.partition(f"\n### {language.title}\n")[2]
    return section.split("```")[1].strip().splitlines()


def _clone(target: Path) -> None:
    """Copy what a clone would have, changes that are not committed yet included."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


def _run(*arguments: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "portability", *arguments]
    return subprocess.run(
        command, cwd=ROOT / "scripts/lib", env=environment, capture_output=True, text=True, check=False
    )
