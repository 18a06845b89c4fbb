"""What is installed in this environment: a package, and all that it needs on this machine."""

from collections.abc import Iterable
from importlib.metadata import requires

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def needed(name: str, extras: Iterable[str] = ()) -> set[str]:
    """Name a package and all that it needs, with these of its extras."""
    found: set[str] = set()
    pending = {(canonicalize_name(name), extra) for extra in ("", *extras)}
    while pending:
        package, extra = pending.pop()
        found.add(package)
        for wanted in map(Requirement, requires(package) or ()):
            if wanted.marker is None or wanted.marker.evaluate({"extra": extra}):
                parts = {(canonicalize_name(wanted.name), each) for each in ("", *wanted.extras)}
                pending |= {part for part in parts if part[0] not in found}
    return found
