"""Rows of a user's own file as texts with labels; what has no readable text or no label goes, and is told of."""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.text_classifier import DataSource
from training.data.alike import words_of
from training.data.dealing import LabelledRow
from training.data.findings import Finding
from training.data.split import PARTS, Part
from training.data.table import Row
from training.errors import DataError

MOST_CHARS = 100_000  # as many as the gateway takes by default

PART_NAMES: Mapping[str, Part] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    **dict.fromkeys(("test", "testing", "held-out", "held_out", "heldout"), "test"),
}
_MOJIBAKE = re.compile("[ÃÂ][\x80-\xbf\u20ac\u2122\u0152\u0160\u0178\u201a-\u201e\u2020-\u2030]|â€")
_LABEL_CHARS = 200


@dataclass(frozen=True)
class LabelledText(LabelledRow):
    text: str


def texts_of(
    rows: Sequence[Row], source: DataSource, findings: list[Finding], read: Callable[[str], str]
) -> tuple[list[LabelledText], bool]:
    """The texts in their order, and whether each may have several labels. What is wrong is added to `findings`.
    `read`: a text as the model reads it."""
    multi_label = source.separator is not None or _has_lists(rows, source.label_column)
    return _labelled(_readable(rows, source, findings, read), source, findings, multi_label=multi_label), multi_label


def _has_lists(rows: Sequence[Row], column: str) -> bool:
    """Whether labels are lists: of a text file, JSON lists in every row that has any label."""
    cells = [row.values.get(column) for row in rows]
    if any(isinstance(cell, list) for cell in cells):
        return True
    written = [cell for cell in cells if isinstance(cell, str) and cell.strip()]
    return bool(written) and all(isinstance(_json(cell), list) for cell in written)


def _json(cell: str) -> Any:
    if not cell.lstrip().startswith("["):
        return None
    try:
        return json.loads(cell)
    except ValueError:
        return None


@dataclass(frozen=True)
class _Raw:
    number: int
    text: str
    label: Any
    part: Part | None


def _readable(
    rows: Sequence[Row], source: DataSource, findings: list[Finding], read: Callable[[str], str]
) -> list[_Raw]:
    kept: list[_Raw] = []
    wrong: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        text = row.values.get(source.text_column)
        fault = _fault(text, read)
        if fault in _LEFT_OUT:
            wrong[fault].append(row.number)
            continue
        if fault:
            wrong[fault].append(row.number)
        kept.append(_Raw(row.number, str(text), row.values.get(source.label_column), part_of(row, source.split_column)))
    findings += [Finding.of(kind, wrong[kind], what) for kind, what in _FAULTS.items() if wrong[kind]]
    return kept


_LEFT_OUT = ("empty", "no text", "enormous", "broken")
_FAULTS = {
    "empty": "no word in the text: left out",
    "no text": "something else than a text in its column: left out",
    "enormous": f"more than {MOST_CHARS:,} characters, as nobody can send (a quote that is missing?): left out",
    "broken": "half of a character (a lone surrogate), which no file or request can have: left out",
    "wrong encoding": "letters that another encoding made of UTF-8 (as Ã© for é), or of nothing (\ufffd): kept",
}


def _fault(text: Any, read: Callable[[str], str]) -> str | None:
    if text is None:
        return "empty"
    if not isinstance(text, str):
        return "no text"
    if len(text) > MOST_CHARS:
        return "enormous"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "broken"
    if not words_of(read(text)):
        return "empty"
    return "wrong encoding" if "\ufffd" in text or _MOJIBAKE.search(text) else None


def part_of(row: Row, column: str | None) -> Part | None:
    """Where a column of the file has it. Raises `DataError` for another word."""
    if column is None:
        return None
    given = str(row.values.get(column)).strip().lower()
    if given not in PART_NAMES:
        raise DataError(
            f"row {row.number} belongs to {given!r} by its column {column!r}; expected one of {_PARTS_TOLD}"
        )
    return PART_NAMES[given]


_PARTS_TOLD = ", ".join(PARTS)


def _labelled(
    raws: Sequence[_Raw], source: DataSource, findings: list[Finding], *, multi_label: bool
) -> list[LabelledText]:
    kept, without = [], []
    for raw in raws:
        labels = _labels(raw, source.separator) if multi_label else _one_label(raw)
        if labels is None:
            without.append(raw.number)
        else:
            kept.append(LabelledText(raw.number, labels, raw.text, part=raw.part))
    if without:
        findings.append(Finding.of("no label", without, "no label: left out"))
    return kept


def _one_label(raw: _Raw) -> tuple[str] | None:
    name = label_name(raw.number, raw.label)
    return (name,) if name else None


def _labels(raw: _Raw, separator: str | None) -> tuple[str, ...] | None:
    """None where nobody said; an empty list says that none is right."""
    listed = _json(raw.label) if isinstance(raw.label, str) and not separator else raw.label
    if isinstance(listed, list):
        return tuple(sorted({name for part in listed if (name := label_name(raw.number, part))}))
    parts = raw.label.split(separator) if isinstance(raw.label, str) and separator else [raw.label]
    return tuple(sorted({name for part in parts if (name := label_name(raw.number, part))})) or None


def label_name(number: int, label: Any) -> str | None:
    """A label as it is written in the row of that number; None where there is none. Raises `DataError`."""
    match label:
        case None:
            return None
        case float() if label != label:  # noqa: PLR0124 (no number)
            return None
        case float() if label.is_integer():
            return str(int(label))
        case str() | int() | float():
            name = " ".join(str(label).split())
            if len(name) > _LABEL_CHARS:
                raise DataError(f"row {number} has a label of {len(name)} characters: is it the right column?")
            return name or None
    raise DataError(f"row {number} has the label {str(label)[:60]!r}, expected a text or a number")
