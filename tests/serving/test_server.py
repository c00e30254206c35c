"""The whole server in one process: versions come, break, go, while clients ask."""

import shutil
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import numpy as np
import pytest

from bench.stack import free_port
from serving.errors import BindError
from serving.server import ModelServer
from serving.settings import ServeSettings
from tests.serving.conftest import Serve, Served
from tests.support.processes import ask, until
from wire.client import ModelServerClient
from wire.errors import ModelServerError, NotServedError, UnreachableError

X = {"x": np.array([1, 2], "f4")}


def answer(served: Served, model: str = "m") -> list[float]:
    answered: list[float] = served.client.predict(model, X, timeout_s=60).outputs["y"].tolist()
    return answered


def test_the_newest_version_of_every_model_is_served(serve: Serve) -> None:
    served = serve(a=("plus-2", 1), b=("plus-3", 7))
    assert answer(served, "a") == [2.5, 3]
    assert answer(served, "b") == [3.5, 4]
    assert served.client.models(timeout_s=30) == ["a", "b"]


def test_an_empty_store_waits_for_models_with_its_ports_open(serve: Serve) -> None:
    served = serve()
    with pytest.raises(NotServedError, match=r"Servable not found for request: Latest\(m\)"):
        answer(served)
    assert ask(served.url + "/healthz").status == 200
    assert served.client.models(timeout_s=30) == []
    served.put("plus-2", "m", 1)
    until(lambda: served.client.models(timeout_s=30) == ["m"], "the new model is seen")
    until(lambda: served.states("m") == {1: "AVAILABLE"}, "the new model is loaded")
    assert answer(served) == [2.5, 3]


def test_versions_change_under_load_without_a_failed_request(serve: Serve) -> None:
    served = serve(m=("plus-2", 1))
    done = threading.Event()

    def client() -> list[tuple[int, list[float]]]:
        answers = []
        with ModelServerClient(f"127.0.0.1:{served.settings.grpc_port}") as own:
            while not done.is_set():
                prediction = own.predict("m", X, timeout_s=60)
                answers.append((prediction.version, prediction.outputs["y"].tolist()))
        return answers

    with ThreadPoolExecutor(16) as threads:
        clients = [threads.submit(client) for _ in range(16)]
        try:
            for version in range(2, 8):
                served.put("plus-3" if version % 2 else "plus-2", "m", version)
                served.wait_for("m", version, "AVAILABLE")
        finally:
            done.set()
    for answers in (future.result() for future in clients):
        versions = [version for version, _ in answers]
        assert versions == sorted(versions)
        assert all(values == ([3.5, 4] if version % 2 and version > 1 else [2.5, 3]) for version, values in answers)
    assert {version for future in clients for version, _ in future.result()} >= {1, 2, 6}
    until(lambda: list(served.states("m").values()) == ["AVAILABLE"] + ["END"] * 6, "the old versions are unloaded")


