"""What scripts/portability writes into docs/languages.md, between the prose: the recipes, and the table."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from .languages import HELPERS, LANGUAGES, WORK, Language
from .vectors import ROOT, vectors
from .work import marks

PAGE = ROOT / "docs/languages.md"
INSTALLED = {"openapi-generator-cli", "python", "mypy"}
"""Programs of the environment that scripts/env sets up."""


def expected(text: str) -> str:
    """Put what is to be written into the page's text."""
    for name, lines in (("recipes", recipes()), ("notes", notes()), ("results", results())):
        begin, end = f"<!-- scripts/portability: {name} -->\n", f"<!-- end of {name} -->\n"
        pattern = f"(?s)(?<={re.escape(begin)}).*?(?={re.escape(end)})"
        parts = re.split(pattern, text)
        if len(parts) != 2:
            raise ValueError(f"{PAGE.name} has no place for {name}")
        text = "\n".join(["", *lines, "", ""]).join(parts)
    return text


def recipes() -> Iterator[str]:
    """Give each language's commands, as they are run."""
    for language in LANGUAGES:
        yield f"### {language.title}"
        yield ""
        helpers = [f" and [{helper.rpartition('/')[2]}](../{HELPERS}/{helper})" for helper in language.helpers]
        yield f"With {language.generator}{''.join(helpers)}."
        yield ""
        yield "```"
        yield from commands(language)
        yield "```"
        yield ""


def commands(language: Language) -> Iterator[str]:
    """Give the commands of a language, as a shell takes them."""
    yield f"scripts/portability --prepare {language.name}"
    used = {command.arguments[0] for command in (*language.steps, *language.compiles)}
    if used & INSTALLED:
        yield ". scripts/env/activate portability"
    inside = False
    for command in (*language.steps, *language.compiles):
        if command.inside is not inside:
            yield f"cd {WORK}/{language.name}" if command.inside else "cd ../.."
            inside = command.inside
        yield shlex.join(command.arguments) + (f" > {command.output}" if command.output else "")
    if language.runs:
        yield shlex.join(language.runs)


def notes() -> Iterator[str]:
    """Give what each generator gets wrong, and what to do instead; or what was read in its text."""
    number = 0
    for language in LANGUAGES:
        for wrong, instead in _notes(language):
            number += 1
            yield f'{number}. <a id="note-{number}"></a>**{language.title}.** {wrong} {instead}'.rstrip()


def results() -> Iterator[str]:
    """Give the table of vectors and languages."""
    yield "| vector | " + " | ".join(language.title for language in LANGUAGES) + " |"
    yield "| --- |" + " --- |" * len(LANGUAGES)
    for vector in vectors():
        cells: list[str] = []
        first = 1
        for language in LANGUAGES:
            mark, indices = marks(language, vector)
            if mark == "read":
                indices = [*indices, len(language.notes) + _groups(language).index(vector.group)]
            links = [f"[{first + index}](#note-{first + index})" for index in indices]
            cells.append(" ".join([mark, *links]))
            first += len(list(_notes(language)))
        yield f"| `{vector.name}`: {vector.about} | " + " | ".join(cells) + " |"


def _notes(language: Language) -> Iterator[tuple[str, str]]:
    for note in language.notes:
        yield note.wrong, f"*Instead:* {note.instead}" if note.holds else f"*Not solved.* {note.instead}"
    for group in _groups(language):
        read = "; ".join(check.says for check in language.checks if group in check.groups)
        yield f"Not compiled here. Read in the generated text, for the vectors of `{group}.json`: {read}.", ""


def _groups(language: Language) -> list[str]:
    return list(dict.fromkeys(group for check in language.checks for group in check.groups))
