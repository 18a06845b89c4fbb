"""What users can name of the package."""

from __future__ import annotations

import functools
from importlib import import_module
from types import FunctionType, ModuleType
from typing import Any

PACKAGE = "liveperson_engagement"
NAMES = ["client", "errors", "events", "otel", "sandbox", "stores", "testing", "testing.answers", "transports"]
NAMES += ["stores.conformance", "stores.leased", "stores.redis", "stores.sqlite"]
MODULES = (PACKAGE, *(f"{PACKAGE}.{name}" for name in sorted(NAMES)), "liveperson_engagement_pytest")
"""What users import; docs/versioning.md names the same modules."""
INTERNAL = {
    "errors.check_seconds": "checks arguments",
    "errors.one_line": "cleans texts from elsewhere",
    "errors.check_count": "checks arguments",
    "stores.check_time_to_live": "checks arguments",
    "stores.sqlite.network_file_system": "what a file must not be on",
    "stores.conformance.running_loop": "for the package's own tests",
    "stores.sqlite.place": "where a key lies in the file",
    "Visit.__init__": "client.visit() makes it",
    "AsyncVisit.__init__": "client.visit() makes it",
    "MemoryStore.forked": "what a fork calls",
    "OpenTelemetry.calls": "an instrument",
    "OpenTelemetry.pauses": "an instrument",
    "OpenTelemetry.requests": "an instrument",
    "OpenTelemetry.retries": "an instrument",
    "OutageGuard.around": "what a call goes through",
    "transports.make_transport": "what a client calls",
    "transports.Options": "what it is called with",
}
"""What has a public name and is not public; the reference does not show it."""


def public_names(module: ModuleType) -> list[str]:
    """Name what a module offers: `__all__`, or else what is defined in it without an underscore."""
    if "__all__" in vars(module):
        return sorted(module.__all__)
    short = module.__name__.removeprefix(f"{PACKAGE}.")
    return sorted(
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and is_defined(value, module.__name__) and f"{short}.{name}" not in INTERNAL
    )


def is_defined(value: Any, module: str) -> bool:
    """Tell whether a class, a function or a fixture is from this module."""
    kinds = isinstance(value, type | FunctionType) or is_fixture(value)
    return getattr(value, "__module__", None) == module and kinds


def is_fixture(value: Any) -> bool:
    """Tell whether it is a fixture of pytest's that users can name."""
    return type(value).__name__ == "FixtureFunctionDefinition"


@functools.cache
def home(kind: type) -> str:
    """Name the module from which users import a class, the shortest one; empty if there is none."""
    for module in map(import_module, MODULES):
        if getattr(module, kind.__name__, None) is kind and kind.__name__ in public_names(module):
            return module.__name__
    return ""
