"""Reads weights and nodes of an ONNX file, whose format is a few messages of Protocol Buffers: no package is needed."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.data.protobuf import fields, varints
from training.errors import DataError

_GRAPH, _NODE, _INITIALIZER = 7, 1, 5  # fields of ModelProto, of GraphProto
_INPUT, _NODE_NAME, _OPERATION, _ATTRIBUTE, _BRANCH = 1, 3, 4, 5, 6  # fields of NodeProto, of AttributeProto
_DIMS, _KIND, _FLOATS, _INTEGERS, _NAME, _RAW = 1, 2, 4, 5, 8, 9  # fields of TensorProto
_KINDS: dict[int, np.dtype[Any]] = {
    1: np.dtype("<f4"),
    2: np.dtype("u1"),
    3: np.dtype("i1"),
    7: np.dtype("<i8"),
}


@dataclass(frozen=True)
class Node:
    """One operation of a graph, and the names of what it takes."""

    operation: str
    name: str
    inputs: tuple[str, ...]


def read_onnx(file: bytes) -> dict[str, NDArray[Any]]:
    """The tensors that the graph begins with, by name.

    Raises:
        DataError: the file is broken, or has numbers of another kind.
    """
    try:
        return dict(_tensor(value) for field, value in fields(_graph(file)) if field == _INITIALIZER)
    except (ValueError, IndexError, KeyError, TypeError, AttributeError) as exc:
        raise DataError(f"the ONNX file cannot be read: {exc!r}") from exc


def read_nodes(file: bytes) -> list[Node]:
    """All operations, those of branches among them. Raises `DataError` for a broken file."""
    try:
        return list(_nodes(_graph(file)))
    except (ValueError, IndexError, KeyError, TypeError, AttributeError) as exc:
        raise DataError(f"the ONNX file cannot be read: {exc!r}") from exc


def _graph(file: bytes) -> bytes:
    (graph,) = (value for field, value in fields(file) if field == _GRAPH)
    return bytes(graph)


def _nodes(graph: bytes) -> Iterator[Node]:
    for field, value in fields(graph):
        if field == _NODE:
            told = list(fields(value))
            name, operation = (
                b"".join(text for number, text in told if number == of).decode() for of in (_NODE_NAME, _OPERATION)
            )
            yield Node(operation, name, tuple(text.decode() for number, text in told if number == _INPUT))
            for attribute in (given for number, given in told if number == _ATTRIBUTE):
                for number, branch in fields(attribute):
                    if number == _BRANCH:
                        yield from _nodes(branch)


def _tensor(message: bytes) -> tuple[str, NDArray[Any]]:
    """Its numbers are as they are in memory, or, of a few, a list."""
    shape: list[int] = []
    name, kind, raw = "", 0, b""
    for field, value in fields(message):
        if field == _DIMS:
            shape += [value] if isinstance(value, int) else varints(value)
        elif field == _KIND:
            kind = value
        elif field == _NAME:
            name = value.decode()
        elif field in (_RAW, _FLOATS):
            raw += value
        elif field == _INTEGERS:
            numbers = [value] if isinstance(value, int) else varints(value)
            raw += np.array(numbers, np.uint64).astype(_KINDS[kind]).tobytes()
    return name, np.frombuffer(raw, _KINDS[kind]).reshape(shape)
