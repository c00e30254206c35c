"""How servers are asked and what their answers mean: one form per protocol, the most efficient one that it has."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

from bench.load import Request, ask, grpc_request
from bench.models import BenchModel
from processing.classification import softmax
from wire.messages import PredictRequest, PredictResponse
from wire.methods import PREDICT
from wire.tensors import Array, from_proto, write_proto

_CLOSE = 1e-4


@dataclass(frozen=True)
class Workload:
    """What is asked of a model: its rows as tensors, or the pictures that become them."""

    name: str
    model: BenchModel
    pictures: bool = False

    def body(self, case: int) -> bytes:
        """A row's bytes as they lie in memory, or a picture's PNG."""
        return self.model.pictures[case] if self.pictures else self.model.rows[case].tobytes()


@dataclass(frozen=True)
class Transport:
    """A protocol: `request(address, workload, case)` makes a request, `gap(answer, workload, case)` judges the answer.

    A gap is the largest difference from what Keras answers, as a part of the largest number there.
    """

    name: str
    request: Callable[[str, Workload, int], Request]
    gap: Callable[[bytes, Workload, int], float]


class WrongAnswerError(Exception):
    """A server that answers otherwise than Keras is not measured."""


def check(transport: Transport, address: str, workload: Workload) -> Request:
    """Asks each case once; the first one's request, for more of it.

    Raises:
        LoadError: no answer, or an error.
        WrongAnswerError: an answer is further than 1e-4 from what Keras answers.
    """
    requests = [transport.request(address, workload, case) for case in range(len(workload.model.rows))]
    for case, request in enumerate(requests):
        gap = transport.gap(ask(request), workload, case)
        if not gap <= _CLOSE:
            raise WrongAnswerError(f"expected Keras' answer within {_CLOSE}, received one that differs by {gap:.1e}")
    return requests[0]


def _gap(answer: Array, expected: Array) -> float:
    if answer.shape != expected.shape:
        return float("inf")
    return float(np.abs(answer - expected).max() / np.abs(expected).max())


def _predict_request(address: str, workload: Workload, case: int) -> Request:
    request = PredictRequest()
    request.model_spec.name = workload.model.name
    write_proto(workload.model.rows[case], request.inputs[workload.model.input])
    return grpc_request(address, PREDICT.path, request.SerializeToString())


def _predict_gap(answer: bytes, workload: Workload, case: int) -> float:
    outputs = PredictResponse.FromString(answer).outputs
    return _gap(from_proto(outputs[workload.model.output]), workload.model.answers[case])


def _bytes_request(address: str, workload: Workload, case: int) -> Request:
    return Request(f"http://{address}/predict", workload.body(case), {"content-type": "application/octet-stream"})


def _bytes_gap(answer: bytes, workload: Workload, case: int) -> float:
    expected = workload.model.answers[case]
    received = np.frombuffer(answer, np.float32)
    return _gap(received.reshape(expected.shape) if received.size == expected.size else received, expected)


def _gateway_request(address: str, workload: Workload, case: int) -> Request:
    return Request(f"http://{address}/models/{workload.model.name}", workload.body(case), {"content-type": "image/png"})


def _gateway_gap(answer: bytes, workload: Workload, case: int) -> float:
    scores = np.array([line["score"] for line in json.loads(answer)])
    expected = np.sort(softmax(workload.model.answers[case])[0])[::-1][: len(scores)]
    return _gap(scores, expected)


def _infer_request(address: str, workload: Workload, case: int) -> Request:
    row, body = workload.model.rows[case], workload.body(case)
    request = _infer_message("ModelInferRequest")(model_name="model")
    if workload.pictures:
        request.inputs.add(name="picture", datatype="BYTES", shape=[1])
        body = len(body).to_bytes(4, "little") + body
    else:
        datatype = {"float32": "FP32", "int32": "INT32", "uint8": "UINT8"}[row.dtype.name]
        request.inputs.add(name=workload.model.input, datatype=datatype, shape=row.shape)
    request.raw_input_contents.append(body)
    return grpc_request(address, "/inference.GRPCInferenceService/ModelInfer", request.SerializeToString())


def _infer_gap(answer: bytes, workload: Workload, case: int) -> float:
    (content,) = _infer_message("ModelInferResponse").FromString(answer).raw_output_contents
    return _bytes_gap(content, workload, case)


@cache
def _infer_message(name: str) -> Any:
    """Messages of the Open Inference Protocol, as far as one tensor each way needs them."""
    kind = FieldDescriptorProto
    file = FileDescriptorProto(name="infer.proto", package="inference", syntax="proto3")
    tensor = file.message_type.add(name="Tensor")
    for number, field in enumerate(("name", "datatype"), 1):
        tensor.field.add(name=field, number=number, type=kind.TYPE_STRING, label=kind.LABEL_OPTIONAL)
    tensor.field.add(name="shape", number=3, type=kind.TYPE_INT64, label=kind.LABEL_REPEATED)
    for message, tensors, contents, number in (
        ("ModelInferRequest", "inputs", "raw_input_contents", 7),
        ("ModelInferResponse", "outputs", "raw_output_contents", 6),
    ):
        add = file.message_type.add(name=message).field.add
        add(name="model_name", number=1, type=kind.TYPE_STRING, label=kind.LABEL_OPTIONAL)
        add(name=tensors, number=5, type=kind.TYPE_MESSAGE, type_name=".inference.Tensor", label=kind.LABEL_REPEATED)
        add(name=contents, number=number, type=kind.TYPE_BYTES, label=kind.LABEL_REPEATED)
    pool = DescriptorPool()
    pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName(f"inference.{name}"))


PREDICT_GRPC = Transport("gRPC Predict", _predict_request, _predict_gap)
TENSOR_BYTES = Transport("HTTP, bytes", _bytes_request, _bytes_gap)
GATEWAY_JSON = Transport("HTTP, PNG to JSON", _gateway_request, _gateway_gap)
INFER_GRPC = Transport("gRPC ModelInfer", _infer_request, _infer_gap)
