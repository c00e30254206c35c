"""What two windows of a recording both have heard, of which each may have half a word at its edge, told once."""

import re
from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import NamedTuple

_LETTERS = re.compile(r"\w+")
_MOST = 14  # words of an overlap


class _Run(NamedTuple):
    """So many words that both have, with so many behind them in the first, and before them in the second."""

    length: int
    behind: int
    before: int

    @property
    def worth(self) -> int:
        """Words at the edges are hardly ever many: a run within them is of the same words by chance."""
        return 2 * self.length - self.behind - self.before


def doubled(before: Sequence[str], after: Sequence[str]) -> tuple[int, int]:
    """How many words of the end of `before`, and of the begin of `after`, are left out, so that what is in both is told
    once. (0, 0) where there is nothing in both."""
    runs = list(_runs([*map(_plain, before[-_MOST:])], [*map(_plain, after[:_MOST])]))
    best = max(runs, key=lambda run: run.worth, default=None)
    return (best.behind, best.before + best.length) if best and best.worth > 0 else (0, 0)


def _runs(end: Sequence[str], begin: Sequence[str]) -> Iterator[_Run]:
    for at in range(len(end)):
        for to in range(len(begin)):
            same = takewhile(lambda pair: pair[0] and pair[0] == pair[1], zip(end[at:], begin[to:], strict=False))
            if length := sum(1 for _ in same):
                yield _Run(length, len(end) - at - length, to)


def _plain(word: str) -> str:
    return "".join(_LETTERS.findall(word.casefold()))
