"""Hostile and unusual calls over a real channel: a typed answer each, and the server goes on."""

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from tests.serving.conftest import Serve, Served
from tests.support.processes import until
from wire import messages
from wire.errors import ModelServerError, TimedOutError
from wire.methods import GET_MODEL_METADATA, GET_MODEL_STATUS, LIST_MODELS, PREDICT, TENSOR_CONTENT_KEY, Method
from wire.tensors import from_proto, to_proto

METHODS = (PREDICT, GET_MODEL_METADATA, GET_MODEL_STATUS, LIST_MODELS)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = Served(tmp_path_factory.mktemp("store"))
    for model, name in (("plus", "plus-2"), ("many", "many"), ("slow", "slow"), ("float8", "float8")):
        served.put(name, model, 1)
    served.server.start()
    assert served.server.wait_ready(120)
    yield served
    served.client.close()
    served.server.stop()


@pytest.fixture(scope="module")
def channel(served: Served) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(f"127.0.0.1:{served.settings.port}") as channel:
        yield channel


def call(channel: grpc.Channel, path: str, body: bytes, timeout_s: float = 60) -> tuple[grpc.StatusCode, str]:
    ask: Any = channel.unary_unary(path)  # bytes in, bytes out; the type stubs know it with serializers only
    try:
        ask(body, timeout=timeout_s)
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
    assert f"expected a {method.request.DESCRIPTOR.full_name}" in details


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
    with pytest.raises(ModelServerError, match="float8_e5m2") as caught:
        served.client.predict("float8", {"x": np.array([1], "f4")}, timeout_s=60)
    assert caught.value.code is grpc.StatusCode.UNIMPLEMENTED


def test_a_signature_that_names_no_tensor(served: Served) -> None:
    with pytest.raises(ModelServerError, match="was not found in the Graph"):
        served.client.predict("many", {}, signature="__saved_model_init_op", timeout_s=60)


def test_outputs_travel_as_tensor_content_to_those_who_ask(channel: grpc.Channel) -> None:
    request = messages.PredictRequest(model_spec={"name": "plus"})
    request.inputs["x"].CopyFrom(to_proto(np.array([2, 4], "f4")))
    ask: Any = channel.unary_unary(PREDICT.path)
    for metadata, content in (((TENSOR_CONTENT_KEY, "1"), np.array([3, 4], "<f4").tobytes()), (("other", "1"), b"")):
        answer = ask(request.SerializeToString(), metadata=(metadata,), timeout=60)
        y = messages.PredictResponse.FromString(answer).outputs["y"]
        assert (y.tensor_content, list(y.float_val)) == (content, [] if content else [3, 4])


def test_the_catalogue_names_every_model(served: Served, tmp_path: Path) -> None:
    assert served.client.models(timeout_s=30) == ["float8", "many", "plus", "slow"]


def test_silent_calls_get_the_others_refused_not_kept_waiting_and_health_answers(serve: Serve) -> None:
    """A call that has begun and says nothing holds a thread: what comes when all are held is told so at once."""
    served = serve(grpc_max_threads=1)
    with ExitStack() as stack:
        silent, other = (stack.enter_context(served.channel()) for _ in range(2))
        over = threading.Event()
        stack.callback(over.set)

        def nothing() -> Iterator[bytes]:
            over.wait(60)
            yield from ()

        streamed: Any = silent.stream_unary(PREDICT.path)
        calls = [streamed.future(nothing()) for _ in range(50)]
        until(lambda: sum(held.done() for held in calls) == 40, "two calls and eight to spare have threads")
        assert {held.code() for held in calls if held.done()} == {grpc.StatusCode.RESOURCE_EXHAUSTED}
        refusal = (grpc.StatusCode.RESOURCE_EXHAUSTED, "Server Threadpool Exhausted")
        assert call(other, LIST_MODELS.path, b"", timeout_s=10) == refusal
        check: Any = other.unary_unary("/grpc.health.v1.Health/Check")
        assert check(b"", timeout=10) == b"\x08\x01"
        for held in calls:
            held.cancel()
        until(lambda: call(other, LIST_MODELS.path, b"") == (grpc.StatusCode.OK, ""), "the threads are free again")


