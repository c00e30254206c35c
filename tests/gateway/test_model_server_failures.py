"""What the gateway does while versions change, and when the model server is down, slow, broken or wrong."""

import json
import os
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bench.footprint import children
from bench.stack import free_port
from store.golden import difference
from store.layout import Store
from store.publish import publish
from tests.gateway.conftest import Shelf
from tests.support.clients import Clients
from tests.support.processes import GatewayProcess, ModelServerProcess, until
from tests.support.proxy import Proxy
from tests.support.small_models import picture
from wire.client import ModelServerClient
from wire.errors import ModelServerError

PICTURE = picture()


@pytest.mark.parametrize("local", [False, True], ids=["grpc", "local"])
def test_versions_swap_under_sixteen_clients_without_a_failed_request(shelf: Shelf, *, local: bool) -> None:
    shelf.publish("digits-a")
    with ModelServerProcess(shelf.store.root, local=local) as server, GatewayProcess(server.target) as gateway:
        gateway.wait_ready()
        clients = Clients(gateway, "digits", PICTURE, 16)
        pinning = Clients(gateway, "digits", PICTURE, 2, **{"X-Model-Digest": "sha256:digits-1"})
        with clients.asking(), pinning.asking():
            for version, export in enumerate(["digits-b", "digits-a", "digits-b"], start=2):
                clients.wait_for(100)
                shelf.publish(export)
                until(partial(gateway.answers_from, "digits", version), f"version {version}")
            clients.wait_for(100)
    assert clients.statuses.keys() == {200}
    told = clients.different("X-Model-Digest")
    assert [answer.headers["X-Model-Digest"] for answer in told] == ["sha256:digits-1", "sha256:digits-2"]
    assert {answer.headers["X-Model-Version"] for answer in clients.answers} == {"1", "2", "3", "4"}
    by_status = {(answer.status, answer.headers["X-Model-Digest"]) for answer in pinning.answers}
    assert by_status == {(200, "sha256:digits-1"), (412, "sha256:digits-2")}
    [pinned] = pinning.different()
    assert difference(told[0].json(), pinned.json(), 1e-6) is None


@pytest.mark.parametrize("local", [False, True], ids=["grpc", "local"])
def test_a_killed_model_server_gives_503_and_comes_back_by_itself(shelf: Shelf, *, local: bool) -> None:
    shelf.publish("digits-a")
    port = free_port()
    with ModelServerProcess(shelf.store.root, port, local=local) as server, GatewayProcess(server.target) as gateway:
        gateway.wait_ready()
        before = gateway.post("/models/digits", PICTURE)
        clients = Clients(gateway, "digits", PICTURE, 8)
        with clients.asking():
            clients.wait_for(50)
            server.kill()
            until(lambda: clients.answers[-1].status == 503, "503")
            clients.wait_for(50)
        assert clients.statuses.keys() == {200, 503}
        down = gateway.post("/models/digits", PICTURE)
        assert int(down.headers["Retry-After"]) >= 1
        assert down.json()["error_type"] == "overloaded"
        assert down.json()["estimated_time"] >= 1
        until(lambda: gateway.get("/readyz").status == 503, "not ready")
        assert gateway.get("/healthz").status == 200
        assert [model["name"] for model in gateway.get("/models").json()["models"]] == ["digits"]
        assert gateway.post("/models/none", b"{}").status == 404
        with ModelServerProcess(shelf.store.root, port, local=local):
            gateway.wait_ready()
            until(lambda: gateway.post("/models/digits", PICTURE).status == 200, "answers again")
            assert gateway.post("/models/digits", PICTURE).body == before.body


def test_a_gateway_that_starts_first_waits_for_its_model_server(shelf: Shelf) -> None:
    shelf.publish("sentiment")
    port = free_port()
    with GatewayProcess(f"127.0.0.1:{port}") as gateway:
        assert gateway.get("/readyz").json()["reasons"].keys() == {"model server"}
        early = gateway.post("/models/sentiment", b'{"inputs": "good"}')
        assert (early.status, "Retry-After" in early.headers) == (503, True)
        with ModelServerProcess(shelf.store.root, port):
            gateway.wait_ready()
            assert gateway.post("/models/sentiment", b'{"inputs": "good"}').status == 200


