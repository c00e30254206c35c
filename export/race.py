"""How fast a version's twin is beside its SavedModel.

Both answer the version's warm-up requests one at a time on one thread, by turns; the best round of each counts, the
rest is other work on the machine.
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from export.archive import SERVING_SIGNATURE
from export.errors import TwinError
from store.layout import VersionDir
from store.twin import Speed
from wire import messages
from wire.records import read_records
from wire.tensors import Array, from_proto

Run = Callable[[Mapping[str, Array]], object]

_GAIN = 1.1  # times as fast; less is within the noise
_ROUNDS = 20
_BUDGET_S = 3.0
_CALLER = -1  # `RunOptions.inter_op_thread_pool`: no other thread is woken


class Race(BaseModel):
    """How it went; `why`: why there is no speed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    speed: Speed | None = None
    why: str | None = None

    def won(self) -> Speed:
        """Raises `TwinError` for a twin that does not run, or is not faster than its SavedModel."""
        if self.speed is None:
            raise TwinError(f"its speed cannot be measured: {self.why}")
        if self.speed.ratio < _GAIN:
            raise TwinError(
                f"it is {self.speed.ratio:.2f} times as fast as the SavedModel ({self.speed.us_twin:.0f} against "
                f"{self.speed.us_saved_model:.0f} µs), expected at least {_GAIN}"
            )
        return self.speed


def race(folder: Path, twin: Path, session: Any, signature: Any) -> Race:
    """Between the file `twin` and `serving_default` in a session of one thread, `signature` its `SignatureDef`."""
    requests = list(_requests(VersionDir(folder).warm_up))
    try:
        runs = (_saved_model(session, signature), _twin(twin))
        best = [math.inf, math.inf]
        ends_at = time.monotonic() + _BUDGET_S
        for number in range(_ROUNDS + 1):  # the first is slower than any other, and cannot be the best
            for contestant, run in enumerate(runs):
                best[contestant] = min(best[contestant], _timed(run, requests))
            if number and time.monotonic() > ends_at:
                break
    except Exception as exc:  # LiteRT has ValueError and RuntimeError for what it cannot do, TensorFlow its own
        return Race(why=f"{type(exc).__name__}: {str(exc).rpartition(chr(10))[2]}")
    us_saved_model, us_twin = (1e6 * seconds / len(requests) for seconds in best)
    return Race(speed=Speed(us_saved_model=us_saved_model, us_twin=us_twin))


def _requests(warm_up: Path) -> Iterator[Mapping[str, Array]]:
    for record in read_records(warm_up):
        request = messages.PredictionLog.FromString(record).predict_log.request
        if request.model_spec.signature_name == SERVING_SIGNATURE:
            yield {alias: from_proto(proto) for alias, proto in request.inputs.items()}


def _timed(run: Run, requests: list[Mapping[str, Array]]) -> float:
    started = time.perf_counter()
    for request in requests:
        run(request)
    return time.perf_counter() - started


def _saved_model(session: Any, signature: Any) -> Run:
    """In the thread that calls, which is how the embedded server runs it."""
    from tensorflow.core.protobuf.config_pb2 import CallableOptions, RunOptions

    aliases = sorted(signature.inputs)
    call = session._make_callable_from_options(  # noqa: SLF001 (`Session.run` would add its own Python to every call)
        CallableOptions(
            feed=[signature.inputs[alias].name for alias in aliases],
            fetch=[info.name for info in signature.outputs.values()],
            run_options=RunOptions(inter_op_thread_pool=_CALLER),
        )
    )
    return lambda request: call(*(request[alias] for alias in aliases))


def _twin(path: Path) -> Run:
    from ai_edge_litert.interpreter import Interpreter  # type: ignore[import-untyped]  # it ships no types

    run = Interpreter(model_path=str(path), num_threads=1).get_signature_runner(SERVING_SIGNATURE)
    return lambda request: run(**request)
