"""FaceBoxes, small and with drawn weights: where its anchors are, and weights by their published names."""

from typing import Any

import numpy as np
import pytest

from models import faceboxes as module
from models.errors import UnfitWeightsError
from models.faceboxes import FaceBoxesSize, anchors, faceboxes, fill_faceboxes

SIZE = FaceBoxesSize(side=128, stem=(4, 4), width=8, narrow=2, deep=6)


@pytest.fixture(scope="module")
def network() -> Any:
    import keras

    keras.utils.set_random_seed(1)
    return faceboxes(SIZE)


def _published(network: Any) -> dict[str, Any]:
    """Its weights as such files name them, and a constant of the published graph."""
    found = {"anchor_generator/ToFloat_6": np.zeros(1, np.float32)}
    for layer in network.layers:
        predicts = layer.name.startswith("prediction_layers.")
        leaves = ("weights", "biases") if predicts else ("Conv2D_weights", "Conv2D_bn_offset")
        for leaf, variable in zip(leaves, layer.weights, strict=False):
            found[f"{layer.name.replace('.', '/')}/{leaf}"] = np.asarray(variable.value)
    return found


def test_weights_by_their_published_names_make_the_same_network(network: Any) -> None:
    other = faceboxes(SIZE)
    picture = np.random.default_rng(0).integers(0, 256, (2, 128, 128, 3), dtype=np.uint8)
    assert not np.array_equal(other(picture), network(picture))
    fill_faceboxes(other, _published(network))
    np.testing.assert_array_equal(other(picture), network(picture))


@pytest.mark.parametrize("change", ["lacking", "more", "shape"])
def test_weights_of_another_network_are_refused(network: Any, change: str) -> None:
    weights = _published(network)
    name = "inception1/conv_3x3_path3/Conv2D_weights"
    if change == "lacking":
        del weights[name]
    elif change == "more":
        weights["inception9/conv_3x3_path3/Conv2D_weights"] = weights[name]
    else:
        weights[name] = weights[name][..., :1]
    with pytest.raises(UnfitWeightsError, match=r"inception[19]/conv_3x3_path3"):
        fill_faceboxes(faceboxes(SIZE), weights)


def test_anchors_are_where_the_published_graph_has_them() -> None:
    """What it computes for 256 × 256 pixels, in pixels: centres and sides."""
    corners = anchors(256).astype(np.float64) * 256
    assert corners.shape == (64 * 21 + 16 + 4, 4)
    assert corners.min() == 0
    assert corners.max() == 256
    inside = [
        (5, (12, 12, 32)),  # of the first cell: second row of four; down goes before right
        (21 * 9 + 18, (32, 64, 64)),  # of the cell below and right of it
        (21 * 9 + 20, (48, 48, 128)),
        (21 * 8 + 1, (44, 4, 32)),
    ]
    for place, (y, x, side) in inside:
        expected = np.clip([y - side / 2, x - side / 2, y + side / 2, x + side / 2], 0, 256)
        np.testing.assert_allclose(corners[place], expected, err_msg=str(place))
    np.testing.assert_allclose(corners[64 * 21 + 5], [0, 0, 96 + 128, 96 + 128])  # of the second level: 256 around 96
    np.testing.assert_allclose(corners[-1], [0, 0, 256, 256])


def test_boxes_are_anchors_that_are_moved() -> None:
    fixed = np.array([[0.2, 0.2, 0.4, 0.6]], np.float32)
    moves = np.array([[[5, -2.5, 5 * np.log(2), 0]]], np.float32)  # half its height down, a quarter to the left
    boxes = np.asarray(module._boxes(moves, fixed))
    np.testing.assert_allclose(boxes, [[[0.2, 0.1, 0.6, 0.5]]], atol=1e-6)
    far = np.asarray(module._boxes(np.full((1, 1, 4), 100, np.float32), fixed))
    assert far.min() >= 0
    assert far.max() <= 1


def test_candidates_are_boxes_and_a_probability(network: Any) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (1, 128, 128, 3), dtype=np.uint8)
    candidates = np.asarray(network(picture))
    assert candidates.shape == (1, 16 * 21 + 4 + 1, 5)
    assert (candidates >= 0).all()
    assert (candidates <= 1).all()
    assert candidates[..., 4].std() > 0
