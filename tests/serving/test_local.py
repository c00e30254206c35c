"""The face for a gateway on the same host: it answers what gRPC answers, whoever calls how."""

import os
import socket
import stat
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path

import grpc
import numpy as np
import pytest

from serving import local
from serving.errors import BindError
from tests.serving.conftest import Serve, Served
from tests.support.processes import until
from wire import messages
from wire.client import ModelServerClient
from wire.errors import ModelServerError, NotServedError, TimedOutError, UnreachableError
from wire.local.frames import _ANSWER, receive_answer, send_call
from wire.methods import CLASSIFY, LIST_MODELS, MODEL_INFER, PREDICT, RELOAD_CONFIG
from wire.tensors import to_proto

SOON = 60.0


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("local")
    served = Served(folder / "store", local_socket_path=str(folder / "socket"))
    for model, name in (("plus", "plus-2"), ("many", "many"), ("slow", "slow")):
        served.put(name, model, 1)
    served.server.start()
    assert served.server.wait_ready(120)
    yield served
    served.client.close()
    served.server.stop()


def near(served: Served) -> ModelServerClient:
    return ModelServerClient(f"local:{served.settings.local_socket_path}")


@pytest.fixture(scope="module")
def client(served: Served) -> Iterator[ModelServerClient]:
    with near(served) as client:
        yield client


def raw(path: str, method: str, body: bytes, metadata: tuple[tuple[str, str], ...] = ()) -> tuple[int, bytes]:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(SOON)
        connection.connect(path)
        send_call(connection, method, time.monotonic() + SOON, metadata, body)
        status, answer = receive_answer(connection, time.monotonic() + SOON)
        return status, bytes(answer)


def statuses(answers: bytes) -> list[int]:
    """Of answers one behind the other, which no client of ours would ask for."""
    found, at = [], 0
    while at < len(answers):
        _, size, status = _ANSWER.unpack_from(answers, at)
        found.append(status)
        at += _ANSWER.size + size
    return found


def over_grpc(served: Served, method: str, body: bytes) -> tuple[int, bytes]:
    with served.channel() as channel:
        ask = channel.unary_unary(method, request_serializer=bytes, response_deserializer=bytes)
        try:
            return 0, ask(body, timeout=SOON)
        except grpc.RpcError as exc:
            return exc.code().value[0], (exc.details() or "").encode()


def predict(model: str, inputs: Mapping[str, np.ndarray], **spec: object) -> bytes:
    request = messages.PredictRequest(model_spec={"name": model, **spec})
    for name, array in inputs.items():
        request.inputs[name].CopyFrom(to_proto(array))
    return bytes(request.SerializeToString())


ONE = {"x": np.ones(1, "f4")}


@pytest.mark.parametrize(
    ("method", "body"),
    [
        (PREDICT.path, predict("plus", ONE)),
        (PREDICT.path, predict("plus", {"x": np.ones(2**18, "f4")})),  # a MiB; gRPC's own client takes less than four
        (PREDICT.path, predict("plus", {})),
        (PREDICT.path, predict("plus", {"x": np.ones(1, "i8")})),
        (PREDICT.path, predict("plus", ONE, signature_name="none")),
        (PREDICT.path, predict("none", ONE)),
        (PREDICT.path, b""),
        (PREDICT.path, b"\xff"),
        (CLASSIFY.path, b""),
        (LIST_MODELS.path, b""),
        (RELOAD_CONFIG.path, b""),
        (MODEL_INFER.path, b""),
        ("/none", b""),
    ],
    ids=lambda given: given.rpartition("/")[2] if isinstance(given, str) else f"{len(given)} bytes",
)  # fmt: skip
def test_each_call_is_answered_as_over_grpc(served: Served, method: str, body: bytes) -> None:
    status, answer = raw(served.settings.local_socket_path, method, body)
    expected, words = over_grpc(served, method, body)
    assert status == expected
    if status == 0 and method == PREDICT.path:  # maps have no order
        assert messages.PredictResponse.FromString(answer) == messages.PredictResponse.FromString(words)
    elif b"DecodeError" not in words:
        assert answer == words


def test_tensor_content_for_who_asks_for_it(served: Served) -> None:
    path, body = served.settings.local_socket_path, predict("plus", ONE)
    for metadata in ((), (("kmaas-tensor-content", "1"),)):
        status, answer = raw(path, PREDICT.path, body, metadata)
        assert status == 0
        [output] = messages.PredictResponse.FromString(answer).outputs.values()
        assert bool(output.tensor_content) is bool(metadata)
        assert bool(output.float_val) is not bool(metadata)


