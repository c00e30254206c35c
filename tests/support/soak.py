"""A model server that loads, answers and unloads for long: `python -m tests.support.soak OPTIONS`, JSON of `Soak`.

Prints resident memory in KB as a JSON list: after each tenth cycle, or after each fiftieth part of the requests where
there is one cycle only.
"""

import gc
import json
import shutil
import sys
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from bench.stack import free_port
from serving.server import ModelServer
from serving.settings import ServeSettings
from tests.support import saved_models, twins
from tests.support.processes import until
from wire.client import ModelServerClient
from wire.tensors import Array

_SAMPLED = 10
_PARTS = 50


@dataclass(frozen=True)
class Soak:
    """In each cycle the next version replaces the one before, and `requests` are answered.

    Attributes:
        leak: bytes kept for ever in each cycle, the control that shows a leak would be seen.
        request_leak: the same for each request.
        model: one of `saved_models`, of an input `x`, or `twin`.
        zero_wait: with batching that never waits.
    """

    cycles: int
    requests: int
    leak: int = 0
    request_leak: int = 0
    model: str = "plus-2"
    zero_wait: bool = False

    def put(self, version: Path) -> None:
        if self.model == "twin":
            twins.put(version)
        else:
            saved_models.put(self.model, version)

    @property
    def inputs(self) -> dict[str, Array]:
        return {"token_ids": np.ones((1, 8), "i4")} if self.model == "twin" else {"x": np.zeros(8, "f4")}


def soak(root: Path, options: Soak) -> list[int]:
    settings = ServeSettings(
        port=free_port(), rest_api_port=0, file_system_poll_wait_seconds=0.01, zero_wait_batching=options.zero_wait
    )
    server = ModelServer(root, settings)
    server.start()
    kept = bytearray()
    samples = []
    with ModelServerClient(f"127.0.0.1:{settings.port}") as client:
        for cycle in range(1, options.cycles + 1):
            options.put(root / "m" / str(cycle))
            until(partial(_is_available, client, cycle), f"version {cycle} is available")
            shutil.rmtree(root / "m" / str(cycle - 1), ignore_errors=True)
            until(
                lambda: list(_states(client).values()).count("END") == len(_states(client)) - 1, "the old one is gone"
            )
            for number in range(options.requests):
                client.predict("m", options.inputs, timeout_s=30)
                kept += bytes(options.request_leak)
                if options.cycles == 1 and not number % (options.requests // _PARTS):
                    samples.append(_resident_kb())
            kept += bytes(options.leak)
            if not cycle % _SAMPLED:
                gc.collect()
                samples.append(_resident_kb())
    server.stop()
    return samples


def _is_available(client: ModelServerClient, version: int) -> bool:
    return _states(client).get(version) == "AVAILABLE"


def _states(client: ModelServerClient) -> dict[int, str]:
    try:
        return {line.version: line.state for line in client.status("m", timeout_s=30)}
    except Exception:  # not seen yet
        return {}


def _resident_kb() -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(soak(Path(folder), Soak(**json.loads(sys.argv[1])))))  # noqa: T201 (its answer)
