"""numpy to TensorProto and back, and protos that lie."""

from typing import Any

import ml_dtypes
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from wire.errors import TensorError
from wire.messages import TensorProto
from wire.tensors import Array, from_proto, to_proto, write_values

NUMERIC = ["f4", "f8", "i4", "u1", "i2", "i1", "i8", "?", "u2", "f2", "u4", "u8", "c8", "c16", "bfloat16",
           [("qint8", "i1")], [("quint16", "u2")]]  # fmt: skip
assert np.dtype("bfloat16") == ml_dtypes.bfloat16  # the import gives numpy the name


def proto(shape: tuple[int, ...], **fields: object) -> object:
    made = TensorProto(**fields)
    made.tensor_shape.SetInParent()
    for size in shape:
        made.tensor_shape.dim.add(size=size)
    return made


def to_typed_proto(array: Array) -> object:
    """Like `to_proto`, in the typed value fields that a stock TensorFlow Serving answers with."""
    made = TensorProto()
    write_values(array, made)
    assert not made.tensor_content
    return made


@pytest.mark.parametrize("write", [to_proto, to_typed_proto])
@pytest.mark.parametrize("dtype", NUMERIC, ids=str)
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0,), (2, 0, 3)])
def test_numbers_survive(write: object, dtype: Any, shape: tuple[int, ...]) -> None:
    array = np.arange(np.prod(shape), dtype="i8").reshape(shape).astype(dtype)
    assert callable(write)
    read = from_proto(TensorProto.FromString(write(array).SerializeToString()))
    assert read.dtype == array.dtype
    assert_array_equal(read, array)


@pytest.mark.parametrize("write", [to_proto, to_typed_proto])
def test_extreme_numbers_survive(write: object) -> None:
    assert callable(write)
    for array in (
        np.array([np.nan, np.inf, -np.inf, 1e-45], dtype="f4"),
        np.array([-(2**63), 2**63 - 1], dtype="i8"),
        np.array([2**64 - 1], dtype="u8"),
        np.array([6.1e-05, -65504], dtype="f2"),
        np.array([-128], dtype="i1"),
    ):
        assert_array_equal(from_proto(write(array)), array)


def test_an_array_in_another_order_of_bytes_or_elements_is_sent_right() -> None:
    array = np.arange(6, dtype=">f4").reshape(2, 3).T
    assert_array_equal(from_proto(to_proto(array)), array)


@pytest.mark.parametrize(
    "array",
    [
        np.array([b"a\0", b"", b"\xff"], dtype=object),
        np.array(["Grüße", "日本"]),
        np.array([[b"ab"], [b"c"]]),
        np.array(b"scalar", dtype=object),
    ],
)
def test_strings_come_back_as_bytes(array: Array) -> None:
    read = from_proto(to_proto(array))
    assert read.shape == array.shape
    assert read.ravel().tolist() == [i.encode() if isinstance(i, str) else i for i in array.ravel().tolist()]


def test_what_is_no_string_is_not_sent_as_one() -> None:
    with pytest.raises(TensorError, match="not int"):
        to_proto(np.array([1, b"a"], dtype=object))


def test_a_dtype_without_wire_form_is_refused() -> None:
    with pytest.raises(TensorError, match="datetime64"):
        to_proto(np.array(["2026-01-01"], dtype="datetime64[D]"))


def test_fewer_values_repeat_the_last_and_none_means_zeros() -> None:
    assert from_proto(proto((4,), dtype=1, float_val=[1, 2])).tolist() == [1, 2, 2, 2]
    assert from_proto(proto((2,), dtype=3)).tolist() == [0, 0]
    assert from_proto(proto((3,), dtype=7, string_val=[b"a\0"])).tolist() == [b"a\0"] * 3
    assert from_proto(proto((2,), dtype=7)).tolist() == [b"", b""]


def test_more_values_than_elements_are_not_looked_at() -> None:
    assert from_proto(proto((1,), dtype=1, float_val=[1, 2])).tolist() == [1]
    assert from_proto(proto((1,), dtype=4, int_val=[300, 2])).tolist() == [44]
    assert from_proto(proto((1,), dtype=7, string_val=[b"a", b"b"])).tolist() == [b"a"]
    assert from_proto(proto((0,), dtype=1, float_val=[1])).tolist() == []


def test_complex_numbers_take_two_values_each() -> None:
    assert from_proto(proto((3,), dtype=8, scomplex_val=[1, 2, 3, 4, 5])).tolist() == [1 + 2j, 3 + 4j, 3 + 4j]
    assert from_proto(proto((2,), dtype=18, dcomplex_val=[1])).tolist() == [0, 0]


def test_half_values_wrap_as_in_tensorflow() -> None:
    assert from_proto(proto((2,), dtype=19, half_val=[70_000, -1])).view(np.uint16).tolist() == [4464, 65535]


def test_strings_packed_as_tensor_content() -> None:
    assert from_proto(proto((2,), dtype=7, tensor_content=b"\1\2abc")).tolist() == [b"a", b"bc"]
    long = b"x" * 300
    assert from_proto(proto((1,), dtype=7, tensor_content=b"\xac\x02" + long)).tolist() == [long]


TENSORFLOW_TYPES = (
    "float32",
    "float64",
    "complex64",
    "complex128",
    "bool",
    "int8",
    "uint64",
    "half",
    "bfloat16",
    "qint8",
)


@pytest.mark.parametrize("write", [to_proto, to_typed_proto])
def test_tensorflow_reads_what_is_written(write: Any) -> None:
    import tensorflow as tf

    for name in TENSORFLOW_TYPES:
        dtype = getattr(tf, name)
        array = np.array([0, 1, 1], "i1" if name == "qint8" else name).astype(dtype.as_numpy_dtype)
        read = tf.io.parse_tensor(write(array).SerializeToString(), dtype)
        assert_array_equal(read.numpy().astype("c16"), [0, 1, 1])


@pytest.mark.parametrize(
    "lie",
    [
        proto((2,), dtype=1, tensor_content=b"1234"),
        proto((0,), dtype=1, tensor_content=b"1234"),
        proto((0,), dtype=7, tensor_content=b"\1a"),
        proto((), dtype=1, tensor_content=b"12345"),
        proto((1,), dtype=10, tensor_content=b"\2"),
        proto((2,), dtype=7, tensor_content=b"\1\2a"),
        proto((2,), dtype=7, tensor_content=b"\1\2abcd"),
        proto((1,), dtype=7, tensor_content=b"\xff"),
        proto((1,), dtype=7, tensor_content=b"\xff" * 9),
        proto((2**27,), dtype=7, tensor_content=b"\0"),
        proto((-1,), dtype=1),
        proto((-2, -2), dtype=1, float_val=[1] * 4),
        proto((2**62,), dtype=1),
        proto((2**40, 2**40), dtype=1, tensor_content=b"1234"),
        proto((0, 2**62), dtype=1),
        proto((500_000_000,), dtype=1, float_val=[1]),
        proto((200_000_000,), dtype=7, string_val=[b"a"]),
        proto((1,) * 65, dtype=1, float_val=[1]),
        proto((1,), dtype=0),
        proto((1,), dtype=101, float_val=[1]),
        TensorProto(dtype=1, tensor_shape={"unknown_rank": True}),
    ],
)
def test_a_proto_that_lies_is_a_tensor_error(lie: object) -> None:
    with pytest.raises(TensorError):
        from_proto(lie)
