"""The model servers there are: with a clock that goes when told to, real sockets, and real channels."""

import socket
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.deadline import Deadline
from gateway.errors import DeadlineError, ModelServerDownError
from gateway.servers.pool import Pool
from gateway.servers.server import Server, Standing
from tests.support.processes import until

NAME = "dns:///replicas:8500"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def ticked(self) -> bool:
        """False, a little later."""
        self.now += 0.001
        return False


class Names:
    """What a name leads to; an `OSError` while that is unknown."""

    def __init__(self, *addresses: str) -> None:
        self.addresses: Sequence[str] = addresses

    def __call__(self, target: str) -> Sequence[str]:
        if not self.addresses:
            raise OSError(f"{target} is unknown")
        return self.addresses


def standings(pool: Pool) -> list[Standing]:
    return [Standing(server, server.era) for server in pool.servers]


def taken(pool: Pool, placed: Sequence[Standing], tried: Sequence[Server] = ()) -> Server:
    standing = pool.take(placed, tried)
    assert standing is not None
    return standing.server


def fail(pool: Pool, server: Server, times: int) -> None:
    for _ in range(times):
        assert pool.take([Standing(server, server.era)]) is not None
        pool.give_back(server, failed=True)


def targets(pool: Pool) -> list[str]:
    return [server.target for server in pool.servers]


def states(pool: Pool) -> list[str]:
    return [seen.state for seen in pool.seen()]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def three(clock: Clock) -> Pool:
    return Pool(["127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"], clock=clock)


def test_requests_spread_and_go_where_fewest_are_outstanding(three: Pool) -> None:
    placed = standings(three)
    first = [taken(three, placed) for _ in range(3)]
    assert set(first) == set(three.servers)
    three.give_back(first[1], failed=False)
    assert taken(three, placed) is first[1]
    assert [seen.outstanding for seen in three.seen()] == [1, 1, 1]


def test_what_was_tried_or_was_away_is_not_taken(three: Pool) -> None:
    placed = standings(three)
    one, two, other = three.servers
    assert taken(three, placed, [one, two]) is other
    assert three.take(placed, three.servers) is None
    other.forget()
    assert three.take(placed, [one, two]) is None
    assert three.take([]) is None


def test_one_that_fails_alone_rests_and_its_era_ends(three: Pool, clock: Clock) -> None:
    bad, placed, era = three.servers[0], standings(three), three.era
    fail(three, bad, 4)
    assert (states(three), three.era) == (["up", "up", "up"], era)
    fail(three, bad, 1)
    assert states(three) == ["open", "up", "up"]
    assert three.era is not era
    assert [standing.holds for standing in placed] == [False, True, True]
    assert bad not in three.to_ask()
    clock.now += 1
    assert states(three) == ["half-open", "up", "up"]
    assert bad in three.to_ask()
    three.noticed(bad)
    assert states(three) == ["up", "up", "up"]


def test_when_all_fail_none_rests(three: Pool) -> None:
    for _ in range(5):
        for server in three.servers:
            fail(three, server, 4)
            three.give_back(taken(three, [Standing(server, server.era)]), failed=False)
    assert states(three).count("open") <= 1


def test_a_lone_server_never_rests(clock: Clock) -> None:
    pool = Pool(["127.0.0.1:1"], clock=clock)
    fail(pool, pool.servers[0], 100)
    assert states(pool) == ["up"]
    assert pool.to_ask() == list(pool.servers)


def test_one_that_rests_is_asked_when_the_others_are_down(three: Pool) -> None:
    bad, *others = three.servers
    fail(three, bad, 5)
    for other in others:
        with pytest.raises(ModelServerDownError):
            other.status("m", Deadline.after(5))
    assert states(three) == ["open", "down", "down"]
    assert three.to_ask() == list(three.servers)


@pytest.fixture
def mute() -> Iterator[str]:
    """An address where connections are accepted, by the system, and nobody ever says anything."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"127.0.0.1:{listening.getsockname()[1]}"


def test_one_that_says_nothing_loses_its_calls_and_is_not_asked(mute: str, clock: Clock) -> None:
    pool = Pool([mute, "127.0.0.1:2"], clock=clock)
    silent = pool.servers[0]
    era = silent.era
    with ThreadPoolExecutor(1) as caller:
        call = caller.submit(silent.status, "m", Deadline.after(60))
        until(lambda: silent.unheard_s() > 0 or clock.ticked(), "it is asked")
        pool.look_after()
        assert not call.done()
        clock.now += 3
        pool.look_after()
        with pytest.raises(ModelServerDownError):
            call.result(60)
    assert states(pool) == ["silent", "up"]
    assert silent.era is not era
    assert silent not in pool.to_ask()
    assert silent.unheard_s() == 0


def test_a_lone_server_may_be_as_slow_as_the_deadline_allows(mute: str) -> None:
    pool = Pool([mute])
    with pytest.raises(DeadlineError):
        pool.servers[0].status("m", Deadline.after(0.05))
    pool.look_after()
    assert pool.to_ask() == list(pool.servers)


def test_a_name_is_followed(clock: Clock) -> None:
    names = Names("10.0.0.1:8500", "10.0.0.2:8500")
    pool = Pool([NAME, "10.0.0.9:8500"], look_up=names, clock=clock)
    _, second, fixed = pool.servers
    placed, era = standings(pool), pool.era
    names.addresses = ["10.0.0.2:8500", "10.0.0.3:8500"]
    pool.look_after()
    assert targets(pool) == ["10.0.0.1:8500", "10.0.0.2:8500", "10.0.0.9:8500"]
    clock.now += 5
    pool.look_after()
    assert targets(pool) == ["10.0.0.2:8500", "10.0.0.3:8500", "10.0.0.9:8500"]
    assert pool.servers[0] is second, "a server that stays is the same one"
    assert pool.servers[2] is fixed
    assert pool.era is not era
    assert pool.take(placed, [second, fixed]) is None, "it has left"


def test_a_request_under_way_to_a_server_that_is_gone_may_end(clock: Clock) -> None:
    names = Names("10.0.0.1:8500", "10.0.0.2:8500")
    pool = Pool([NAME], look_up=names, clock=clock)
    leaving = taken(pool, standings(pool)[:1])
    names.addresses = ["10.0.0.2:8500"]
    clock.now += 5
    pool.look_after()
    assert targets(pool) == ["10.0.0.2:8500"]
    pool.give_back(leaving, failed=True)
    pool.look_after()
    with pytest.raises(ModelServerDownError):  # its channel is closed now
        leaving.status("m", Deadline.after(60))


def test_a_name_that_cannot_be_looked_up_keeps_its_addresses(clock: Clock) -> None:
    names = Names("10.0.0.1:8500")
    pool = Pool([NAME], look_up=names, clock=clock)
    names.addresses = []
    clock.now += 5
    pool.look_after()
    assert targets(pool) == ["10.0.0.1:8500"]


def test_a_name_that_nobody_knows_yet_is_looked_up_again_soon(clock: Clock) -> None:
    names = Names()
    pool = Pool([NAME], look_up=names, clock=clock)
    assert pool.to_ask() == []
    names.addresses = ["10.0.0.1:8500"]
    clock.now += 1
    pool.look_after()
    assert targets(pool) == ["10.0.0.1:8500"]


def test_an_address_that_is_named_twice_is_one_server(clock: Clock) -> None:
    names = Names("10.0.0.1:8500", "10.0.0.2:8500")
    assert targets(Pool([NAME, "10.0.0.1:8500"], look_up=names, clock=clock)) == ["10.0.0.1:8500", "10.0.0.2:8500"]
