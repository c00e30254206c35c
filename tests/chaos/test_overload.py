"""Ten times as many requests as can be answered."""

import statistics
import time
from collections import Counter

import pytest

from bench.load import Request, requests_per_s
from store.golden import difference
from tests.chaos.conftest import Goldens, See
from tests.support.arrivals import Arrivals, Arrived
from tests.support.gauntlet import untyped
from tests.support.processes import Answer, GatewayProcess, ModelServerProcess
from tests.support.tcp_proxy import TcpProxy

pytestmark = pytest.mark.chaos

DEADLINE_S = 2.0
GOODPUT = 0.8
TIMES = 10
CALM = 300  # requests
OVERLOAD_S = 60.0

# A model that takes a tenth of a second, four at a time: what there is too little of is the model, as it is with real
# ones. The small models answer in a millisecond, where clients, gateway and model server would fight for two cores.
THREADS, EACH_WAY_S = 4, 0.05


def test_ten_times_as_many_requests_as_can_be_answered(server: ModelServerProcess, goldens: Goldens, see: See) -> None:
    model, golden = goldens["sha256:digits-1"]
    path = f"/models/{model}"
    with (
        TcpProxy(server.port) as proxy,
        GatewayProcess(proxy.target, deadline_s=DEADLINE_S, threads=THREADS, access_log=False) as gateway,
    ):
        gateway.wait_ready()
        proxy.delay_s = EACH_WAY_S
        request = Request(f"{gateway.url}{path}", golden.body)
        capacity = requests_per_s(request, concurrency=2 * THREADS, count=CALM)
        flood = Arrivals.of(gateway.url, path, golden.body, rate=TIMES * capacity, seconds=OVERLOAD_S).measured()
        over_at = time.monotonic()
        while gateway.post(path, golden.body).status != 200:
            assert time.monotonic() - over_at < 5
        recovered_s = time.monotonic() - over_at

    answered = [one for one in flood if one.status == 200]
    refused = [one for one in flood if one.status not in (0, 200)]
    kept = sum(one.ends_s <= OVERLOAD_S for one in answered) / OVERLOAD_S / capacity
    see(
        capacity_per_s=capacity,
        asked_per_s=len(flood) / OVERLOAD_S,
        answers=dict(sorted(Counter(one.status for one in flood).items())),
        goodput=kept,
        median_s=statistics.median(one.latency_s for one in answered),
        longest_s=max(one.latency_s for one in answered),
        refused_median_s=statistics.median(one.latency_s for one in refused),
        recovered_s=recovered_s,
    )
    assert kept >= GOODPUT
    assert not {difference(golden.expected, whole(one).json(), golden.tolerance) for one in answered} - {None}
    assert not {untyped(whole(one)) for one in refused} - {None}
    early = [one for one in refused if one.status in (429, 503)]
    assert len(early) >= 0.95 * len(refused), "late refusals"
    assert len(answered) + len(refused) == len(flood), "no request without an answer"
    assert statistics.median(one.latency_s for one in answered) <= DEADLINE_S
    assert statistics.median(one.latency_s for one in refused) <= DEADLINE_S


def whole(one: Arrived) -> Answer:
    return Answer(one.status, {"Retry-After": one.retry_after} if one.retry_after else {}, one.body.encode())
