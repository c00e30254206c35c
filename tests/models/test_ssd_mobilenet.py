"""SSD on MobileNetV2, small and with drawn weights: where its boxes are, and weights by their published names."""

from typing import Any

import numpy as np
import pytest

from models.detect import COCO
from models.detect_ssd import SIZE as PUBLISHED
from models.errors import UnfitWeightsError
from models.ssd_mobilenet import Group, SsdSize, fill_ssd_mobilenet, ssd_mobilenet

SIZE = SsdSize(
    side=64,
    known=4,
    columns=(1, 3),
    stem=4,
    groups=(Group(1, 1, 1, 4), Group(2, 2, 2, 4), Group(1, 2, 2, 8)),
    fine=1,
    last=8,
    extra=(8,),
)
BOXES = 32 * 32 * 3 + 8 * 8 * 6 + 4 * 4 * 6
"""Of grids of what is expanded in the second group, of the last layer, and of half as many places."""


@pytest.fixture
def network() -> Any:
    import keras

    keras.utils.set_random_seed(1)
    return ssd_mobilenet(SIZE)


def _published(network: Any) -> dict[str, Any]:
    found = {}
    for layer in network.layers:
        kernel = "depthwise_weights" if layer.name.endswith("depthwise") else "weights"
        for variable in layer.weights:
            leaf = {"kernel": kernel, "bias": "biases"}.get(variable.name, variable.name)
            found[f"{layer.name.replace('.', '/')}/{leaf}"] = np.asarray(variable.value)
    return found


def test_boxes_that_are_not_moved_are_the_ones_each_grid_begins_with(network: Any) -> None:
    for layer in network.layers:
        if layer.name.startswith("BoxPredictor"):
            layer.kernel.assign(np.zeros(layer.kernel.shape))
    network.get_layer("BoxPredictor_0.ClassPredictor").bias.assign(np.tile([9.0, -1.0, 9.0, 1.0, 9.0], 3))
    network.get_layer("BoxPredictor_1.BoxEncodingPredictor").bias.assign(np.tile([10.0, 0.0, 0.0, np.log(2) * 5], 6))
    found = np.asarray(network(np.zeros((1, 64, 64, 3), np.uint8)))[0]
    assert found.shape == (BOXES, 6)
    np.testing.assert_allclose(found[0, 4:], [1 / (1 + np.e), np.e / (1 + np.e)], rtol=1e-5)  # of 1 and 3 of the four
    middle = 0.5 / 32
    np.testing.assert_allclose(found[0, :4], [middle - 0.05, middle - 0.05, middle + 0.05, middle + 0.05], atol=1e-6)
    height, width = 0.2 / np.sqrt(2) / 2, 0.2 * np.sqrt(2) / 2
    np.testing.assert_allclose(found[4, :4], [middle - height, 3 * middle - width, middle + height, 3 * middle + width])
    first, scale = 32 * 32 * 3, (0.2 + 0.75 / 2) / 2  # of the second of three grids; down by its height, twice as wide
    y, x = 0.5 / 8 + 2 * scale, 0.5 / 8
    np.testing.assert_allclose(
        found[first, :4], [y - scale, x - 2 * scale, y + scale, x + 2 * scale], rtol=1e-5, atol=1e-6
    )


def test_weights_by_their_published_names_make_the_same_network(network: Any) -> None:
    other = ssd_mobilenet(SIZE)
    picture = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    assert not np.array_equal(other(picture), network(picture))
    published = _published(network)
    assert "FeatureExtractor/MobilenetV2/layer_19_2_Conv2d_2_3x3_s2_8_depthwise/depthwise_weights" in published
    fill_ssd_mobilenet(other, published)
    np.testing.assert_array_equal(other(picture), network(picture))


def test_weights_that_are_missing_or_have_no_place_are_named(network: Any) -> None:
    published = _published(network)
    name = "FeatureExtractor/MobilenetV2/expanded_conv/depthwise/BatchNorm/moving_mean"
    with pytest.raises(UnfitWeightsError, match=f"they lack {name}"):
        fill_ssd_mobilenet(network, {other: values for other, values in published.items() if other != name})
    with pytest.raises(UnfitWeightsError, match="no place for BoxPredictor_9/biases"):
        fill_ssd_mobilenet(network, published | {"BoxPredictor_9/biases": np.zeros(3, np.float32)})


def test_each_kind_of_coco_has_its_number() -> None:
    """By the list of COCO's authors, which goes to 90 and leaves ten out."""
    numbers = dict(zip(COCO, PUBLISHED.columns, strict=True))
    known = {"person": 1, "fire hydrant": 11, "stop sign": 13, "backpack": 27, "umbrella": 28, "handbag": 31}
    known |= {"wine glass": 46, "dining table": 67, "toilet": 70, "tv": 72, "book": 84, "toothbrush": 90}
    assert {name: numbers[name] for name in known} == known
