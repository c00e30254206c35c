"""A model server inside the test process, over a store of the test's own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bench.stack import free_port
from serving.server import ModelServer
from serving.settings import ServeSettings
from tests.support import saved_models
from tests.support.processes import until
from wire.client import ModelServerClient


class Served:
    """A store, the server over it, and a client of it."""

    def __init__(self, root: Path, **settings: float) -> None:
        self.root = root
        self.settings = ServeSettings.model_validate(
            {
                "grpc_port": free_port(),
                "rest_port": free_port(),
                "poll_interval_s": 0.05,
                "load_retries": 0,
                "intra_op_threads": 1,
                "inter_op_threads": 1,
                **settings,
            }
        )
        self.server = ModelServer(root, self.settings)
        self.client = ModelServerClient(f"127.0.0.1:{self.settings.grpc_port}")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.settings.rest_port}"

    def put(self, name: str, model: str, version: int) -> None:
        saved_models.put(name, self.root / model / str(version))

    def states(self, model: str) -> dict[int, str]:
        return {line.version: line.state for line in self.client.status(model, timeout_s=30)}

    def wait_for(self, model: str, version: int, state: str) -> None:
        until(lambda: self.states(model).get(version) == state, f"{model} {version} is {state}")

    def users(self, model: str) -> int:
        """How many requests are under way: nothing that the server tells anyone else."""
        return sum(version.users for version in self.server._manager._models[model].versions.values())


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Starts a server over a store with the models given as `model=(saved model, version)`; waits until it is ready.

    Other keywords are settings.
    """
    started: list[Served] = []

    def start(**models: tuple[str, int] | float) -> Served:
        settings = {name: value for name, value in models.items() if not isinstance(value, tuple)}
        served = Served(tmp_path / f"store-{len(started)}", **settings)
        started.append(served)
        for model, what in models.items():
            if isinstance(what, tuple):
                served.put(what[0], model, what[1])
        served.server.start()
        assert served.server.wait_ready(120)
        return served

    yield start
    for served in started:
        served.client.close()
        served.server.stop()


Serve = Callable[..., Served]
