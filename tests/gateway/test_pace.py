"""How many steps a call may have."""

from gateway.pace import Pace


def test_one_while_nothing_is_known_then_as_many_as_fit() -> None:
    pace = Pace(0.05)
    assert pace.steps == 1
    pace.took(0.01, 1)
    assert pace.steps == 5
    for _ in range(100):
        pace.took(0.01, 10)
    assert 45 <= pace.steps <= 50


def test_one_at_least_and_never_without_bound() -> None:
    pace = Pace(0.05)
    pace.took(3.0, 1)
    assert pace.steps == 1
    pace = Pace(0.05)
    pace.took(0.0, 5)
    assert pace.steps == 64
