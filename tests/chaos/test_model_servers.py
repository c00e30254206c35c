"""Model servers that are killed, frozen, slow, torn off or mad, one alone and one of two, under steady load."""

import signal
import time
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from bench.stack import free_port
from store.layout import Store
from tests.chaos.bounds import DEADLINE_S, LASTS_S, lasting, under_load
from tests.chaos.conftest import Goldens, See, has_all
from tests.support.processes import GatewayProcess, ModelServerProcess, until
from tests.support.tcp_proxy import TcpProxy

pytestmark = pytest.mark.chaos


@pytest.mark.parametrize("local", [False, True], ids=["grpc", "local"])
def test_it_is_killed_and_started_again(store: Store, goldens: Goldens, see: See, *, local: bool) -> None:
    port = free_port()
    with ExitStack() as running:
        server = running.enter_context(ModelServerProcess(store.root, port, local=local))
        gauntlet, bounds = running.enter_context(under_load(server.target, goldens, see))
        server.kill()
        lasting(1)
        again = running.enter_context(ModelServerProcess(store.root, port, local=local))
        until(lambda: has_all(again), "it is back")
        over_at = time.monotonic()
        gauntlet.settle()
        bounds.hold(over_at, statuses={503, 504})
    assert gauntlet.statuses[503] > 0


@pytest.mark.parametrize("local", [False, True], ids=["grpc", "local"])
def test_it_is_frozen(store: Store, goldens: Goldens, see: See, *, local: bool) -> None:
    with (
        ModelServerProcess(store.root, local=local) as server,
        under_load(server.target, goldens, see) as (gauntlet, bounds),
    ):
        server.signal(signal.SIGSTOP)
        lasting(LASTS_S)
        server.signal(signal.SIGCONT)
        over_at = time.monotonic()
        gauntlet.settle()
        bounds.hold(over_at, statuses={503, 504})
    assert gauntlet.statuses[504] > 0


def slow(proxy: TcpProxy, on: bool) -> None:
    proxy.delay_s = 0.4 if on else 0.0


def hopelessly_slow(proxy: TcpProxy, on: bool) -> None:
    proxy.delay_s = DEADLINE_S if on else 0.0


def torn(proxy: TcpProxy, on: bool) -> None:
    proxy.resetting = on


def mad(proxy: TcpProxy, on: bool) -> None:
    proxy.garbling = on


@pytest.mark.parametrize("fault", [slow, hopelessly_slow, torn, mad])
def test_its_bytes_are(
    fault: Callable[[TcpProxy, bool], None], server: ModelServerProcess, goldens: Goldens, see: See
) -> None:
    with (
        TcpProxy(server.port) as proxy,
        under_load(proxy.target, goldens, see) as (gauntlet, bounds),
    ):
        fault(proxy, True)
        lasting(LASTS_S)
        fault(proxy, False)
        over_at = time.monotonic()
        gauntlet.settle()
        bounds.hold(over_at, statuses={502, 503, 504})
    assert fault is slow or gauntlet.statuses.keys() > {200}, "nobody felt it"


@pytest.mark.parametrize("fault", [torn, mad, hopelessly_slow])
def test_those_of_one_of_two_are(
    fault: Callable[[TcpProxy, bool], None], server: ModelServerProcess, goldens: Goldens, see: See
) -> None:
    with (
        TcpProxy(server.port) as proxy,
        under_load([proxy.target, server.target], goldens, see) as (gauntlet, bounds),
    ):
        fault(proxy, True)
        lasting(LASTS_S)
        fault(proxy, False)
        over_at = time.monotonic()
        gauntlet.settle()
        bounds.hold(over_at, statuses={503, 504})


@pytest.mark.parametrize("local", [False, True], ids=["grpc", "local"])
def test_one_of_two_is_lost_and_back(store: Store, goldens: Goldens, see: See, *, local: bool) -> None:
    port = free_port()
    with ExitStack() as running:
        one, other = (
            running.enter_context(ModelServerProcess(store.root, at, local=local)) for at in (port, free_port())
        )
        gauntlet, bounds = running.enter_context(under_load([one.target, other.target], goldens, see))
        one.kill()
        lasting(1)
        again = running.enter_context(ModelServerProcess(store.root, port, local=local))
        until(lambda: has_all(again), "it is back")
        over_at = time.monotonic()
        until(lambda: all_servers(gauntlet.gateway, 2), "it gets requests again")
        see(back_s=time.monotonic() - over_at)
        gauntlet.settle()
        bounds.hold(over_at, statuses={503})


def all_servers(gateway: GatewayProcess, count: int) -> bool:
    return all(
        line["servers"] == count
        for model in ("digits", "sentiment")
        for line in gateway.get(f"/models/{model}").json()["versions"]
    )
