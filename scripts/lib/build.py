"""Builds what a release consists of, and shows of each part that it works, before it is put into dist/.

liveperson_engagement-*.whl, *.tar.gz   installed and used where nothing else is; built twice, to the same bytes
openapi.json                            the contract, in one file, as the wheel carries it
openapi-3.0.3.json                      the same for tools that know no newer OpenAPI

That both editions allow the same values, and that other tools find no fault with them, is shown by tests/test_build.py.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import openapi_30
from contract import Contract, ContractError, parse
from steps import step

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {
    "liveperson_engagement": "wrapper",
    "liveperson_engagement_api": "generated",
    "liveperson_engagement_pytest.py": "wrapper",
}
RUNTIME_CONTRACT = ROOT / "generated/liveperson_engagement_api/openapi.json"
LOCK = ROOT / "scripts/env/build.txt"
SOURCE_FILES = {"openapi.yaml", "README.md", "CHANGELOG.md", "LICENSE", "pyproject.toml", "PKG-INFO", ".gitignore"}
SOURCE_DIRECTORIES = {"generated", "wrapper"}
SMOKE = """
import importlib.resources, json, pathlib, sys
import liveperson_engagement, liveperson_engagement_api
from liveperson_engagement import EngagementClient
from liveperson_engagement.sandbox import Sandbox

for package in (liveperson_engagement, liveperson_engagement_api):
    assert pathlib.Path(package.__file__).is_relative_to(sys.prefix), package.__file__
    assert importlib.resources.files(package).joinpath("py.typed").is_file()
carried = importlib.resources.files(liveperson_engagement_api).joinpath("openapi.json").read_bytes()
assert carried == pathlib.Path(sys.argv[1]).read_bytes()
with Sandbox() as sandbox, EngagementClient("demo", base_url=sandbox.url) as client:
    visit = client.visit("smoke")
    session = visit.create_session({"appType": "EXTERNAL"})
    assert session.status == "Available", session
    visit.report_impressions("impDisplay")
    assert [request.status for request in sandbox.requests] == [200, 200]
"""


class BuildError(Exception):
    """Something that is not fit for a release."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command and give its exit status."""
    options = _parser().parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory() as directory:
            workshop = Path(directory)
            fresh = workshop / "dist"
            fresh.mkdir()
            build(fresh, workshop)
            _put(fresh, options.output)
    except (BuildError, ContractError) as error:
        print(error, file=sys.stderr)
        return 1
    for path in sorted(options.output.iterdir()):
        print(f"{path.name:48}{path.stat().st_size:>9,} bytes  sha256 {hashlib.sha256(path.read_bytes()).hexdigest()}")
    return 0


def build(output: Path, workshop: Path) -> None:
    """Build and check every artefact; raises BuildError or ContractError."""
    with step("the contract"):
        write_contracts(parse((ROOT / "openapi.yaml").read_text(encoding="utf-8"), "openapi.yaml"), output)
    with step("wheel and sdist"):
        wheel, sdist = build_distributions(ROOT, output)
        check_contents(wheel, sdist)
    with step("the same bytes again"):
        check_reproducible(wheel, sdist, workshop)
    with step("an empty environment"):
        python = make_environment(workshop / "environment")
    for distribution in (wheel, sdist):
        with step(f"install the {'wheel' if distribution is wheel else 'sdist'}"):
            smoke(distribution, output / "openapi.json", python)


def write_contracts(contract: Contract, output: Path) -> None:
    """Write both editions of the contract; the newer one is the file that the wheel carries."""
    text = RUNTIME_CONTRACT.read_text(encoding="utf-8")
    if json.loads(text) != contract.document:
        raise BuildError(
            f"{RUNTIME_CONTRACT.relative_to(ROOT)} is not what {contract.label} says: run scripts/generate"
        )
    (output / "openapi.json").write_text(text, encoding="utf-8")
    older = json.dumps(openapi_30.convert(contract), indent=1, ensure_ascii=False)
    (output / "openapi-3.0.3.json").write_text(f"{older}\n", encoding="utf-8")


