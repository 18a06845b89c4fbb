"""Writes generated/ from the contract, or says what is wrong with the contract and leaves generated/ as it was."""

import argparse
import contextlib
import difflib
import importlib.metadata
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from types import FrameType

import renderable
import workable
from contract import Contract, ContractError, Document, Problem, malformed, operations_of, python_name, read
from steps import step
from template_data import only_sent, template_data, with_plain_types

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = ROOT / "scripts/templates"
LOCK = ROOT / "scripts/env/requirements.txt"
PACKAGE = "liveperson_engagement_api"
COMMAND = "scripts/generate"
TOOLS = ("openapi-python-client", "datamodel-code-generator", "ruff")
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

CLIENT_OPTIONS: dict[str, bool | list[str]] = {"docstrings_on_attributes": True, "post_hooks": []}
REQUEST_OPTIONS = (
    *("--input-file-type", "openapi", "--output-model-type", "typing.TypedDict", "--target-python-version", "3.11"),
    *("--use-schema-description", "--use-field-description", "--use-single-line-docstring", "--disable-timestamp"),
    *("--formatters", "builtin", "--ignore-pyproject", "--no-allow-remote-refs", "--strict-refs"),
    *("--custom-file-header", "#", "--custom-template-dir", TEMPLATES / "requests"),
    *("--use-generic-container-types", "--use-standard-collections"),
    *("--base-class", "typing_extensions.TypedDict"),  # pydantic needs that one before Python 3.12
)
IMPORT_OPTIONS = (
    *("--fix-only", "--select=F401,I", "--config", "lint.isort.combine-as-imports=true"),
    *("--config", "lint.isort.split-on-trailing-comma=false"),
)
RUFF_OPTIONS = ("--isolated", "--no-cache", "--quiet", "--target-version", "py311", "--line-length", "120")


class GenerationError(Exception):
    """A generator is not the pinned one, failed, or complained."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command and give its exit status."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail with a diff if generated/ is stale")
    parser.add_argument("--contract", type=Path, default=ROOT / "openapi.yaml", metavar="PATH", help="another contract")
    parser.add_argument("--output", type=Path, default=ROOT / "generated", metavar="PATH", help="another place")
    options = parser.parse_args(arguments)
    for number in STOPPING:
        signal.signal(number, _stop)
    try:
        return check(options.contract, options.output) if options.check else generate(options.contract, options.output)
    except (ContractError, GenerationError, OSError) as error:
        print(error, file=sys.stderr)
        return 1


def generate(contract: Path, output: Path) -> int:
    """Replace the output as a whole once everything has been generated."""
    # Beside the output, since only within one file system is moving a directory a single step.
    with tempfile.TemporaryDirectory(prefix=f".{output.name}-", dir=output.parent) as workshop:
        fresh = build(contract, Path(workshop))
        _ignore_signals()  # What comes now comes too late to stop anything.
        if output.exists():
            output.rename(Path(workshop) / "old")
        fresh.rename(output)
    return 0


def check(contract: Path, output: Path) -> int:
    """Print how the output differs from what the contract says, if it does."""
    with tempfile.TemporaryDirectory() as workshop:
        difference = list(differences(output, build(contract, Path(workshop))))
    if not difference:
        return 0
    print(*difference, sep="\n")
    print(f"{output.name}/ is not what {contract.name} says: run {COMMAND}", file=sys.stderr)
    return 1


def build(path: Path, workshop: Path) -> Path:
    """Generate everything in the workshop and give the directory that holds it."""
    versions = pinned_versions()
    with step("reading the contract"):
        contract = checked(path, label=str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path))
    fresh = workshop / "generated"
    package = fresh / PACKAGE
    source, sent = workshop / "openapi.json", workshop / "sent.json"
    options = workshop / "options.json"
    fresh.mkdir()
    document = with_plain_types(contract.document)
    source.write_text(json.dumps(document), encoding="utf-8")
    sent.write_text(json.dumps(only_sent(document)), encoding="utf-8")
    options.write_text(json.dumps(CLIENT_OPTIONS), encoding="utf-8")
    requests = workshop / "requests.py"
    templates = _templates(contract, workshop)
    into = ("--path", source, "--config", options, "--custom-template-path", templates, "--output-path", package)
    with (
        step("client and request types"),
        _running("datamodel_code_generator", *REQUEST_OPTIONS, "--input", sent, "--output", requests),
        _running("openapi_python_client", "generate", "--meta", "none", "--fail-on-warning", *into),
    ):
        pass  # They run side by side, each on its own core.
    _flatten(package)
    requests.rename(package / "requests.py")
    with step("formatting"):
        _run("ruff", "check", *IMPORT_OPTIONS, *RUFF_OPTIONS, package)
        _run("ruff", "format", "--config", "format.skip-magic-trailing-comma=true", *RUFF_OPTIONS, package)
    if dropped := list(_operations_without_function(contract, package)):
        raise contract.error(*dropped)
    _add_banners(package, versions)
    runtime = json.dumps(contract.document, indent=1, ensure_ascii=False)
    (package / "openapi.json").write_text(f"{runtime}\n", encoding="utf-8")
    (package / "py.typed").touch()
    return fresh


def checked(path: Path, label: str) -> Contract:
    """Read a contract; raise ContractError with all that is wrong with it."""
    contract = read(path, label)
    if found := problems(contract.document):
        raise contract.error(*found)
    return contract


def problems(document: Document) -> list[Problem]:
    """Find what is badly formed; or else what cannot be rendered, or cannot work."""
    try:
        return malformed(document) or [*renderable.problems(document), *workable.problems(document)]
    except RecursionError:
        return [Problem((), "a schema contains itself through allOf, oneOf or anyOf")]


def pinned_versions() -> dict[str, str]:
    """Give the generators' versions; the installed ones must be those of the lock file."""
    lock = LOCK.read_text(encoding="utf-8")
    versions = {tool: importlib.metadata.version(tool) for tool in TOOLS}
    for tool, version in versions.items():
        if not re.search(rf"^{re.escape(tool)}=={re.escape(version)}\s", lock, re.MULTILINE):
            raise GenerationError(f"{tool} {version} is not what {LOCK.relative_to(ROOT)} pins: run {COMMAND}")
    return versions


