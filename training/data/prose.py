"""Texts that people wrote to be read: which are foretold, and which may be learnt from."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Text:
    """`kind` is what it is one of, in the plural: "plays by Shakespeare"."""

    name: str
    kind: str
    text: str


@dataclass(frozen=True)
class Prose:
    """`others` are for whoever learns from such texts, to be measured on those `held_out`."""

    held_out: Sequence[Text]
    others: Sequence[Text]

    def __add__(self, other: "Prose") -> "Prose":
        return Prose([*self.held_out, *other.held_out], [*self.others, *other.others])

    @property
    def title(self) -> str:
        """Of what is held out, such as "4 plays by Shakespeare, 2 novels by Jane Austen"."""
        return ", ".join(f"{len(texts)} {kind}" for kind, texts in by_kind(self.held_out).items())


def by_kind(texts: Sequence[Text]) -> dict[str, list[Text]]:
    kinds: dict[str, list[Text]] = {}
    for text in texts:
        kinds.setdefault(text.kind, []).append(text)
    return kinds
