"""What is found in a user's rows: each fault is told of with its rows, and only what is sound is learnt."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from models.text_classifier import DataSource
from training.data.alike import alike
from training.data.findings import Finding
from training.data.labelled_texts import Demands, LabelledTexts, labelled_texts
from training.data.table import Row, Table
from training.errors import DataError, MissingColumnError, UnlearnableError

DEMANDS = Demands(fewest=3, max_tokens=40, validation=0.1, test=0.1, seed=1)
_WORDS = [
    "amber",
    "birch",
    "cedar",
    "dune",
    "ember",
    "fjord",
    "grove",
    "heath",
    "islet",
    "juniper",
    "kelp",
    "larch",
    "moss",
    "nettle",
    "oak",
    "pine",
    "quartz",
    "reed",
]


def _text(number: int) -> str:
    return " ".join(_WORDS[(number * step + step) % len(_WORDS)] + str(number) for step in (1, 2, 3, 5, 7))


SOUND = [{"text": _text(number), "label": "even" if number % 2 == 0 else "odd"} for number in range(60)]


def _found(rows: Sequence[dict[str, Any]], demands: Demands = DEMANDS, **source: Any) -> LabelledTexts:
    columns = {"text_column": "text", "label_column": "label"}
    table = Table(list(rows[0]), [Row(number, row) for number, row in enumerate(rows, 1)], "utf-8", "0")
    return labelled_texts(table, DataSource(file=Path("rows.csv"), sha256="0", **columns, **source), demands)


def _finding(found: LabelledTexts, kind: str) -> Finding:
    [finding] = [finding for finding in found.report.findings if finding.kind == kind]
    return finding


def _kept(found: LabelledTexts) -> set[str]:
    return {text.text for text in found.texts}


def test_sound_rows_are_all_used_and_nothing_is_said_of_them() -> None:
    found = _found(SOUND)
    assert found.report.findings == ()
    assert (found.report.rows_read, found.report.rows_used, found.labels) == (60, 60, ("even", "odd"))
    assert found.report.parts["test"] == found.report.parts["validation"] == {"even": 3, "odd": 3}
    assert not found.multi_label


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", "empty"),
        (" \u200b!? ", "empty"),
        (None, "empty"),
        (7, "no text"),
        ("long " * 20_001, "enormous"),
        ("half \ud83d", "broken"),
    ],
)
def test_rows_that_are_no_text_are_left_out(text: Any, kind: str) -> None:
    found = _found([*SOUND, {"text": text, "label": "odd"}])
    assert (_finding(found, kind).count, _finding(found, kind).rows) == (1, (61,))
    assert found.report.rows_used == 60


@pytest.mark.parametrize("label", ["", "  ", None, float("nan")])
def test_rows_without_a_label_are_left_out(label: Any) -> None:
    found = _found([*SOUND, {"text": "a text", "label": label}])
    assert _finding(found, "no label").rows == (61,)
    assert found.report.rows_used == 60


@pytest.mark.parametrize("text", ["a cafÃ© by the sea", "donâ€™t go", "a caf\ufffd by the sea"])
def test_letters_of_a_wrong_encoding_are_told_of_and_kept(text: str) -> None:
    found = _found([*SOUND, {"text": text, "label": "odd"}])
    assert _finding(found, "wrong encoding").rows == (61,)
    assert text in _kept(found)
    assert not _found([*SOUND, {"text": "un château, São Paulo, Ångström", "label": "odd"}]).report.findings


def test_of_the_same_words_one_row_stays() -> None:
    found = _found([*SOUND, {"text": SOUND[0]["text"].upper() + " !", "label": "even"}])
    assert _finding(found, "duplicates").rows == (61,)
    assert found.report.rows_used == 60


def test_conflicting_labels_go_by_the_majority_or_not_at_all() -> None:
    said_by_two = [{"text": "agreed", "label": label} for label in ("odd", "even", "odd")]
    said_by_one = [{"text": "disputed", "label": label} for label in ("odd", "even")]
    found = _found([*SOUND, *said_by_two, *said_by_one])
    assert _finding(found, "conflicting labels").count == 5
    assert {text.text: text.labels for text in found.texts}["agreed"] == ("odd",)
    assert "disputed" not in _kept(found)


def test_labels_of_too_few_rows_are_not_learnt() -> None:
    found = _found([*SOUND, *({"text": f"rare text {number}", "label": "rare"} for number in range(2))])
    assert _finding(found, "rare labels").count == 2
    assert "rare 2" in _finding(found, "rare labels").what
    assert found.labels == ("even", "odd")


def test_labels_that_are_unequal_or_spelt_alike_are_told_of() -> None:
    more = [{"text": _text(number), "label": "Odd"} for number in range(60, 500)]
    found = _found([*SOUND, *more])
    assert "'Odd' has 15 times as many rows as" in _finding(found, "imbalance").what
    assert _finding(found, "spelling of labels").what.endswith("Odd, odd")


def test_long_texts_are_told_of() -> None:
    assert _finding(_found([*SOUND, {"text": "word " * 41, "label": "odd"}]), "long").rows == (61,)


def test_nearly_the_same_texts_are_never_in_two_parts() -> None:
    """Twenty texts, each with three of the same but a word: a split by rows would divide most."""
    long = [" ".join(_text(number) for number in range(first, first + 8)) for first in range(100, 300, 10)]
    rows = [{"text": f"{text} {end}", "label": "odd"} for text in long for end in ("one", "two", "three")]
    found = _found([*SOUND, *rows])
    assert _finding(found, "near duplicates").count == 60
    assert found.report.leaks == 0
    groups = alike([text.text for text in found.texts])
    parts: dict[int, set[str | None]] = {}
    for group, text in zip(groups.tolist(), found.texts, strict=True):
        parts.setdefault(group, set()).add(text.part)
    assert {len(of_group) for of_group in parts.values()} == {1}
    assert {"train", "test"} <= {part for of_group in parts.values() for part in of_group}


def test_given_parts_are_kept_but_for_what_leaks() -> None:
    rows = [
        {**row, "part": "Test" if number < 10 else "dev" if number < 20 else "train"}
        for number, row in enumerate(SOUND)
    ]
    long = " ".join(_text(number) for number in range(100, 108))
    leaking = [
        {"text": SOUND[0]["text"], "label": "even", "part": "train"},
        {"text": f"{long} one", "label": "odd", "part": "test"},
        {"text": f"{long} two", "label": "odd", "part": "train"},
    ]
    found = _found([*rows, *leaking], split_column="part")
    leaks = [finding for finding in found.report.findings if finding.kind == "leakage"]
    assert [finding.rows for finding in leaks] == [(61,), (63,)]
    assert {text.number for text in found.part("test")} == {*range(1, 11), 62}
    assert {text.number for text in found.part("validation")} == {*range(11, 21)}
    assert found.report.leaks == 0


def test_validation_is_taken_from_what_is_trained_on_where_nobody_said() -> None:
    rows = [{**row, "part": "test" if number < 10 else "train"} for number, row in enumerate(SOUND)]
    found = _found(rows, split_column="part")
    assert {text.number for text in found.part("test")} == {*range(1, 11)}
    assert len(found.part("validation")) == 4
    with pytest.raises(DataError, match="row 1 belongs to 'tests' by its column 'part'; expected one of train, valid"):
        _found([{**row, "part": "tests"} for row in SOUND], split_column="part")
    with pytest.raises(DataError, match="the given parts are train; expected train and test"):
        _found([{**row, "part": "train"} for row in SOUND], split_column="part")


@pytest.mark.parametrize(
    ("labels", "separator"),
    [(["a;b", "b", "a", "a; b ;"], ";"), ([["a", "b"], ["b"], ["a"], ["b", "a", "a"]], None), (None, None)],
)
def test_several_labels_of_a_row(labels: list[Any] | None, separator: str | None) -> None:
    cells = labels or ['["a", "b"]', '["b"]', '["a"]', '["b", "a"]']
    rows = [{"text": _text(number), "label": cells[number % 4]} for number in range(60)]
    found = _found(rows, separator=separator)
    assert found.multi_label
    assert found.labels == ("a", "b")
    assert [text.labels for text in found.texts][:4] == [("a", "b"), ("b",), ("a",), ("a", "b")]


def test_an_empty_list_says_that_no_label_is_right_and_an_empty_cell_says_nothing() -> None:
    rows: list[dict[str, Any]] = [{"text": _text(number), "label": ["a"] if number % 2 else []} for number in range(60)]
    found = _found([*rows, {"text": "nobody said", "label": None}])
    assert [text.labels for text in found.texts][:2] == [(), ("a",)]
    assert _finding(found, "no label").rows == (61,)


def test_numbers_are_labels_too() -> None:
    rows = [{"text": _text(number), "label": [1, 2.0, True][number % 3]} for number in range(60)]
    assert _found(rows).labels == ("1", "2", "True")


def test_what_cannot_be_learnt_is_said() -> None:
    with pytest.raises(MissingColumnError, match="no column 'texts'; the columns are 'text', 'label'"):
        labelled_texts(
            Table(["text", "label"], [], None, "0"),
            DataSource(file=Path("a.csv"), sha256="0", text_column="texts", label_column="label"),
            DEMANDS,
        )
    with pytest.raises(DataError, match=r"30 labelled texts have 1 labels of 3 rows or more \(even\); at least 2"):
        _found([row for row in SOUND if row["label"] == "even"])
    with pytest.raises(DataError, match="is it the right column"):
        _found([{"text": _text(number), "label": f"id {number}"} for number in range(60)])
    with pytest.raises(DataError, match="a label of 500 characters"):
        _found([{"text": "a", "label": "b" * 500}])
    with pytest.raises(DataError, match="expected a text or a number"):
        _found([{"text": "a", "label": {"b": 1}}])


def test_what_was_found_is_told_even_where_nothing_can_be_learnt() -> None:
    rows = [SOUND[number % 2] for number in range(80)]
    with pytest.raises(UnlearnableError, match="2 labelled texts have 0 labels of 3 rows or more") as caught:
        _found(rows)
    duplicates, rare = caught.value.findings
    assert duplicates.startswith("duplicates: 78 × a text that was there before: left out (row 3, 4,")
    assert rare.startswith("rare labels: 2 ×")
    all_in_train = [{**row, "part": "train"} for row in [*SOUND, SOUND[0]]]
    with pytest.raises(UnlearnableError, match="expected train and test") as caught:
        _found(all_in_train, split_column="part")
    assert caught.value.findings[0].startswith("duplicates: 1 ×")


def test_rows_are_the_same_if_they_are_to_a_model_that_reads_cleaned_texts() -> None:
    copy, nothing = {"text": f"<p>{SOUND[0]['text']}&nbsp;</p>", "label": "even"}, {"text": "<br/>", "label": "odd"}
    assert not _found([*SOUND, copy, nothing]).report.findings
    found = _found([*SOUND, copy, nothing], replace(DEMANDS, clean=True))
    assert (_finding(found, "duplicates").rows, _finding(found, "empty").rows) == ((61,), (62,))
    assert {SOUND[0]["text"], *(row["text"] for row in SOUND)} == _kept(found)
