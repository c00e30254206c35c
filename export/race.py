"""How fast a version's twin is beside its SavedModel: `python -m export.race VERSION`, in a process of its own.

Both answer the version's warm-up requests one at a time on one thread, by turns; the best round of each counts, the
rest is other work on the machine.
"""

import math
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from export.archive import SERVING_SIGNATURE
from export.errors import TwinError
from store.layout import VersionDir
from store.twin import Speed
from wire import messages
from wire.imports import for_good, hollow, without
from wire.records import read_records
from wire.tensors import Array, from_proto

Run = Callable[[Mapping[str, Array]], object]

_GAIN = 1.1  # times as fast; less is within the noise
_ROUNDS = 20
_BUDGET_S = 3.0
_CALLER = -1  # `RunOptions.inter_op_thread_pool`: no other thread is woken


def race(version: VersionDir, model: str) -> Speed:
    """Measures in a fresh process; `model` is the name of the twin's file.

    Raises:
        TwinError: one of them does not run, or the twin does not win.
    """
    command = [sys.executable, "-m", __name__, str(version.path), model]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        raise TwinError(f"its speed cannot be measured: {done.stderr.strip().rpartition(chr(10))[2]}")
    return winner(Speed.model_validate_json(done.stdout))


def winner(speed: Speed) -> Speed:
    """Raises `TwinError` for a twin that is not faster than its SavedModel."""
    if speed.ratio < _GAIN:
        raise TwinError(
            f"it is {speed.ratio:.2f} times as fast as the SavedModel ({speed.us_twin:.0f} against "
            f"{speed.us_saved_model:.0f} µs), expected at least {_GAIN}"
        )
    return speed


def measured(folder: Path, model: str) -> Speed:
    """In this process."""
    version = VersionDir(folder)
    requests = list(_requests(version.warm_up))
    runs = (_saved_model(folder), _twin(version.twin / model))
    best = [math.inf, math.inf]
    ends_at = time.monotonic() + _BUDGET_S
    for number in range(_ROUNDS + 1):  # the first is slower than any other, and cannot be the best
        for contestant, run in enumerate(runs):
            best[contestant] = min(best[contestant], _timed(run, requests))
        if number and time.monotonic() > ends_at:
            break
    us_saved_model, us_twin = (1e6 * seconds / len(requests) for seconds in best)
    return Speed(us_saved_model=us_saved_model, us_twin=us_twin)


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


def _saved_model(folder: Path) -> Run:
    """In a TF1 session and in the thread that calls, which is how the embedded server runs it."""
    with without("keras.src"), for_good():
        import tensorflow as tf
    hollow("tensorflow_text.python.keras")
    import tensorflow_text  # noqa: F401 (registers its operations)
    from tensorflow.core.protobuf.config_pb2 import CallableOptions

    v1 = tf.compat.v1
    one_thread = v1.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
    session = v1.Session(graph=tf.Graph(), config=one_thread)
    with session.graph.as_default():
        signature = v1.saved_model.loader.load(session, ["serve"], str(folder)).signature_def[SERVING_SIGNATURE]
    aliases = sorted(signature.inputs)
    call = session._make_callable_from_options(  # noqa: SLF001 (`Session.run` would add its own Python to every call)
        CallableOptions(
            feed=[signature.inputs[alias].name for alias in aliases],
            fetch=[info.name for info in signature.outputs.values()],
            run_options=v1.RunOptions(inter_op_thread_pool=_CALLER),
        )
    )
    return lambda request: call(*(request[alias] for alias in aliases))


def _twin(path: Path) -> Run:
    from ai_edge_litert.interpreter import Interpreter  # type: ignore[import-untyped]  # it ships no types

    run = Interpreter(model_path=str(path), num_threads=1).get_signature_runner(SERVING_SIGNATURE)
    return lambda request: run(**request)


if __name__ == "__main__":
    print(measured(Path(sys.argv[1]), sys.argv[2]).model_dump_json())  # noqa: T201 (its caller reads it)