def differences(old: Path, new: Path) -> Iterator[str]:
    """Yield the lines of a unified diff between two directories."""
    before, after = _files(old), _files(new)
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            found, wanted = (f"{old.name}/{name}" if name in files else os.devnull for files in (before, after))
            yield from difflib.unified_diff(before.get(name, []), after.get(name, []), found, wanted, lineterm="")


def _templates(contract: Contract, workshop: Path) -> Path:
    """Copy the templates, and put beside them what they need of the contract and the parser drops."""
    templates = workshop / "templates"
    shutil.copytree(TEMPLATES, templates)
    data = f"{{% set contract = {template_data(contract.document)!r} %}}\n"
    (templates / "contract.jinja").write_text(data, encoding="utf-8")
    return templates


def _flatten(package: Path) -> None:
    """Turn the folder of models, whose files are empty but for the first, into one module; name http.py rightly."""
    shutil.move(package / "models/__init__.py", package / "models.py")
    shutil.rmtree(package / "models")
    (package / "types.py").rename(package / "http.py")


def _files(directory: Path) -> dict[str, list[str]]:
    files = (path for path in directory.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    contents = {path.relative_to(directory).as_posix(): path.read_bytes() for path in files}
    return {name: content.decode(errors="backslashreplace").split("\n") for name, content in contents.items()}


def _operations_without_function(contract: Contract, package: Path) -> Iterator[Problem]:
    functions = {path.stem for path in package.glob("api/*/*.py")}
    for pointer, operation in operations_of(contract.document):
        if python_name(operation.get("operationId", "")) not in functions:
            yield Problem((*pointer, "operationId"), f"{operation.get('operationId', 'an operation')} got no function")


def _add_banners(package: Path, versions: dict[str, str]) -> None:
    tools = ", ".join(f"{tool} {version}" for tool, version in versions.items())
    rule = f"Do not edit: change the contract and run {COMMAND}."
    banner = f"# Written by {COMMAND} from openapi.yaml. {rule}\n# {tools}\n\n"
    for path in package.rglob("*.py"):
        code = path.read_text(encoding="utf-8").removeprefix("#\n").lstrip("\n")
        path.write_text(banner + code, encoding="utf-8")


def _run(module: str, *arguments: str | Path) -> None:
    with _running(module, *arguments):
        pass


@contextlib.contextmanager
def _running(module: str, *arguments: str | Path) -> Generator[None]:
    """Run a tool beside the block, and wait for it at the end; stop it if the block fails."""
    # Not even a warning may pass: what the generators warn of is left out of the client.
    plain = {"NO_COLOR": "1", "PYTHONHASHSEED": "0", "PYTHONUTF8": "1", "_TYPER_STANDARD_TRACEBACK": "1"}
    command = [sys.executable, "-W", "default", "-m", module, *map(str, arguments)]
    pipe, both = subprocess.PIPE, subprocess.STDOUT
    with subprocess.Popen(command, stdout=pipe, stderr=both, encoding="utf-8", env={**os.environ, **plain}) as tool:
        try:
            yield
            said = re.sub(r"^Generating .*\n", "", tool.communicate()[0])
        except BaseException:
            tool.kill()
            raise
    if tool.returncode or said.strip():
        raise GenerationError(f"{module}: {_without_traceback(said) or f'failed with status {tool.returncode}'}")


def _without_traceback(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if any(line.startswith("Traceback") for line in lines) else "\n".join(lines)


def _stop(number: int, _frame: FrameType | None) -> None:
    """End the run; directories to work in are taken away on the way out."""
    _ignore_signals()
    print("stopped: nothing has been changed", file=sys.stderr)
    sys.exit(128 + number)


def _ignore_signals() -> None:
    for number in STOPPING:
        signal.signal(number, signal.SIG_IGN)


if __name__ == "__main__":
    sys.exit(main())
