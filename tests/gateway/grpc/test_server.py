"""The gateway's gRPC server: where it listens, whom it turns away, how it ends."""

import signal
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import grpc
import numpy as np
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from pydantic import ValidationError

from bench.stack import free_port
from gateway.settings import GatewaySettings, Limits
from tests.gateway.grpc.calls import OK, ask, ask_bytes, failure
from tests.gateway.test_server import is_free, run
from tests.support.processes import GatewayProcess, ModelServerProcess, until
from tests.support.proxy import Proxy
from wire import messages
from wire.methods import MODEL_INFER, MODEL_STREAM_INFER, PREDICT, SERVER_LIVE, SERVER_READY
from wire.tensors import write_proto

CODE = grpc.StatusCode
REFLECTION = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
LIVE = messages.ServerLiveRequest()


def picture_request(model: str = "digits", rows: int = 1) -> Any:
    request = messages.PredictRequest()
    request.model_spec.name = model
    write_proto(np.zeros((rows, 28, 28, 1), np.uint8), request.inputs["image"])
    return request


def test_it_can_be_switched_off() -> None:
    with GatewayProcess("127.0.0.1:1", grpc_port=0) as gateway:
        assert gateway.alive()


def test_two_servers_need_two_ports() -> None:
    with pytest.raises(ValidationError, match="ports of their own"):
        GatewaySettings(port=9000, grpc_port=9000)


