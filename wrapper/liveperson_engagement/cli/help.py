"""Help as plain text, with options in groups: rich, which Typer would use, takes longer to import than all else."""

import re
from typing import Any

from typer.core import TyperCommand, TyperGroup

IN_ONE_PIECE = re.compile(r"\[[a-z ]+: [^]]+]|--[a-z-]+")
"""What is not broken over two lines: options, and the likes of `[env var: NAME]`."""
UNBREAKABLE = str.maketrans({" ": "\xa0", "-": "\u2011"})
BREAKABLE = str.maketrans({"\xa0": " ", "\u2011": "-"})


class Command(TyperCommand):
    """A command whose options are listed by their groups."""

    def get_help(self, ctx: Any) -> str:
        """Return the whole help."""
        return super().get_help(ctx).translate(BREAKABLE)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return the parts of the usage line; what is required stands bare."""
        return [piece.strip("{}") for piece in super().collect_usage_pieces(ctx)]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments and the options."""
        _write_parameters(self, ctx, formatter)


class Group(TyperGroup):
    """The command itself: what it can do comes before its own options."""

    def get_help(self, ctx: Any) -> str:
        """Return the whole help."""
        return super().get_help(ctx).translate(BREAKABLE)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the commands, then the options."""
        self.format_commands(ctx, formatter)
        _write_parameters(self, ctx, formatter)


def _write_parameters(command: TyperCommand | TyperGroup, ctx: Any, formatter: Any) -> None:
    groups: dict[str, list[tuple[str, str]]] = {}
    for parameter in command.get_params(ctx):
        if record := parameter.get_help_record(ctx):
            usual = "Options"
            if parameter.param_type_name == "argument":
                usual, record = "Arguments", (str(parameter.metavar), record[1])  # Typer 0.29 adds the Python type
            groups.setdefault(getattr(parameter, "rich_help_panel", None) or usual, []).append(record)
    width = max(len(name) for records in groups.values() for name, _ in records)
    for title in sorted(groups, key=lambda title: (title != "Arguments", title == "Options")):
        with formatter.section(title):
            formatter.write_dl([(name.ljust(width), _in_one_piece(text)) for name, text in groups[title]])


def _in_one_piece(text: str) -> str:
    return IN_ONE_PIECE.sub(lambda found: found[0].translate(UNBREAKABLE), text)
