"""The public surface, compared with `public_api.txt`: no name, argument or option appears or vanishes unnoticed."""

import difflib
from importlib import import_module
from typing import Any

from public_surface import COMMAND, MODULES, PACKAGE, SNAPSHOT, public_names, surface


def test_no_public_name_appears_or_vanishes_unnoticed() -> None:
    """The surface is what the file says, to the letter."""
    expected, found = SNAPSHOT.read_text(encoding="utf-8").splitlines(), surface().splitlines()
    difference = difflib.unified_diff(expected, found, SNAPSHOT.name, "now", n=1, lineterm="")
    assert expected == found, "\n".join([*difference, f"If it is meant so, {COMMAND} and see docs/versioning.md"])


def test_nothing_is_offered_besides_the_public_names() -> None:
    """What a module imports for itself from this package has an underscore or is a module; a star brings `__all__`."""
    for module in [module for module in map(import_module, MODULES) if "__all__" in vars(module)]:
        brought = dict[str, Any]()
        exec(f"from {module.__name__} import *", brought)  # noqa: S102
        assert sorted(brought.keys() - {"__builtins__"}) == public_names(module)
        if "__path__" in vars(module):
            public = {key: getattr(value, "__module__", None) for key, value in vars(module).items() if key[0] != "_"}
            assert {key for key, place in public.items() if (place or "").startswith(PACKAGE)} <= {*module.__all__}