@pytest.mark.parametrize("verb", ["gateway", "up"])
def test_a_taken_port_is_named(verb: str, tmp_path: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        environment = {
            "KMAAS_STORE": str(tmp_path),
            "KMAAS_SERVE__PORT": str(free_port()),
            "KMAAS_SERVE__REST_API_PORT": str(free_port()),
            "KMAAS_GATEWAY__PORT": str(free_port()),
            "KMAAS_GATEWAY__GRPC_PORT": port,
        }
        refused = run(verb=verb, **environment)
    assert refused.returncode == 1
    assert "gateway's gRPC" in refused.stderr
    assert port in refused.stderr
    assert "Traceback" not in refused.stderr


def test_it_lives_before_its_model_server_does() -> None:
    with GatewayProcess("127.0.0.1:1") as gateway, grpc.insecure_channel(gateway.grpc) as channel:
        assert ask(channel, SERVER_LIVE, LIVE).live
        assert not ask(channel, SERVER_READY, messages.ServerReadyRequest()).ready
        code, says = failure(lambda: ask(channel, PREDICT, picture_request()))
        assert (code, "does not answer" in says) == (CODE.UNAVAILABLE, True)


@given(st.sampled_from([MODEL_INFER.path, PREDICT.path, SERVER_LIVE.path]), st.binary(max_size=60))
def test_any_bytes_are_answered_with_a_status(gateway: GatewayProcess, path: str, body: bytes) -> None:
    with grpc.insecure_channel(gateway.grpc) as channel:
        code, _ = ask_bytes(channel, path, body)
        assert code in (OK, CODE.INVALID_ARGUMENT, CODE.NOT_FOUND)


def health(channel: grpc.Channel) -> int:
    asked = health_pb2.HealthCheckRequest()
    return int(health_pb2_grpc.HealthStub(channel).Check(asked, timeout=60).status)


def test_the_standard_health_service_says_what_readyz_does(model_server: ModelServerProcess) -> None:
    port = free_port()
    status = health_pb2.HealthCheckResponse
    with GatewayProcess("127.0.0.1:1", grpc_port=port), grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        assert health(channel) == status.NOT_SERVING
    with GatewayProcess(model_server.target) as gateway, grpc.insecure_channel(gateway.grpc) as channel:
        until(lambda: health(channel) == status.SERVING, "it is healthy")
        assert gateway.get("/readyz").status == 200


def test_reflection_tells_the_services_and_their_messages(channel: grpc.Channel) -> None:
    database = ProtoReflectionDescriptorDatabase(channel)
    assert {
        "inference.GRPCInferenceService",
        "tensorflow.serving.PredictionService",
        "tensorflow.serving.ModelService",
        "grpc.health.v1.Health",
    } <= set(database.get_services())
    assert "kmaas.serving.Catalog" not in database.get_services()
    pool = DescriptorPool(database)
    assert "raw_input_contents" in pool.FindMessageTypeByName("inference.ModelInferRequest").fields_by_name


def test_calls_are_counted_as_http_s_are(gateway: GatewayProcess, channel: grpc.Channel) -> None:
    def counted(dialect: str, status: str) -> float:
        metrics = gateway.get("/metrics").body.decode()
        labels = {"model": "digits", "version": "1", "dialect": dialect, "status": status}
        return sum(
            sample.value
            for family in text_string_to_metric_families(metrics)
            for sample in family.samples
            if sample.name == "kmaas_requests_total" and labels.items() <= sample.labels.items()
        )

    before = [counted("tensorflow-serving", status) for status in ("200", "413")]
    ask(channel, PREDICT, picture_request())
    failure(lambda: ask(channel, PREDICT, picture_request(rows=5)))
    assert [counted("tensorflow-serving", status) for status in ("200", "413")] == [before[0] + 1, before[1] + 1]


def test_an_unknown_method_is_not_there(channel: grpc.Channel) -> None:
    assert ask_bytes(channel, "/inference.GRPCInferenceService/Nothing", b"")[0] is CODE.UNIMPLEMENTED


def test_a_message_beyond_the_limit_is_not_received(model_server: ModelServerProcess) -> None:
    limits = Limits(body_bytes=10_000)
    with GatewayProcess(model_server.target, limits=limits) as gateway:
        gateway.wait_ready()
        with grpc.insecure_channel(gateway.grpc) as channel:
            code, _ = failure(lambda: ask(channel, PREDICT, picture_request(rows=20)))
            assert code is CODE.RESOURCE_EXHAUSTED
            assert ask(channel, PREDICT, picture_request(rows=10)).outputs


@pytest.fixture
def held(model_server: ModelServerProcess) -> Iterator[tuple[Proxy, GatewayProcess]]:
    """A gateway that lets one in, before a model server that answers once it is let."""
    with (
        Proxy(model_server.target) as proxy,
        GatewayProcess(proxy.target, models=("digits",), requests=1, deadline_s=20.0) as gateway,
    ):
        gateway.wait_ready()
        proxy.seconds_left = None
        proxy.open.clear()
        try:
            yield proxy, gateway
        finally:
            proxy.open.set()


def test_who_is_not_let_in_is_told_so_and_probes_are(held: tuple[Proxy, GatewayProcess]) -> None:
    proxy, gateway = held
    with ThreadPoolExecutor() as threads, grpc.insecure_channel(gateway.grpc) as channel:
        first = threads.submit(ask, channel, PREDICT, picture_request())
        until(lambda: proxy.seconds_left is not None, "the first call is at the model server")
        with apart(gateway) as other:
            code, says = failure(lambda: ask(other, PREDICT, picture_request()))
            assert (code, "1 requests are being answered" in says) == (CODE.UNAVAILABLE, True)
            assert ask(other, SERVER_LIVE, LIVE).live
        proxy.open.set()
        assert first.result(60).outputs


def test_a_call_in_flight_is_answered_before_the_gateway_ends(held: tuple[Proxy, GatewayProcess]) -> None:
    proxy, gateway = held
    with ThreadPoolExecutor() as threads, grpc.insecure_channel(gateway.grpc) as channel:
        call = threads.submit(ask, channel, PREDICT, picture_request())
        until(lambda: proxy.seconds_left is not None, "the call is at the model server")
        gateway.signal(signal.SIGTERM)
        until(lambda: is_free_of(gateway), "the port is closed")
        proxy.open.set()
        assert call.result(60).outputs
    assert gateway.wait() == 0


def is_free_of(gateway: GatewayProcess) -> bool:
    return is_free(int(gateway.grpc.rpartition(":")[2]))


@contextmanager
def silent(begin: Any, *said: bytes) -> Iterator[Any]:
    """A call that begins, sends nothing but this, and goes with the block."""
    released = threading.Event()

    def nothing() -> Iterator[bytes]:
        yield from said
        released.wait(60)

    call = begin(nothing())
    try:
        yield call
    finally:
        released.set()
        call.cancel()


def apart(gateway: GatewayProcess) -> grpc.Channel:
    """With a connection of its own."""
    return grpc.insecure_channel(gateway.grpc, options=[("grpc.use_local_subchannel_pool", 1)])


def test_silent_calls_hold_no_thread_for_long(model_server: ModelServerProcess) -> None:
    with GatewayProcess(model_server.target, requests=1, deadline_s=2.0) as gateway, ExitStack() as opened:
        gateway.wait_ready()
        channels = [opened.enter_context(apart(gateway)) for _ in range(20)]
        calls = [opened.enter_context(silent(channel.stream_unary(PREDICT.path).future)) for channel in channels]
        with grpc.insecure_channel(gateway.grpc) as channel:
            until(lambda: live_status(channel) is CODE.UNAVAILABLE, "every thread is held, and others are told so")
            until(lambda: live_status(channel) is OK, "the silent ones are ended")
            assert ask(channel, PREDICT, picture_request()).outputs
        assert {call.code() for call in calls} <= {CODE.CANCELLED, CODE.UNAVAILABLE}


def live_status(channel: grpc.Channel) -> grpc.StatusCode:
    return ask_bytes(channel, SERVER_LIVE.path, b"")[0]


def test_reflection_at_rest_keeps_nobody_out(model_server: ModelServerProcess) -> None:
    with GatewayProcess(model_server.target, requests=1) as gateway, ExitStack() as opened:
        gateway.wait_ready()
        for _ in range(12):
            channel = opened.enter_context(apart(gateway))
            opened.enter_context(silent(channel.stream_stream(REFLECTION)))
        with grpc.insecure_channel(gateway.grpc) as channel:
            for _ in range(50):
                assert ask(channel, SERVER_LIVE, LIVE).live


def test_streams_at_rest_keep_nobody_else_out(model_server: ModelServerProcess) -> None:
    with GatewayProcess(model_server.target, requests=2) as gateway, ExitStack() as opened:
        gateway.wait_ready()
        for _ in range(2):
            channel = opened.enter_context(apart(gateway))
            resting = opened.enter_context(silent(channel.stream_stream(MODEL_STREAM_INFER.path), b""))
            assert next(resting), "it has its thread, and an answer to a request without a model"
        other = opened.enter_context(apart(gateway))
        until(lambda: stream_status(other) is CODE.UNAVAILABLE, "another stream is refused")
        assert ask(other, PREDICT, picture_request()).outputs


def stream_status(channel: grpc.Channel) -> grpc.StatusCode:
    begin: Any = channel.stream_stream(MODEL_STREAM_INFER.path)
    try:
        list(begin(iter(()), timeout=60))
    except grpc.RpcError as exc:
        return exc.code()
    return OK
