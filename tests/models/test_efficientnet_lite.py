"""The network of `imagenet` beside PyTorch's.

`data/efficientnet_lite.json` has what `EfficientNet` of the PyPI package efficientnet_lite_pytorch 0.1.0 answers with
PyTorch 2.14: with stages as in `SMALL`, weights drawn as in `_drawn`, and the pictures of `_pictures`.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.efficientnet_lite import LITE0, TOP, EfficientNetLite, Stage, efficientnet_lite, fill_efficientnet_lite
from models.errors import UnfitWeightsError

SMALL = EfficientNetLite(
    side=32,
    stem=32,
    head=1280,
    stages=(Stage(1, 3, 1, 1, 8), Stage(2, 3, 2, 6, 16), Stage(2, 5, 2, 6, 24), Stage(1, 3, 1, 6, 32)),
    labels=7,
)
EXPECTED: dict[str, Any] = json.loads((Path(__file__).parent / "data" / "efficientnet_lite.json").read_text())


def _drawn() -> dict[str, Any]:
    numbers = np.random.default_rng(7)
    weights = {}
    for name, shape in sorted(EXPECTED["shapes"].items()):
        if len(shape) > 1:
            weight = numbers.normal(0, 1, shape) / np.sqrt(np.prod(shape[1:]))
        elif name.endswith(("running_var", "weight")):
            weight = numbers.uniform(0.5, 1.5, shape)
        else:
            weight = numbers.normal(0, 0.3, shape)
        weights[name] = weight.astype(np.float32)
    return weights


def _pictures() -> Any:
    row, column = np.mgrid[:32, :32]
    slope = np.stack([8 * row, 8 * column, 255 - 8 * row], axis=2)
    return np.stack([slope, np.random.default_rng(8).integers(0, 256, (32, 32, 3))]).astype(np.uint8)


@pytest.fixture(scope="module")
def small() -> Any:
    model = efficientnet_lite(SMALL, "small")
    fill_efficientnet_lite(model, SMALL, _drawn())
    return model


def test_logits_are_pytorchs(small: Any) -> None:
    received = np.asarray(small(_pictures(), training=False))
    np.testing.assert_allclose(received, EXPECTED["logits"], atol=1e-5)


def test_the_network_is_opened_after_its_last_convolution(small: Any) -> None:
    assert small.get_layer(TOP).output.shape == (None, 4, 4, 1280)
    assert small.get_layer("pool").input is small.get_layer(TOP).output


def test_counters_of_batches_are_passed_over(small: Any) -> None:
    counters = {"_bn0.num_batches_tracked": np.array(3), "_blocks.0._bn1.num_batches_tracked": np.array(3)}
    fill_efficientnet_lite(small, SMALL, _drawn() | counters)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda weights: weights.pop("_blocks.3._depthwise_conv.weight"), "they lack _blocks.3._depthwise_conv.weight"),
        (lambda weights: weights.update({"_blocks.6._bn0.bias": np.zeros(1)}), "no place for _blocks.6._bn0.bias"),
        (
            lambda weights: weights.update({"_conv_stem.weight": np.zeros((32, 3, 5, 5))}),
            r"_conv_stem.weight has the shape \(5, 5, 3, 32\) when transposed, expected \(3, 3, 3, 32\)",
        ),
    ],
)
def test_weights_of_another_network_are_refused(small: Any, change: Any, message: str) -> None:
    weights = _drawn()
    change(weights)
    with pytest.raises(UnfitWeightsError, match=message):
        fill_efficientnet_lite(small, SMALL, weights)


def test_lite0_has_sixteen_blocks() -> None:
    blocks = list(LITE0.blocks)
    assert [stride for _, _, stride, _ in blocks] == [1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1]
    assert [channels for *_, channels in blocks][-2:] == [192, 192]
    assert blocks[-1][1].channels == 320
