"""The whole server in one process: versions come, break, go, while clients ask."""

import re
import shutil
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from bench.stack import free_port
from serving.errors import BindError, StartError
from serving.server import ModelServer
from serving.settings import ServeSettings
from tests.serving.conftest import Serve, Served
from tests.support import saved_models
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
        with ModelServerClient(f"127.0.0.1:{served.settings.port}") as own:
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
    served = serve(m=("slow", 1), drain_seconds=60)  # the request takes long on a busy machine
    with ThreadPoolExecutor(2) as threads:
        under_way = threads.submit(served.client.predict, "m", {"steps": np.array(100_000, "i4")}, timeout_s=120)
        until(lambda: served.users("m") == 1, "the request is under way")
        stopped = threads.submit(served.server.stop)
        until(lambda: not listens(served.settings.rest_api_port), "REST is closed")
        assert not under_way.done()
        until(lambda: not listens(served.settings.port), "gRPC is closed")
        assert under_way.result().version == 1
        stopped.result()


def test_a_server_that_stops_is_never_ready_again(serve: Serve) -> None:
    served = serve()
    rest = served.server._rest
    assert rest is not None
    assert rest._app.ready
    served.server.stop()
    served.server._announce()  # as the thread does that waited for a last load
    assert not rest._app.ready


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def test_the_time_to_drain_is_one_for_all(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    served = serve(m=("slow", 1), drain_seconds=0.5)
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
    served = serve(m=("slow", 1), grpc_max_threads=1)

    def ask_once(_: int) -> grpc.StatusCode:
        try:
            served.client.predict("m", {"steps": np.array(20_000, "i4")}, timeout_s=120)
        except ModelServerError as exc:
            return exc.code
        return grpc.StatusCode.OK

    with ThreadPoolExecutor(8) as threads:
        codes = list(threads.map(ask_once, range(8)))
    assert set(codes) == {grpc.StatusCode.OK, grpc.StatusCode.RESOURCE_EXHAUSTED}
    assert ask_once(0) is grpc.StatusCode.OK


def test_a_store_that_could_not_be_listed_yet_says_so_and_does_not_hold_up_the_end(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    served = Served(tmp_path / "file")
    served.server.start()
    for question in (
        lambda: served.client.models(timeout_s=30),
        lambda: served.client.status("m", timeout_s=30),
        lambda: served.client.predict("m", {"x": np.array(1.0, "f4")}, timeout_s=30),
    ):
        with pytest.raises(UnreachableError, match="has not been read yet"):
            question()
    assert ask(served.url + "/v1/models").status == ask(served.url + "/healthz").status == 503
    assert ask(served.url + "/v1/models/m/labels/stable:predict", b'{"instances": [1.0]}').status == 503
    served.client.close()
    served.server.stop()


@pytest.mark.parametrize("taken", ["port", "rest_api_port"])
def test_a_taken_port_is_a_clear_error_and_leaves_nothing_open(tmp_path: Path, taken: str) -> None:
    ports = {"port": free_port(), "rest_api_port": free_port()}
    with socket.create_server(("127.0.0.1", ports[taken])):
        server = ModelServer(tmp_path, ServeSettings(**ports))
        with pytest.raises(BindError, match=rf"port {ports[taken]} .*Address already in use"):
            server.start()
        server.stop()
    for port in ports.values():
        socket.create_server(("127.0.0.1", port)).close()


def test_a_second_server_on_the_same_port_is_refused(serve: Serve, tmp_path: Path) -> None:
    first = serve()
    second = ModelServer(tmp_path, first.settings.model_copy(update={"rest_api_port": 0}))
    with pytest.raises(BindError, match="gRPC"):
        second.start()
    second.stop()


def test_an_address_that_is_not_ours(tmp_path: Path) -> None:
    settings = ServeSettings(host="192.0.2.1", no_auth=True, port=free_port(), rest_api_port=0)
    server = ModelServer(tmp_path, settings)
    with pytest.raises(BindError, match=r"192\.0\.2\.1"):
        server.start()
    server.stop()


def test_grpc_health_is_serving_once_ready_and_not_after(serve: Serve) -> None:
    served = serve(drain_seconds=0.5)  # the watch would last
    with grpc.insecure_channel(f"127.0.0.1:{served.settings.port}") as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        request = health_pb2.HealthCheckRequest(service="")
        until(lambda: stub.Check(request).status == health_pb2.HealthCheckResponse.SERVING, "healthy")
        watch = stub.Watch(request)
        assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
        served.server.stop()
        assert next(watch).status == health_pb2.HealthCheckResponse.NOT_SERVING


def config_of(served: Served, *models: str) -> str:
    configs = (
        f'config {{ name: "{name}" base_path: "{served.root / name}" model_platform: "tensorflow" }}' for name in models
    )
    return f"model_config_list {{ {' '.join(configs)} }}"


def test_one_model_by_its_base_path(serve: Serve, tmp_path: Path) -> None:
    saved_models.put("plus-3", tmp_path / "models" / "4")
    served = serve(other=("plus-2", 1), model_base_path=str(tmp_path / "models"))
    assert answer(served, "default") == [3.5, 4]
    assert served.client.models(timeout_s=30) == ["default"]
    assert served.server.what == str(tmp_path / "models")


def test_models_of_a_config_file_that_changes(tmp_path: Path) -> None:
    file = tmp_path / "models.config"
    served = Served(tmp_path, model_config_file=file, model_config_file_poll_wait_seconds=0.05)
    served.put("plus-2", "a", 1)
    served.put("plus-3", "b", 1)
    file.write_text(config_of(served, "a"))
    served.server.start()
    try:
        assert answer(served, "a") == [2.5, 3], "the ports open once the models are available"
        other = tmp_path / "other.config"
        other.write_text(config_of(served, "b", "missing"))
        other.replace(file)  # at once: the server might look while a file is half written
        until(lambda: served.client.models(timeout_s=30) == ["a", "b", "missing"], "the file is read again")
        served.wait_for("a", 1, "END")
        served.wait_for("b", 1, "AVAILABLE")
        assert answer(served, "b") == [3.5, 4]
    finally:
        served.client.close()
        served.server.stop()


def test_a_model_that_does_not_load_is_why_the_server_does_not_start(tmp_path: Path) -> None:
    (tmp_path / "bad" / "3").mkdir(parents=True)
    served = Served(tmp_path, model_base_path=str(tmp_path / "bad"), model_name="bad")
    with pytest.raises(StartError) as caught:
        served.server.start()
    assert str(caught.value).startswith(
        "UNKNOWN: 1 servable(s) did not become available: {{name: bad version: 3} due to error: NOT_FOUND: Could not "
    )
    assert not listens(served.settings.port)
    served.client.close()
    served.server.stop()


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (
            {"model_base_path": "models"},
            "Expected model default to have an absolute path or URI; got base_path()=models",
        ),
        ({"model_config_file": "missing.config"}, "Could not read missing.config: No such file or directory"),
    ],
)
def test_a_configuration_that_cannot_be_is_why_the_server_does_not_start(
    tmp_path: Path, settings: dict[str, str], text: str
) -> None:
    served = Served(tmp_path, **settings)
    with pytest.raises(StartError, match=f"^INVALID_ARGUMENT: {re.escape(text)}$"):
        served.server.start()
    served.client.close()
    served.server.stop()


