"""Augmentation: other pictures, the same ones for the same seed, and none moved out of the field."""

import numpy as np

from models.digits import DigitsAugment
from training.augment import augment

MILD = DigitsAugment(rotate_degrees=12, scale=0.15, shear=0.15, shift_pixels=2, stroke=0.4)
NONE = DigitsAugment(rotate_degrees=0, scale=0, shear=0, shift_pixels=0, stroke=0)


def _pictures(count: int = 60) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    pictures = np.zeros((count, 28, 28, 1), np.uint8)
    pictures[:, 6:22, 12:16] = 255
    return pictures


def test_the_same_seed_gives_the_same_pictures_and_another_others() -> None:
    once, again, other = (augment(_pictures(), MILD, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert (once == again).all()
    assert (once != other).any(axis=(1, 2, 3)).all()


def test_no_settings_change_nothing() -> None:
    assert (augment(_pictures(), NONE, np.random.default_rng(1)) == _pictures()).all()


def test_the_ink_stays_in_the_field() -> None:
    moved = augment(_pictures(300), MILD, np.random.default_rng(1)).astype(float)
    ink, before = moved.sum(axis=(1, 2, 3)), _pictures(1).astype(float).sum()
    assert (ink > 0.5 * before).all()
    assert len(np.unique(ink)) > 200


def test_shift_goes_as_far_as_it_is_set() -> None:
    shifted = augment(_pictures(300), NONE.model_copy(update={"shift_pixels": 3}), np.random.default_rng(1))
    rows = (shifted[..., 0] * np.arange(28)[:, None]).sum(axis=(1, 2)) / shifted.sum(axis=(1, 2, 3))
    centres = rows - rows.mean()
    assert 2 < np.abs(centres).max() < 3.5
