"""What is done with a user's own labelled rows, whatever they are rows of: each once, labels that can be learnt, parts.

Rows are looked at in this order: of the same one the first stays, with the label that most of them have; labels of too
few rows go; then rows are dealt out, nearly the same ones together. Everything that goes is told of.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from training.data.findings import Finding, imbalance, same_but_for_case
from training.data.split import PARTS, Part, split
from training.errors import UnlearnableError


@dataclass(frozen=True)
class LabelledRow:
    """`labels` are one, or in a set of several any number. `part` is where it was dealt to."""

    number: int
    labels: tuple[str, ...]
    part: Part | None = field(default=None, kw_only=True)

    @property
    def place(self) -> int | str:
        """Where whoever brought it finds it."""
        return self.number


R = TypeVar("R", bound=LabelledRow)


@dataclass(frozen=True)
class Dealer(Generic[R]):
    """How rows of one kind are looked at.

    Attributes:
        what: the kind, in the singular.
        same: what two rows share that are the same.
        alike: for each row the number of its group: those that are nearly the same.
        fewest: a label of fewer rows is not learnt.
        shares: of the rows of each label, for test and validation.
        findings: what is found wrong is added to it.
    """

    what: str
    same: Callable[[R], Hashable]
    alike: Callable[[Sequence[R]], Sequence[int]]
    fewest: int
    shares: Mapping[Part, float]
    seed: int
    findings: list[Finding]

    def once(self, rows: Sequence[R]) -> list[R]:
        """Of the same rows the first, labelled as more than half of them are; and none where no label has so many.
        Where rows were dealt out beforehand, that of the test comes first, so that nothing of it is trained on."""
        same: dict[Hashable, list[R]] = defaultdict(list)
        for row in rows:
            same[self.same(row)].append(row)
        kept: list[R] = []
        again: list[R] = []
        leaked: list[R] = []
        disputed: list[R] = []
        for copies in same.values():
            (labels, votes), *_ = Counter(copy.labels for copy in copies).most_common(1)
            if votes < len(copies):
                disputed += copies
                if 2 * votes <= len(copies):
                    continue
            first = min(copies, key=_last_part_first)
            kept.append(replace(first, labels=labels))
            for copy in copies:
                if copy is not first:
                    (again if copy.part == first.part else leaked).append(copy)
        self._tell(
            "conflicting labels",
            disputed,
            f"the same {self.what} with other labels: what more than half say is taken, otherwise all are left out",
        )
        self._tell("duplicates", again, f"a {self.what} that was there before: left out")
        self._tell("leakage", leaked, f"a {self.what} that is in two of the given parts: left out here")
        return sorted(kept, key=_number)

    def learnable(self, rows: Sequence[R]) -> list[R]:
        """Without labels of too few rows."""
        counts = Counter(label for row in rows for label in row.labels)
        rare = {label for label, count in counts.items() if count < self.fewest}
        if not rare:
            return list(rows)
        named = ", ".join(f"{label} {counts[label]}" for label in sorted(rare)[:10])
        self._tell(
            "rare labels",
            [row for row in rows if rare & set(row.labels)],
            f"a label of fewer than {self.fewest} rows, which is not learnt: {named}",
        )
        reduced = [replace(row, labels=tuple(label for label in row.labels if label not in rare)) for row in rows]
        return [now for now, before in zip(reduced, rows, strict=True) if now.labels or not before.labels]

    def tell_of_labels(self, rows: Sequence[R], labels: Sequence[str]) -> None:
        counts = Counter(label for row in rows for label in row.labels)
        if unequal := imbalance(counts):
            rarest = min(counts, key=lambda label: counts[label])
            self._tell("imbalance", [row for row in rows if rarest in row.labels], unequal)
        if spelt := same_but_for_case(labels):
            told = f"labels that differ in case alone: {', '.join(spelt)}"
            self._tell("spelling of labels", [row for row in rows if set(spelt) & set(row.labels)], told)

    def dealt_out(self, rows: Sequence[R]) -> list[R]:
        """Raises `UnlearnableError` where given parts lack one, or nothing is left for one."""
        groups = self.alike(rows)
        sizes = Counter(groups)
        together = [row for row, group in zip(rows, groups, strict=True) if sizes[group] > 1]
        self._tell("near duplicates", together, f"nearly the same as another: such {self.what}s are kept in one part")
        shares = dict(self.shares)
        if any(row.part for row in rows):
            rows = self._without_leaks(rows, groups)
            groups = self.alike(rows)
            given = {row.part for row in rows}
            if not {"train", "test"} <= given:
                has = ", ".join(sorted(map(str, given)))
                raise UnlearnableError(f"the given parts are {has}; expected train and test", self.findings)
            self._check_learnt(rows)
            if "validation" in given:
                return list(rows)
            chosen = [place for place, row in enumerate(rows) if row.part == "train"]
            del shares["test"]
        else:
            chosen = list(range(len(rows)))
        dealt = list(rows)
        parts = split(
            [groups[place] for place in chosen], _counted_as([rows[place] for place in chosen]), shares, self.seed
        )
        for place, part in zip(chosen, parts, strict=True):
            dealt[place] = replace(rows[place], part=part)
        if empty := [part for part in PARTS if part not in {row.part for row in dealt}]:
            why = f"no {self.what}s are left for {' and '.join(empty)}; there are {len(dealt)}: bring more"
            raise UnlearnableError(why, self.findings)
        return dealt

    def leaks(self, rows: Sequence[R]) -> int:
        """How many groups of nearly the same rows are in more than one part."""
        parts_of: dict[int, set[Part | None]] = defaultdict(set)
        for row, group in zip(rows, self.alike(rows), strict=True):
            parts_of[group].add(row.part)
        return sum(len(parts) > 1 for parts in parts_of.values())

    def _without_leaks(self, rows: Sequence[R], groups: Sequence[int]) -> list[R]:
        """Of nearly the same rows in several parts those of the last part alone: test, validation, train."""
        last: dict[int, int] = {}
        for row, group in zip(rows, groups, strict=True):
            last[group] = max(last.get(group, 0), PARTS.index(row.part or "train"))
        kept: list[R] = []
        leaked: list[R] = []
        for row, group in zip(rows, groups, strict=True):
            (kept if PARTS.index(row.part or "train") == last[group] else leaked).append(row)
        what = f"nearly the same as a {self.what} of the test or of the validation: left out of the part it was in"
        self._tell("leakage", leaked, what)
        return kept

    def _check_learnt(self, rows: Sequence[R]) -> None:
        """Raises `UnlearnableError` for labels that are in another part and nowhere in the training."""
        learnt = {label for row in rows if row.part == "train" for label in row.labels}
        if unknown := sorted({label for row in rows for label in row.labels} - learnt):
            why = f"the part train has nothing of {', '.join(unknown)}; bring some, or leave the label out"
            raise UnlearnableError(why, self.findings)

    def _tell(self, kind: str, rows: Sequence[R], what: str) -> None:
        if rows:
            self.findings.append(Finding.of(kind, [row.place for row in sorted(rows, key=_number)], what))


def counts_of(rows: Sequence[LabelledRow], labels: Sequence[str]) -> dict[str, dict[str, int]]:
    """Of each part, how many rows have each label."""
    counts = Counter((row.part, label) for row in rows for label in row.labels)
    return {part: {label: counts[part, label] for label in labels} for part in PARTS}


def _number(row: LabelledRow) -> int:
    return row.number


def _last_part_first(row: LabelledRow) -> tuple[int, int]:
    return (-PARTS.index(row.part) if row.part else 0), row.number


def _counted_as(rows: Sequence[LabelledRow]) -> list[str]:
    """Of several labels the rarest, so that it comes into each part."""
    counts = Counter(label for row in rows for label in row.labels)
    return [min(row.labels, key=lambda label: (counts[label], label), default="") for row in rows]