def test_a_model_server_that_hangs_gives_504(model_server: ModelServerProcess) -> None:
    with (
        Proxy(model_server.target) as proxy,
        GatewayProcess(proxy.target, models=("digits",), deadline_s=1.0) as gateway,
    ):
        gateway.wait_ready()
        proxy.open.clear()
        try:
            late = gateway.post("/models/digits", PICTURE)
        finally:
            proxy.open.set()
        assert (late.status, late.json()["error_type"]) == (504, "timeout")
        assert "within 1 s" in late.json()["detail"]
        assert proxy.seconds_left is not None
        # gRPC sends three digits of a timeout, rounded up: of 1001 ms it makes 1010.
        assert proxy.seconds_left <= 1.01, "the model server was given more time than the request has"
        until(lambda: gateway.post("/models/digits", PICTURE).status == 200, "answers again")


@pytest.mark.parametrize("local", [False, True], ids=["grpc", "local"])
def test_a_server_that_comes_back_with_other_content_is_learnt_anew(
    shelf: Shelf, tmp_path: Path, *, local: bool
) -> None:
    shelf.publish("digits-a")
    other = Store.at(tmp_path / "other")
    publish(other, shelf.exports / "digits-b")
    port = free_port()
    with ModelServerProcess(shelf.store.root, port, local=local) as server, GatewayProcess(server.target) as gateway:
        gateway.wait_ready()
        clients = Clients(gateway, "digits", PICTURE, 4)
        with clients.asking():
            clients.wait_for(20)
            server.kill()
            with ModelServerProcess(other.root, port, local=local):
                until(lambda: clients.answers[-1].status == 503, "503")
                until(lambda: clients.answers[-1].status == 200, "answers again")
                clients.wait_for(50)
    assert clients.statuses.keys() == {200, 503}
    told = [answer.headers["X-Model-Digest"] for answer in clients.different("X-Model-Digest")]
    assert told == ["sha256:digits-1", "sha256:digits-2"]


def test_a_server_that_comes_back_with_the_same_manifest_proves_itself_all_the_same(
    shelf: Shelf, tmp_path: Path
) -> None:
    """Stopped meanwhile, the gateway meets the new server when that has loaded all: as a stock one always has."""
    shelf.publish("digits-a")
    other = Store.at(tmp_path / "other")
    publish(other, shelf.exports / "digits-wrong")
    port = free_port()
    with ModelServerProcess(shelf.store.root, port) as server, GatewayProcess(server.target) as gateway:
        gateway.wait_ready()
        server.kill()
        until(lambda: gateway.post("/models/digits", PICTURE).status == 503, "503")
        family = (gateway.pid, *children(gateway.pid))
        for pid in family:
            os.kill(pid, signal.SIGSTOP)
        with ModelServerProcess(other.root, port), ModelServerClient(server.target) as client:
            until(partial(is_available, client), "the other server has loaded")
            for pid in reversed(family):
                os.kill(pid, signal.SIGCONT)
            until(lambda: b"golden" in gateway.get("/readyz").body, "its goldens are asked for")
            assert gateway.post("/models/digits", PICTURE).status == 503


def is_available(client: ModelServerClient) -> bool:
    try:
        return client.status("digits", timeout_s=10)[0].state == "AVAILABLE"
    except ModelServerError:  # it does not listen yet, or has not looked yet
        return False


def test_probes_are_answered_while_uploads_stall(model_server: ModelServerProcess) -> None:
    head = b"POST /models/digits HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nabc"
    with GatewayProcess(model_server.target, requests=2) as gateway, ExitStack() as stalled:
        gateway.wait_ready()
        host, _, port = gateway.url.removeprefix("http://").rpartition(":")

        def refused_beside_one_more() -> bool:
            """One more each time: the picture may hold a place just when all those that stall are turned away."""
            stalled.enter_context(socket.create_connection((host, int(port)))).sendall(head)
            return gateway.post("/models/digits", PICTURE).status == 503

        for _ in range(20):
            stalled.enter_context(socket.create_connection((host, int(port)))).sendall(head)
        until(refused_beside_one_more, "every place is taken")
        refused = gateway.post("/models/digits", PICTURE)
        assert (refused.headers["Retry-After"], refused.json()["error_type"]) == ("1", "overloaded")
        assert [gateway.get(path).status for path in ("/healthz", "/readyz", "/metrics")] == [200, 200, 200]
        stalled.close()
        until(lambda: gateway.post("/models/digits", PICTURE).status == 200, "answers again")


def test_a_version_with_wrong_goldens_is_refused_and_a_right_one_after_it_answers(shelf: Shelf) -> None:
    shelf.publish("digits-wrong", "sentiment")
    with ModelServerProcess(shelf.store.root) as server, GatewayProcess(server.target) as gateway:
        until(lambda: "golden" in json.dumps(reasons(gateway)), "the wrong golden is told")
        refused = gateway.post("/models/digits", PICTURE)
        assert refused.status == 503
        assert "golden seven is answered wrongly" in refused.json()["detail"]
        model = gateway.get("/models/digits").json()
        assert not model["ready"]
        assert "golden seven" in model["reason"]
        assert "golden seven" in model["versions"][0]["reason"]
        until(lambda: gateway.post("/models/sentiment", b'{"inputs": "good"}').status == 200, "another model answers")
        shelf.publish("digits-a")
        gateway.wait_ready()
        assert gateway.post("/models/digits", PICTURE).headers["X-Model-Version"] == "2"


