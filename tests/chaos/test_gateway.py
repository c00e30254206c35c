"""A gateway whose workers are killed, and whose disk is full."""

import os
import signal
import time
from pathlib import Path

import pytest

from bench.stack import free_port
from store.layout import Store
from tests.chaos.bounds import lasting, under_load
from tests.chaos.conftest import Goldens, See, has_all
from tests.support.processes import GatewayProcess, ModelServerProcess, until
from tests.support.small_models import picture
from tests.support.stacks import workers

pytestmark = pytest.mark.chaos

FULL = Path("/dev/full")


@pytest.mark.parametrize("killed", [1, 2])
def test_of_two_workers_are_killed(killed: int, server: ModelServerProcess, goldens: Goldens, see: See) -> None:
    """A connection to a worker that is killed breaks, which no server can help; another worker takes its place."""
    with under_load(server.target, goldens, see, workers=2) as (gauntlet, bounds):
        until(lambda: len(workers(gauntlet.gateway.pid)) == 2, "two workers")
        before = workers(gauntlet.gateway.pid)
        killed_at = time.monotonic()
        for pid in sorted(before)[:killed]:
            os.kill(pid, signal.SIGKILL)
        until(lambda: len(workers(gauntlet.gateway.pid) - before) == killed, "others take their place")
        gauntlet.settle()
        broken = [told for told in gauntlet.told if not told.status]
        see(broken=len(broken))
        bounds.hold(killed_at, statuses={0, 503, 504}, starts=True)
        assert all(told.ended_at >= killed_at for told in broken)


def test_a_worker_is_killed_again_and_again(server: ModelServerProcess, goldens: Goldens, see: See) -> None:
    with under_load(server.target, goldens, see, workers=2) as (gauntlet, bounds):
        until(lambda: len(workers(gauntlet.gateway.pid)) == 2, "two workers")
        for _ in range(3):
            before = workers(gauntlet.gateway.pid)
            os.kill(min(before), signal.SIGKILL)
            until(lambda: len(workers(gauntlet.gateway.pid) - before) == 1, "another takes its place")  # noqa: B023
            lasting(6)  # granian gives up on a worker that lives for less
        over_at = time.monotonic()
        gauntlet.settle()
        bounds.hold(over_at, statuses={0, 503, 504})


def test_no_log_has_room(store: Store, goldens: Goldens, see: See) -> None:
    with (
        ModelServerProcess(store.root, log=FULL) as server,
        under_load(server.target, goldens, see, log=FULL, access_log=True) as (gauntlet, bounds),
    ):
        began_at = time.monotonic()
        lasting(2)
        gauntlet.settle()
        bounds.hold(began_at, statuses=set())
        page = gauntlet.gateway.get("/metrics").body.decode()
        lost = next(line for line in page.splitlines() if line.startswith("kmaas_access_log_dropped_total"))
        see(lost=float(lost.split()[-1]))
        assert float(lost.split()[-1]) > 0


def test_failures_are_told_by_status_though_no_log_has_room(store: Store, see: See) -> None:
    """What the gateway would log of it has no room either."""
    port = free_port()
    with (
        ModelServerProcess(store.root, port, log=FULL) as server,
        GatewayProcess(server.target, log=FULL) as gateway,
    ):
        until(lambda: has_all(server), "all is loaded")
        gateway.wait_ready()
        server.kill()
        until(lambda: gateway.post("/models/digits", picture()).status == 503, "503")
        assert gateway.alive()
