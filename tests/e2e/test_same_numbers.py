"""What is served is what was trained: TensorFlow's own client, the gateway and Keras give the same numbers."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.stack import Stack
from kmaas.config import load_config
from store.golden import read_goldens
from store.layout import Store
from tests.support.processes import ask

ROOT = Path(__file__).resolve().parents[2]

# In a process of its own, because it imports TensorFlow: the goldens of a version, asked over gRPC with the stubs
# of `tensorflow-serving-api`, and computed by Keras from the weights of the run.
BOTH = """
import json, sys
from pathlib import Path

import grpc
import keras
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from processing.digit_form import digit_form
from processing.image import decode
from processing.spec import TextSpec, parse_spec
from processing.text import TextEncoder
from store.golden import read_goldens
from store.layout import VersionDir
from store.manifest import Manifest
from training.fit import load_model
from training.run import Run

target, folder, runs = sys.argv[1:]
version = VersionDir(Path(folder))
manifest = Manifest.read(version.manifest)
spec = parse_spec(manifest.processing)
run = Run.open(Path(runs) / manifest.run)
bodies = [golden.body for golden in read_goldens(version.golden)]
if isinstance(spec, TextSpec):
    batch = TextEncoder(run.tokenizer(), spec).encode([json.loads(body)["inputs"] for body in bodies])
else:
    batch = np.stack([digit_form(decode(body, max_pixels=10**8)) for body in bodies])
request = predict_pb2.PredictRequest()
request.model_spec.name = manifest.model
request.inputs[spec.input].CopyFrom(tf.make_tensor_proto(batch))
stub = prediction_service_pb2_grpc.PredictionServiceStub(grpc.insecure_channel(target))
served = tf.make_ndarray(stub.Predict(request, timeout=30).outputs["probabilities"])
trained = keras.ops.softmax(load_model(run).predict(batch, verbose=0) / manifest.temperature)
print(json.dumps({"labels": manifest.labels, "served": served.tolist(), "trained": np.asarray(trained).tolist()}))
"""


@pytest.mark.parametrize("model", ["digits", "sentiment"])
def test_three_ways_to_the_same_numbers(stack: Stack, model: str) -> None:
    version = Store.at(stack.store).version(model)
    done = subprocess.run(
        [sys.executable, "-c", BOTH, stack.grpc, str(version.path), str(load_config().runs)],
        cwd=ROOT,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    numbers = json.loads(done.stdout.splitlines()[-1])
    served = np.array(numbers["served"])
    np.testing.assert_allclose(served, numbers["trained"], atol=1e-5)
    goldens = read_goldens(version.golden)
    assert len(goldens) >= 8
    for golden, row in zip(goldens, served, strict=True):
        answer = ask(f"{stack.url}/models/{model}", golden.body).json()
        for label, score in _scores(answer).items():
            assert score == pytest.approx(row[numbers["labels"].index(label)], abs=1e-5)


def _scores(answer: Any) -> dict[str, float]:
    """Labels and scores of one input; texts are answered one level deeper than pictures."""
    [flat] = answer if isinstance(answer[0], list) else [answer]
    return {item["label"]: item["score"] for item in flat}
