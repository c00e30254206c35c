"""Many calls' tensors to one run's and back. Everything here is pure; texts are TensorFlow Serving's."""

from collections.abc import Hashable, Mapping, Sequence

import numpy as np

from serving.errors import Code, RequestError
from wire.tensors import Array

_MAX_PADDED_RANK = 6


def rows_of(inputs: Mapping[str, Array]) -> int:
    """The rows of one call: the size of dimension 0, which all its tensors share."""
    if not inputs:
        raise RequestError(Code.INVALID_ARGUMENT, "Batching Run() must have at least one input tensor")
    rows = None
    for array in inputs.values():
        if not array.ndim:
            raise RequestError(Code.INVALID_ARGUMENT, "Batching Run() input tensors must have at least one dimension")
        if rows is None:
            rows = len(array)
        elif rows != len(array):
            raise RequestError(Code.INVALID_ARGUMENT, "Batching Run() input tensors must have equal 0th-dimension size")
    return rows or 0


def check_paddable(inputs: Mapping[str, Array]) -> None:
    if any(array.ndim > _MAX_PADDED_RANK for array in inputs.values()):
        raise RequestError(Code.INVALID_ARGUMENT, "Only tensors with rank from 1 to 6 can be padded.")


def group(inputs: Mapping[str, Array], aliases: Sequence[str], *, pad: bool) -> Hashable:
    """Calls of one group may run together: equal dtypes, and rows of equal shape, or of equal rank where we pad.

    A tensor without elements has none to be padded with: it goes with its like only.
    """
    return tuple(
        (array.dtype.str, array.ndim if pad and array.size else array.shape[1:])
        for array in (inputs[alias] for alias in aliases)
    )


def merge(calls: Sequence[Mapping[str, Array]], aliases: Sequence[str], *, fill: int, pad: bool) -> dict[str, Array]:
    """The tensors of one run: the calls' rows one after another, then `fill` times the first row of the last call.

    The calls are of one group. With `pad`, rows are brought to the largest size of each dimension first.
    """
    merged = {}
    for alias in aliases:
        arrays = [inputs[alias] for inputs in calls]
        if pad:
            arrays = _padded(arrays)
        if fill:
            arrays.append(np.repeat(arrays[-1][:1], fill, axis=0))
        merged[alias] = np.concatenate(arrays) if len(arrays) > 1 else arrays[0]
    return merged


def check_outputs(outputs: Sequence[Array], rows: int) -> None:
    """Each output must have as many rows as the run had, those that filled it up included."""
    for array in outputs:
        shape = np.shape(array)
        if not shape:
            raise RequestError(Code.FAILED_PRECONDITION, "Batched output tensor has 0 dimensions")
        if shape[0] != rows:
            raise RequestError(
                Code.FAILED_PRECONDITION,
                "Batched output tensor's 0th dimension does not equal the sum of the 0th dimension sizes of the input "
                "tensors",
            )


def split(outputs: Sequence[Array], sizes: Sequence[int]) -> list[list[Array]]:
    """Each call's rows of every output, in the order of `sizes`; rows beyond their sum are left out.

    The parts are read-only views: the calls share the run's arrays, and none may change another's answer.
    """
    shared = [array.view() for array in outputs]
    for array in shared:
        array.flags.writeable = False
    parts, start = [], 0
    for size in sizes:
        parts.append([array[start : start + size] for array in shared])
        start += size
    return parts


def piece_sizes(rows: int, free: int, limit: int) -> list[int]:
    """A large call in pieces of at most `limit` rows; the first fills the `free` rows of a batch that is open."""
    if rows <= free:
        return [rows]
    first = [free] if free else []
    whole, rest = divmod(rows - free, limit)
    return first + [limit] * whole + ([rest] if rest else [])


def pieces(inputs: Mapping[str, Array], sizes: Sequence[int]) -> list[dict[str, Array]]:
    """The rows of `inputs` cut after each of `sizes`, as views."""
    ends = np.cumsum(sizes).tolist()
    return [
        {alias: array[end - size : end] for alias, array in inputs.items()}
        for size, end in zip(sizes, ends, strict=True)
    ]


def _padded(arrays: Sequence[Array]) -> list[Array]:
    """Rows at the largest size of each dimension, each array filled at the end with its own first element."""
    largest = tuple(max(sizes) for sizes in zip(*(array.shape[1:] for array in arrays), strict=True))
    return [array if array.shape[1:] == largest else _enlarged(array, largest) for array in arrays]


def _enlarged(array: Array, row_shape: tuple[int, ...]) -> Array:
    enlarged = np.full((len(array), *row_shape), array.flat[0], dtype=array.dtype)
    enlarged[tuple(slice(size) for size in array.shape)] = array
    return enlarged
