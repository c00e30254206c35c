"""Tensors out of a safetensors file; whatever else a file may be is an error."""

import json
from typing import Any

import numpy as np
import pytest

from training.data.safetensors import read_safetensors
from training.errors import DataError

ONE = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}


def _file(header: Any, data: bytes = b"") -> bytes:
    document = json.dumps(header).encode()
    return len(document).to_bytes(8, "little") + document + data


def test_tensors_have_their_names_types_and_shapes() -> None:
    numbers = np.arange(6, dtype="<f4")
    header = {
        "__metadata__": {"format": "pt"},
        "weight": {"dtype": "F32", "shape": [2, 3], "data_offsets": [8, 32]},
        "one": {"dtype": "I64", "shape": [], "data_offsets": [0, 8]},
        "none": {"dtype": "F16", "shape": [0, 4], "data_offsets": [32, 32]},
    }
    tensors = read_safetensors(_file(header, (7).to_bytes(8, "little") + numbers.tobytes()))
    assert tensors.keys() == {"weight", "one", "none"}
    assert tensors["weight"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert tensors["one"].dtype == np.int64
    assert tensors["one"].item() == 7
    assert tensors["none"].shape == (0, 4)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\1\0",
        b"\xff" * 16,
        _file([1]),
        _file({"a": 1}),
        _file({"a": ONE | {"dtype": "BF16"}}, bytes(4)),
        _file({"a": ONE}, bytes(3)),
        _file({"a": ONE | {"shape": [2]}}, bytes(4)),
        _file({"a": ONE | {"shape": [-1]}}, bytes(4)),
        _file({"a": ONE | {"data_offsets": [-4, 0]}}, bytes(4)),
        _file({"a": ONE | {"shape": ["x"]}}, bytes(4)),
        _file({"a": {"dtype": "F32", "shape": [1]}}, bytes(4)),
    ],
)
def test_anything_else_is_an_error(content: bytes) -> None:
    with pytest.raises(DataError, match="not a whole safetensors file"):
        read_safetensors(content)
