"""Hostile and unusual calls over a real channel: a typed answer each, and the server goes on."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from tests.serving.conftest import Served
from wire import messages
from wire.errors import ModelServerError, TimedOutError
from wire.methods import GET_MODEL_METADATA, GET_MODEL_STATUS, LIST_MODELS, PREDICT, Method
from wire.tensors import from_proto, to_proto

METHODS = (PREDICT, GET_MODEL_METADATA, GET_MODEL_STATUS, LIST_MODELS)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = Served(tmp_path_factory.mktemp("store"))
    for model, name in (("plus", "plus-2"), ("many", "many"), ("slow", "slow")):
        served.put(name, model, 1)
    served.server.start()
    assert served.server.wait_ready(120)
    yield served
    served.client.close()
    served.server.stop()


@pytest.fixture(scope="module")
def channel(served: Served) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(f"127.0.0.1:{served.settings.grpc_port}") as channel:
        yield channel


def call(channel: grpc.Channel, path: str, body: bytes) -> tuple[grpc.StatusCode, str]:
    ask: Any = channel.unary_unary(path)  # bytes in, bytes out; the type stubs know it with serializers only
    try:
        ask(body, timeout=60)
    except grpc.RpcError as exc:
        return exc.code(), exc.details() or ""
    return grpc.StatusCode.OK, ""


def predict(channel: grpc.Channel, tensor: object) -> tuple[grpc.StatusCode, str]:
    request = messages.PredictRequest(model_spec={"name": "plus"})
    request.inputs["x"].CopyFrom(tensor)
    return call(channel, PREDICT.path, request.SerializeToString())


@pytest.mark.parametrize("body", [b"\xff", b"\x0a\xff\xff\xff\xff\x0f", b"garbage", b"\x08" * 999])
@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_bytes_that_are_no_message(channel: grpc.Channel, method: Method, body: bytes) -> None:
    code, details = call(channel, method.path, body)
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert "expected a tensorflow.serving." in details


def shaped(*sizes: int, **fields: object) -> object:
    proto = messages.TensorProto(dtype=1, **fields)
    for size in sizes:
        proto.tensor_shape.dim.add(size=size)
    return proto


@pytest.mark.parametrize(
    "tensor",
    [
        shaped(2, tensor_content=b"1234"),
        shaped(2**62, float_val=[1]),
        shaped(2**40, 2**40, float_val=[1]),
        shaped(-1, float_val=[1]),
        shaped(1, float_val=[1, 2]),
        shaped(400_000_000, float_val=[1]),
        shaped(*[1] * 100, float_val=[1]),
        messages.TensorProto(),
        messages.TensorProto(dtype=20),
    ],
)
def test_tensors_that_lie(channel: grpc.Channel, tensor: object) -> None:
    assert predict(channel, tensor) == (grpc.StatusCode.INVALID_ARGUMENT, "tensor parsing error: x")


def test_an_rpc_that_is_not_there(channel: grpc.Channel) -> None:
    for path in (
        "/tensorflow.serving.PredictionService/Nothing",
        "/tensorflow.serving.SessionService/SessionRun",
        "/x/y",
    ):
        assert call(channel, path, b"")[0] is grpc.StatusCode.UNIMPLEMENTED


def test_long_details_are_cut(channel: grpc.Channel) -> None:
    request = messages.PredictRequest(model_spec={"name": "ü" * 5000})
    code, details = call(channel, PREDICT.path, request.SerializeToString())
    assert code is grpc.StatusCode.NOT_FOUND
    assert details.endswith("...TRUNCATED")
    assert 1024 <= len(details.encode()) <= 1024 + len("...TRUNCATED")


def test_the_deadline_ends_the_run(served: Served) -> None:
    with pytest.raises(TimedOutError):
        served.client.predict("slow", {"steps": np.array(10**9, "i4")}, timeout_s=0.2)
    assert served.client.predict("slow", {"steps": np.array(1, "i4")}, timeout_s=60).version == 1


def test_a_call_without_deadline(channel: grpc.Channel) -> None:
    request = messages.PredictRequest(model_spec={"name": "plus"})
    request.inputs["x"].CopyFrom(to_proto(np.array([2], "f4")))
    response = messages.PredictResponse.FromString(channel.unary_unary(PREDICT.path)(request.SerializeToString()))
    assert from_proto(response.outputs["y"]).tolist() == [3]


def test_a_message_larger_than_grpcs_default_limit(served: Served) -> None:
    x = np.zeros((3_000_000,), "f4")
    assert served.client.predict("plus", {"x": x}, timeout_s=60).outputs["y"].shape == x.shape


def test_an_output_that_has_no_wire_form(served: Served) -> None:
    with pytest.raises(ModelServerError, match="complex64") as caught:
        served.client.predict("many", {"x": np.array([1], "f4")}, signature="to_complex", timeout_s=60)
    assert caught.value.code is grpc.StatusCode.UNIMPLEMENTED


def test_a_signature_that_names_no_tensor(served: Served) -> None:
    with pytest.raises(ModelServerError, match="was not found in the Graph"):
        served.client.predict("many", {}, signature="__saved_model_init_op", timeout_s=60)


def test_outputs_travel_as_tensor_content(channel: grpc.Channel) -> None:
    request = messages.PredictRequest(model_spec={"name": "plus"})
    request.inputs["x"].CopyFrom(to_proto(np.array([2, 4], "f4")))
    response = messages.PredictResponse.FromString(channel.unary_unary(PREDICT.path)(request.SerializeToString()))
    assert response.outputs["y"].tensor_content == np.array([3, 4], "f4").tobytes()


def test_the_catalogue_names_every_model(served: Served, tmp_path: Path) -> None:
    assert served.client.models(timeout_s=30) == ["many", "plus", "slow"]
