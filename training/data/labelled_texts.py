"""A user's own texts with their labels: what can be learnt from is kept, everything else is told of.

Rows are looked at in this order: what has no readable text or no label goes; of the same text the first row stays, with
the label that most of its rows have; labels of too few rows go; then rows are dealt out, nearly the same ones together.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from models.text_classifier import DataSource
from processing.cleaning import clean
from processing.language import most_frequent
from training.data.alike import alike, words_of
from training.data.findings import DataReport, Finding, imbalance, same_but_for_case
from training.data.own_rows import LabelledText, texts_of
from training.data.split import PARTS, Part, split
from training.data.table import Table
from training.errors import UnlearnableError


@dataclass(frozen=True)
class LabelledTexts:
    """`labels` in the order in which answers have them; `texts` in the order of the file."""

    texts: Sequence[LabelledText]
    labels: tuple[str, ...]
    multi_label: bool
    report: DataReport

    def part(self, part: Part) -> list[LabelledText]:
        return [text for text in self.texts if text.part == part]


@dataclass(frozen=True)
class Demands:
    """`fewest`: a label of fewer rows is not learnt. `max_tokens`: so much of a text is read. `validation` and `test`
    are shares of the rows of each label. `clean`: the model reads cleaned texts; what is the same to it is the same
    here."""

    fewest: int
    max_tokens: int
    validation: float
    test: float
    seed: int
    clean: bool = False

    def read(self, text: str) -> str:
        """As the model reads it."""
        return clean(text) if self.clean else text

    def alike(self, texts: Iterable[LabelledText]) -> list[int]:
        """The group of each: those that are nearly the same."""
        groups: list[int] = alike([self.read(text.text) for text in texts]).tolist()
        return groups


def labelled_texts(table: Table, source: DataSource, demands: Demands) -> LabelledTexts:
    """Raises `DataError` where a column is missing or a part has another name, `UnlearnableError` where too little is
    left to learn from."""
    wanted = (source.text_column, source.label_column, source.split_column)
    table.require(*(column for column in wanted if column is not None))
    findings: list[Finding] = []
    if table.encoding and table.encoding != "utf-8":
        findings.append(Finding.of("encoding", [1], f"the file is in {table.encoding}"))
    texts, multi_label = texts_of(table.rows, source, findings, demands.read)
    texts = _once(texts, demands, findings)
    known = len(texts)
    texts = _learnable(texts, demands.fewest, findings)
    labels = tuple(sorted({label for text in texts for label in text.labels}))
    fewest = 1 if multi_label else 2
    if len(labels) < fewest:
        raise UnlearnableError(
            f"{known} labelled texts have {len(labels)} labels of {demands.fewest} rows or more "
            f"({', '.join(labels) or 'none'}); at least {fewest} are needed: is it the right column, and are several "
            "labels of a row separated (--separator)?",
            findings,
        )
    _tell_of_labels(texts, labels, findings)
    _tell_of_length(texts, demands, findings)
    texts = _dealt_out(texts, demands, findings)
    report = DataReport(
        file=source.file.name,
        sha256=table.sha256,
        encoding=table.encoding,
        rows_read=len(table.rows),
        rows_used=len(texts),
        multi_label=multi_label,
        parts=_counts(texts, labels),
        leaks=_leaks(texts, demands),
        findings=tuple(findings),
        languages=most_frequent(text.text for text in texts if text.part == "train"),
    )
    return LabelledTexts(texts, labels, multi_label, report)


def _once(texts: Sequence[LabelledText], demands: Demands, findings: list[Finding]) -> list[LabelledText]:
    """Of the same words the first row, labelled as more than half of them are; and none where no label has so many.
    Where rows were dealt out beforehand, that of the test comes first, so that nothing of it is trained on."""
    same: dict[tuple[str, ...], list[LabelledText]] = defaultdict(list)
    for text in texts:
        same[tuple(words_of(demands.read(text.text)))].append(text)
    kept: list[LabelledText] = []
    again: list[int] = []
    leaked: list[int] = []
    disputed: list[int] = []
    for copies in same.values():
        (labels, votes), *_ = Counter(copy.labels for copy in copies).most_common(1)
        if votes < len(copies):
            disputed += [copy.number for copy in copies]
            if 2 * votes <= len(copies):
                continue
        first = min(copies, key=_last_part_first)
        kept.append(replace(first, labels=labels))
        for copy in copies:
            if copy is not first:
                (again if copy.part == first.part else leaked).append(copy.number)
    if disputed:
        what = "the same text with other labels: what more than half say is taken, otherwise all are left out"
        findings.append(Finding.of("conflicting labels", sorted(disputed), what))
    if again:
        findings.append(Finding.of("duplicates", sorted(again), "a text that was there before: left out"))
    if leaked:
        findings.append(
            Finding.of("leakage", sorted(leaked), "a text that is in two of the given parts: left out here")
        )
    return sorted(kept, key=lambda text: text.number)


def _last_part_first(text: LabelledText) -> tuple[int, int]:
    return (-PARTS.index(text.part) if text.part else 0), text.number


def _learnable(texts: Sequence[LabelledText], fewest: int, findings: list[Finding]) -> list[LabelledText]:
    counts = Counter(label for text in texts for label in text.labels)
    rare = {label for label, count in counts.items() if count < fewest}
    if not rare:
        return list(texts)
    rows = [text.number for text in texts if rare & set(text.labels)]
    named = ", ".join(f"{label} {counts[label]}" for label in sorted(rare)[:10])
    findings.append(
        Finding.of("rare labels", rows, f"a label of fewer than {fewest} rows, which is not learnt: {named}")
    )
    reduced = [replace(text, labels=tuple(label for label in text.labels if label not in rare)) for text in texts]
    return [now for now, before in zip(reduced, texts, strict=True) if now.labels or not before.labels]


def _tell_of_labels(texts: Sequence[LabelledText], labels: Sequence[str], findings: list[Finding]) -> None:
    counts = Counter(label for text in texts for label in text.labels)
    if unequal := imbalance(counts):
        rarest = min(counts, key=lambda label: counts[label])
        findings.append(Finding.of("imbalance", [text.number for text in texts if rarest in text.labels], unequal))
    if spelt := same_but_for_case(labels):
        rows = [text.number for text in texts if set(spelt) & set(text.labels)]
        findings.append(Finding.of("spelling of labels", rows, f"labels that differ in case alone: {', '.join(spelt)}"))


def _tell_of_length(texts: Sequence[LabelledText], demands: Demands, findings: list[Finding]) -> None:
    """A word is a token or more."""
    most = demands.max_tokens
    if long := [text.number for text in texts if len(words_of(demands.read(text.text))) > most]:
        what = f"more words than the {most} tokens that are read in training (--set max_tokens=…): cut there"
        findings.append(Finding.of("long", long, what))


def _dealt_out(texts: Sequence[LabelledText], demands: Demands, findings: list[Finding]) -> list[LabelledText]:
    groups = demands.alike(texts)
    sizes = Counter(groups)
    together = [text.number for text, group in zip(texts, groups, strict=True) if sizes[group] > 1]
    if together:
        what = "nearly the same as another: such texts are kept in one part"
        findings.append(Finding.of("near duplicates", together, what))
    shares: dict[Part, float] = {"test": demands.test, "validation": demands.validation}
    if any(text.part for text in texts):
        texts = _without_leaks(texts, groups, findings)
        groups = demands.alike(texts)
        given = {text.part for text in texts}
        if not {"train", "test"} <= given:
            has = ", ".join(sorted(map(str, given)))
            raise UnlearnableError(f"the column of parts has {has}; expected train and test", findings)
        if "validation" in given:
            return list(texts)
        chosen = [place for place, text in enumerate(texts) if text.part == "train"]
        del shares["test"]
    else:
        chosen = list(range(len(texts)))
    dealt = list(texts)
    counted = _counted_as([texts[place] for place in chosen])
    parts = split([groups[place] for place in chosen], counted, shares, demands.seed)
    for place, part in zip(chosen, parts, strict=True):
        dealt[place] = replace(texts[place], part=part)
    if empty := [part for part in PARTS if part not in {text.part for text in dealt}]:
        why = f"no rows are left for {' and '.join(empty)}; there are {len(dealt)}: bring more"
        raise UnlearnableError(why, findings)
    return dealt


def _counted_as(texts: Sequence[LabelledText]) -> list[str]:
    """Of several labels the rarest, so that it comes into each part."""
    counts = Counter(label for text in texts for label in text.labels)
    return [min(text.labels, key=lambda label: (counts[label], label), default="") for text in texts]


def _without_leaks(texts: Sequence[LabelledText], groups: Sequence[int], findings: list[Finding]) -> list[LabelledText]:
    """Of nearly the same texts in several parts those of the last part alone: test, validation, train."""
    last: dict[int, int] = {}
    for text, group in zip(texts, groups, strict=True):
        last[group] = max(last.get(group, 0), PARTS.index(text.part or "train"))
    kept: list[LabelledText] = []
    leaked: list[LabelledText] = []
    for text, group in zip(texts, groups, strict=True):
        (kept if PARTS.index(text.part or "train") == last[group] else leaked).append(text)
    if leaked:
        what = "nearly the same as a text of the test or of the validation: left out of the part it was in"
        findings.append(Finding.of("leakage", [text.number for text in leaked], what))
    return kept


def _counts(texts: Sequence[LabelledText], labels: Sequence[str]) -> dict[str, dict[str, int]]:
    counts = Counter((text.part, label) for text in texts for label in text.labels)
    return {part: {label: counts[part, label] for label in labels} for part in PARTS}


def _leaks(texts: Sequence[LabelledText], demands: Demands) -> int:
    """How many groups of nearly the same texts are in more than one part."""
    parts_of: dict[int, set[Part | None]] = defaultdict(set)
    for text, group in zip(texts, demands.alike(texts), strict=True):
        parts_of[group].add(text.part)
    return sum(len(parts) > 1 for parts in parts_of.values())
