"""What was found wrong, or worth knowing, in a user's own rows: a list for people, and the same as JSON."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, Self

from models.spec import Count, Frozen

_SHOWN = 5  # rows that are named
_COMMON = 10.0  # as many rows as of the rarest label: above it labels are told to be of unequal weight


class Finding(Frozen):
    """One kind of fault: how many rows have it, what was done with them, and where the first of them are.

    `rows` counts lines of a text file and rows of others, from 1; what is a file by itself has `names` instead.
    """

    kind: str
    count: Count
    what: str
    rows: tuple[int, ...] = ()
    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, kind: str, places: Sequence[int | str], what: str) -> Self:
        shown = places[:_SHOWN]
        rows = tuple(place for place in shown if isinstance(place, int))
        names = tuple(place for place in shown if isinstance(place, str))
        return cls(kind=kind, count=len(places), what=what, rows=rows, names=names)

    def __str__(self) -> str:
        places = [f"row {', '.join(map(str, self.rows))}"] if self.rows else [*self.names]
        more = ", …" if self.count > len(self.rows) + len(self.names) else ""
        return f"{self.kind}: {self.count:,} × {self.what} ({', '.join(places)}{more})"


class DataReport(Frozen):
    """What was read, what of it is used, and how it was dealt out.

    `parts` counts rows by part and label; a row of several labels counts for each. `leaks` are groups of
    nearly the same rows that are in more than one part, counted anew from what is used: there should be none.
    `languages` are those of the texts that are trained on, as far as that is certain, by their ISO 639 codes.
    """

    file: str
    sha256: str
    encoding: str | None
    rows_read: int
    rows_used: int
    multi_label: bool
    parts: dict[str, dict[str, int]]
    leaks: int
    findings: tuple[Finding, ...]
    of: Literal["text", "picture", "recording"] = "text"
    languages: tuple[str, ...] = ()

    def lines(self) -> Iterable[str]:
        """For a terminal."""
        in_encoding = f", {self.encoding}" if self.encoding else ""
        yield f"{self.file}{in_encoding}: {self.rows_used:,} of {self.rows_read:,} {self._rows} are used"
        yield from map(str, self.findings)
        for part, counts in self.parts.items():
            of = ", ".join(f"{label} {count:,}" for label, count in counts.items())
            yield f"{part}: {of}"
        yield f"{self.of}s that are nearly the same in two parts: {self.leaks}"
        if self.of == "text":
            yield f"languages: {', '.join(self.languages) or 'not to be told'}"

    @property
    def _rows(self) -> str:
        return "rows" if self.of == "text" else f"{self.of}s"


def imbalance(counts: Mapping[str, int]) -> str | None:
    """Of labels that are very unequal in number, in words."""
    if not counts:
        return None
    (most, often), (least, rarely) = max(counts.items(), key=_count), min(counts.items(), key=_count)
    if often < _COMMON * rarely:
        return None
    return f"{most!r} has {often / rarely:.0f} times as many rows as {least!r}: accuracy says little, see macro F1"


def same_but_for_case(labels: Iterable[str]) -> list[str]:
    """Labels that differ from another in case or spaces alone."""
    labels = list(labels)
    folded = Counter(_folded(label) for label in labels)
    return sorted(label for label in labels if folded[_folded(label)] > 1)


def _folded(label: str) -> str:
    return "".join(label.split()).casefold()


def _count(item: tuple[str, int]) -> int:
    return item[1]
