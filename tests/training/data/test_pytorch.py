"""Weights as PyTorch before 1.6 saved them.

`state_dict.pth` was written by PyTorch 2.14 in its old format: an OrderedDict of `conv.weight`, which is a view of 24
numbers in another order, `bias`, and `seen` of int64.
"""

import os
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from training.data.pytorch import read_state_dict
from training.errors import DataError

CONTENT = (Path(__file__).parent / "state_dict.pth").read_bytes()


def test_tensors_have_their_names_shapes_and_numbers() -> None:
    found = read_state_dict(CONTENT)
    assert {name: (str(value.dtype), value.shape) for name, value in found.items()} == {
        "conv.weight": ("float32", (2, 3, 2, 2)),
        "bias": ("float32", (2,)),
        "seen": ("int64", (2,)),
    }
    order = np.arange(24, dtype=np.float32).reshape(2, 2, 3, 2).transpose(3, 2, 0, 1)
    np.testing.assert_array_equal(found["conv.weight"], order)
    assert found["bias"].tolist() == [1.5, -2.0]
    assert found["seen"].tolist() == [3, 4]


@pytest.mark.parametrize("length", [0, 1, 20, 60, 200, 500, len(CONTENT) - 9, len(CONTENT) - 1])
def test_a_file_that_is_cut_short_is_refused(length: int) -> None:
    with pytest.raises(DataError, match=r"PyTorch|cut short"):
        read_state_dict(CONTENT[:length])


class _Harmful:
    def __reduce__(self) -> Any:
        return os.system, ("echo harm",)


@pytest.mark.parametrize("place", ["magic", "tensors"])
def test_nothing_in_a_file_is_run(place: str, capfd: pytest.CaptureFixture[str]) -> None:
    harm = pickle.dumps(_Harmful(), protocol=2)
    beginning = CONTENT[: CONTENT.index(b"\x80\x02ccollections")]
    with pytest.raises(DataError, match=r"it names \w+.system, expected tensors alone"):
        read_state_dict(harm if place == "magic" else beginning + harm)
    assert "harm" not in capfd.readouterr().out


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"torch._utils", b"torch._other", "it names torch._other._rebuild_tensor_v2"),
        (b"FloatStorage", b"HalfsStorage", "it names torch.HalfsStorage"),
        (b"storage", b"another", "something other than a storage"),
        (b"K\x02K\x03K\x02K\x02tq", b"K\x09K\x03K\x02K\x02tq", "reaches beyond the 24 numbers"),
    ],
)
def test_what_is_no_tensor_is_refused(old: bytes, new: bytes, message: str) -> None:
    assert old in CONTENT
    with pytest.raises(DataError, match=message):
        read_state_dict(CONTENT.replace(old, new))


@pytest.mark.parametrize("document", [12, "text", OrderedDict(a=1)])
def test_another_pickle_is_refused(document: object) -> None:
    with pytest.raises(DataError, match="PyTorch"):
        read_state_dict(pickle.dumps(document, protocol=2) * 3)
