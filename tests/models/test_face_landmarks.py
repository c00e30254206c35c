"""Landmarks of faces: a small network with drawn weights."""

from typing import Any

import numpy as np
import pytest

from models.errors import UnfitWeightsError
from models.face_landmarks import LandmarksSize, face_landmarks, fill_face_landmarks

SIZE = LandmarksSize(side=32, widths=(2, 3, 4, 5))
LEAVES = {3: ("depthwise_filter", "pointwise_filter", "bias")}


def _published(network: Any) -> dict[str, Any]:
    found = {}
    for layer in network.layers:
        kernel = "weights" if layer.name == "fc" else "filters"
        for leaf, variable in zip(LEAVES.get(len(layer.weights), (kernel, "bias")), layer.weights, strict=False):
            found[f"{layer.name.replace('.', '/')}/{leaf}"] = np.asarray(variable.value)
    return found


@pytest.fixture(scope="module")
def network() -> Any:
    import keras

    keras.utils.set_random_seed(1)
    return face_landmarks(SIZE)


def test_weights_by_their_published_names_make_the_same_network(network: Any) -> None:
    other = face_landmarks(SIZE)
    chip = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    fill_face_landmarks(other, _published(network))
    np.testing.assert_array_equal(other(chip), network(chip))
    assert other(chip).shape == (2, 5, 2)


def test_weights_of_another_network_are_refused(network: Any) -> None:
    weights = _published(network)
    del weights["dense2/conv3/pointwise_filter"]
    with pytest.raises(UnfitWeightsError, match="dense2/conv3/pointwise_filter"):
        fill_face_landmarks(face_landmarks(SIZE), weights)


def test_eyes_are_the_middle_of_their_points() -> None:
    network = face_landmarks(SIZE)
    points = np.arange(68, dtype=np.float32)[:, np.newaxis] + [0, 0.5]
    fc = network.get_layer("fc")
    fc.set_weights([np.zeros((5, 136), np.float32), points.ravel().astype(np.float32)])
    five = np.asarray(network(np.zeros((1, 32, 32, 3), np.uint8)))[0]
    np.testing.assert_allclose(five[:, 0], [38.5, 44.5, 30, 48, 54])
    np.testing.assert_allclose(five[:, 1], five[:, 0] + 0.5)
