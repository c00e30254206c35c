"""Warm-up requests of a version, made from its goldens: TensorFlow Serving replays them before the version serves.

They carry the answers too, against which the embedded server checks a version's twin.
"""

from collections.abc import Sequence
from pathlib import Path

from export.archive import SERVING_SIGNATURE
from export.goldens import CheckedGolden
from wire import messages
from wire.tensors import write_proto

MOST_RECORDS = 1000  # TensorFlow Serving refuses a version with more


def write_warm_up(path: Path, model: str, input_name: str, goldens: Sequence[CheckedGolden]) -> None:
    """A TFRecord file of `PredictionLog`, each with request and response."""
    import tensorflow as tf

    with tf.io.TFRecordWriter(str(path)) as writer:
        for golden in goldens[:MOST_RECORDS]:
            log = messages.PredictionLog()
            for spec in (log.predict_log.request.model_spec, log.predict_log.response.model_spec):
                spec.name, spec.signature_name = model, SERVING_SIGNATURE
            write_proto(golden.inputs, log.predict_log.request.inputs[input_name])
            answer = {"logits": golden.logits, "probabilities": golden.probabilities}
            for output, values in answer.items():
                write_proto(values, log.predict_log.response.outputs[output])
            writer.write(log.SerializeToString())
