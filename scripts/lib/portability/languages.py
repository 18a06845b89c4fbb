"""The languages of languages.yaml, which says what each entry means."""

import fnmatch
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from .vectors import Vector

HELPERS = "scripts/lib/portability"
WORK = ".portability"
ACTIVATE = ". scripts/env/activate portability"
INSTALLED = {"openapi-generator-cli", "python", "mypy"}
"""Programs of the environment that this line sets up."""


@dataclass(frozen=True)
class Note:
    """Something that a generator gets wrong, and what to do instead."""

    wrong: str
    instead: str
    vectors: list[str]
    solved: bool = True

    def concerns(self, vector: Vector) -> bool:
        """Whether it is about this vector."""
        return any(fnmatch.fnmatchcase(vector.name, pattern) for pattern in self.vectors)


@dataclass(frozen=True)
class Check:
    """What must stand in a generated file, for languages that are not compiled here."""

    says: str
    file: str
    pattern: str
    groups: list[str]


@dataclass(frozen=True)
class Language:
    """A language and a generator."""

    name: str
    title: str
    generator: str
    needs: list[str]
    recipe: str
    sources: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    helpers: tuple[str, ...] = ()
    bodies: bool = False
    notes: tuple[Note, ...] = ()
    checks: tuple[Check, ...] = ()

    @property
    def commands(self) -> list[str]:
        """The whole recipe, as it is typed in a clone: the lines that set it up, then those of languages.yaml."""
        lines = self.recipe.splitlines()
        installed = any(line.partition(" ")[0] in INSTALLED for line in lines[: None if self.checks else -1])
        return [f"scripts/portability --prepare {self.name}", *([ACTIVATE] if installed else []), *lines]

    @property
    def groups(self) -> list[str]:
        """The groups of vectors for which generated text is read."""
        return list(dict.fromkeys(group for check in self.checks for group in check.groups))

    def mark(self, vector: Vector) -> tuple[str, list[int]]:
        """Say what a run finds of a vector, `pass`, `limit` or `read`; and the indices of the notes on it."""
        notes = [index for index, note in enumerate(self.notes) if note.concerns(vector)]
        if not all(self.notes[index].solved for index in notes):
            return "limit", notes
        return "read" if self.checks else "pass", notes


def _language(name: str, entry: dict[str, Any]) -> Language:
    notes = tuple(Note(**each) for each in entry.pop("notes", ()))
    checks = tuple(Check(**each) for each in entry.pop("checks", ()))
    return Language(name, **entry, notes=notes, checks=checks)


_TEXT = Path(__file__).with_name("languages.yaml").read_text(encoding="utf-8")
LANGUAGES = {name: _language(name, entry) for name, entry in yaml.safe_load(_TEXT).items()}
