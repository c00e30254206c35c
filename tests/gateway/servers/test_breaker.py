"""When a server that fails is left alone, and when it is tried again."""

from gateway.servers.breaker import Breaker, State


def test_its_states() -> None:
    breaker = Breaker()
    assert breaker.state(100) is State.CLOSED
    breaker = breaker.tripped(100)
    assert [breaker.state(now) for now in (100, 100.9, 101, 200)] == [
        State.OPEN,
        State.OPEN,
        State.HALF_OPEN,
        State.HALF_OPEN,
    ]
    assert breaker.proved(102).state(102) is State.CLOSED


def rests(gap_s: float) -> list[float]:
    """How long it is open when it trips again and again, so long after it closed."""
    breaker, now, found = Breaker(), 1000.0, []
    for _ in range(6):
        breaker = breaker.tripped(now)
        found.append(breaker.rest_s)
        now += breaker.rest_s
        breaker = breaker.proved(now)
        now += gap_s
    return found


def test_it_rests_longer_each_time_up_to_a_limit_and_is_forgiven_later() -> None:
    assert rests(1) == [1, 2, 4, 8, 8, 8]
    assert rests(31) == [1] * 6


def test_proof_of_one_that_is_closed_changes_nothing() -> None:
    assert Breaker().proved(5) == Breaker()
