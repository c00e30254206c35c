"""What cells are asked about, and what a detector is blamed for."""

from typing import Any

import numpy as np

from training.detection_loss import detection_loss, grid_targets

SIDE, CELL, LABELS = 64, 8, 2


def _targets(*things: tuple[tuple[float, float, float, float], int]) -> Any:
    boxes = np.array([box for box, _ in things], np.float32).reshape(-1, 4)
    labels = np.array([label for _, label in things], np.int32)
    return grid_targets(boxes, labels, side=SIDE, cell=CELL, count=LABELS)


def _asked(targets: Any, label: int) -> set[tuple[int, int]]:
    grid = targets.reshape(SIDE // CELL, SIDE // CELL, -1)
    return {(int(y), int(x)) for y, x in np.argwhere(grid[..., 4 + label])}


def test_cells_in_the_middle_of_a_box_are_asked_about_it() -> None:
    targets = _targets(((0, 16, 32, 48), 1))  # its middle is a corner of cells
    assert _asked(targets, 1) == {(1, 3), (1, 4), (2, 3), (2, 4)}
    assert not _asked(targets, 0)
    np.testing.assert_allclose(targets[targets[:, 5] > 0, :4], [[0, 0.25, 0.5, 0.75]] * 4)
    assert not targets[targets[:, 5] == 0].any()


def test_a_box_smaller_than_a_cell_has_the_cell_of_its_middle_and_nothing_has_none() -> None:
    assert _asked(_targets(((1, 60, 5, 64), 0)), 0) == {(0, 7)}
    assert not _targets().any()


def test_of_several_boxes_a_cell_is_asked_about_the_smallest_and_none_is_forgotten() -> None:
    targets = _targets(((22, 22, 42, 42), 0), ((0, 0, 64, 64), 1))
    assert _asked(targets, 0) == {(3, 3), (3, 4), (4, 3), (4, 4)}
    assert _asked(targets, 1) & {(2, 2), (5, 5)} == {(2, 2), (5, 5)}
    within = _targets(((24, 24, 40, 40), 0), ((24, 24, 40, 40.5), 1))  # both of the same middle
    assert _asked(within, 0)


def _loss(targets: Any, told: Any) -> float:
    return float(detection_loss()(targets[np.newaxis].astype(np.float32), told[np.newaxis].astype(np.float32)))


def test_it_is_least_where_boxes_are_right_and_scores_say_so() -> None:
    targets = _targets(((8, 8, 40, 40), 0))
    right = _loss(targets, targets)
    assert right < 1e-3
    moved = targets.copy()
    moved[:, :2] += 0.05 * (targets[:, 4:5] > 0)
    farther = targets.copy()
    farther[:, :2] += 0.2 * (targets[:, 4:5] > 0)
    assert right < _loss(targets, moved) < _loss(targets, farther)


def test_a_score_is_to_be_higher_the_better_its_box_lies() -> None:
    targets = _targets(((0, 0, 32, 32), 1))
    told = targets.copy()
    told[:, 2] = np.where(targets[:, 5] > 0, 0.25, 0)  # half of the box: an overlap of 0.5
    losses = {}
    for score in (0.4, 0.75, 0.99):
        told[:, 5] = np.where(targets[:, 5] > 0, score, 0)
        losses[score] = _loss(targets, told)
    assert losses[0.75] < losses[0.4]
    assert losses[0.75] < losses[0.99]


def test_a_thing_that_is_not_there_costs_even_where_nothing_is() -> None:
    nothing = _targets()
    told = nothing.copy()
    assert _loss(nothing, told) < 1e-3
    told[5, 4] = 0.9
    assert _loss(nothing, told) > 1