def test_a_lazy_server_answers_the_first_request_once_it_has_loaded(serve: Serve) -> None:
    served = serve(m=("plus-2", 1), lazy_loading=True)
    assert served.states("m") == {1: "START"}
    assert answer(served) == [2.5, 3]
    assert served.states("m") == {1: "AVAILABLE"}


def test_a_named_model_without_versions_is_not_ready_until_it_has_one(serve: Serve, tmp_path: Path) -> None:
    base = tmp_path / "models"
    base.mkdir()
    served = serve(model_name="late", model_base_path=str(base))
    assert (ask(served.url + "/readyz").status, ask(served.url + "/livez").status) == (503, 200)
    saved_models.put("plus-2", base / "1")
    until(lambda: ask(served.url + "/readyz").status == 200, "the model serves")
    shutil.rmtree(base / "1")
    until(lambda: served.states("late") == {1: "END"}, "the version has gone")
    assert ask(served.url + "/readyz").status == 200, "as TensorFlow Serving's ports stay open"


def test_a_lame_duck_answers_while_its_probes_say_not_ready(serve: Serve) -> None:
    served = serve(m=("plus-2", 1), lame_duck_seconds=6)
    stopping = threading.Thread(target=served.server.stop, daemon=True)
    stopping.start()
    until(lambda: ask(served.url + "/readyz").status == 503, "REST is not ready")
    with served.channel() as channel:
        health = health_pb2_grpc.HealthStub(channel)
        status = health.Check(health_pb2.HealthCheckRequest(), timeout=30).status
        assert status == health_pb2.HealthCheckResponse.NOT_SERVING
    assert served.client.predict("m", {"x": np.array([2], "f4")}, timeout_s=30).outputs["y"] == [3]
    assert ask(served.url + "/v1/models/m:predict", b'{"instances": [2]}').status == 200
    assert stopping.is_alive()
    stopping.join(60)
    assert not listens(served.settings.port)


def test_a_store_that_does_not_exist_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    served = Served(tmp_path / "nowhere")
    served.server.start()
    assert served.server.wait_ready(60)
    served.server.stop()
    served.client.close()
    assert [r.message for r in caplog.records if "does not exist yet" in r.message] == [
        f"{tmp_path / 'nowhere'} does not exist yet; models are served as they appear there"
    ]
