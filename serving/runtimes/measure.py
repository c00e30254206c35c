"""What runs faster, measured when a version loads: a signature in the thread that calls it, or in TensorFlow's pool?

A run handed to the pool waits for a thread to wake up, 25 to 50 µs on the machines we know; a graph with wide branches
may still gain by it.
"""

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from serving.errors import RequestError
from wire import dtypes
from wire.tensors import Array

LIMIT_S = 0.3  # of the first run: a signature that takes longer stays where its deadline can stop it

_ROUNDS = 5
_BUDGET_S = 0.1  # for the rounds
_MAX_ELEMENTS = 2**24
_GAIN = 1.1  # what the pool must gain to be preferred: two callers at once would share it


def seconds_in_caller(in_caller: Callable[[], object], in_pool: Callable[[], object]) -> float | None:
    """What a run takes in the caller's thread, None if the pool is better.

    Runs both by turns, at least once each after a first run of `in_pool`, which must stop itself after `LIMIT_S`.
    """
    try:
        in_pool()
        caller_s, pool_s = best_times(in_caller, in_pool)
    except RequestError:  # made-up inputs are not everyone's taste
        return None
    return caller_s if faster(caller_s, pool_s) else None


def faster(caller_s: float, pool_s: float) -> bool:
    """The verdict on what was measured."""
    return caller_s <= _GAIN * pool_s


def best_times(*runs: Callable[[], object]) -> list[float]:
    """Seconds of each, run by turns: the best of some rounds counts, the rest is other work on the machine."""
    ends_at = time.monotonic() + _BUDGET_S
    rounds: list[list[float]] = []
    while not rounds or (len(rounds) < _ROUNDS and time.monotonic() < ends_at):
        rounds.append([_timed(run) for run in runs])
    return [min(times) for times in zip(*rounds, strict=True)]


def made_up(signature: Any) -> dict[str, Array] | None:
    """Zeros and empty strings for the inputs of a `SignatureDef`, every free dimension 1; None if that is too much."""
    inputs = {}
    for alias, info in signature.inputs.items():
        wire_type = dtypes.BY_ENUM.get(info.dtype)
        shape = [1] if info.tensor_shape.unknown_rank else [max(1, dim.size) for dim in info.tensor_shape.dim]
        if wire_type is None or math.prod(shape) > _MAX_ELEMENTS:
            return None
        inputs[alias] = np.full(shape, b"" if wire_type is dtypes.STRING else 0, wire_type.numpy)
    return inputs


def made_up_rows(like: Mapping[str, Array], count: int) -> list[dict[str, Array]]:
    """`count` inputs that differ, of the types and shapes of `like`, ever the same ones.

    Numbers are small and never negative, so that most graphs take them: as a pixel, an index, under a root. Strings are
    digits.
    """
    numbers = np.random.default_rng(0)
    return [{alias: _drawn(array, numbers) for alias, array in like.items()} for _ in range(count)]


def _drawn(like: Array, numbers: np.random.Generator) -> Array:
    if dtypes.of_numpy(like.dtype) is dtypes.STRING:
        return np.char.mod(b"%d", numbers.integers(0, 10, like.shape)).astype(object)
    if np.issubdtype(like.dtype, np.integer) or like.dtype == np.bool_:
        return numbers.integers(0, 2 if like.dtype == np.bool_ else 4, like.shape).astype(like.dtype)
    return numbers.random(like.shape).astype(like.dtype)


def _timed(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started
