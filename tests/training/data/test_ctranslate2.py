"""Models as CTranslate2 keeps them."""

import struct
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from training.data.ctranslate2 import read_ctranslate2
from training.errors import DataError

KINDS = {np.dtype("f4"): 0, np.dtype("i1"): 1, np.dtype("f2"): 4}


def _text(text: str) -> bytes:
    return struct.pack("<H", len(text) + 1) + text.encode() + b"\0"


def _model(weights: dict[str, NDArray[np.generic]], version: int = 6) -> bytes:
    parts = [struct.pack("<I", version), _text("WhisperSpec"), struct.pack("<II", 3, len(weights))]
    for name, values in weights.items():
        shape = struct.pack(f"<B{values.ndim}I", values.ndim, *values.shape)
        parts += [_text(name), shape, struct.pack("<BI", KINDS[values.dtype], values.nbytes), values.tobytes()]
    return b"".join(parts)


WHOLE = _model(
    {
        "encoder/half": np.array([[0.5, -2.0]], np.float16),
        "encoder/single": np.arange(6, dtype=np.float32).reshape(1, 2, 3),
        "count": np.array(4, np.int8),
    }
)


def test_weights_are_read_by_name_and_what_only_counts_is_not() -> None:
    weights = read_ctranslate2(WHOLE)
    assert weights.keys() == {"encoder/half", "encoder/single"}
    assert {values.dtype for values in weights.values()} == {np.dtype(np.float32)}
    np.testing.assert_array_equal(weights["encoder/half"], [[0.5, -2.0]])
    np.testing.assert_array_equal(weights["encoder/single"], np.arange(6).reshape(1, 2, 3))


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda data: data[:-1], "1 bytes too early"),
        (lambda data: data[:30], "cannot be read"),
        (lambda _: b"", "cannot be read"),
        (lambda _: _model({}, version=7), "number 7"),
        (lambda data: data.replace(struct.pack("<BI", 4, 4), struct.pack("<BI", 99, 4)), "cannot be read"),
        (lambda data: data.replace(b"encoder/half", b"\xff" * 12), "cannot be read"),
    ],
)
def test_what_is_no_model_is_told(damage: Callable[[bytes], bytes], says: str) -> None:
    with pytest.raises(DataError, match=says):
        read_ctranslate2(damage(WHOLE))
