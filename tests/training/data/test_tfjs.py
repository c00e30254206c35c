"""Weights of TensorFlow.js."""

import json
from typing import Any

import numpy as np
import pytest

from training.data.tfjs import read_tfjs
from training.errors import DataError

HALF = np.array([[1.5, -2], [0.25, 1024]], np.float16)
SINGLE = np.array([1 / 3, 2], np.float32)
SHAPE = np.array([1, 2, 3], np.int32)


def _model(**changes: Any) -> bytes:
    halved = {"dtype": "float16", "original_dtype": "float32"}
    weights: list[dict[str, Any]] = [
        {"name": "a/kernel", "shape": [2, 2], "dtype": "float32", "quantization": halved},
        {"name": "a/shape", "shape": [3], "dtype": "int32"},
        {"name": "a/six", "shape": [], "dtype": "float32", "quantization": halved},
        {"name": "a/bias", "shape": [2], "dtype": "float32"},
    ]
    weights[0] |= changes
    return json.dumps({"weightsManifest": [{"weights": weights[:2]}, {"weights": weights[2:]}]}).encode()


SHARDS = HALF.tobytes() + SHAPE.tobytes() + np.float16(6).tobytes() + SINGLE.tobytes()


def test_weights_have_their_names_and_numbers_in_single_precision() -> None:
    found = read_tfjs(_model(), SHARDS)
    assert found.keys() == {"a/kernel", "a/bias"}
    np.testing.assert_array_equal(found["a/kernel"], HALF)
    np.testing.assert_array_equal(found["a/bias"], SINGLE)
    assert {values.dtype for values in found.values()} == {np.dtype(np.float32)}


def test_weights_in_levels_and_lists_without_a_graph() -> None:
    """As face-api.js has them."""
    entry = {"name": "a", "shape": [3], "dtype": "float32"}
    for dtype, levels in (("uint8", np.array([0, 3, 255], "u1")), ("uint16", np.array([0, 3, 65535], "<u2"))):
        document: Any = [{"weights": [{**entry, "quantization": {"dtype": dtype, "scale": 0.5, "min": -1}}]}]
        found = read_tfjs(json.dumps(document).encode(), levels.tobytes())["a"]
        np.testing.assert_allclose(found, levels * 0.5 - 1)
        assert found.dtype == np.float32


@pytest.mark.parametrize(
    ("model", "shards"),
    [
        (_model(), SHARDS[:-1]),
        (_model(), SHARDS + b"\0"),
        (_model(quantization={"dtype": "uint8", "scale": 0.1}), SHARDS[4:]),
        (_model(quantization={"dtype": "float64"}), SHARDS),
        (_model(shape=[2, "2"]), SHARDS),
        (b"{}", SHARDS),
        (b"[]", SHARDS),
        (b"not JSON", SHARDS),
    ],
)
def test_what_is_no_whole_model_is_refused(model: bytes, shards: bytes) -> None:
    with pytest.raises(DataError, match=r"not a whole model of TensorFlow\.js"):
        read_tfjs(model, shards)
