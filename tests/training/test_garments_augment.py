"""Garments on their way into a training: others each time, the same for the same chance, unchanged with no settings."""

from typing import Any

import numpy as np
import pytest

from models.fashion import FashionAugment
from training.garments_augment import augmented

NONE = FashionAugment(flip=False, shift=0, cutout=0, mixup=0)


def _changed(settings: FashionAugment, seed: int = 1) -> tuple[Any, Any]:
    """64 pictures of two kinds in batches of 16: bright in the left half, or wherever it is not far right."""
    import tensorflow as tf

    pictures = np.zeros((64, 28, 28, 1), np.uint8)
    pictures[::2, 4:24, 2:14], pictures[1::2, 4:24, 4:20] = 200, 100
    targets = np.eye(2, dtype=np.float32)[np.arange(64) % 2]
    batches = tf.data.Dataset.from_tensor_slices((pictures, targets)).batch(16)
    given, wanted = zip(*augmented(batches, settings, np.random.default_rng(seed)).as_numpy_iterator(), strict=True)
    return np.concatenate(given), np.concatenate(wanted)


def test_no_settings_change_nothing() -> None:
    pictures, targets = _changed(NONE)
    assert pictures.dtype == np.uint8
    assert (pictures[0, 4:24, 2:14] == 200).all()
    assert set(np.unique(pictures)) == {0, 100, 200}
    np.testing.assert_array_equal(targets, np.eye(2)[np.arange(64) % 2])


@pytest.mark.parametrize("what", [{"flip": True}, {"shift": 0.1}, {"cutout": 0.8}, {"mixup": 0.4}])
def test_the_same_chance_gives_the_same_pictures_and_another_others(what: dict[str, Any]) -> None:
    settings = NONE.model_copy(update=what)
    (once, labels), (again, same), (other, _) = (_changed(settings, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(once, again)
    np.testing.assert_array_equal(labels, same)
    assert (once != other).any(axis=(1, 2, 3)).mean() > 0.3
    unchanged, _ = _changed(NONE)
    batches = (once != unchanged).any(axis=(1, 2, 3)).reshape(4, 16)
    assert batches.any(axis=1).all()
    assert (batches[0] != batches[1]).any() or (once[:16] != once[16:32]).any()


def test_mixed_pictures_have_shares_of_both_labels() -> None:
    pictures, targets = _changed(NONE.model_copy(update={"mixup": 0.4}))
    np.testing.assert_allclose(targets.sum(axis=1), 1, rtol=1e-5)
    mixed = (targets > 0.05).all(axis=1)
    assert mixed.any()
    row = int(np.flatnonzero(mixed)[0])
    assert pictures[row, 10, 3, 0] == pytest.approx(200 * targets[row, 0], abs=1)  # only the first kind is bright there
