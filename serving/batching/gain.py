"""Whether batching helps a signature: rows per second of single rows against batches, side by side, at load."""

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import cycle

from serving.batching.independence import Run, independent
from serving.batching.samples import Rows, distinct
from serving.batching.tensors import merge
from serving.errors import RequestError
from serving.runtimes.runtime import Runtime
from wire.cores import usable_cores
from wire.tensors import Array

_log = logging.getLogger(__name__)

BATCH = 8
ENOUGH = 1.2  # times as many rows; less is within the noise, and batching costs latency
_HANDOVER_US = 30  # of a row that waits for another thread to run it: two switches of threads and of Python's lock
_QUICK_S = 0.05
_ROUND_S = 0.02
_ROUNDS = 3
_MOST_RUNS = 1000
_TIMEOUT_S = 10.0


@dataclass(frozen=True)
class Gain:
    """Microseconds of the runtime per row, one at a time and `BATCH` at a time, all cores busy with either."""

    us_alone: float
    us_batched: float

    @property
    def ratio(self) -> float:
        """Of throughputs, once a batched row has paid for its way from thread to thread."""
        return self.us_alone / (self.us_batched + _HANDOVER_US)

    @property
    def helps(self) -> bool:
        return self.ratio >= ENOUGH


def measure(
    runtime: Runtime,
    samples: Mapping[str, Sequence[Rows]],
    *,
    clock_s: Callable[[], float] = time.perf_counter,
) -> dict[str, Gain]:
    """The gain of each signature whose rows may run together at all; takes a few tenths of a second each.

    A signature is left out when a run of it leaves a trace, when it refuses its samples, takes long for one, or answers
    a row otherwise in company than alone.

    Args:
        samples: rows from the version's own requests, by signature; others are made up where there are too few.
    """
    gains = {}
    for name, signature in runtime.signatures.items():
        rows = distinct(signature, samples.get(name, ())) if name in runtime.pure else []
        outputs = sorted(signature.outputs)
        run = partial(_run, runtime, name, outputs)
        try:
            if rows and outputs and _is_quick(run, rows[0], clock_s) and independent(run, rows, BATCH):
                gains[name] = _measured(run, rows, clock_s)
        except RequestError:  # it does not take them: nothing is known, so nothing is changed
            continue
        except Exception:  # a defect of the runtime or of ours must not keep a version from serving as it is
            _log.exception("whether batching helps signature %s could not be measured", name)
    return gains


def _run(runtime: Runtime, name: str, outputs: Sequence[str], rows: Rows) -> list[Array]:
    return runtime.run(name, rows, outputs, _TIMEOUT_S)


def _is_quick(run: Run, row: Rows, clock_s: Callable[[], float]) -> bool:
    """A slow signature would be loading for long, and is busy with arithmetic rather than with calls."""
    run(row)  # the first run is slower than any other
    started_s = clock_s()
    run(row)
    return clock_s() - started_s <= _QUICK_S


def _measured(run: Run, rows: Sequence[Rows], clock_s: Callable[[], float]) -> Gain:
    """The best of some rounds, single rows and batches taking turns: what is beyond it is other work on the machine."""
    best_us = {1: math.inf, BATCH: math.inf}
    with ThreadPoolExecutor(usable_cores()) as threads:
        for _ in range(_ROUNDS):
            for size, inputs in ((1, rows[0]), (BATCH, _batch(rows))):
                seconds = _seconds_per_run(partial(run, inputs), threads, clock_s)
                best_us[size] = min(best_us[size], seconds * 1e6 / size)
    return Gain(best_us[1], best_us[BATCH])


def _seconds_per_run(run: Callable[[], object], threads: ThreadPoolExecutor, clock_s: Callable[[], float]) -> float:
    """With all cores at it for about a round: single rows use them side by side, as they would without batching."""
    cores = usable_cores()
    started_s = clock_s()
    run()
    times = min(_MOST_RUNS, max(1, round(_ROUND_S / max(clock_s() - started_s, 1e-9))))
    started_s = clock_s()
    for done in [threads.submit(_repeat, run, times) for _ in range(cores)]:
        done.result()
    return (clock_s() - started_s) / (times * cores)


def _repeat(run: Callable[[], object], times: int) -> None:
    for _ in range(times):
        run()


def _batch(rows: Sequence[Rows]) -> Rows:
    """`BATCH` rows, the samples in turns."""
    return merge([row for row, _ in zip(cycle(rows), range(BATCH), strict=False)], sorted(rows[0]), fill=0, pad=False)
