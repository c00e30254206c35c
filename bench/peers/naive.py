"""A gRPC server of Predict as anyone would write it: `python -m bench.peers.naive SAVED_MODEL PORT`.

`tf.saved_model.load`, a call of the signature, the package tensorflow-serving-api's stubs, grpc's own thread pool.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

_THREADS = 64  # as many as the embedded server has


class _Service(prediction_service_pb2_grpc.PredictionServiceServicer):  # type: ignore[misc]  # its package has no types
    def __init__(self, saved_model: Path) -> None:
        self._model = tf.saved_model.load(str(saved_model))
        self._signature = self._model.signatures["serving_default"]

    def Predict(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: ARG002, N802 (gRPC's form)
        inputs = {name: tf.constant(tf.make_ndarray(proto)) for name, proto in request.inputs.items()}
        response = predict_pb2.PredictResponse()
        for name, tensor in self._signature(**inputs).items():
            response.outputs[name].CopyFrom(tf.make_tensor_proto(tensor.numpy()))
        return response


def serve(saved_model: Path, port: int) -> None:
    """Serves until the process is ended."""
    server = grpc.server(ThreadPoolExecutor(_THREADS))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(_Service(saved_model), server)
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]))
