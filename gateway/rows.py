"""Rows of tensors: whether those of several requests may share a call, and whose are whose afterwards."""

from collections.abc import Hashable, Sequence

import numpy as np

from gateway.tasks.base import Tensors


def rows_of(inputs: Tensors) -> int:
    """That all inputs have; 0 where they do not agree."""
    rows = {array.shape[0] if array.ndim else 0 for array in inputs.values()}
    return rows.pop() if len(rows) == 1 else 0


def form_of(inputs: Tensors) -> Hashable:
    """Equal for inputs whose rows can be put together, if they have any."""
    return bool(rows_of(inputs)), *((name, array.dtype.str, array.shape[1:]) for name, array in sorted(inputs.items()))


def merged(requests: Sequence[Tensors]) -> Tensors:
    """The rows of all, in order."""
    if len(requests) == 1:
        return requests[0]
    return {name: np.concatenate([inputs[name] for inputs in requests]) for name in requests[0]}


def shared_out(outputs: Tensors, rows: Sequence[int]) -> list[Tensors] | None:
    """To each request its own; None if the outputs have not the rows of all."""
    if rows_of(outputs) != sum(rows):
        return None
    shares: list[Tensors] = []
    start = 0
    for count in rows:
        shares.append({name: array[start : start + count] for name, array in outputs.items()})
        start += count
    return shares
