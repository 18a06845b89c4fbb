"""Builds what a release consists of, and shows of each part that it works, before it is put into dist/.

liveperson_engagement-*.whl, *.tar.gz   built twice, to the same bytes; the wheel is installed and used
openapi.json                            the contract, in one file, as the wheel carries it
openapi-3.0.3.json                      the same for tools that know no newer OpenAPI

That both editions allow the same values, and that other tools find no fault with them, test_build.py shows.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import openapi_30
from contract import Contract, ContractError, parse
from steps import step

ROOT = Path(__file__).resolve().parents[2]
CARRIED = ROOT / "generated/liveperson_engagement_api/openapi.json"
LOCK = ROOT / "scripts/env/requirements.txt"
SMOKE = """
import importlib.resources, pathlib, sys
import liveperson_engagement, liveperson_engagement_api
from liveperson_engagement.sandbox import Sandbox

for package in (liveperson_engagement, liveperson_engagement_api):
    assert pathlib.Path(package.__file__).is_relative_to(sys.prefix), package.__file__
    assert importlib.resources.files(package).joinpath("py.typed").is_file()
carried = importlib.resources.files(liveperson_engagement_api).joinpath("openapi.json").read_bytes()
assert carried == pathlib.Path(sys.argv[1]).read_bytes()
assert not {name.partition(".")[0] for name in sys.modules} & {"starlette", "uvicorn", "yaml", "redis", "sqlite3"}
with Sandbox() as sandbox, liveperson_engagement.EngagementClient("demo", base_url=sandbox.url) as client:
    visit = client.visit("smoke")
    assert visit.create_session({"appType": "EXTERNAL"}).status == "Available"
    visit.report_impressions("impDisplay")
    assert [request.status for request in sandbox.requests] == [200, 200]
"""


class BuildError(Exception):
    """Something that is not fit for a release."""


def main() -> int:
    """Run the command and give its exit status."""
    parser = argparse.ArgumentParser(
        prog="scripts/build", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", type=Path, default=ROOT / "dist", metavar="DIR", help="where, if not in dist/")
    output = parser.parse_args().output
    try:
        with tempfile.TemporaryDirectory() as folder:
            build(Path(folder) / "dist", Path(folder))
            shutil.rmtree(output, ignore_errors=True)
            shutil.move(Path(folder) / "dist", output)
    except (BuildError, ContractError) as error:
        print(error, file=sys.stderr)
        return 1
    for path in sorted(output.iterdir()):
        print(f"{path.name:48}{path.stat().st_size:>9,} bytes  sha256 {hashlib.sha256(path.read_bytes()).hexdigest()}")
    return 0


def build(output: Path, workshop: Path) -> None:
    """Build and check every artefact; raises BuildError or ContractError."""
    with step("wheel and sdist"):
        wheel, sdist = distributions(ROOT, output)
    with step("the same bytes again"):
        with tarfile.open(sdist) as archive:
            archive.extractall(workshop)  # noqa: S202 - it was made a moment ago
        again = distributions(workshop / sdist.name.removesuffix(".tar.gz"), workshop / "again")
        for first, second in zip((wheel, sdist), again, strict=True):
            if first.read_bytes() != second.read_bytes():
                raise BuildError(f"{first.name} comes out otherwise when it is built again, from the sdist")
    with step("what an index will show"):
        run(sys.executable, "-m", "twine", "check", "--strict", str(wheel), str(sdist))
    with step("the contract"):
        write_contracts(parse((ROOT / "openapi.yaml").read_text(encoding="utf-8"), "openapi.yaml"), output)
    with step("installed and used"):
        python = workshop / "environment/bin/python"
        uv("venv", "--no-project", str(python.parents[1]))
        uv("pip", "install", "--python", str(python), "--constraints", str(LOCK), str(wheel))
        uv("pip", "check", "--python", str(python))
        run(str(python), "-I", "-W", "error", "-c", SMOKE, str(output / "openapi.json"), folder=workshop)


def distributions(source: Path, output: Path) -> tuple[Path, Path]:
    """Have an sdist built, and of that a wheel, by the pinned builder; both date everything by the last commit."""
    constraints = ("--build-constraints", str(LOCK), "--require-hashes")
    uv("build", str(source), "--out-dir", str(output), "--no-create-gitignore", *constraints)
    return next(output.glob("*.whl")), next(output.glob("*.tar.gz"))


def write_contracts(contract: Contract, output: Path) -> None:
    """Write both editions of the contract; the newer one is the file that the wheel carries."""
    text = CARRIED.read_text(encoding="utf-8")
    if json.loads(text) != contract.document:
        raise BuildError(f"{CARRIED.relative_to(ROOT)} is not what {contract.label} says: run scripts/generate")
    (output / "openapi.json").write_text(text, encoding="utf-8")
    older = json.dumps(openapi_30.convert(contract), indent=1, ensure_ascii=False)
    (output / "openapi-3.0.3.json").write_text(f"{older}\n", encoding="utf-8")


def uv(*arguments: str) -> None:
    """Run uv, which must say nothing."""
    run(sys.executable, "-m", "uv", "--quiet", *arguments)


def run(*command: str, folder: Path = ROOT) -> None:
    """Run a command; nothing of the checkout's own environment may help what is built."""
    environment = {key: value for key, value in os.environ.items() if key not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    if "SOURCE_DATE_EPOCH" not in environment:
        shown = ("git", "-C", str(ROOT), "log", "-1", "--format=%ct")
        environment["SOURCE_DATE_EPOCH"] = subprocess.check_output(shown, text=True).strip()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        raise BuildError(f"{' '.join(command[:5])} failed with status {done.returncode}\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    sys.exit(main())
