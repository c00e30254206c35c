"""Warm-up requests: every kind is answered before a version serves, and a broken file keeps it from that."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from serving.errors import Code, LoadError
from serving.inference.call import Call
from serving.metrics import Metrics
from serving.runtimes.opening import open_runtime
from serving.runtimes.options import RuntimeOptions
from serving.servable import Servable
from serving.warm_up import replay
from store.layout import VersionDir
from tests.serving.calls import CallOn, example, spec, write_records
from tests.support import twins
from wire import messages
from wire.tensors import write_proto


def written(folder: Path, logs: Sequence[Any]) -> Path:
    path = VersionDir(folder).warm_up
    write_records(path, [log.SerializeToString() for log in logs])
    return path


def predict_log(value: float = 1, signature: str = "") -> Any:
    log = messages.PredictionLog()
    log.predict_log.request.model_spec.CopyFrom(messages.ModelSpec(name="another", signature_name=signature))
    log.predict_log.request.model_spec.version.value = 99
    write_proto(np.array([[value]], "f4"), log.predict_log.request.inputs["x"])
    return log


def every_kind() -> list[Any]:
    classify, regress, multi = (messages.PredictionLog() for _ in range(3))
    classify.classify_log.request.model_spec.signature_name = "classify_x_to_y"
    classify.classify_log.request.input.example_list.examples.append(example(x=1))
    regress.regress_log.request.model_spec.signature_name = "regress_x_to_y"
    regress.regress_log.request.input.example_list.examples.append(example(x=1))
    request = multi.multi_inference_log.request
    request.tasks.add(model_spec=spec("regress_x_to_y"), method_name="tensorflow/serving/regress")
    request.input.example_list.examples.append(example(x=1))
    return [predict_log(), classify, regress, multi, messages.PredictionLog()]


def counts(metrics: Metrics) -> dict[str, int]:
    lines = [
        line for line in metrics.text().splitlines() if line.startswith(":tensorflow:serving:runtime_latency_count")
    ]
    return {line.split('API="')[1].split('"')[0]: int(line.split()[-1]) for line in lines}


@pytest.fixture
def half(call: CallOn) -> Call:
    return replace(call("half-plus-two"), metrics=Metrics())


def run(half: Call, folder: Path, iterations: int = 1, **options: bool) -> None:
    replay(half.servable, folder, iterations, half.metrics, **options)


def test_every_kind_is_answered(half: Call, tmp_path: Path) -> None:
    written(tmp_path, every_kind())
    run(half, tmp_path, 3)
    assert counts(half.metrics) == {"Predict": 3, "Classify": 3, "Regress": 3, "MultiInference": 3}
    latency = f':tensorflow:serving:model_warmup_latency_count{{model_path="{tmp_path}",status="OK"}} 1'
    assert latency in half.metrics.text()


def test_a_version_without_requests_is_warm(half: Call, tmp_path: Path) -> None:
    run(half, tmp_path)
    assert counts(half.metrics) == {}


def test_what_would_open_something_else_is_passed_over() -> None:
    """A twin answers its own requests; one of a signature that it lacks would bring TensorFlow into the process."""
    version, metrics = twins.version(), Metrics()
    runtime = open_runtime(version.path, RuntimeOptions(intra_op_threads=1))
    replay(Servable("tokens", 1, runtime), version.path, 1, metrics)
    assert counts(metrics) == {"Predict": twins.RECORDED // 2}
    assert runtime.facts["saved_model"] == "closed"
    runtime.close()


def session_run() -> Any:
    log = messages.PredictionLog()
    log.session_run_log.SetInParent()
    return log


@pytest.mark.parametrize(
    ("log", "code", "message"),
    [
        (predict_log(signature="none"), Code.FAILED_PRECONDITION, 'Serving signature key "none" not found.'),
        (session_run(), Code.UNIMPLEMENTED, "Unsupported log_type for warmup: 5"),
    ],
)
def test_a_request_that_fails_fails_the_load(half: Call, tmp_path: Path, log: Any, code: Code, message: str) -> None:
    written(tmp_path, [predict_log(), log, predict_log()])
    with pytest.raises(LoadError) as caught:
        run(half, tmp_path)
    assert (caught.value.code, caught.value.message) == (code, message)
    assert counts(half.metrics) == {"Predict": 1}


def test_the_method_name_counts_on_request(half: Call, tmp_path: Path) -> None:
    log = messages.PredictionLog()
    log.regress_log.request.model_spec.signature_name = "two_numbers"
    written(tmp_path, [log])
    with pytest.raises(LoadError, match="Expected regression signature method_name"):
        run(half, tmp_path, check_method_names=True)


@pytest.mark.parametrize("spoil", [lambda b: b[:-1], lambda b: b[:7], lambda b: b"garbage" * 9, lambda b: b + b"\0"])
def test_a_broken_file(half: Call, tmp_path: Path, spoil: Any) -> None:
    path = written(tmp_path, [predict_log()])
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(LoadError, match=r"Please verify your warmup data is in TFRecord format\.$") as caught:
        run(half, tmp_path)
    assert caught.value.code is Code.DATA_LOSS


def test_a_record_that_is_no_log(half: Call, tmp_path: Path) -> None:
    path = written(tmp_path, [])
    write_records(path, [b"\xff"])
    with pytest.raises(LoadError) as caught:
        run(half, tmp_path)
    assert caught.value.code is Code.INVALID_ARGUMENT
    assert caught.value.message == f"Failed to parse warmup record: number 0 from {path}"


def test_a_thousand_are_enough(half: Call, tmp_path: Path) -> None:
    nothing = messages.PredictionLog()
    path = written(tmp_path, [nothing] * 1000)
    run(half, tmp_path)
    write_records(path, [b""] * 1001)
    with pytest.raises(LoadError) as caught:
        run(half, tmp_path)
    assert caught.value.code is Code.INVALID_ARGUMENT
    assert caught.value.message == f"Number of warmup records exceeds the maximum (1000) at {path}"


def test_a_file_that_cannot_be_read(half: Call, tmp_path: Path) -> None:
    path = written(tmp_path, [])
    path.unlink()
    path.symlink_to("/proc/self/mem")  # a file whose first page nobody may read
    with pytest.raises(LoadError, match="cannot be read: Input/output error"):
        run(half, tmp_path)
