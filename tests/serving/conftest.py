"""A model server inside the test process, over a store of the test's own."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from bench.stack import free_port
from serving.inference.call import Call
from serving.metrics import Metrics
from serving.runtimes.options import RuntimeOptions
from serving.runtimes.runtime import Runtime
from serving.runtimes.saved_model import SavedModel
from serving.servable import Servable
from serving.server import ModelServer
from serving.settings import ServeSettings
from tests.serving.calls import CallOn
from tests.support import saved_models
from tests.support.processes import until
from wire.client import ModelServerClient


class Served:
    """A store, the server over it, and a client of it."""

    def __init__(self, root: Path, **settings: object) -> None:
        self.root = root
        self.settings = ServeSettings.model_validate(
            {
                "port": free_port(),
                "rest_api_port": free_port(),
                "file_system_poll_wait_seconds": 0.05,
                "max_num_load_retries": 0,
                "tensorflow_intra_op_parallelism": 1,
                "tensorflow_inter_op_parallelism": 1,
                **settings,
            }
        )
        self.server = ModelServer(root, self.settings)
        self.client = ModelServerClient(f"127.0.0.1:{self.settings.port}")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.settings.rest_api_port}"

    def channel(self) -> grpc.Channel:
        """For calls in bytes; the caller closes it."""
        return grpc.insecure_channel(f"127.0.0.1:{self.settings.port}")

    def put(self, name: str, model: str, version: int) -> None:
        saved_models.put(name, self.root / model / str(version))

    def states(self, model: str) -> dict[int, str]:
        return {line.version: line.state for line in self.client.status(model, timeout_s=30)}

    def wait_for(self, model: str, version: int, state: str) -> None:
        until(lambda: self.states(model).get(version) == state, f"{model} {version} is {state}")

    def users(self, model: str) -> int:
        """How many requests are under way."""
        lead = f'kmaas_version_requests_in_flight{{model="{model}",'
        lines = self.server.metrics.text().splitlines()
        return sum(int(line.split()[-1]) for line in lines if line.startswith(lead))


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Starts a server over a store with the models given as `model=(saved model, version)`; waits until it is ready.

    Other keywords are settings.
    """
    started: list[Served] = []

    def start(**models: Any) -> Served:
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


@pytest.fixture(scope="session")
def call() -> Iterator[CallOn]:
    """A call on version 7 of a model, loaded once."""
    runtimes: dict[str, Runtime] = {}

    def on(model: str) -> Call:
        if model not in runtimes:
            options = RuntimeOptions(intra_op_threads=1, inter_op_threads=1)
            runtimes[model] = SavedModel(saved_models.folder() / model, options)
        return Call(Servable(model, 7, runtimes[model]), "Test", 60, Metrics())

    yield on
    for runtime in runtimes.values():
        runtime.close()
