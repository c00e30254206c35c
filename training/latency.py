"""How long a model takes on this machine, called as Keras calls it."""

import os
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from store.evaluation import Latency
from training.recipe import Array

if TYPE_CHECKING:
    import keras

_SINGLES, _BATCHES, _BATCH_ROWS = 100, 30, 32
_FEWEST, _ENOUGH_S = 2, 1.0  # calls, and of how many seconds together after which no more is to be learnt


def latencies(
    model: "keras.Model",
    rows: Sequence[Array],
    pad: int,
    clock: Callable[[], float] = time.perf_counter,
    *,
    called: tuple[Callable[[Array], object], str] | None = None,
    batched: bool = True,
) -> tuple[Latency, ...]:
    """Single rows, each as long as it is, and batches of 32, padded to their longest: 100 and 30 calls, or fewer of a
    model that takes long. Of each shape one goes before.

    Args:
        rows: inputs without the batch dimension, taken in turns.
        clock: seconds.
        called: what is called instead of the model, and that in words.
        batched: whether there are batches; of some models 32 rows take half a minute.
    """
    singles = (row[np.newaxis] for row in rows[:_SINGLES])
    starts = range(0, _BATCHES * _BATCH_ROWS, _BATCH_ROWS)
    batches = (stacked([rows[(start + i) % len(rows)] for i in range(_BATCH_ROWS)], pad) for start in starts)
    call, what = called or (model.predict_on_batch, "Keras' predict_on_batch")
    alone = _latency(call, what, 1, singles, clock)
    return (alone, _latency(call, what, _BATCH_ROWS, batches, clock)) if batched else (alone,)


def stacked(rows: Sequence[Array], pad: int) -> Array:
    """Rows as a batch; where their shapes differ, each is padded at the end with `pad`."""
    widest = np.max([row.shape for row in rows], axis=0)
    sides = [[(0, wide - have) for wide, have in zip(widest, row.shape, strict=True)] for row in rows]
    return np.stack([np.pad(row, side, constant_values=pad) for row, side in zip(rows, sides, strict=True)])


def _latency(
    call: Callable[[Array], object], what: str, rows: int, inputs: Iterable[Array], clock: Callable[[], float]
) -> Latency:
    shapes: set[tuple[int, ...]] = set()
    seconds: list[float] = []
    for batch in inputs:
        if batch.shape not in shapes:  # the first of a shape is compiled
            shapes.add(batch.shape)
            call(batch)
        started = clock()
        call(batch)
        seconds.append(clock() - started)
        if len(seconds) >= _FEWEST and sum(seconds) >= _ENOUGH_S:
            break
    median, p95 = np.percentile(seconds, [50, 95]) * 1000
    return Latency(
        what=f"{what} on {_device()}",
        rows=rows,
        calls=len(seconds),
        median_ms=round(float(median), 3),
        p95_ms=round(float(p95), 3),
    )


def _device() -> str:
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU"):
        return "a GPU"
    return f"{len(os.sched_getaffinity(0))} CPU cores"
