"""The embedding of faces: a small network, beside the same layers without folding."""

from typing import Any

import numpy as np
import pytest

from models.errors import UnfitWeightsError
from models.face_embedding import EmbeddingSize, face_embedding, fill_face_embedding
from models.face_landmarks import MEAN

SIZE = EmbeddingSize(side=46, stages=((2, 1), (3, 1)), width=4)
BLOCKS = ("conv2_1", "conv3_down", "conv3_1", "conv3_down_out")


def _weights() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    found: dict[str, Any] = {}

    def conv(scope: str, kernel: int, given: int, channels: int) -> None:
        found[f"{scope}/conv/filters"] = rng.normal(0, 0.3, (kernel, kernel, given, channels)).astype(np.float32)
        for leaf in ("conv/bias", "scale/weights", "scale/biases"):
            found[f"{scope}/{leaf}"] = rng.normal(0.5, 0.5, channels).astype(np.float32)

    conv("conv2_down", 7, 3, 2)
    for name, given, channels in zip(BLOCKS, (2, 2, 3, 3), (2, 3, 3, 3), strict=True):
        conv(f"{name}/conv1", 3, given, channels)
        conv(f"{name}/conv2", 3, channels, channels)
    found["fc"] = rng.normal(size=(3, 4)).astype(np.float32)
    return found


def _published(chip: Any, weights: dict[str, Any]) -> Any:
    """As face-api.js computes it."""
    import tensorflow as tf

    def conv(x: Any, scope: str, stride: int = 1) -> Any:
        kernel, bias, scale, offset = (
            weights[f"{scope}/{leaf}"] for leaf in ("conv/filters", "conv/bias", "scale/weights", "scale/biases")
        )
        padding = "VALID" if stride > 1 else "SAME"
        return (tf.nn.conv2d(x, kernel, stride, padding) + bias) * scale + offset

    def block(x: Any, name: str) -> Any:
        return tf.nn.relu(x + conv(tf.nn.relu(conv(x, f"{name}/conv1")), f"{name}/conv2"))

    def down(x: Any, name: str) -> Any:
        y = conv(tf.nn.relu(conv(x, f"{name}/conv1", 2)), f"{name}/conv2")
        pooled = tf.nn.avg_pool2d(x, 2, 2, "VALID")
        if pooled.shape[1] != y.shape[1]:
            y = tf.concat([y, tf.zeros([y.shape[0], 1, y.shape[2], y.shape[3]])], 1)
            y = tf.concat([y, tf.zeros([y.shape[0], y.shape[1], 1, y.shape[3]])], 2)
        if pooled.shape[3] != y.shape[3]:
            missing = y.shape[3] - pooled.shape[3]
            pooled = tf.concat([pooled, tf.zeros([*pooled.shape[:3], missing])], 3)
        return tf.nn.relu(pooled + y)

    x = (chip.astype(np.float32) - np.array(MEAN, np.float32)) / 255
    x = tf.nn.max_pool2d(tf.nn.relu(conv(x, "conv2_down", 2)), 3, 2, "VALID")
    for name in BLOCKS:
        x = down(x, name) if "down" in name else block(x, name)
    return np.asarray(tf.reduce_mean(x, [1, 2]) @ weights["fc"])


def test_it_answers_as_the_published_layers_do() -> None:
    weights, network = _weights(), face_embedding(SIZE)
    fill_face_embedding(network, weights)
    chip = np.random.default_rng(1).integers(0, 256, (2, 46, 46, 3), dtype=np.uint8)
    expected = _published(chip, weights)
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(network(chip), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["conv3_1/conv2/scale/biases", "fc"])
def test_weights_of_another_network_are_refused(name: str) -> None:
    weights = _weights()
    del weights[name]
    with pytest.raises(UnfitWeightsError, match=name):
        fill_face_embedding(face_embedding(SIZE), weights)
    with pytest.raises(UnfitWeightsError, match="no place for other"):
        fill_face_embedding(face_embedding(SIZE), {**_weights(), "other": np.zeros(1, np.float32)})
