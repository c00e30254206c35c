"""When a canary is withdrawn: the verdict on simulated calls."""

import random
from collections.abc import Callable

import pytest

from gateway.routing.canary import Trial, verdict
from gateway.routing.comparison import Comparison
from gateway.routing.live import Live, Seen
from gateway.routing.route import Canary, Part, Route

CALLS = 400
AGREES, DISAGREES = Comparison(agrees=True, distance=0.0), Comparison(agrees=False, distance=1.0)

Rate = Callable[[int], float]  # of an event, by the number of the call


def withdrawn(
    seed: int, canary: Canary, errors: tuple[Rate, Rate], share: float = 0.3, calls: int = CALLS
) -> str | None:
    """Why a canary is withdrawn whose calls, and those of the version beside it, fail at these rates."""
    dice = random.Random(seed)
    part = Part(to=2, percent=share * 100, canary=canary)
    live = Live(Route(to=1, split=(part,)), None, 1)
    for call in range(calls):
        mine = dice.random() < share
        failed = dice.random() < errors[0 if mine else 1](call)
        found = live.ended(part if mine else None, Seen(2 if mine else 1, None if failed else 0.01))
        if found:
            return found[1]
    return None


def steady(rate: float) -> Rate:
    return lambda _call: rate


def outage(call: int) -> float:
    return 0.9 if 100 <= call < 250 else 0.01


@pytest.mark.parametrize(
    "errors",
    [
        (steady(0.05), steady(0.0)),  # at its own limit
        (steady(0.3), steady(0.3)),  # no worse than the version beside it
        (outage, outage),
    ],
)
def test_a_canary_within_its_limits_is_withdrawn_no_more_often_than_promised(errors: tuple[Rate, Rate]) -> None:
    canary = Canary(errors=0.05, alpha=0.05)
    alarms = sum(withdrawn(seed, canary, errors) is not None for seed in range(200))
    assert alarms <= 200 * canary.alpha


@pytest.mark.parametrize("errors", [(steady(0.3), steady(0.01)), (steady(0.6), steady(0.15))])
def test_a_canary_that_errs_more_is_withdrawn(errors: tuple[Rate, Rate]) -> None:
    reasons = [withdrawn(seed, Canary(errors=0.05), errors) for seed in range(100)]
    assert sum(reason is not None for reason in reasons) >= 90
    assert all(reason is None or reason.startswith("errors: ") for reason in reasons)


def live_canary(**limits: float) -> tuple[Live, Part]:
    part = Part(to="canary", percent=50, canary=Canary(**limits))
    return Live(Route(split=(part,)), None, 1), part


def test_a_slow_canary_is_withdrawn_and_one_on_a_slow_server_is_not() -> None:
    def ends(stable_s: float) -> str | None:
        live, part = live_canary(latency_ms=100)
        for _ in range(50):
            if found := live.ended(part, Seen(2, 0.2)):
                return found[1]
            live.ended(None, Seen(1, stable_s))
        return None

    assert ends(0.2) is None
    reason = ends(0.01)
    assert reason is not None
    assert reason.startswith("answers slower than 100 ms: ")


def test_a_canary_that_disagrees_is_withdrawn_once() -> None:
    live, part = live_canary(disagreement=0.1)
    found = [live.compared("canary", 2, DISAGREES) for _ in range(20)]
    [withdrawal] = [one for one in found if one]
    assert withdrawal[0] is part
    assert withdrawal[1].startswith("disagreements: ")


def test_a_label_that_moves_on_begins_a_trial_anew() -> None:
    live, part = live_canary(errors=0.05)
    for number in range(2, 40):
        assert live.ended(part, Seen(number, None)) is None
        live.ended(None, Seen(1, 0.01))
    [figures] = live.canaries()
    assert (figures.version, figures.canary.failed.trials, figures.stable.failed.trials) == (39, 1, 1)


def test_what_is_not_watched_withdraws_nothing() -> None:
    live, part = live_canary(errors=0.05)
    assert not any(live.compared("canary", 2, DISAGREES) for _ in range(100))
    assert verdict(Canary(disagreement=0.5), Trial(0.5), 0.01) is None
    plain = Live(Route(split=(Part(to=2, percent=50),)), None, 1)
    assert not any(plain.ended(plain.route.split[0], Seen(2, None)) for _ in range(100))
    assert part.canary is not None


def test_the_figures_of_copies() -> None:
    live, _part = live_canary(errors=0.05)
    for found in (AGREES, DISAGREES, "failed", "dropped", "dropped", "absent"):
        live.compared(7, 7, found)
    [figures] = live.comparisons()
    assert (figures.compared, figures.agreed, figures.agreement, figures.mean_distance) == (2, 1, 0.5, 0.5)
    assert (figures.failed, figures.dropped, figures.absent) == (1, 2, 1)


def test_each_of_several_processes_has_its_part_of_the_level() -> None:
    """What one process finds enough is not enough for one of a hundred."""
    part = Part(to=2, percent=50, canary=Canary(errors=0.05))

    def calls_until_withdrawn(processes: int) -> int:
        live = Live(Route(split=(part,)), None, processes)
        live.ended(None, Seen(1, 0.01))
        return next(call for call in range(100) if live.ended(part, Seen(2, None)))

    assert calls_until_withdrawn(100) > calls_until_withdrawn(1)
