"""How servers are asked and what their answers mean: one form per protocol, the most efficient one that it has."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np
import orjson
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

from bench.load import Request, ask, grpc_request
from bench.models import BenchModel
from bench.peers.rows import picture_type
from processing.classification import softmax
from wire.messages import PredictRequest, PredictResponse
from wire.methods import PREDICT
from wire.tensors import Array, from_proto, write_proto

_CLOSE = 1e-4


@dataclass(frozen=True)
class Workload:
    """What is asked of a model: its rows as tensors, the pictures or texts that become them, or vectors of texts, of so
    many in each request."""

    name: str
    model: BenchModel
    form: Literal["tensor", "picture", "text", "vectors"] = "tensor"
    texts: int = 1

    @property
    def cases(self) -> int:
        """Requests that differ."""
        return len(self.model.texts) // self.texts if self.form == "vectors" else len(self.model.rows)

    def body(self, case: int) -> bytes:
        """A row's bytes as they lie in memory, a picture's file, or the JSON of a text or of several."""
        match self.form:
            case "tensor":
                return self.model.rows[case].tobytes()
            case "vectors":
                texts = self.model.texts[case * self.texts : (case + 1) * self.texts]
                return orjson.dumps({"model": self.model.name, "input": texts, "encoding_format": "base64"})
            case _:
                return self.model.bodies[case]


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


def check(transport: Transport, address: str, workload: Workload) -> list[Request]:
    """Asks each case once; their requests, for more of it.

    Raises:
        LoadError: no answer, or an error.
        WrongAnswerError: an answer is further than 1e-4 from what Keras answers.
    """
    requests = [transport.request(address, workload, case) for case in range(workload.cases)]
    for case, request in enumerate(requests):
        gap = transport.gap(ask(request), workload, case)
        if not gap <= _CLOSE:
            raise WrongAnswerError(f"expected Keras' answer within {_CLOSE}, received one that differs by {gap:.1e}")
    return requests


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


def _peer_request(address: str, workload: Workload, case: int) -> Request:
    return Request(f"http://{address}/predict", workload.body(case), {"content-type": "application/octet-stream"})


def _peer_gap(answer: bytes, workload: Workload, case: int) -> float:
    gap = _bytes_gap if workload.form == "tensor" else _labels_gap
    return gap(answer, workload, case)


def _bytes_gap(answer: bytes, workload: Workload, case: int) -> float:
    expected = workload.model.answers[case]
    received = np.frombuffer(answer, np.float32)
    return _gap(received.reshape(expected.shape) if received.size == expected.size else received, expected)


def _gateway_request(address: str, workload: Workload, case: int) -> Request:
    url, body = f"http://{address}/models/{workload.model.name}", workload.body(case)
    return Request(url, body, {"content-type": picture_type(body) or "application/json"})


def _labels_gap(answer: bytes, workload: Workload, case: int) -> float:
    """Of the best labels, in their order; of one that does not exist it is endless."""
    told = json.loads(answer)
    lines = told[0] if isinstance(told[0], list) else told  # the answers to several texts, of which there is one
    known = softmax(workload.model.answers[case])[0]
    by_label = dict(zip(workload.model.labels, known, strict=True))
    scores = np.array([line["score"] for line in lines])
    named = np.array([by_label.get(line["label"], np.inf) for line in lines])
    return max(_gap(scores, np.sort(known)[::-1][: len(scores)]), float(np.abs(scores - named).max() / known.max()))


def _vectors_request(address: str, workload: Workload, case: int) -> Request:
    return Request(f"http://{address}/v1/embeddings", workload.body(case), {"content-type": "application/json"})


def _vectors_gap(answer: bytes, workload: Workload, case: int) -> float:
    expected = np.concatenate(workload.model.answers[case * workload.texts : (case + 1) * workload.texts])
    told = [np.frombuffer(base64.b64decode(line["embedding"]), "<f4") for line in json.loads(answer)["data"]]
    return _gap(np.stack(told), expected)


def _infer_request(address: str, workload: Workload, case: int) -> Request:
    row, body = workload.model.rows[case], workload.body(case)
    request = _infer_message("ModelInferRequest")(model_name="model")
    if workload.form != "tensor":
        request.inputs.add(name=workload.form, datatype="BYTES", shape=[1])
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
PEER_HTTP = Transport("HTTP, tensors as bytes", _peer_request, _peer_gap)
GATEWAY_HTTP = Transport("HTTP", _gateway_request, _labels_gap)
VECTORS_HTTP = Transport("HTTP, OpenAI's embeddings in base64", _vectors_request, _vectors_gap)
INFER_GRPC = Transport("gRPC ModelInfer", _infer_request, _infer_gap)
