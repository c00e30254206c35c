"""ONNX files, of which the weights alone are read."""

import numpy as np
import pytest

from training.data.onnx import Node, read_nodes, read_onnx
from training.errors import DataError


def _varint(number: int) -> bytes:
    return bytes([number]) if number < 0x80 else bytes([number & 0x7F | 0x80]) + _varint(number >> 7)


def _sized(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _tensor(name: str, kind: int, dims: bytes, raw: bytes) -> bytes:
    return _sized(5, dims + _number(2, kind) + _sized(8, name.encode()) + _sized(9, raw))


KERNEL = np.arange(300, dtype=np.float32).reshape(150, 2)
SHAPE = np.array([-1, 96], np.int64)
TENSORS = [
    _tensor("kernel", 1, _number(1, 150) + _number(1, 2), KERNEL.tobytes()),
    _tensor("shape", 7, _sized(1, _varint(2)), SHAPE.tobytes()),
]
GRAPH = _sized(2, b"the graph") + b"".join(TENSORS)
FILE = _number(1, 8) + _varint(3 << 3 | 5) + bytes(4) + _sized(7, GRAPH)  # and a field of four bytes, passed over


def test_weights_are_read_by_name_whichever_way_their_shape_is_written() -> None:
    read = read_onnx(FILE)
    assert list(read) == ["kernel", "shape"]
    np.testing.assert_array_equal(read["kernel"], KERNEL)
    np.testing.assert_array_equal(read["shape"], SHAPE)


def test_numbers_of_eight_bits_and_lists_are_read() -> None:
    """Single numbers are kept as lists, and one of them without its length."""
    bits = _tensor("bits", 3, _number(1, 2), bytes([1, 255]))
    scale = _sized(5, _number(2, 1) + _sized(8, b"scale") + _sized(4, np.float32(0.5).tobytes()))
    zeros = [
        _sized(5, _number(2, 2) + _sized(8, name) + value)
        for name, value in ((b"zero", _number(5, 200)), (b"other", _sized(5, _varint(130))))
    ]
    read = read_onnx(_sized(7, bits + scale + b"".join(zeros)))
    assert read["bits"].dtype == np.int8
    assert read["bits"].tolist() == [1, -1]
    assert [read[name].item() for name in ("scale", "zero", "other")] == [0.5, 200, 130]


def test_operations_are_read_those_of_branches_among_them() -> None:
    inner = _sized(1, _sized(1, b"x") + _sized(1, b"w") + _sized(3, b"/q_proj/MatMul") + _sized(4, b"MatMul"))
    branch = _sized(5, _sized(1, b"else_branch") + _sized(6, inner))
    outer = _sized(1, _sized(1, b"known") + _sized(3, b"if") + _sized(4, b"If") + branch)
    nodes = read_nodes(_sized(7, outer + inner))
    product = Node("MatMul", "/q_proj/MatMul", ("x", "w"))
    assert nodes == [Node("If", "if", ("known",)), product, product]
    with pytest.raises(DataError, match="cannot be read"):
        read_nodes(FILE[:5])


@pytest.mark.parametrize(
    "broken",
    [
        FILE[:-1],
        FILE[:5],
        b"",
        b"\xff" * 20,
        _sized(7, _tensor("kernel", 1, _number(1, 3), bytes(8))),
        _sized(7, _tensor("text", 8, _number(1, 1), b"a")),
    ],
)
def test_what_is_no_such_file_is_refused(broken: bytes) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_onnx(broken)
