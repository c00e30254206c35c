"""Models that came a moment ago answer the first request, however seldom the gateway looks: a worker that has not seen
them yet is not to refuse what another one answers.
"""

import threading

from store.publish import publish
from tests.gateway.conftest import Shelf
from tests.support.processes import GatewayProcess, ModelServerProcess, until
from tests.support.small_models import picture
from wire.client import ModelServerClient

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
    return [line.state for line in client.status("digits", timeout_s=5) if line.version == version]
