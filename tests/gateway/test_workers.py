"""Several workers: they share the port, and whichever is asked tells the metrics of all."""

import os
import signal

from tests.gateway.test_native import labelled, metrics
from tests.support.processes import GatewayProcess, ModelServerProcess, until
from tests.support.small_models import picture
from tests.support.stacks import workers

ASKED = labelled(
    "kmaas_requests_total",
    model="digits",
    version="1",
    task="image-classification",
    dialect="huggingface",
    status="200",
)


def test_metrics_of_all_workers_are_added_up_and_a_killed_one_leaves_its_counts(
    model_server: ModelServerProcess,
) -> None:
    with GatewayProcess(model_server.target, workers=2) as gateway:
        gateway.wait_ready()
        until(lambda: len(workers(gateway.pid)) == 2, "two workers")
        started = workers(gateway.pid)

        def answered() -> int:
            return sum(gateway.post("/models/digits", picture()).status == 200 for _ in range(40))

        first = answered()
        until(lambda: metrics(gateway)[ASKED] == first, "the other one has written what it counted")
        os.kill(min(started), signal.SIGKILL)
        until(lambda: len(workers(gateway.pid) - started) == 1, "another worker")
        until(gateway.alive, "it answers")
        before = metrics(gateway)[ASKED]
        assert before == first
        until(lambda: metrics(gateway)[labelled("kmaas_requests_in_flight")] == 1, "the killed one is forgotten")
