"""Loads an export in a fresh process and compares its answers, in a session, as model servers have it; there its twin
races against it: `python -m export.reload FOLDER REQUESTS ANSWERS [TWIN]`."""

import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from export.archive import SERVING_SIGNATURE
from export.errors import ReloadError, reason_of
from export.race import Race, race
from export.records import Record, Tensors
from export.warm_up import write_warm_up
from wire import messages
from wire.imports import folder_of, for_good, in_parts, without
from wire.records import read_records
from wire.tensors import Array, from_proto, write_proto


def check_reload(folder: Path, work: Path, records: Sequence[Record], twin: Path | None = None) -> Race | None:
    """Asks the SavedModel in `folder` all `records`, in a process that has never seen the Keras model; how the race
    went there, None without a `twin`.

    Args:
        work: an empty folder for what goes to and fro.
        twin: the LiteRT file.

    Raises:
        ReloadError: it does not answer; or an answer is not the recorded one, see `compare`.
    """
    requests, answers = work / "requests", work / "answers"
    write_warm_up(requests, "", records)
    given = (folder, requests, answers, *([twin] if twin else []))
    command = [sys.executable, "-m", __name__, *map(str, given)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        raise ReloadError(done.stderr.strip().rpartition("\n")[2])
    compare(records, _responses(answers))
    return Race.model_validate_json(done.stdout) if twin else None


def compare(records: Sequence[Record], answers: Iterable[Tensors]) -> None:
    """Each answer with the recorded one.

    Raises:
        ReloadError: one differs by more, or otherwise.
    """
    for record, answer in zip(records, answers, strict=True):
        if wrong := _wrong(record, answer):
            raise ReloadError(f"{record.signature} of {record.name}: {wrong}")


def _responses(path: Path) -> Iterator[dict[str, Array]]:
    for data in read_records(path):
        outputs = messages.PredictResponse.FromString(data).outputs
        yield {alias: from_proto(proto) for alias, proto in outputs.items()}


def _wrong(record: Record, received: Tensors) -> str | None:
    expected = record.outputs
    if expected.keys() != received.keys():
        return f"it answers {sorted(received)}, expected {sorted(expected)}"
    told = (_differs(alias, expected[alias], received[alias], record.close) for alias in expected)
    return next((wrong for wrong in told if wrong), None)


def _differs(alias: str, expected: Array, received: Array, close: float) -> str | None:
    if expected.shape != received.shape or expected.dtype != received.dtype:
        return f"{alias} are {received.dtype} {received.shape}, expected {expected.dtype} {expected.shape}"
    if not np.issubdtype(expected.dtype, np.floating):
        return None if np.array_equal(expected, received) else f"{alias} are not what was written"
    apart = float(np.abs(expected - received).max(initial=0))
    allowed = close * max(1.0, float(np.abs(expected).max(initial=0)))
    return None if apart <= allowed else f"{alias} differ by {apart:.1e}, expected at most {close} (relative)"


def _answer(folder: Path, requests: Path, answers: Path, twin: Path | None = None) -> None:
    """In this process: writes a `PredictResponse` for each `PredictionLog`, until one is refused; says how the race
    went.
    """
    with without("keras.src"), for_good(), in_parts("tensorflow"):
        from tensorflow.core.protobuf.config_pb2 import ConfigProto
        from tensorflow.python import tf2

        tf2.enable()
        from tensorflow.python.client.session import Session
        from tensorflow.python.framework.errors_impl import OpError
        from tensorflow.python.framework.load_library import load_library
        from tensorflow.python.framework.ops import Graph
        from tensorflow.python.lib.io.tf_record import TFRecordWriter
        from tensorflow.python.saved_model import loader_impl

    text = folder_of("tensorflow_text")
    assert text is not None
    load_library(str(text / "python" / "ops"))  # registers its operations
    threads = ConfigProto(intra_op_parallelism_threads=1 if twin else 0)  # 0: as many as TensorFlow likes
    session = Session(graph=Graph(), config=threads)
    with session.graph.as_default():
        signatures = loader_impl.load(session, ["serve"], str(folder)).signature_def
    if twin:
        told = race(folder, twin, session, signatures[SERVING_SIGNATURE])
        print(told.model_dump_json())  # noqa: T201 (its caller reads it)
    with TFRecordWriter(str(answers)) as writer:
        for number, data in enumerate(read_records(requests)):
            request = messages.PredictionLog.FromString(data).predict_log.request
            name = request.model_spec.signature_name
            given, wanted = signatures[name].inputs, signatures[name].outputs
            feeds = {given[alias].name: from_proto(proto) for alias, proto in request.inputs.items()}
            try:
                outputs = session.run({alias: info.name for alias, info in wanted.items()}, feeds)
            except OpError as exc:
                sys.exit(f"request {number} of signature {name} is refused: {reason_of(exc.message)}")
            response = messages.PredictResponse()
            for alias, values in outputs.items():
                write_proto(np.asarray(values), response.outputs[alias])
            writer.write(response.SerializeToString())


if __name__ == "__main__":
    _answer(*map(Path, sys.argv[1:]))
