"""Gets the clients that cannot simply be installed: openapi-generator's are generated, and niquests lives apart."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from bench_case import CONTRACT
from bench_contestants import OPENAPI_GENERATOR, package_of

LIBRARIES = ("urllib3", "asyncio", "httpx")
NIQUESTS_LOCK = Path(__file__).parents[1] / "env" / "bench-niquests.txt"


class NotReady(Exception):
    """A client could not be generated or installed."""


def generate(folder: Path) -> dict[str, Path]:
    """Have openapi-generator make a client for each of its Python libraries; give the folder to import each from."""
    contract = folder / "openapi.json"
    contract.write_text(json.dumps(CONTRACT))
    settings: list[Path] = []
    for library in LIBRARIES:
        settings.append(folder / f"{library}.json")
        # Its validator takes a link's requestBody, which may be of any type, for text only.
        options = {"generatorName": "python", "library": library, "packageName": package_of(library)}
        place = {"inputSpec": str(contract), "outputDir": str(folder / library), "validateSpec": False}
        settings[-1].write_text(json.dumps({**options, **place}))
    found = find_spec("openapi_generator_cli")
    if not found or not found.origin:
        raise NotReady("openapi-generator-cli is not installed")
    if not shutil.which("java"):
        raise NotReady("java is missing, which openapi-generator needs: install it (Debian: default-jre-headless)")
    _run("java", "-jar", Path(found.origin).with_name("openapi-generator.jar"), "batch", *settings)
    return {OPENAPI_GENERATOR + library: folder / library for library in LIBRARIES}


def niquests() -> Path:
    """Install niquests where nobody else imports from: its fork of urllib3 overwrites urllib3, which others measure."""
    folder = Path(sys.prefix) / "niquests"
    stamp, digest = folder / ".stamp", hashlib.sha256(NIQUESTS_LOCK.read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text() != digest:
        shutil.rmtree(folder, ignore_errors=True)
        pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--quiet")
        chosen = ("--require-hashes", "--only-binary", ":all:", "--target", folder, "--requirement", NIQUESTS_LOCK)
        _run(*pip, *chosen)
        stamp.write_text(digest)
    return folder


def import_paths(folder: Path) -> dict[str, Path]:
    """Get them all; give what each client's own process imports from besides the environment."""
    return {**generate(folder), "niquests": niquests()}


def _run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "NO_COLOR": "1"})
    if done.returncode:
        raise NotReady(f"{' '.join(map(str, command[:4]))} failed:\n{(done.stdout + done.stderr)[-2000:]}")
