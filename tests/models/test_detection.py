"""What is chosen among candidates."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from models.detection import Choice, choose

CHOICE = Choice(most=3, least_score=0.1, iou_threshold=0.5)
UPPER, SAME, LOWER = (0.0, 0.0, 0.5, 0.5), (0.0, 0.05, 0.5, 0.5), (0.5, 0.5, 1.0, 1.0)


def _chosen(
    *pictures: Sequence[tuple[tuple[float, ...], tuple[float, float]]], choice: Choice = CHOICE
) -> dict[str, Any]:
    candidates = [[(*box, *scores) for box, scores in picture] for picture in pictures]
    return {name: np.asarray(values) for name, values in choose(np.array(candidates, np.float32), choice).items()}


def test_the_better_of_two_boxes_of_one_label_is_told_and_each_of_two_labels() -> None:
    found = _chosen([(UPPER, (0.6, 0)), (SAME, (0.9, 0)), (SAME, (0, 0.7)), (LOWER, (0.8, 0))])
    assert found["count"].tolist() == [3]
    np.testing.assert_allclose(found["scores"], [[0.9, 0.8, 0.7]])
    assert found["classes"].tolist() == [[0, 0, 1]]
    assert found["classes"].dtype == found["count"].dtype == np.int32
    np.testing.assert_allclose(found["boxes"], [[SAME, LOWER, SAME]])


def test_how_much_may_overlap_is_a_choice() -> None:
    candidates = [(UPPER, (0.6, 0)), (SAME, (0.9, 0))]
    assert _chosen(candidates, choice=Choice(3, 0.1, 0.95))["count"] == [2]  # IoU 0.9


def test_what_scores_too_low_is_not_told_and_no_more_than_so_many() -> None:
    boxes = [(n / 8, 0.0, (n + 1) / 8, 1.0) for n in range(5)]
    found = _chosen([(box, (score, 0.0)) for box, score in zip(boxes, (0.1, 0.3, 0.5, 0.2, 0.4), strict=True)])
    np.testing.assert_allclose(found["scores"], [[0.5, 0.4, 0.3]])
    few = _chosen([(box, (score, 0.0)) for box, score in zip(boxes, (0.1, 0.3, 0.05, 0, 0), strict=True)])
    assert few["count"] == [1]
    np.testing.assert_allclose(few["scores"], [[0.3, 0, 0]])


def test_boxes_are_cut_at_the_edges_and_pictures_do_not_mix() -> None:
    found = _chosen([((-1.0, 0.2, 2.0, 0.4), (0.5, 0))], [(UPPER, (0, 0.05))])
    assert found["count"].tolist() == [1, 0]
    np.testing.assert_allclose(found["boxes"][0, 0], [0, 0.2, 1, 0.4])
    assert not found["boxes"][1].any()
