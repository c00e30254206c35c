"""Whether rows may share a run: each must be answered as it is alone, whatever its neighbours are."""

from collections.abc import Callable, Sequence

import numpy as np

from serving.batching.samples import Rows
from serving.batching.tensors import check_outputs, merge, split
from wire.tensors import Array

_RELATIVE, _OF_LARGEST = 1e-3, 1e-5  # kernels for many rows add up in another order

Run = Callable[[Rows], list[Array]]


def independent(run: Run, rows: Sequence[Rows], size: int) -> bool:
    """Tries runs of `size` rows: the rows in turns, each at each place once, so that its neighbours change too.

    Answers that are the same for all the rows show nothing, and count as a no.

    Args:
        run: all outputs of one signature.
        rows: at least two, which differ and may share a run.

    Raises:
        RequestError: a run fails, or has not as many rows as it was given.
    """
    alone = [run(row) for row in rows]
    if all(same(answer, alone[0]) for answer in alone):
        return False
    for first in range(len(rows)):
        order = [(first + at) % len(rows) for at in range(size)]
        together = run(merge([rows[at] for at in order], sorted(rows[0]), fill=0, pad=False))
        check_outputs(together, size)
        parts = split(together, [1] * size)
        if not all(same(alone[at], part) for at, part in zip(order, parts, strict=True)):
            return False
    return True


def same(expected: Sequence[Array], received: Sequence[Array]) -> bool:
    """Floats up to what the order of additions makes of them, all else exactly."""
    return all(_same(a, b) for a, b in zip(expected, received, strict=True))


def _same(expected: Array, received: Array) -> bool:
    if expected.shape != received.shape:
        return False
    if not np.issubdtype(expected.dtype, np.inexact):
        return np.array_equal(expected, received)
    finite = np.abs(expected[np.isfinite(expected)])
    slack = _OF_LARGEST * float(finite.max(initial=0))
    return np.allclose(received, expected, rtol=_RELATIVE, atol=slack, equal_nan=True)
