"""The gateway's memory over 10,000 requests, and that a leak would be seen."""

from pathlib import Path

import pytest

from bench.footprint import resident_mb
from bench.load import Request, requests_per_s
from tests.chaos.conftest import Goldens, See
from tests.support.processes import GatewayProcess, ModelServerProcess
from tests.support.sabotage import code_with
from tests.support.slope import slope
from tests.support.stacks import workers

pytestmark = pytest.mark.chaos

REQUESTS, PARTS = 10_000, 50
SETTLING = 5_000  # requests before, until memory has found its level: threads, arenas, caches
LIMIT_B = 200  # per request
LEAK_B = 1000

_OLD = "        trace = g.trace = Trace("
_NEW = f'        self.__dict__.setdefault("kept", []).append(bytes({LEAK_B}))\n{_OLD}'


def grows_b(gateway: GatewayProcess, body: bytes) -> float:
    """Bytes per request."""
    gateway.wait_ready()
    [worker] = workers(gateway.pid)
    request = Request(f"{gateway.url}/models/digits", body)
    requests_per_s(request, concurrency=8, count=SETTLING)
    samples = []
    for _ in range(PARTS):
        requests_per_s(request, concurrency=8, count=REQUESTS // PARTS)
        samples.append(resident_mb(worker) * 1e6)
    return slope(samples) / (REQUESTS / PARTS)


def test_memory_is_flat(server: ModelServerProcess, goldens: Goldens, see: See) -> None:
    _, golden = goldens["sha256:digits-1"]
    with GatewayProcess(server.target, access_log=False) as gateway:
        grown_b = grows_b(gateway, golden.body)
    see(bytes_per_request=grown_b)
    assert grown_b < LIMIT_B


def test_a_leak_would_be_seen(server: ModelServerProcess, goldens: Goldens, see: See, tmp_path: Path) -> None:
    """The same gateway, but that it keeps a kilobyte of each request."""
    _, golden = goldens["sha256:digits-1"]
    code = code_with(tmp_path, "gateway/observer.py", _OLD, _NEW)
    with GatewayProcess(server.target, access_log=False, code=code) as gateway:
        grown_b = grows_b(gateway, golden.body)
    see(bytes_per_request=grown_b)
    assert grown_b > LIMIT_B
    assert grown_b == pytest.approx(LEAK_B, rel=0.5)
