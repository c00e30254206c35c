"""CenterNet, small and with drawn weights: what its layers compute, and weights by their published names."""

from typing import Any

import numpy as np
import pytest

from models import centernet as module
from models.centernet import Block, CenterNetSize, centernet, fill_centernet
from models.errors import UnfitWeightsError

SIZE = CenterNetSize(
    side=64,
    labels=3,
    stem=4,
    blocks=(
        Block(4, 3, 1, 4),
        Block(8, 3, 2, 4),
        Block(8, 5, 2, 8, squeezed=4, across="expanded"),
        Block(16, 3, 2, 8, swish=True, across="expanded"),
        Block(16, 3, 1, 8, squeezed=4, swish=True, across="out"),
        Block(16, 5, 2, 8, swish=True),
    ),
    last=12,
    up=(8, 6, 4),
)


@pytest.fixture(scope="module")
def network() -> Any:
    import keras

    keras.utils.set_random_seed(1)
    return centernet(SIZE)


def _published(network: Any) -> dict[str, Any]:
    """Its weights as such files name them: normalised convolutions in a scope, others not."""
    found = {}
    for layer in network.layers:
        scope, kernels = layer.name.replace(".", "/"), ["depthwise_weights", "pointwise_weights"]
        if "Depthwise" in type(layer).__name__:
            leaves = ["depthwise_weights", "depthwise_bn_offset"]
        elif "Separable" in type(layer).__name__:
            leaves = [*kernels, "biases"] if scope.endswith("_output") else [kernels[0], "conv_weights", "bn_offset"]
        else:
            leaves = ["weights", "biases"]
        for leaf, variable in zip(leaves, layer.weights, strict=False):
            prefix = "tower_0/" if leaf.endswith("bn_offset") else ""
            found[f"{prefix}{scope}/{leaf}"] = np.asarray(variable.value)
    return found


def test_weights_by_their_published_names_make_the_same_network(network: Any) -> None:
    other = centernet(SIZE)
    picture = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    assert not np.array_equal(other(picture), network(picture))
    fill_centernet(other, _published(network))
    np.testing.assert_array_equal(other(picture), network(picture))


@pytest.mark.parametrize("change", ["lacking", "more", "shape"])
def test_weights_of_another_network_are_refused(network: Any, change: str) -> None:
    weights = _published(network)
    name = "MobilenetV3/expanded_conv_1/project/weights"
    if change == "lacking":
        del weights[name]
    elif change == "more":
        weights["MobilenetV3/expanded_conv_9/project/weights"] = weights[name]
    else:
        weights[name] = weights[name][..., :2]
    with pytest.raises(UnfitWeightsError, match=r"expanded_conv_[19]/project"):
        fill_centernet(centernet(SIZE), weights)


def test_candidates_are_boxes_around_their_cells_and_scores_of_peaks_alone(network: Any) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), dtype=np.uint8)
    candidates = np.asarray(network(picture)).reshape(16, 16, 7)
    scores = candidates[..., 4:]
    padded = np.pad(scores, ((1, 1), (1, 1), (0, 0)))
    highest = np.max([padded[y : y + 16, x : x + 16] for y in range(3) for x in range(3)], axis=0)
    assert 0 < (scores > 0).sum() < scores.size / 2
    assert (scores[scores > 0] == highest[scores > 0]).all()


def test_distances_are_told_from_the_corner_of_the_cell() -> None:
    distances = np.zeros((1, 4, 4, 4), np.float32)
    distances[0, 2, 1] = [0.125, 0.25, 0.5, 1]  # left, top, right, bottom: 2, 4, 8 and 16 pixels
    boxes = np.asarray(module._boxes(distances, 16))
    np.testing.assert_allclose(boxes[0, 2, 1] * 16, [8 - 4, 4 - 2, 8 + 16, 4 + 8])
    np.testing.assert_allclose(boxes[0, 3, 0] * 16, [12, 0, 12, 0])


def test_grids_are_doubled_as_tensorflow_1_did() -> None:
    import tensorflow as tf

    values = np.random.default_rng(0).random((2, 5, 3, 4), np.float32)
    expected = tf.raw_ops.ResizeBilinear(images=values, size=[10, 6], align_corners=False, half_pixel_centers=False)
    np.testing.assert_allclose(module._doubled(values), expected, atol=1e-6)
