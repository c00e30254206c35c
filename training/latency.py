"""How long a model takes on this machine, called as Keras calls it."""

import os
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from store.evaluation import Latency
from training.recipe import Array

if TYPE_CHECKING:
    import keras

_SINGLES, _BATCHES, _BATCH_ROWS = 100, 30, 32


def latencies(
    model: "keras.Model",
    rows: Sequence[Array],
    pad: int,
    clock: Callable[[], float] = time.perf_counter,
    *,
    calls: tuple[int, int] = (_SINGLES, _BATCHES),
    called: tuple[Callable[[Array], object], str] | None = None,
) -> tuple[Latency, ...]:
    """Single rows, each as long as it is, and batches of 32, padded to their longest; of each shape one goes before.

    Args:
        rows: inputs without the batch dimension, taken in turns.
        clock: seconds.
        calls: how many with single rows, and with batches, at most.
        called: what is called instead of the model, and that in words.
    """
    most, batches_of = calls
    singles = [row[np.newaxis] for row in rows[:most]]
    starts = range(0, batches_of * _BATCH_ROWS, _BATCH_ROWS)
    batches = [stacked([rows[(start + i) % len(rows)] for i in range(_BATCH_ROWS)], pad) for start in starts]
    call, what = called or (model.predict_on_batch, "Keras' predict_on_batch")
    return tuple(_latency(call, what, inputs, clock) for inputs in (singles, batches) if inputs)


def stacked(rows: Sequence[Array], pad: int) -> Array:
    """Rows as a batch; where their shapes differ, each is padded at the end with `pad`."""
    widest = np.max([row.shape for row in rows], axis=0)
    sides = [[(0, wide - have) for wide, have in zip(widest, row.shape, strict=True)] for row in rows]
    return np.stack([np.pad(row, side, constant_values=pad) for row, side in zip(rows, sides, strict=True)])


def _latency(
    call: Callable[[Array], object], what: str, inputs: Sequence[Array], clock: Callable[[], float]
) -> Latency:
    for batch in {batch.shape: batch for batch in inputs}.values():  # the first of a shape is compiled
        call(batch)
    seconds = []
    for batch in inputs:
        started = clock()
        call(batch)
        seconds.append(clock() - started)
    median, p95 = np.percentile(seconds, [50, 95]) * 1000
    return Latency(
        what=f"{what} on {_device()}",
        rows=len(inputs[0]),
        calls=len(inputs),
        median_ms=round(float(median), 3),
        p95_ms=round(float(p95), 3),
    )


def _device() -> str:
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU"):
        return "a GPU"
    return f"{len(os.sched_getaffinity(0))} CPU cores"
