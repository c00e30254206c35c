"""The warm-up requests of an export, as TensorFlow Serving reads them: of each signature, with their answers."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from export.goldens import CheckedGolden, CheckedVector
from export.records import Record, serving_records, strings
from export.warm_up import warm_up_records, write_warm_up
from store.golden import Golden, read_goldens
from store.layout import VersionDir
from store.manifest import Manifest
from training.run import Run


def _logs(path: Path) -> list[Any]:
    """Read by TensorFlow and its API's own messages."""
    import tensorflow as tf
    from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

    return [PredictionLog.FromString(record.numpy()).predict_log for record in tf.data.TFRecordDataset(str(path))]


def test_each_signature_is_asked_and_answers_are_those_of_the_saved_model(run: Run, exported: Path) -> None:
    import tensorflow as tf
    import tensorflow_text  # noqa: F401 (registers its operations)

    version = VersionDir(exported)
    manifest, goldens = Manifest.read(version.manifest), read_goldens(version.golden)
    signatures = tf.saved_model.load(str(exported)).signatures
    logs = _logs(version.warm_up)
    for log in logs:
        assert log.request.model_spec.name == run.spec.name
        inputs = {alias: tf.constant(tf.make_ndarray(proto)) for alias, proto in log.request.inputs.items()}
        answer = signatures[log.request.model_spec.signature_name](**inputs)
        assert not log.response.outputs or answer.keys() == log.response.outputs.keys()
        for alias, proto in log.response.outputs.items():
            np.testing.assert_allclose(tf.make_ndarray(proto), answer[alias], rtol=1e-5, atol=1e-5)
    asked = Counter(log.request.model_spec.signature_name for log in logs)
    assert asked == {"serving_default": len(goldens), "raw": 8, "explain": 2, "manifest": 1}
    assert asked.keys() == manifest.signatures.keys() == signatures.keys()
    assert manifest.recorded == sum(1 for log in logs if log.response.outputs) == len(goldens) + 8 + 2


def _golden(name: str, media_type: str, *logits: float) -> CheckedGolden:
    golden = Golden.of(name, media_type, b"{}", [], 1e-4)
    return CheckedGolden(golden, np.ones((1, 2), np.int32), np.array([logits], np.float32))


def _made(goldens: list[CheckedGolden]) -> dict[str, list[Record]]:
    serving = serving_records(goldens, "x")
    others = {
        name: [Record(record.name, name, record.inputs, record.outputs) for record in serving]
        for name in ("raw", "explain")
    }
    return {"serving_default": serving, **others}


def test_of_dear_signatures_each_kind_of_golden_is_asked_the_clearest_first() -> None:
    goldens = [
        _golden("png", "image/png", 1, 2),
        _golden("clear png", "image/png", 0, 9),
        _golden("jpeg", "image/jpeg", 0, 7),
        _golden("another label", "image/png", 5, 0),
        _golden("clear png again", "image/png", 0, 8),
    ]
    records = warm_up_records(_made(goldens), goldens)
    names = {name: [record.name for record in records if record.signature == name] for name in ("raw", "explain")}
    assert names["raw"] == ["clear png", "jpeg", "another label", "clear png again", "png"]
    assert names["explain"] == ["clear png", "jpeg"]


def test_of_a_slow_model_each_signature_but_serving_default_is_asked_once() -> None:
    goldens = [_golden("a", "image/png", 1, 2), _golden("clear", "image/png", 0, 9)]
    records = warm_up_records(_made(goldens), goldens, slow=True)
    asked = [(record.signature, record.name) for record in records[:-1]]
    assert asked == [("serving_default", "a"), ("serving_default", "clear"), ("raw", "clear"), ("explain", "clear")]


@pytest.mark.parametrize("signatures", [("serving_default",), ("serving_default", "raw", "explain")])
def test_no_more_than_tensorflow_serving_takes_and_some_of_each_signature(
    tmp_path: Path, signatures: tuple[str, ...]
) -> None:
    goldens = [_golden(str(number), "application/json", 0, 1) for number in range(1001)]
    made = {name: records for name, records in _made(goldens).items() if name in signatures}
    write_warm_up(tmp_path / "requests", "m", warm_up_records(made, goldens))
    asked = [log.request.model_spec.signature_name for log in _logs(tmp_path / "requests")]
    assert len(asked) == 1000
    assert set(asked) == {*signatures, "manifest"}


def test_strings_keep_zeros_at_their_end(tmp_path: Path) -> None:
    import tensorflow as tf

    write_warm_up(tmp_path / "requests", "m", [Record("r", "raw", {"text": strings(b"a\0", b"")}, {})])
    [log] = _logs(tmp_path / "requests")
    assert tf.make_ndarray(log.request.inputs["text"]).tolist() == [b"a\0", b""]
    assert not log.HasField("response")


def test_vectors_are_asked_in_their_order() -> None:
    golden = Golden.of("g", "application/json", b"{}", [], 1e-4)
    goldens = [CheckedVector(golden, np.full((1, 2), n, np.int32), np.ones((1, 3), np.float32)) for n in range(3)]
    serving = serving_records(goldens, "x")
    assert serving[0].outputs.keys() == {"embedding"}
    made = {"serving_default": serving, "raw": [Record(r.name, "raw", r.inputs, r.outputs) for r in serving]}
    records = warm_up_records(made, goldens)
    assert [int(record.inputs["x"][0, 0]) for record in records if record.signature == "raw"] == [0, 1, 2]