def test_a_call_cut_in_the_middle_of_its_message(channel: grpc.Channel, served: Served) -> None:
    settings = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
    fields = ((":method", "POST"), (":scheme", "http"), (":path", PREDICT.path), (":authority", "x"),
              ("content-type", "application/grpc"), ("te", "trailers"))  # fmt: skip
    block = b"".join(  # HPACK: literals without an index
        b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode() for name, value in fields
    )
    headers = bytes([0, 0, len(block), 1, 4, 0, 0, 0, 1]) + block
    half = bytes([0, 0, 7, 0, 0, 0, 0, 0, 1]) + b"\0\0\0\0\xff{{"  # a message of 255 bytes, of which two come
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", served.settings.port)) as connection:
            connection.sendall(settings + headers + half)
            assert connection.recv(1)
    assert call(channel, LIST_MODELS.path, b"") == (grpc.StatusCode.OK, "")


def test_a_message_beyond_the_limit_given_is_refused(serve: Serve) -> None:
    served = serve(grpc_max_receive_message_bytes=100)
    with served.channel() as channel:
        code, details = call(channel, PREDICT.path, b"x" * 101)
        assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "101 vs. 100" in details


def test_a_unix_socket(serve: Serve, tmp_path: Path) -> None:
    serve(grpc_socket_path=str(tmp_path / "socket"))
    with grpc.insecure_channel(f"unix:{tmp_path / 'socket'}") as channel:
        assert call(channel, LIST_MODELS.path, b"") == (grpc.StatusCode.OK, "")


def test_reflection_describes_every_service_when_it_is_on(serve: Serve) -> None:
    served = serve(enable_grpc_reflection=True)
    with served.channel() as channel:
        known = ProtoReflectionDescriptorDatabase(channel)
        services = set(known.get_services())
        assert services == {
            *(method.service for method in METHODS),
            "grpc.health.v1.Health",
            "grpc.reflection.v1alpha.ServerReflection",
        }
        pool = DescriptorPool(known)
        for service in services:
            assert pool.FindServiceByName(service).methods


def test_reflection_is_off_by_default(channel: grpc.Channel) -> None:
    stream: Any = channel.stream_stream("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")
    with pytest.raises(grpc.RpcError) as caught:
        list(stream(iter([b""]), timeout=30))
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize(("on", "code"), [(True, grpc.StatusCode.OK), (False, grpc.StatusCode.NOT_FOUND)])
def test_the_bare_names_of_the_services_are_healthy_when_told_so(
    serve: Serve, *, on: bool, code: grpc.StatusCode
) -> None:
    served = serve(enable_grpc_healthcheck_service=on)
    with served.channel() as channel:
        for service in (b"\n\x0cModelService", b"\n\x11PredictionService"):
            assert call(channel, "/grpc.health.v1.Health/Check", service)[0] is code


def test_calls_are_counted_by_what_became_of_them(serve: Serve) -> None:
    served = serve()
    with served.channel() as channel:
        request = messages.PredictRequest(model_spec={"name": "none"}).SerializeToString()
        assert call(channel, PREDICT.path, request)[0] is grpc.StatusCode.NOT_FOUND
        assert call(channel, LIST_MODELS.path, b"")[0] is grpc.StatusCode.OK
    text = served.server.metrics.text()
    assert ':tensorflow:serving:request_count{model_name="none",status="NOT_FOUND"} 1' in text
    assert 'method="ListModels",code="OK"} 1' in text
    assert 'kmaas_calls_in_flight{protocol="gRPC"} 0' in text


@pytest.mark.parametrize(
    "rude",
    [b"\x00" * 99, b"GET / HTTP/1.1\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 999,
     b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"],
)  # fmt: skip
def test_bytes_that_are_no_http2(channel: grpc.Channel, served: Served, rude: bytes) -> None:
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", served.settings.port)) as connection:
            connection.sendall(rude)
    assert call(channel, LIST_MODELS.path, b"") == (grpc.StatusCode.OK, "")


def test_five_hundred_connections(channel: grpc.Channel, served: Served) -> None:
    with ExitStack() as stack:
        for _ in range(500):
            stack.enter_context(socket.create_connection(("127.0.0.1", served.settings.port)))
        assert call(channel, LIST_MODELS.path, b"") == (grpc.StatusCode.OK, "")
