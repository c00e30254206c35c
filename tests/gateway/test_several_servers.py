"""Several model servers: real ones over one store, and real ones behind proxies that are slow, broken or silent."""

import re
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import grpc
import numpy as np
import pytest

from bench.stack import free_port
from gateway.backend import Backend, Counts
from gateway.deadline import Deadline
from gateway.errors import BrokenAnswerError, CallerLeftError
from gateway.servers.pool import Pool
from gateway.servers.server import Standing
from tests.gateway.conftest import Shelf
from tests.support.clients import Clients
from tests.support.processes import GatewayProcess, ModelServerProcess, until
from tests.support.proxy import Proxy
from tests.support.small_models import DIGIT_WORDS, DIGITS, picture
from wire.client import ModelServerClient
from wire.errors import InterruptedCallError
from wire.interrupt import Interrupt

PICTURE = picture()


def servers(gateway: GatewayProcess, version: int = 1) -> int:
    """On how many servers a version of `digits` answers."""
    lines = gateway.get("/models/digits").json()["versions"]
    return next((int(line["servers"]) for line in lines if line["version"] == version), 0)


def left_out(gateway: GatewayProcess) -> list[str]:
    """Why servers get no requests for `digits`."""
    return [why for line in gateway.get("/models/digits").json()["versions"] for why in line["left_out"]]


def state(gateway: GatewayProcess, target: str) -> str:
    page = gateway.get("/metrics").body.decode()
    [found] = re.findall(rf'kmaas_model_server_state{{server="{target}",state="(.*)"}} 1.0', page)
    return str(found)


@contextmanager
def behind(*proxies: Proxy, **settings: Any) -> Iterator[GatewayProcess]:
    """A gateway in front of proxies, once each has proved itself."""
    targets = tuple(proxy.target for proxy in proxies)
    with GatewayProcess(targets, models=("digits",), **settings) as gateway:
        until(lambda: servers(gateway) == len(proxies), "every server proves itself")
        for proxy in proxies:
            proxy.asked = 0
        yield gateway


@pytest.fixture
def two(model_server: ModelServerProcess) -> Iterator[tuple[Proxy, Proxy]]:
    with Proxy(model_server.target) as one, Proxy(model_server.target) as other:
        yield one, other


@pytest.mark.parametrize("local", [False, True], ids=["grpc", "local"])
def test_no_request_fails_while_one_of_three_is_killed_frozen_and_back(shelf: Shelf, *, local: bool) -> None:
    shelf.publish("digits-a")
    ports = [free_port() for _ in range(3)]
    with ExitStack() as running:
        first, second, third = (
            running.enter_context(ModelServerProcess(shelf.store.root, port, local=local)) for port in ports
        )
        gateway = running.enter_context(GatewayProcess([server.target for server in (first, second, third)]))
        until(lambda: servers(gateway) == 3, "every server proves itself")
        clients = Clients(gateway, "digits", PICTURE, 8)
        with clients.asking():
            clients.wait_for(100)
            second.kill()
            until(lambda: servers(gateway) == 2, "the killed one is missed")
            clients.wait_for(100)
            running.enter_context(ModelServerProcess(shelf.store.root, ports[1], local=local))
            until(lambda: servers(gateway) == 3, "it is back")
            third.signal(signal.SIGSTOP)
            until(lambda: state(gateway, third.target) == "silent", "the frozen one is missed")
            clients.wait_for(100)
            third.signal(signal.SIGCONT)
            until(lambda: servers(gateway) == 3, "it is back")
            clients.wait_for(100)
    assert clients.statuses.keys() == {200}
    assert len(clients.different()) == 1


def test_a_slow_server_gets_fewer_requests(two: tuple[Proxy, Proxy]) -> None:
    slow, fast = two
    with behind(slow, fast) as gateway:
        slow.slow_s = 0.5
        clients = Clients(gateway, "digits", PICTURE, 4)
        with clients.asking():
            clients.wait_for(100)
    assert clients.statuses.keys() == {200}
    assert 0 < slow.asked < fast.asked / 2


def test_a_replica_with_other_content_is_left_out_and_named(two: tuple[Proxy, Proxy], shelf: Shelf) -> None:
    shelf.publish("digits-b")
    with (
        ModelServerProcess(shelf.store.root) as other,
        GatewayProcess([other.target, *(proxy.target for proxy in two)], models=("digits",)) as gateway,
    ):
        clients = Clients(gateway, "digits", PICTURE, 4)
        until(lambda: servers(gateway) == 2, "two servers agree")
        with clients.asking():
            until(lambda: bool(left_out(gateway)), "the third is left out")
            clients.wait_for(50)
        why = left_out(gateway)
    assert {(answer.status, answer.headers["X-Model-Digest"]) for answer in clients.answers} == {
        (200, "sha256:digits-1")
    }
    assert len(clients.different()) == 1
    assert why == ["another content under this number: the digest is sha256:digits-2, sha256:digits-1 on the others"]