def emptied(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


BROKEN: dict[str, Callable[[Path], object]] = {
    "garbage graph": lambda v: (v / "saved_model.pb").write_bytes(b"garbage" * 50),
    "missing variables": lambda v: shutil.rmtree(v / "variables"),
    "truncated variables": lambda v: (v / "variables/variables.data-00000-of-00001").write_bytes(b"\0"),
    "empty folder": emptied,
}


def test_broken_versions_end_with_an_error_and_the_old_one_goes_on(serve: Serve, tmp_path: Path) -> None:
    served = serve(m=("plus-2", 1))
    for version, spoil in enumerate(BROKEN.values(), 2):
        served.put("plus-3", "elsewhere", version)
        spoilt = served.root / "elsewhere" / str(version)
        spoil(spoilt)
        spoilt.rename(served.root / "m" / str(version))
        served.wait_for("m", version, "END")
        assert served.client.status("m", timeout_s=30)[0].error
        assert answer(served) == [2.5, 3]
    assert served.states("m")[1] == "AVAILABLE"


def test_a_half_copied_version_is_served_once_it_is_whole(serve: Serve) -> None:
    served = serve(m=("plus-2", 1))
    served.put("plus-3", "elsewhere", 2)
    source, target = served.root / "elsewhere" / "2", served.root / "m" / "2"
    target.mkdir()
    shutil.copy(source / "saved_model.pb", target)
    served.wait_for("m", 2, "END")
    shutil.copytree(source / "variables", target / "variables")
    served.wait_for("m", 2, "AVAILABLE")
    assert answer(served) == [3.5, 4]


def test_deleting_the_served_version_falls_back(serve: Serve) -> None:
    served = serve(m=("plus-2", 1))
    served.put("plus-3", "m", 2)
    served.wait_for("m", 2, "AVAILABLE")
    shutil.rmtree(served.root / "m" / "2")
    until(lambda: served.states("m") == {2: "END", 1: "AVAILABLE"}, "1 is back")
    assert answer(served) == [2.5, 3]


def test_a_request_under_way_keeps_its_version_to_the_end(serve: Serve) -> None:
    served = serve(m=("slow", 1))
    with ThreadPoolExecutor(1) as threads:
        steps = {"steps": np.array(20_000, "i4")}
        under_way = threads.submit(served.client.predict, "m", steps, timeout_s=120)
        until(lambda: served.users("m") == 1, "the request is under way")
        served.put("plus-2", "m", 2)
        served.wait_for("m", 2, "AVAILABLE")
        assert answer(served) == [2.5, 3]
        assert under_way.result().version == 1
    served.wait_for("m", 1, "END")


def test_stopping_lets_requests_end_and_refuses_new_ones(serve: Serve) -> None:
    served = serve(m=("slow", 1))
    with ThreadPoolExecutor(1) as threads:
        under_way = threads.submit(served.client.predict, "m", {"steps": np.array(20_000, "i4")}, timeout_s=120)
        until(lambda: served.users("m") == 1, "the request is under way")
        served.server.stop()
        assert under_way.result().version == 1
    with pytest.raises(UnreachableError):
        answer(served)


def test_stopping_refuses_requests_of_both_protocols_at_once(serve: Serve) -> None:
    served = serve(m=("slow", 1))
    with ThreadPoolExecutor(2) as threads:
        under_way = threads.submit(served.client.predict, "m", {"steps": np.array(100_000, "i4")}, timeout_s=120)
        until(lambda: served.users("m") == 1, "the request is under way")
        stopped = threads.submit(served.server.stop)
        until(lambda: not listens(served.settings.rest_port), "REST is closed")
        assert not under_way.done()
        until(lambda: not listens(served.settings.grpc_port), "gRPC is closed")
        assert under_way.result().version == 1
        stopped.result()


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def test_the_time_to_drain_is_one_for_all(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    served = serve(m=("slow", 1), drain_s=0.5)
    left: list[float] = []
    close = served.server._manager.close

    def note(drain_s: float) -> None:
        left.append(drain_s)
        close(drain_s)

    monkeypatch.setattr(served.server._manager, "close", note)
    with ThreadPoolExecutor(1) as threads:
        under_way = threads.submit(served.client.predict, "m", {"steps": np.array(10**9, "i4")}, timeout_s=10)
        until(lambda: served.users("m") == 1, "the request is under way")
        served.server.stop()
        assert left == [0]
        assert isinstance(under_way.exception(), ModelServerError)


def test_calls_beyond_the_limit_are_refused_and_the_others_answered(serve: Serve) -> None:
    served = serve(m=("slow", 1), grpc_threads=1, grpc_max_calls=2)

    def ask_once(_: int) -> grpc.StatusCode:
        try:
            served.client.predict("m", {"steps": np.array(20_000, "i4")}, timeout_s=120)
        except ModelServerError as exc:
            return exc.code
        return grpc.StatusCode.OK

    with ThreadPoolExecutor(8) as threads:
        codes = list(threads.map(ask_once, range(8)))
    assert set(codes) == {grpc.StatusCode.OK, grpc.StatusCode.RESOURCE_EXHAUSTED}
    assert codes.count(grpc.StatusCode.OK) >= 2
    assert ask_once(0) is grpc.StatusCode.OK


def test_a_store_that_never_could_be_listed_does_not_hold_up_the_end(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    served = Served(tmp_path / "file")
    served.server.start()
    with pytest.raises(UnreachableError, match="has not been read yet"):
        served.client.models(timeout_s=30)
    assert ask(served.url + "/v1/models").status == ask(served.url + "/healthz").status == 503
    served.client.close()
    served.server.stop()


@pytest.mark.parametrize("taken", ["grpc_port", "rest_port"])
def test_a_taken_port_is_a_clear_error_and_leaves_nothing_open(tmp_path: Path, taken: str) -> None:
    ports = {"grpc_port": free_port(), "rest_port": free_port()}
    with socket.create_server(("127.0.0.1", ports[taken])):
        server = ModelServer(tmp_path, ServeSettings(**ports))
        with pytest.raises(BindError, match=rf"port {ports[taken]} .*Address already in use"):
            server.start()
        server.stop()
    for port in ports.values():
        socket.create_server(("127.0.0.1", port)).close()


def test_a_second_server_on_the_same_port_is_refused(serve: Serve, tmp_path: Path) -> None:
    first = serve()
    second = ModelServer(tmp_path, first.settings.model_copy(update={"rest_port": 0}))
    with pytest.raises(BindError, match="gRPC"):
        second.start()
    second.stop()


def test_an_address_that_is_not_ours(tmp_path: Path) -> None:
    settings = ServeSettings(host="192.0.2.1", no_auth=True, grpc_port=free_port(), rest_port=0)
    server = ModelServer(tmp_path, settings)
    with pytest.raises(BindError, match=r"192\.0\.2\.1"):
        server.start()
    server.stop()


def test_grpc_health_is_serving_once_ready_and_not_after(serve: Serve) -> None:
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    served = serve(drain_s=0.5)  # the watch would last
    with grpc.insecure_channel(f"127.0.0.1:{served.settings.grpc_port}") as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        request = health_pb2.HealthCheckRequest(service="")
        until(lambda: stub.Check(request).status == health_pb2.HealthCheckResponse.SERVING, "healthy")
        watch = stub.Watch(request)
        assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
        served.server.stop()
        assert next(watch).status == health_pb2.HealthCheckResponse.NOT_SERVING