def build_distributions(root: Path, output: Path) -> tuple[Path, Path]:
    """Build wheel and sdist with the pinned builder, which dates everything alike unless SOURCE_DATE_EPOCH is set."""
    command = (sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--target", "sdist")
    _run(*command, "--directory", str(output), cwd=root)
    return next(output.glob("*.whl")), next(output.glob("*.tar.gz"))


def check_contents(wheel: Path, sdist: Path) -> None:
    """Refuse files that don't belong, and miss those that do."""
    with zipfile.ZipFile(wheel) as archive:
        shipped = {name for name in archive.namelist() if ".dist-info/" not in name}
    wanted = {
        path.relative_to(ROOT / parent).as_posix()
        for package, parent in PACKAGES.items()
        for path in _sources(ROOT / parent / package)
    }
    _same(f"{wheel.name}: ", shipped, wanted)
    with tarfile.open(sdist) as archive:
        names = {member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()}
    tops = {name.partition("/")[0] for name in names}
    _same(f"{sdist.name}: ", tops - {".gitignore"}, (SOURCE_FILES | SOURCE_DIRECTORIES) - {".gitignore"})
    inside = {name for name in names if name.partition("/")[0] in SOURCE_DIRECTORIES}
    everything = {path.relative_to(ROOT).as_posix() for top in SOURCE_DIRECTORIES for path in _sources(ROOT / top)}
    _same(f"{sdist.name}: ", inside, everything)


_SAFELY: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
"""Python 3.11 knows filters since 3.11.4."""


def check_reproducible(wheel: Path, sdist: Path, workshop: Path) -> None:
    """Build both once more, from the sdist: it holds all that is needed, and neither place, time nor modes show."""
    with tarfile.open(sdist) as archive:
        archive.extractall(workshop, **_SAFELY)  # noqa: S202 - it was made a moment ago
    unpacked = workshop / sdist.name.removesuffix(".tar.gz")
    for path in unpacked.rglob("*"):
        os.utime(path)
        path.chmod(0o700 if path.is_dir() else 0o600)
    again = workshop / "again"
    again.mkdir()
    for first, second in zip((wheel, sdist), build_distributions(unpacked, again), strict=True):
        if first.read_bytes() != second.read_bytes():
            raise BuildError(f"{first.name} comes out otherwise when it is built again, from the sdist")


def make_environment(directory: Path) -> Path:
    """Make an environment of what the package asks for, and what builds it; give its Python."""
    _run(sys.executable, "-m", "venv", "--without-pip", str(directory))
    python = directory / "bin/python"
    _run(*_pip(python), "--require-hashes", "--only-binary", ":all:", "--requirement", str(LOCK))
    return python


def smoke(distribution: Path, contract: Path, python: Path) -> None:
    """Install a distribution, look whether it has what it asks for, and make two calls with it."""
    _run(*_pip(python), "--force-reinstall", "--no-build-isolation", str(distribution))
    _run(sys.executable, "-m", "pip", "--python", str(python), "check")
    _run(str(python), "-I", "-W", "error", "-c", SMOKE, str(contract), cwd=python.parents[1])


def _pip(python: Path) -> tuple[str, ...]:
    pip = (sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check", "--no-input")
    return (*pip, "install", "--quiet", "--no-deps", "--no-compile")


def _sources(directory: Path) -> Iterable[Path]:
    paths = [directory] if directory.is_file() else directory.rglob("*")
    return (path for path in paths if path.is_file() and "__pycache__" not in path.parts)


def _same(label: str, found: set[str], wanted: set[str]) -> None:
    said = [f"{label}{name} does not belong there" for name in sorted(found - wanted)]
    said += [f"{label}{name} is missing" for name in sorted(wanted - found)]
    if said:
        raise BuildError("\n".join(said))


def _put(fresh: Path, output: Path) -> None:
    """Replace what an earlier run has left."""
    if output.exists():
        shutil.rmtree(output)
    output.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(fresh, output)


def _run(*command: str, cwd: Path = ROOT) -> None:
    # Nothing of the checkout's own environment may help what is built.
    environment = {key: value for key, value in os.environ.items() if key not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        raise BuildError(f"{' '.join(command[:4])} failed with status {done.returncode}\n{done.stdout}{done.stderr}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/build", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--output", type=Path, default=ROOT / "dist", metavar="DIR", help="where to put them, not dist/"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