def test_a_replica_that_answers_goldens_wrongly_is_left_out(two: tuple[Proxy, Proxy], shelf: Shelf) -> None:
    shelf.publish("digits-wrong")
    with (
        ModelServerProcess(shelf.store.root) as wrong,
        GatewayProcess([wrong.target, two[0].target], models=("digits",)) as gateway,
    ):
        until(lambda: "golden seven is answered wrongly" in "".join(left_out(gateway)), "the wrong one is left out")
        until(lambda: servers(gateway) == 1, "the other can answer")
        clients = Clients(gateway, "digits", PICTURE, 2)
        with clients.asking():
            clients.wait_for(50)
        assert gateway.get("/readyz").status == 200
    assert clients.statuses.keys() == {200}


def nameless(response: Any) -> Any:
    response.ClearField("model_spec")
    return response


def misshapen(response: Any) -> Any:
    response.outputs["probabilities"].tensor_shape.dim.add(size=1)
    return response


@pytest.mark.parametrize("distort", [nameless, misshapen])
def test_a_server_that_fails_alone_gets_nothing_for_a_while_and_proves_itself_before_it_is_back(
    two: tuple[Proxy, Proxy], distort: Callable[[Any], Any]
) -> None:
    bad, good = two
    with behind(bad, good) as gateway:
        sound, bad.distort = bad.distort, distort
        clients = Clients(gateway, "digits", PICTURE, 4)
        with clients.asking():
            until(lambda: state(gateway, bad.target) in ("open", "half-open"), "it is out")
            clients.wait_for(50)
            bad.distort = sound
            until(lambda: servers(gateway) == 2, "it is back")
            clients.wait_for(50)
        assert state(gateway, bad.target) == "up"
    assert clients.statuses.keys() == {200}


def test_retries_stay_within_their_budget_when_every_server_fails(two: tuple[Proxy, Proxy]) -> None:
    with behind(*two) as gateway:
        for proxy in two:
            proxy.refusal = grpc.StatusCode.RESOURCE_EXHAUSTED
        answers = [gateway.post("/models/digits", PICTURE) for _ in range(100)]
        assert {(answer.status, answer.headers["Retry-After"]) for answer in answers} == {(503, "1")}
        assert sum(proxy.asked for proxy in two) <= 100 + 10 + 100 * 0.2 + 1
        assert 'kmaas_second_servers_total{why="over_budget"}' in gateway.get("/metrics").body.decode()


def test_a_refused_request_goes_to_another_server(two: tuple[Proxy, Proxy]) -> None:
    full, free = two
    with behind(full, free, retry_percent=100) as gateway:
        full.refusal = grpc.StatusCode.RESOURCE_EXHAUSTED
        assert {gateway.post("/models/digits", PICTURE).status for _ in range(20)} == {200}
        assert full.asked > 0
        assert servers(gateway) == 2, "overload is no fault"


def test_without_retries_a_failure_is_the_callers(two: tuple[Proxy, Proxy]) -> None:
    full, free = two
    with behind(full, free, retry_percent=0) as gateway:
        full.refusal = grpc.StatusCode.RESOURCE_EXHAUSTED
        assert {gateway.post("/models/digits", PICTURE).status for _ in range(20)} == {200, 503}
        assert free.asked + full.asked == 20


def test_a_request_that_takes_long_is_hedged_and_the_later_call_is_cancelled(two: tuple[Proxy, Proxy]) -> None:
    stuck, free = two
    with behind(stuck, free, hedge_after_ms=100, retry_percent=100) as gateway:
        stuck.slow_s = 30
        assert {gateway.post("/models/digits", PICTURE).status for _ in range(10)} == {200}
        assert stuck.asked > 0
        until(lambda: stuck.cancelled == stuck.asked, "what was overtaken is cancelled")


def test_what_nobody_waits_for_is_asked_once_and_counts_for_nothing(two: tuple[Proxy, Proxy]) -> None:
    """Copies for shadows: a version that fails must not take a server from callers."""
    bad, good = two
    image = np.zeros((1, 28, 28, 1), np.uint8)
    with behind(bad, good):
        pass  # the model server behind both is ready
    pool = Pool([bad.target, good.target])
    backend = Backend(pool)
    backend.place("digits", {1: [Standing(server, server.era) for server in pool.servers]})
    bad.refusal, bad.asked, good.asked = grpc.StatusCode.INTERNAL, 0, 0
    failed = 0
    for _ in range(40):
        try:
            backend.predict("digits", 1, "serving_default", {"image": image}, Deadline.after(30), aside=True)
        except BrokenAnswerError:
            failed += 1
    assert (failed, bad.asked, good.asked) == (20, 20, 20), "none is tried again, and both are asked on"
    assert backend.counts == Counts()
    backend.predict("digits", 1, "serving_default", {"image": image}, Deadline.after(30))


