"""The model servers under contract: the embedded one as a real `kmaas serve`; another joins as a parameter."""

from collections.abc import Iterator
from dataclasses import dataclass

import grpc
import pytest

from bench.stack import free_port
from tests.support import saved_models
from tests.support.processes import Process, ask, until

MODELS = {"plus": "plus-2", "many": "many", "slow": "slow"}  # served model -> SavedModel
VERSION = 7


@dataclass(frozen=True)
class Server:
    """Where a server with the contract's models listens."""

    grpc: str
    rest: str


@pytest.fixture(scope="session", params=["embedded"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    assert request.param == "embedded"
    store = tmp_path_factory.mktemp("store")
    for model, saved_model in MODELS.items():
        saved_models.put(saved_model, store / model / str(VERSION))
    grpc_port, rest_port = free_port(), free_port()
    ports = ("--grpc-port", str(grpc_port), "--rest-port", str(rest_port))
    with Process("serve", "--store", str(store), *ports) as process:
        found = Server(f"127.0.0.1:{grpc_port}", f"http://127.0.0.1:{rest_port}")
        with grpc.insecure_channel(found.grpc) as channel:
            grpc.channel_ready_future(channel).result(120)
        until(lambda: ask(found.rest + "/healthz").status == 200, "the models are loaded", timeout_s=120)
        yield found
    assert process.wait() == 0, "SIGTERM must end the server cleanly"
