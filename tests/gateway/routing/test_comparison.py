"""When two answers agree, by task."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.routing.comparison import compared


def labels(**scores: float) -> list[dict[str, Any]]:
    return [{"label": label, "score": score} for label, score in scores.items()]


def box(label: str, *corners: float) -> dict[str, Any]:
    return {"label": label, "score": 0.9, "box": dict(zip(("xmin", "ymin", "xmax", "ymax"), corners, strict=True))}


CAT, DOG = box("cat", 0, 0, 10, 10), box("dog", 0, 0, 10, 10)


@pytest.mark.parametrize(
    ("task", "ours", "theirs", "agrees", "distance"),
    [
        ("image-classification", labels(a=0.9, b=0.1), labels(a=0.6, b=0.4), True, 0.3),
        ("image-classification", labels(a=0.6, b=0.4), labels(b=0.6, a=0.4), False, 0.2),
        ("image-classification", labels(a=0.9), labels(b=0.9), False, 1.0),
        ("image-classification", [labels(a=1), labels(b=1)], [labels(a=1), labels(a=1)], False, 1.0),
        ("text-classification", [labels(a=0.9)], [labels(a=0.9)], True, 0.0),
        ("text-classification", [labels(a=0.9)], [labels(a=0.9), labels(a=0.9)], False, 1.0),
        ("text-classification", [labels(a=7.5)], [labels(a=-7.5)], True, 1.0),  # logits
        ("object-detection", [CAT], [CAT], True, 0.0),
        ("object-detection", [CAT], [DOG], False, 1.0),
        ("object-detection", [], [], True, 0.0),
        ("object-detection", [CAT], [], False, 1.0),
        ("object-detection", [CAT], [box("cat", 0, 0, 10, 6)], True, 0.0),  # 60 of 100 pixels are shared
        ("object-detection", [CAT], [box("cat", 0, 0, 10, 4)], False, 1.0),
        ("object-detection", [CAT, DOG], [DOG, CAT], True, 0.0),
        ("object-detection", [CAT, CAT], [CAT], False, 1 / 3),  # a box has one partner
        ("object-detection", [CAT], [box("cat", 10, 10, 0, 0)], False, 1.0),
        ("translation", [{"translation_text": "kitten"}], [{"translation_text": "sitting"}], False, 3 / 7),
        ("automatic-speech-recognition", {"text": "a good film"}, {"text": "a good firm"}, True, 1 / 11),
        ("text-generation", [{"generated_text": ""}], [{"generated_text": ""}], True, 0.0),
        ("text-generation", [{"generated_text": ""}], [{"generated_text": "x"}], False, 1.0),
        ("feature-extraction", [[1.0, 0.0]], [[3.0, 0.0]], True, 0.0),
        ("feature-extraction", [[1.0, 0.0]], [[0.0, 1.0]], False, 0.5),
        ("feature-extraction", [[1.0, 0.0]], [[-1.0, 0.0]], False, 1.0),
        ("feature-extraction", [[1.0, 0.0]], [[1.0]], False, 1.0),
        ("feature-extraction", [[0.0, 0.0]], [[0.0, 0.0]], True, 0.0),
        ("feature-extraction", [[[1.0, 0.0], [1.0, 0.0]]], [[[1.0, 0.0], [0.0, 1.0]]], False, 0.5),
        ("sentence-similarity", [0.5, 0.5], [0.5, 0.6], False, 0.1),
        ("sentence-similarity", [0.5], [0.52], True, 0.02),
        ("mind-reading", {"a": [1]}, {"a": [1]}, True, 0.0),
        ("mind-reading", {"a": [1]}, {"a": [2]}, False, 1.0),
    ],
)
def test_comparisons(task: str, ours: Any, theirs: Any, agrees: bool, distance: float) -> None:
    for left, right in ((ours, theirs), (theirs, ours)):
        found = compared(task, left, right)
        assert found.agrees is agrees
        assert found.distance == pytest.approx(distance)


def test_a_tolerance_of_ones_own_counts_instead() -> None:
    ours, theirs = labels(a=0.9), labels(a=0.6)
    assert not compared("image-classification", ours, theirs, tolerance=0.2).agrees
    assert compared("translation", [{"translation_text": "abc"}], [{"translation_text": "xyz"}], tolerance=1.0).agrees


@given(st.text(max_size=12), st.text(max_size=12))
def test_the_edit_distance_is_that_of_the_textbook(ours: str, theirs: str) -> None:
    found = compared("translation", [{"translation_text": ours}], [{"translation_text": theirs}]).distance
    assert found == pytest.approx(levenshtein(ours, theirs) / max(len(ours), len(theirs), 1))


def levenshtein(ours: str, theirs: str) -> int:
    table = {(row, 0): row for row in range(len(ours) + 1)} | {(0, column): column for column in range(len(theirs) + 1)}
    for row, left in enumerate(ours, start=1):
        for column, right in enumerate(theirs, start=1):
            replaced = table[row - 1, column - 1] + (left != right)
            table[row, column] = min(table[row - 1, column] + 1, table[row, column - 1] + 1, replaced)
    return table[len(ours), len(theirs)]