def test_the_client_sees_the_same_through_both(served: Served, client: ModelServerClient) -> None:
    assert client.models(timeout_s=SOON) == served.client.models(timeout_s=SOON)
    assert client.status("plus", timeout_s=SOON) == served.client.status("plus", timeout_s=SOON)
    for one in (client, served.client):
        assert one.labelled("plus", "none", timeout_s=SOON) is None
        with pytest.raises(NotServedError):
            one.predict("plus", ONE, version=9, timeout_s=SOON)
        with pytest.raises(TimedOutError):
            one.predict("slow", {"steps": np.array(10**9, "i4")}, timeout_s=0.2)


def test_the_socket_is_its_owners_alone(served: Served) -> None:
    assert stat.S_IMODE(Path(served.settings.local_socket_path).stat().st_mode) == 0o600


@pytest.mark.parametrize("rude", [b"", b"GET / HTTP/1.1\r\n\r\n", b"kml1", b"kml1" + b"\xff" * 400, os.urandom(4000)])
def test_bytes_that_are_no_call_and_callers_that_leave(served: Served, client: ModelServerClient, rude: bytes) -> None:
    for _ in range(20):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(served.settings.local_socket_path)
            with suppress(BrokenPipeError):
                connection.sendall(rude)
    assert client.predict("plus", ONE, timeout_s=SOON).version == 1


STEPS = {"steps": np.array(20_000, "i4")}  # some hundred milliseconds


def test_who_has_no_place_takes_that_of_an_idle_one_and_waits_for_busy_ones(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "_CONNECTIONS", 2)
    served = serve(slow=("slow", 1), local_socket_path=str(tmp_path / "socket"))
    with ExitStack() as stack, ThreadPoolExecutor(3) as threads:
        clients = [stack.enter_context(near(served)) for _ in range(4)]
        for _ in range(2):
            for client in clients:
                assert client.models(timeout_s=SOON) == ["slow"]
        asked = [threads.submit(client.predict, "slow", STEPS, timeout_s=SOON) for client in clients[:3]]
        until(lambda: served.users("slow") == 2, "two calls are under way")
        with pytest.raises(TimedOutError):
            clients[3].models(timeout_s=0.01)
        assert [one.result(60).version for one in asked] == [1, 1, 1]
        assert clients[3].models(timeout_s=SOON) == ["slow"]


