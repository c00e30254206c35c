"""Latency: percentiles of the calls that count, single rows and batches, padded to their longest."""

from collections.abc import Iterator
from itertools import cycle

import numpy as np
import pytest

from training.latency import latencies, stacked


def _clock(durations_s: Iterator[float]) -> Iterator[float]:
    """Readings of which every second one is a duration after the one before."""
    now = 0.0
    for duration_s in durations_s:
        yield now
        now += duration_s
        yield now


def test_percentiles_are_of_calls_after_the_first_of_each() -> None:
    import keras

    model = keras.Sequential([keras.Input((None, 2)), keras.layers.GlobalAveragePooling1D()])
    rows = [np.ones((1 + number % 3, 2), np.float32) for number in range(20)]
    readings = _clock(cycle([0.001] * 9 + [0.1]))
    single, batch = latencies(model, rows, 0, clock=lambda: next(readings))
    assert (single.rows, single.calls, batch.rows, batch.calls) == (1, 20, 32, 30)
    assert (single.median_ms, batch.median_ms) == (1.0, 1.0)
    assert single.p95_ms == pytest.approx(100.0)
    slow = _clock(cycle([0.4]))
    fewer = latencies(model, rows, 0, clock=lambda: next(slow))
    assert [(latency.rows, latency.calls) for latency in fewer] == [(1, 3), (32, 3)]
    slower = _clock(cycle([7.0]))
    fewest = latencies(model, rows, 0, clock=lambda: next(slower))
    assert [(latency.rows, latency.calls) for latency in fewest] == [(1, 2), (32, 2)]
    assert "CPU cores" in single.what or "GPU" in single.what


def test_shorter_rows_are_padded_at_their_end() -> None:
    batch = stacked([np.array([1, 2, 3]), np.array([4])], pad=9)
    assert batch.tolist() == [[1, 2, 3], [4, 9, 9]]
