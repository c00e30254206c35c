"""Reads the weights of an ONNX file, whose format is a few messages of Protocol Buffers: no package is needed."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.errors import DataError

_GRAPH, _INITIALIZER = 7, 5  # fields of ModelProto, of GraphProto
_DIMS, _KIND, _NAME, _RAW = 1, 2, 8, 9  # fields of TensorProto
_KINDS: dict[int, np.dtype[Any]] = {1: np.dtype("<f4"), 7: np.dtype("<i8")}
_VARINT, _EIGHT, _SIZED, _FOUR = 0, 1, 2, 5  # ways to write a field


def read_onnx(file: bytes) -> dict[str, NDArray[Any]]:
    """The tensors that the graph begins with, by name.

    Raises:
        DataError: the file is broken, or has numbers of another kind.
    """
    try:
        (graph,) = (value for field, value in _fields(file) if field == _GRAPH)
        return dict(_tensor(value) for field, value in _fields(graph) if field == _INITIALIZER)
    except (ValueError, IndexError, KeyError, TypeError) as exc:
        raise DataError(f"the ONNX file cannot be read: {exc!r}") from exc


def _tensor(message: bytes) -> tuple[str, NDArray[Any]]:
    shape: list[int] = []
    name, kind, raw = "", 0, b""
    for field, value in _fields(message):
        if field == _DIMS:
            shape += [value] if isinstance(value, int) else _packed(value)
        elif field == _KIND:
            kind = value
        elif field == _NAME:
            name = value.decode()
        elif field == _RAW:
            raw = value
    return name, np.frombuffer(raw, _KINDS[kind]).reshape(shape)


def _fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """The number of each field, and its value: a number, or bytes."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        field, way = key >> 3, key & 7
        value: Any
        if way == _VARINT:
            value, at = _varint(message, at)
        else:
            size, at = _varint(message, at) if way == _SIZED else ({_EIGHT: 8, _FOUR: 4}[way], at)
            value, at = message[at : at + size], at + size
            if at > len(message):
                raise ValueError(f"it ends {at - len(message)} bytes too early")
        yield field, value


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """A number of as many bytes as have their highest bit set, and one more; and where it ends."""
    number = shift = 0
    while True:
        byte = message[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return number, at


def _packed(values: bytes) -> list[int]:
    numbers, at = [], 0
    while at < len(values):
        number, at = _varint(values, at)
        numbers.append(number)
    return numbers
