"""Completion in zsh, mended: Typer's script does nothing at the first Tab of a shell."""

from typing import Any

from typer import _completion_shared

CALL = """

if [ "$funcstack[1]" = "_%(prog_name)s" ]; then
  %(complete_func)s "$@"
fi"""
"""zsh reads the script at the first Tab, as the body of a function: what it defines has to be called, too."""


def answer_the_first_tab() -> None:
    """Mend the script that is shown and installed; where Typer has changed, leave it as it is."""
    scripts: dict[str, Any] = getattr(_completion_shared, "_completion_scripts", {})
    script = scripts.get("zsh", "")
    if "%(complete_func)s" in script and "funcstack" not in script:
        scripts["zsh"] = script.rstrip() + CALL
