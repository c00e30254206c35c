"""The form of a model card: sections of text, facts, tables and pictures, written as Markdown and as one HTML file."""

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_TEMPLATES = Path(__file__).with_name("templates")
_SPECIAL = re.compile(r"([\\`*_\[\]<>|#~])")


@dataclass(frozen=True)
class Table:
    """`folded`: a picture tells the same, so that the page shows the numbers only when asked."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    title: str = ""
    folded: bool = False


@dataclass(frozen=True)
class Section:
    """In the order in which they are shown; `pictures` are names with what they show."""

    title: str
    text: Sequence[str] = ()
    points: Sequence[str] = ()
    pictures: Sequence[tuple[str, str]] = ()
    tables: Sequence[Table] = ()


@dataclass(frozen=True)
class Card:
    """`tiles` are the figures that come first: name, value, and what makes it comparable."""

    title: str
    description: str
    facts: Sequence[tuple[str, str]]
    tiles: Sequence[tuple[str, str, str]]
    sections: Sequence[Section]


def markdown(card: Card) -> str:
    """Without pictures; every text is escaped, so that none is read as markup."""
    return "\n\n".join(_blocks(card)) + "\n"


def page(card: Card, pictures: Mapping[str, bytes]) -> str:
    """One HTML file that loads nothing and runs nothing. A picture that is not among `pictures` (PNG) is left out."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    urls = {name: f"data:image/png;base64,{base64.b64encode(png).decode()}" for name, png in pictures.items()}
    return environment.get_template("card.html").render(card=card, pictures=urls)


def _blocks(card: Card) -> Iterator[str]:
    yield f"# {_plain(card.title)}"
    yield _plain(card.description)
    yield "\n".join(f"- {_plain(name)}: {_plain(value)}" for name, value in card.facts)
    yield from (f"**{_plain(name)} {_plain(value)}** {_plain(note)}" for name, value, note in card.tiles)
    for section in card.sections:
        yield f"## {_plain(section.title)}"
        yield from map(_plain, section.text)
        if section.points:
            yield "\n".join(f"- {_plain(point)}" for point in section.points)
        for table in section.tables:
            if table.title:
                yield f"### {_plain(table.title)}"
            yield _table(table)


def _table(table: Table) -> str:
    head, *rows = ("| " + " | ".join(map(_plain, row)) + " |" for row in (table.head, *table.rows))
    return "\n".join([head, "|" + " --- |" * len(table.head), *rows])


def _plain(text: str) -> str:
    """On one line, with a backslash before what Markdown would take for more than a sign."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))
