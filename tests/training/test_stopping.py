"""When a training ends before its last epoch."""

import math

import pytest

from training.stopping import best_epoch, has_ended


@pytest.mark.parametrize(
    ("losses", "best"), [([], 0), ([2.0], 1), ([2, 1, 1.5], 2), ([2, 1, 1], 2), ([math.nan, 3, 2], 3), ([math.nan], 1)]
)
def test_the_best_epoch_is_the_first_with_the_least_loss(losses: list[float], best: int) -> None:
    assert best_epoch(losses) == best


@pytest.mark.parametrize(
    ("losses", "patience", "ended"),
    [
        ([], 1, False),
        ([2.0], 1, False),
        ([2, 1, 1.5], 1, True),
        ([2, 1, 1.5], 2, False),
        ([2, 1, 1.5, 1], 2, True),
        ([2, 1, 1.5, 0.9], 2, False),
        ([math.nan, math.nan], 1, True),
    ],
)
def test_it_ends_when_nothing_was_gained_for_so_long(losses: list[float], patience: int, ended: bool) -> None:
    assert has_ended(losses, patience) is ended
