"""What scripts/portability writes into docs/languages.md, between the prose: recipes, notes, and the table."""

from collections.abc import Iterator

from .languages import HELPERS, LANGUAGES, Language
from .vectors import ROOT, vectors

PAGE = ROOT / "docs/languages.md"


def expected(text: str) -> str:
    """Put what is to be written into the page's text."""
    for name, lines in (("recipes", recipes()), ("notes", notes()), ("results", results())):
        begin, end = f"<!-- scripts/portability: {name} -->\n", f"<!-- end of {name} -->\n"
        before, found, rest = text.partition(begin)
        _, also_found, after = rest.partition(end)
        if not found or not also_found:
            raise ValueError(f"{PAGE.name} has no place for {name}")
        text = "\n".join([before + begin, *lines, "", end + after])
    return text


def recipes() -> Iterator[str]:
    """Give each language's commands, as they are run."""
    for language in LANGUAGES.values():
        helpers = [f" and [{helper.rpartition('/')[2]}](../{HELPERS}/{helper})" for helper in language.helpers]
        yield from (f"### {language.title}", "", f"With {language.generator}{''.join(helpers)}.", "")
        yield from ("```", *language.commands, "```", "")


def notes() -> Iterator[str]:
    """Give what each generator gets wrong, and what to do instead; or what was read in its text."""
    every = [(language, text) for language in LANGUAGES.values() for text in _notes(language)]
    for number, (language, text) in enumerate(every, 1):
        yield f'{number}. <a id="note-{number}"></a>**{language.title}.** {text}'


def _notes(language: Language) -> Iterator[str]:
    for note in language.notes:
        yield f"{note.wrong} {'*Instead:*' if note.solved else '*Not solved.*'} {note.instead}"
    for group in language.groups:
        read = "; ".join(check.says for check in language.checks if group in check.groups)
        yield f"Not compiled here. Read in the generated text, for the vectors of `{group}.json`: {read}."


def results() -> Iterator[str]:
    """Give the table of vectors and languages."""
    yield "| vector | " + " | ".join(language.title for language in LANGUAGES.values()) + " |"
    yield "| --- |" + " --- |" * len(LANGUAGES)
    for vector in vectors():
        cells: list[str] = []
        first = 1
        for language in LANGUAGES.values():
            mark, indices = language.mark(vector)
            if mark == "read":
                indices = [*indices, len(language.notes) + language.groups.index(vector.group)]
            cells.append(" ".join([mark, *(f"[{first + index}](#note-{first + index})" for index in indices)]))
            first += len(language.notes) + len(language.groups)
        yield f"| `{vector.name}`: {vector.about} | " + " | ".join(cells) + " |"
