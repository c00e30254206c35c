"""Models that came a moment ago answer the first request, however seldom the gateway looks: a worker that has not seen
them yet is not to refuse what another one answers.
"""

import threading
from contextlib import suppress

import pytest

from bench.stack import free_port
from store.publish import publish
from tests.gateway.conftest import Shelf
from tests.support.processes import GatewayProcess, ModelServerProcess, until
from tests.support.small_models import picture
from wire.client import ModelServerClient
from wire.errors import ModelServerError

SELDOM_S = 3600.0


def test_a_model_that_was_published_after_the_gateway_looked(shelf: Shelf) -> None:
    shelf.publish("strokes")
    with (
        ModelServerProcess(shelf.store.root) as server,
        ModelServerClient(server.target) as client,
        GatewayProcess(server.target, refresh_interval_s=SELDOM_S) as gateway,
    ):
        until(lambda: gateway.post("/models/strokes", picture()).status == 200, "the first model answers")
        shelf.publish("digits-a")
        until(lambda: "digits" in client.models(timeout_s=5), "the server has it")
        until(lambda: [s.state for s in client.status("digits", timeout_s=5)] == ["AVAILABLE"], "it is loaded")
        assert gateway.post("/models/digits", picture()).status == 200


def test_a_version_that_was_loading_when_the_gateway_looked(shelf: Shelf) -> None:
    """The first look finds the model without a version that can answer: the next request looks again."""
    shelf.publish("strokes")
    with (
        ModelServerProcess(shelf.store.root) as server,
        GatewayProcess(server.target, refresh_interval_s=SELDOM_S) as gateway,
    ):
        until(lambda: gateway.post("/models/strokes", picture()).status == 200, "the first model answers")
        seen: list[int] = []
        stop = threading.Event()

        def ask() -> None:
            while not stop.is_set():
                seen.append(gateway.post("/models/digits", picture()).status)

        asking = threading.Thread(target=ask)
        asking.start()
        try:
            publish(shelf.store, shelf.exports / "digits-a")
            until(lambda: seen[-1:] == [200], "it answers")
        finally:
            stop.set()
            asking.join()
        assert set(seen) <= {404, 503, 200}


@pytest.mark.parametrize("models", [(), ("digits",)])
def test_a_model_server_that_listens_after_the_gateway_looked(shelf: Shelf, models: tuple[str, ...]) -> None:
    """What is told of it is what holds when that is asked, too."""
    shelf.publish("digits-a")
    port = free_port()
    with GatewayProcess(f"127.0.0.1:{port}", refresh_interval_s=SELDOM_S, models=models) as gateway:
        assert gateway.post("/models/digits", picture()).status == 503
        with ModelServerProcess(shelf.store.root, port) as server, ModelServerClient(server.target) as client:
            until(lambda: "AVAILABLE" in states(client, version=1), "the server has it")
            assert gateway.post("/models/digits", picture()).status == 200
            server.kill()
        until(lambda: gateway.post("/models/digits", picture()).status == 503, "it is gone")
        with ModelServerProcess(shelf.store.root, port) as server, ModelServerClient(server.target) as client:
            until(lambda: "AVAILABLE" in states(client, version=1), "the server has it again")
            assert gateway.get("/models/digits").json()["manifest"]["digest"] == "sha256:digits-1"


def test_a_version_whose_digest_the_caller_learnt_elsewhere(shelf: Shelf) -> None:
    shelf.publish("digits-a")
    with (
        ModelServerProcess(shelf.store.root) as server,
        ModelServerClient(server.target) as client,
        GatewayProcess(server.target, refresh_interval_s=SELDOM_S) as gateway,
    ):
        until(lambda: gateway.post("/models/digits", picture()).status == 200, "the first version answers")
        shelf.publish("digits-b")
        until(lambda: "AVAILABLE" in states(client, version=2), "the server has the second")
        pinned = {"X-Model-Digest": "sha256:digits-2"}
        assert gateway.post("/models/digits", picture(), **pinned).headers["X-Model-Version"] == "2"


def states(client: ModelServerClient, *, version: int) -> list[str]:
    with suppress(ModelServerError):  # it does not listen yet
        return [line.state for line in client.status("digits", timeout_s=5) if line.version == version]
    return []
