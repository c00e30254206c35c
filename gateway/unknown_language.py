"""Texts in a language that the version which reads them does not know, and what is told of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from processing.language import unknown

_MOST_TEXTS = 64  # of a request are looked at: as many as it has, unless that limit is another


@dataclass(frozen=True)
class UnknownLanguage:
    """`known` are the languages of the version, `items` the positions of texts by the language they seem to be in."""

    known: Sequence[str]
    items: Mapping[str, Sequence[int]]

    @classmethod
    def of(cls, texts: Sequence[str], known: Sequence[str]) -> "UnknownLanguage | None":
        """None if nothing is to be told."""
        items = unknown(texts[:_MOST_TEXTS], known)
        return cls(known, items) if items else None

    def header(self) -> str:
        """The value of `X-Model-Warning`: a list by RFC 9651, with a member for each language."""
        known = " ".join(self.known)
        return ", ".join(
            f'unknown-language;language="{language}";items="{" ".join(map(str, positions))}";known="{known}"'
            for language, positions in self.items.items()
        )

    def sentences(self) -> Iterator[str]:
        for language in self.items:
            yield f"the text seems to be in the language {language}; the model knows {', '.join(self.known)}"
