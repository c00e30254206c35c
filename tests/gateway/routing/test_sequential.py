"""The sequential test keeps its promise: simulated with the functions that the gateway runs."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.routing.sequential import log_evidence

RUNS, CALLS = 1000, 1000


def crossings(rate: float, limit: float, alpha: float, seed: int) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """For each simulated run the call at which the hypothesis is rejected, `CALLS` if it never is.

    Args:
        rate: of the events, the same for every call.
    """
    random = np.random.default_rng(seed)
    found = []
    for _ in range(RUNS // 100):
        events = (random.random((100, CALLS)) < rate).cumsum(axis=1)
        trials = np.broadcast_to(np.arange(1, CALLS + 1), events.shape)
        rejected = log_evidence(events, trials, limit) >= math.log(1 / alpha)
        found.append(np.where(rejected.any(axis=1), rejected.argmax(axis=1), CALLS))
    return np.concatenate(found)


@pytest.mark.parametrize("limit", [0.01, 0.1, 0.5])
@pytest.mark.parametrize("alpha", [0.01, 0.1])
def test_looking_after_every_call_raises_no_more_false_alarms_than_promised(limit: float, alpha: float) -> None:
    alarms = int((crossings(limit, limit, alpha, seed=1) < CALLS).sum())
    assert alarms <= RUNS * alpha, "at the limit itself, where false alarms are most likely"


@pytest.mark.parametrize(
    ("rate", "limit", "within"),
    [(0.5, 0.01, 10), (0.1, 0.01, 110), (0.05, 0.01, 400), (0.3, 0.1, 100), (0.9, 0.5, 50)],
)
def test_a_rate_above_the_limit_is_found_out(rate: float, limit: float, within: int) -> None:
    found = crossings(rate, limit, 0.01, seed=2)
    assert np.quantile(found, 0.9) <= within


def test_a_rate_that_changes_within_the_limit_raises_no_more_false_alarms() -> None:
    """Long quiet, then at the limit: the quiet time is not held against what follows."""
    random = np.random.default_rng(3)
    rates = np.where(np.arange(CALLS) % 200 < 100, 0.0, 0.1)
    events = (random.random((RUNS // 4, CALLS)) < rates).cumsum(axis=1)
    trials = np.broadcast_to(np.arange(1, CALLS + 1), events.shape)
    assert (log_evidence(events, trials, 0.1).max(axis=1) >= math.log(1 / 0.05)).mean() <= 0.05


@given(st.integers(0, 200), st.integers(0, 200), st.floats(0.001, 0.999))
def test_only_an_event_adds_evidence(events: int, others: int, limit: float) -> None:
    before = log_evidence(events, events + others, limit)
    assert (
        log_evidence(events, events + others + 1, limit) < before < log_evidence(events + 1, events + others + 1, limit)
    )
    assert log_evidence(0, 0, limit) == pytest.approx(0.0)


def test_it_is_a_fair_bet_at_the_limit() -> None:
    """The mean of the e-value stays 1: here summed over all outcomes of twelve calls."""
    for limit in (0.02, 0.3):
        mean = sum(
            math.comb(12, events)
            * limit**events
            * (1 - limit) ** (12 - events)
            * math.exp(log_evidence(events, 12, limit))
            for events in range(13)
        )
        assert mean == pytest.approx(1.0)