def test_a_version_with_wrong_goldens_leaves_the_one_before_it_current(
    model_server: ModelServerProcess, shelf: Shelf
) -> None:
    publish(shelf.store, shelf.exports / "digits-wrong", version=2)
    with (
        ModelServerProcess(shelf.store.root) as second,
        Proxy(model_server.target) as both,
        GatewayProcess(both.target, models=("digits",)) as gateway,
    ):
        gateway.wait_ready()
        before = gateway.post("/models/digits", PICTURE)
        both.targets.append(second.target)
        wrong = "version 2: golden seven is answered wrongly"
        until(lambda: wrong in reasons(gateway).get("digits", ""), "the wrong golden is seen")
        after = gateway.post("/models/digits", PICTURE)
        assert (after.status, after.headers["X-Model-Version"], after.body) == (200, "1", before.body)
        versions = gateway.get("/models/digits").json()["versions"]
        assert {line["version"]: line["current"] for line in versions} == {1: True, 2: False}


def test_a_server_that_cannot_list_is_asked_on_demand(model_server: ModelServerProcess) -> None:
    with Proxy(model_server.target) as stock:
        with GatewayProcess(stock.target) as gateway:
            until(lambda: gateway.post("/models/digits", PICTURE).status == 200, "digits answers on demand")
            assert gateway.post("/models/none", PICTURE).status == 404
            assert gateway.post("/models/No%20Name", PICTURE).status == 404
            assert [model["name"] for model in gateway.get("/models").json()["models"]] == ["digits"]
        with GatewayProcess(stock.target, models=("sentiment", "ghost")) as gateway:
            gateway.wait_ready()
            assert gateway.post("/models/digits", PICTURE).status == 404
            ghost = gateway.post("/models/ghost", PICTURE)
            assert (ghost.status, "Retry-After" in ghost.headers) == (503, True)


def test_broken_answers_give_502(model_server: ModelServerProcess) -> None:
    def lacking(response: Any) -> Any:
        del response.outputs["probabilities"]
        return response

    def misshapen(response: Any) -> Any:
        response.outputs["probabilities"].tensor_shape.dim[1].size = 7
        return response

    def other_version(response: Any) -> Any:
        response.model_spec.version.value = 9
        return response

    def unreadable(response: Any) -> Any:
        response.outputs["probabilities"].dtype = 99
        return response

    with Proxy(model_server.target) as proxy, GatewayProcess(proxy.target, models=("digits",)) as gateway:
        gateway.wait_ready()
        sound = proxy.distort
        for distort in (lacking, misshapen, other_version, unreadable):
            proxy.distort = distort
            broken = gateway.post("/models/digits", PICTURE)
            assert (broken.status, broken.json()["error_type"]) == (502, "generation"), distort.__name__
        proxy.distort = sound
        assert gateway.post("/models/digits", PICTURE).status == 200


def test_more_requests_than_threads_are_all_answered(model_server: ModelServerProcess) -> None:
    with GatewayProcess(model_server.target, threads=4) as gateway:
        gateway.wait_ready()
        with ThreadPoolExecutor(32) as pool:
            answers = list(pool.map(lambda _: gateway.post("/models/digits", PICTURE).status, range(200)))
    assert set(answers) == {200}


def reasons(gateway: GatewayProcess) -> dict[str, str]:
    told: dict[str, str] = gateway.get("/readyz").json().get("reasons", {})
    return told


def test_a_version_rejected_by_a_broken_server_gets_another_chance_from_the_next(shelf: Shelf) -> None:
    """A model server on its way out may answer a golden wrongly; the version is not to blame for ever."""
    shelf.publish("digits-a")
    port = free_port()
    with ModelServerProcess(shelf.store.root, port) as server, Proxy(server.target) as proxy:
        sound, proxy.distort = proxy.distort, lambda response: response.ClearField("outputs") or response
        with GatewayProcess(proxy.target, models=("digits",)) as gateway:
            until(lambda: "no readable manifest" in reasons(gateway).get("digits", ""), "the rejection")
            proxy.distort = sound
            server.kill()
            with ModelServerProcess(shelf.store.root, port):
                gateway.wait_ready()
                assert gateway.post("/models/digits", PICTURE).status == 200
