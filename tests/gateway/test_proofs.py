"""Which content counts, and who is left out, where servers do not agree: proxies in front of real ones."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.backend import Backend
from gateway.errors import ModelServerDownError
from gateway.proofs import Proofs
from gateway.servers.pool import Pool
from gateway.settings import GatewaySettings
from store.layout import Store
from store.publish import publish
from tests.support.processes import ModelServerProcess, until
from tests.support.proxy import Proxy
from wire.client import ModelServerClient
from wire.errors import ModelServerError

SETTINGS = GatewaySettings(models=("digits",))


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def other_server(exports: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelServerProcess]:
    """Serves other `digits` than `model_server`, under the same number."""
    store = Store.at(tmp_path_factory.mktemp("other") / "store")
    publish(store, exports / "digits-b")
    with ModelServerProcess(store.root) as server, ModelServerClient(server.target) as client:
        until(lambda: _available(client), "it is loaded")
        yield server


def _available(client: ModelServerClient) -> bool:
    try:
        return client.status("digits", timeout_s=10)[0].state == "AVAILABLE"
    except ModelServerError:  # it does not listen yet, or has not looked yet
        return False


@pytest.fixture
def three(model_server: ModelServerProcess, other_server: ModelServerProcess) -> Iterator[list[Proxy]]:
    """The first has other content than the two after it."""
    with ModelServerClient(model_server.target) as client:
        until(lambda: _available(client), "it is loaded")
    with Proxy(other_server.target) as odd, Proxy(model_server.target) as one, Proxy(model_server.target) as two:
        yield [odd, one, two]


def proofs(pool: Pool, clock: Clock | None = None) -> Proofs:
    return Proofs("digits", Backend(pool), SETTINGS, clock or Clock())


def placed(found: Proofs) -> set[str]:
    return {standing.server.target for standing in found.placed().get(1, ())}


def test_the_content_of_most_servers_counts(three: list[Proxy]) -> None:
    pool = Pool([proxy.target for proxy in three])
    found = proofs(pool)
    version = found.prove(1, pool.servers)
    assert version is not None
    assert version.manifest.digest == "sha256:digits-1"
    assert placed(found) == {three[1].target, three[2].target}
    assert found.rejected(1) == [
        "another content under this number: the digest is sha256:digits-2, sha256:digits-1 on the others"
    ]
    assert found.unfit({1: pool.servers}) == {}


def test_the_content_that_answers_stays_against_a_majority_that_comes_later(three: list[Proxy]) -> None:
    odd, one, two = (proxy.target for proxy in three)
    pool = Pool([odd, one, two])
    found = proofs(pool)
    version = found.prove(1, pool.servers[:1])
    assert found.prove(1, pool.servers) is version
    assert placed(found) == {odd}
    pool.servers[0].forget()
    again = found.prove(1, pool.servers[1:])
    assert again is not None
    assert again.manifest.digest == "sha256:digits-1", "nobody has the other content any more"
    assert placed(found) == {one, two}


def test_a_server_that_comes_back_with_the_same_content_has_the_same_version(three: list[Proxy]) -> None:
    pool = Pool([three[1].target])
    found = proofs(pool)
    version = found.prove(1, pool.servers)
    assert found.prove(1, pool.servers) is version, "nothing is to be asked"
    pool.servers[0].forget()
    assert placed(found) == set()
    assert found.prove(1, pool.servers) is version
    assert placed(found) == {three[1].target}


def test_a_server_that_answers_nonsense_is_tried_again_later(three: list[Proxy]) -> None:
    bad, clock = three[1], Clock()
    pool = Pool([bad.target])
    found = proofs(pool, clock)
    sound, bad.distort = bad.distort, _lacking
    assert found.prove(1, pool.servers) is None
    assert "golden seven has no answer" in found.unfit({1: pool.servers})[1]
    bad.distort = sound
    clock.now += 4.9
    assert found.prove(1, pool.servers) is None
    clock.now += 0.1
    assert found.unfit({1: pool.servers}) == {}
    assert found.prove(1, pool.servers) is not None


def _lacking(response: Any) -> Any:
    response.outputs.pop("probabilities", None)
    return response


def test_a_server_that_is_away_is_trouble_only_where_no_other_answers(three: list[Proxy]) -> None:
    pool = Pool(["127.0.0.1:1", three[1].target])
    found = proofs(pool)
    with pytest.raises(ModelServerDownError):
        found.prove(1, pool.servers[:1])
    assert found.prove(1, pool.servers) is not None
    assert placed(found) == {three[1].target}


def test_what_is_not_available_any_more_is_forgotten(three: list[Proxy]) -> None:
    pool = Pool([three[1].target, three[2].target])
    found = proofs(pool)
    found.prove(1, pool.servers)
    one, two = pool.servers
    found.keep_only({1: [one]}, unheard=[two])
    assert placed(found) == {one.target, two.target}
    found.keep_only({1: [one]}, unheard=[])
    assert placed(found) == {one.target}
    found.keep_only({}, unheard=[])
    assert found.placed() == {}