def test_a_caller_who_leaves_ends_the_call_to_the_server(two: tuple[Proxy, Proxy]) -> None:
    stuck, _ = two
    stuck.slow_s = 30
    pool = Pool([stuck.target])
    backend, caller = Backend(pool), Interrupt()
    backend.place("digits", {1: [Standing(pool.servers[0], pool.servers[0].era)]})
    Leaving(stuck, caller).start()
    with pytest.raises(CallerLeftError):
        backend.documents("digits", 1, ["manifest"], Deadline.after(30, interrupt=caller))
    until(lambda: stuck.cancelled == 1, "the server is told")
    with pytest.raises(CallerLeftError):
        backend.documents("digits", 1, ["manifest"], Deadline.after(30, interrupt=caller))
    assert stuck.asked == 1, "who left is not worked for"


def test_a_caller_over_grpc_who_leaves_ends_the_call_to_the_server(two: tuple[Proxy, Proxy]) -> None:
    stuck, _ = two
    image, caller = np.zeros((1, 28, 28, 1), np.uint8), Interrupt()
    with behind(stuck, deadline_s=100) as gateway, ModelServerClient(gateway.grpc) as client:
        client.predict("digits", {"image": image}, timeout_s=30, interrupt=caller)
        stuck.slow_s, stuck.asked = 30, 0
        Leaving(stuck, caller).start()
        with pytest.raises(InterruptedCallError):
            client.predict("digits", {"image": image}, timeout_s=30, interrupt=caller)
        until(lambda: stuck.cancelled == 1, "the server is told")


class Leaving(threading.Thread):
    """A caller who leaves once the server was asked."""

    def __init__(self, asked: Proxy, caller: Interrupt) -> None:
        super().__init__()
        self._asked, self._caller = asked, caller

    def run(self) -> None:
        until(lambda: self._asked.asked > 0, "the server is asked")
        self._caller.fire()


def test_versions_swap_on_three_servers_and_every_answer_has_the_labels_of_its_version(shelf: Shelf) -> None:
    """Versions 1 and 3 have digits as labels, 2 and 4 words."""
    shelf.publish("digits-a")
    with ExitStack() as running:
        replicas = [running.enter_context(ModelServerProcess(shelf.store.root)) for _ in range(3)]
        gateway = running.enter_context(GatewayProcess([server.target for server in replicas]))
        until(lambda: servers(gateway) == 3, "every server proves itself")
        clients = Clients(gateway, "digits", PICTURE, 8)
        with clients.asking():
            for version, export in enumerate(["digits-words", "digits-a", "digits-words"], start=2):
                clients.wait_for(50)
                shelf.publish(export)
                until(partial(gateway.answers_from, "digits", version), f"version {version}")
            clients.wait_for(50)
    assert clients.statuses.keys() == {200}
    labels = {"sha256:digits-1": set(DIGITS), "sha256:digits-2-words": set(DIGIT_WORDS)}
    for answer in clients.answers:
        digest = answer.headers["X-Model-Digest"]
        assert {line["label"] for line in answer.json()} <= labels[digest]
        assert (answer.headers["X-Model-Version"] in "24") == digest.endswith("words")
    assert {answer.headers["X-Model-Version"] for answer in clients.answers} == set("1234")
    assert len(clients.different("X-Model-Digest")) == 2


def test_a_name_stands_for_its_addresses(model_server: ModelServerProcess) -> None:
    with GatewayProcess(f"dns:///localhost:{model_server.port}") as gateway:
        gateway.wait_ready()
        assert gateway.post("/models/digits", PICTURE).status == 200
        assert state(gateway, model_server.target) == "up"


def test_a_server_that_never_was_there_stops_nothing(model_server: ModelServerProcess) -> None:
    with GatewayProcess([f"127.0.0.1:{free_port()}", model_server.target]) as gateway:
        gateway.wait_ready()
        assert {gateway.post("/models/digits", PICTURE).status for _ in range(5)} == {200}


def test_who_would_wait_in_vain_is_told_at_once(two: tuple[Proxy, Proxy]) -> None:
    """Two at a time, of half a second each, and four seconds for each: the twentieth would wait in vain."""
    slow, _ = two
    with behind(slow, threads=2, deadline_s=4.0) as gateway:
        slow.slow_s = 0.5
        clients = Clients(gateway, "digits", PICTURE, 24)
        with clients.asking():
            clients.wait_for(100)
    refused = [answer for answer in clients.answers if answer.status == 503]
    assert clients.statuses[503] > 10 * clients.statuses[504]
    assert clients.statuses.keys() <= {200, 503, 504}
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in refused)
    assert any("the answer would come too late" in answer.json()["detail"] for answer in refused)
