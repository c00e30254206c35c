"""COCO's average precision: of cases that can be worked out, and beside pycocotools' own."""

import numpy as np
import pytest

from processing.boxes import Box, Detection
from training import average_precision as module
from training.average_precision import average_precision
from training.matching import Thing

LABELS = ("cat", "dog", "cow")
SIZES = {"small": (0.0, 20.0), "large": (20.0, 1e4)}


def _cat(score: float, box: Box) -> Detection:
    return Detection(score, "cat", box)


def test_perfect_answers_have_one_and_labels_that_nothing_has_do_not_count() -> None:
    truth = [[Thing("cat", Box(0, 0, 10, 10)), Thing("dog", Box(30, 30, 60, 60))], []]
    found = average_precision(
        [[Detection(0.9, *thing) for thing in things] for things in truth], truth, LABELS, SIZES, 1
    )
    for mean, (low, high) in (found.mean, found.at_half):
        assert (mean, low, high) == pytest.approx((1, 1, 1))
    assert {part.value: part.things for part in found.parts} == dict.fromkeys(("cat", "dog", "small", "large"), 1)
    assert [part.mean for part in found.parts] == pytest.approx([1] * 4)


def test_what_is_false_above_what_is_right_halves_it() -> None:
    truth = [[Thing("cat", Box(0, 0, 10, 10))]]
    told = [[_cat(0.9, Box(50, 50, 60, 60)), _cat(0.8, Box(0, 0, 10, 10))]]
    found = average_precision(told, truth, LABELS, SIZES, 1)
    assert found.mean[0] == pytest.approx(0.5)


def test_a_box_that_lies_less_well_is_right_for_fewer_overlaps() -> None:
    truth = [[Thing("cat", Box(0, 0, 100, 100))]]
    found = average_precision([[_cat(0.9, Box(0, 0, 100, 77))]], truth, LABELS, SIZES, 1)
    assert found.at_half[0] == pytest.approx(1)
    assert found.mean[0] == pytest.approx(0.6)  # .50 … .75 of ten


def test_nothing_told_is_zero() -> None:
    found = average_precision([[], []], [[Thing("cat", Box(0, 0, 9, 9))], []], LABELS, SIZES, 1)
    assert found.mean == (0.0, (0.0, 0.0))


def test_pictures_once_each_give_what_pycocotools_gives_and_lie_within_the_interval() -> None:
    rng = np.random.default_rng(3)
    truth, told = [], []
    for _ in range(40):
        corners = rng.integers(0, 80, (4, 2)).tolist()
        things = [
            Thing(LABELS[rng.integers(3)], Box(x, y, x + int(rng.integers(8, 40)), y + int(rng.integers(8, 40))))
            for x, y in corners
        ]
        boxes = [
            Detection(
                float(rng.random()),
                thing.label,
                Box(*(int(side) for side in np.add(thing.box, rng.integers(-3, 4, 4)))),
            )
            for thing in things[:3]
        ]
        truth.append(things)
        told.append([*boxes, *(_cat(float(rng.random()), Box(x, 5, x + 9, 30)) for x in (3, 50))])
    found = average_precision(told, truth, LABELS, SIZES, 1)
    evaluator = module._evaluated(told, truth, LABELS, [(0.0, 1e10)])
    matches = module._matches(evaluator, len(LABELS), 1, len(truth))
    mean, at_half = module.averages(matches, np.ones(len(truth), np.int64))
    assert mean == pytest.approx(found.mean[0], abs=1e-9)
    assert at_half == pytest.approx(found.at_half[0], abs=1e-9)
    assert 0.2 < mean < at_half < 0.9
    low, high = found.mean[1]
    assert low < mean < high
    assert high - low < 0.3
