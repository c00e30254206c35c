"""Other views of a training picture."""

import numpy as np

from models.image_classifier import PictureAugment
from training.views import view

SLOPE = np.repeat(np.arange(0, 200, 2, dtype=np.uint8)[np.newaxis, :, np.newaxis], 60, axis=0).repeat(3, axis=2)


def _view(seed: int, **augment: float | bool) -> np.ndarray:
    settings = PictureAugment.model_validate({"flip": False, "zoom": 0, "turn": 0, **augment})
    return view(SLOPE, settings, np.random.default_rng(seed))


def test_without_changes_it_is_the_picture() -> None:
    np.testing.assert_array_equal(_view(1), SLOPE)


def test_half_of_them_are_mirrored() -> None:
    seen = [_view(seed, flip=True) for seed in range(40)]
    mirrored = [np.array_equal(picture, SLOPE[:, ::-1]) for picture in seen]
    assert 10 < sum(mirrored) < 30
    assert sum(mirrored) + sum(np.array_equal(picture, SLOPE) for picture in seen) == 40


def test_a_part_is_enlarged_and_nothing_from_outside_comes_in() -> None:
    spans = [int(np.ptp(_view(seed, zoom=0.5))) for seed in range(40)]
    assert min(spans) >= 95
    assert min(spans) < 120
    assert 170 < max(spans) <= 198
    turned = _view(3, turn=20.0)
    assert turned.shape == SLOPE.shape
    assert not np.array_equal(turned, SLOPE)