def test_calls_that_are_over_or_whose_callers_have_left_are_not_run(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As they lie there after the server was frozen. One that has come before its connection is ended is run."""
    monkeypatch.setattr(local, "_CONNECTIONS", 1)
    served = serve(slow=("slow", 1), plus=("plus-2", 1), local_socket_path=str(tmp_path / "socket"))
    asked = {version: predict("plus", ONE, version={"value": version}) for version in (7, 8, 9)}

    def connected(stack: ExitStack, ends_at: float, version: int) -> socket.socket:
        connection = stack.enter_context(socket.socket(socket.AF_UNIX))
        connection.connect(str(tmp_path / "socket"))
        send_call(connection, PREDICT.path, ends_at, (), asked[version])
        return connection

    with ExitStack() as stack, near(served) as busy, ThreadPoolExecutor(1) as threads:
        first = threads.submit(busy.predict, "slow", STEPS, timeout_s=SOON)
        until(lambda: served.users("slow") == 1, "the one place is taken")
        late = connected(stack, time.monotonic() + 0.01, 7)
        connected(stack, time.monotonic() + SOON, 8).close()
        waiting = connected(stack, time.monotonic() + SOON, 9)
        assert first.result(60).version == 1
        assert receive_answer(late, time.monotonic() + SOON) == (4, b"Deadline Exceeded")
        late.close()
        assert receive_answer(waiting, time.monotonic() + SOON)[0] == 5
    told = {line for line in served.server.metrics.text().splitlines() if 'model="plus"' in line}
    assert "NOT_FOUND" in " ".join(told)
    [count] = [line.split()[-1] for line in told if 'code="NOT_FOUND"' in line]
    assert count == "1"


def test_a_call_that_has_come_is_answered_when_its_connection_is_to_end(serve: Serve, tmp_path: Path) -> None:
    served = serve(slow=("slow", 1), plus=("plus-2", 1), local_socket_path=str(tmp_path / "socket"))
    with socket.socket(socket.AF_UNIX) as connection, ThreadPoolExecutor(1) as threads:
        connection.connect(str(tmp_path / "socket"))
        slow = messages.PredictRequest(model_spec={"name": "slow"})
        slow.inputs["steps"].CopyFrom(to_proto(STEPS["steps"]))
        for body in (slow.SerializeToString(), predict("plus", ONE)):  # the second comes while the first is run
            send_call(connection, PREDICT.path, time.monotonic() + SOON, (), body)
            until(lambda: served.users("slow") == 1, "the first is run")
        stopping = threads.submit(served.server.stop)
        connection.settimeout(SOON)
        assert statuses(b"".join(iter(lambda: connection.recv(2**16), b""))) == [0, 0]
        stopping.result(60)


def test_a_thread_that_cannot_be_had_costs_one_connection(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = serve(plus=("plus-2", 1), local_socket_path=str(tmp_path / "socket"))
    monkeypatch.setattr(local, "_PAUSE_S", 0.01)
    start, refused = threading.Thread.start, iter([True])

    def starting(thread: threading.Thread) -> None:
        if thread.name == "local" and next(refused, False):
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", starting)
    with near(served) as client:
        with suppress(UnreachableError):  # if it was sent before the connection broke; else it went by another
            client.models(timeout_s=SOON)
        assert not next(refused, False), "no connection went without a thread"
        assert client.models(timeout_s=SOON) == ["plus"]


def test_as_many_calls_at_a_time_as_over_grpc(serve: Serve, tmp_path: Path) -> None:
    served = serve(slow=("slow", 1), local_socket_path=str(tmp_path / "socket"), grpc_max_threads=1)
    with near(served) as client, ThreadPoolExecutor(1) as threads:
        asked = threads.submit(client.predict, "slow", STEPS, timeout_s=SOON)
        until(lambda: served.users("slow") == 1, "the call is under way")
        with pytest.raises(ModelServerError, match="Server Threadpool Exhausted") as caught:
            client.models(timeout_s=SOON)
        assert caught.value.code is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert asked.result(60).version == 1


def test_calls_under_way_are_answered_when_it_stops_and_no_new_ones_taken(serve: Serve, tmp_path: Path) -> None:
    served = serve(slow=("slow", 1), local_socket_path=str(tmp_path / "socket"))
    with near(served) as client, near(served) as idle, ThreadPoolExecutor(2) as threads:
        idle.models(timeout_s=SOON)
        asked = threads.submit(client.predict, "slow", STEPS, timeout_s=SOON)
        until(lambda: served.users("slow") == 1, "the call is under way")
        stopping = threads.submit(served.server.stop)
        assert asked.result(60).version == 1
        stopping.result(60)
        assert not (tmp_path / "socket").exists()
        for late in (client, idle):
            with pytest.raises(UnreachableError):
                late.models(timeout_s=SOON)


def test_a_server_takes_the_place_of_one_that_is_gone_but_not_of_another(serve: Serve, tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as gone:
        gone.bind(str(path))
    served = serve(plus=("plus-2", 1), local_socket_path=str(path))
    with near(served) as client:
        assert client.models(timeout_s=SOON) == ["plus"]
        with pytest.raises(BindError, match="Address already in use"):
            serve(local_socket_path=str(path))
        assert client.models(timeout_s=SOON) == ["plus"]
    with pytest.raises(BindError, match="path too long"):
        serve(local_socket_path=str(tmp_path / ("x" * 120)))


def test_calls_are_counted_as_local(served: Served, client: ModelServerClient) -> None:
    client.predict("plus", ONE, timeout_s=SOON)
    text = served.server.metrics.text()
    assert 'request_latency_count{model_name="plus",API="Predict",entrypoint="LOCAL"}' in text
    assert 'kmaas_calls_in_flight{protocol="local"} 0' in text


def test_many_callers_at_once_get_their_own_answers(client: ModelServerClient) -> None:
    together = threading.Barrier(32)

    def ask(caller: int) -> None:
        together.wait(SOON)
        for size in (1, 7, 50_000):
            given = np.full(size, caller, "f4")
            [answered] = client.predict("plus", {"x": given}, timeout_s=SOON).outputs.values()
            assert np.array_equal(answered, given * np.float32(0.5) + 2)

    with ThreadPoolExecutor(32) as threads:
        for asked in [threads.submit(ask, caller) for caller in range(32)]:
            asked.result(60)
