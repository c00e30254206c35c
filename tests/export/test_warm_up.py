"""The warm-up requests of an export, as TensorFlow Serving reads them."""

from pathlib import Path
from typing import Any

import numpy as np

from export.goldens import CheckedGolden
from export.warm_up import write_warm_up
from store.golden import Golden, read_goldens
from store.layout import VersionDir
from training.run import Run


def _logs(path: Path) -> list[Any]:
    """Read by TensorFlow and its API's own messages."""
    import tensorflow as tf
    from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

    return [PredictionLog.FromString(record.numpy()).predict_log for record in tf.data.TFRecordDataset(str(path))]


def test_each_golden_is_a_request_with_the_answer_of_the_saved_model(run: Run, exported: Path) -> None:
    import tensorflow as tf

    version = VersionDir(exported)
    serve = tf.saved_model.load(str(exported)).signatures["serving_default"]
    logs = _logs(version.warm_up)
    assert len(logs) == len(read_goldens(version.golden))
    for log in logs:
        assert log.request.model_spec.name == run.spec.name
        assert log.request.model_spec.signature_name == "serving_default"
        answer = serve(**{name: tf.constant(tf.make_ndarray(proto)) for name, proto in log.request.inputs.items()})
        assert answer.keys() == log.response.outputs.keys()
        for name, values in answer.items():
            np.testing.assert_allclose(tf.make_ndarray(log.response.outputs[name]), values, rtol=1e-5, atol=1e-5)


def test_no_more_than_tensorflow_serving_takes(tmp_path: Path) -> None:
    golden = Golden.of("one", "application/json", b"{}", [], 1e-4)
    checked = CheckedGolden(golden, np.ones((1, 2), np.int32), np.zeros((1, 2), np.float32))
    write_warm_up(tmp_path / "requests", "m", "x", [checked] * 1001)
    assert len(_logs(tmp_path / "requests")) == 1000
