"""Clients in other languages: what docs/languages.md says of them is what scripts/portability finds."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from checkout import ROOT
from liveperson_engagement.sandbox import Sandbox
from portability import page
from portability.languages import LANGUAGES, Check, Language, Note
from portability.vectors import vectors
from portability.work import unlike, unread

PAGE = page.PAGE.read_text(encoding="utf-8")
QUICK = {"typescript-openapi-fetch": "bash"} | ({"go": "zsh"} if shutil.which("go") or "CI" in os.environ else {})
"""Two that are soon done, and what their recipes are typed in; the whole run is scripts/portability."""
ONLY_FIND_DOMAIN = """
import json, sys, urllib.request
for line in sys.stdin:
    call, reply = json.loads(line), {"failure": "it broke"}
    if call["operation"] == "findDomain":
        path = "{baseUrl}/api/account/{accountId}/service/{serviceName}/baseURI.json?version=1.0".format(**call)
        try:
            with urllib.request.urlopen(path) as answer:
                reply = {"status": answer.status, "type": "ServiceDomain", "value": json.load(answer)}
        except OSError:
            pass
    print(json.dumps(reply), flush=True)
"""


def test_clients_of_other_languages_behave_as_the_page_says() -> None:
    """Two are generated, compiled and held to every vector, with the commands that stand on the page."""
    command = [sys.executable, "-m", "portability", *QUICK]
    done = subprocess.run(command, cwd=ROOT / "scripts/lib", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "skipped" not in done.stdout
    shown = re.findall(r"^  \$ (.*)$", done.stdout, re.MULTILINE)
    assert shown == [line for name in QUICK for line in LANGUAGES[name].commands]
    assert set(shown) <= set(PAGE.splitlines())


def test_recipes_can_be_typed_on_a_fresh_clone(tmp_path: Path, sandbox: Sandbox) -> None:
    """Each line of two recipes works as printed, and the program at the end makes a call."""
    clone, calls = tmp_path / "clone", tmp_path / "calls"
    tracked = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(tracked, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in filter(lambda name: (ROOT / name).is_file(), names):
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, clone / name)
    (asked,) = (vector.exchanges[0].call for vector in vectors() if vector.name == "visit-domain")
    calls.write_text(json.dumps({"baseUrl": sandbox.url, **asked}) + "\n")
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    for name, shell in QUICK.items():
        recipe = PAGE.partition(f"\n### {LANGUAGES[name].title}\n")[2].split("```")[1].strip()
        assert recipe.splitlines()[0] == f"scripts/portability --prepare {name}"
        command = [shell, "-eu", "-c", f"{recipe} < {calls}"]
        done = subprocess.run(command, cwd=clone, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert json.loads(done.stdout.splitlines()[-1])["status"] == 200


def test_the_page_is_what_a_run_writes() -> None:
    """Each note and check concerns a vector."""
    assert page.expected(PAGE) == PAGE
    for language in LANGUAGES.values():
        assert [note for note in language.notes if not any(map(note.concerns, vectors()))] == []
        assert set(language.groups) == ({vector.group for vector in vectors()} if language.checks else set())


def test_a_client_that_fails_is_reported_unless_a_note_says_so(tmp_path: Path) -> None:
    """Each vector with its reason, and each that passes although a note says otherwise; what is not run is read."""
    (tmp_path / "runner.py").write_text(ONLY_FIND_DOMAIN)
    known = Note("It breaks.", "Nothing.", ["error-*", "visit-domain"], solved=False)
    language = Language("test", "Test", "none", [], f"{sys.executable} runner.py", notes=(known,))
    wrong = dict(line.split(": ", 1) for line in unlike(language, tmp_path))
    assert wrong.pop("visit-domain") == "passes; its note is out of date"
    names = {vector.name for vector in vectors()} - {"find-domain", "visit-domain"}
    assert wrong.keys() == {name for name in names if not name.startswith("error-")}
    assert wrong["create-documented"] == "made 0 requests instead of 1 (it broke)"
    check = Check("amounts are Double", "runner.py", r"amount: Double\n", ["answers"])
    language = Language("test", "Test", "none", [], "", checks=(check,))
    assert unread(language, tmp_path) == ["runner.py: not as it was: amounts are Double"]
