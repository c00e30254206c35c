"""The share of requests that may go to a second server."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.servers.budget import RetryBudget


def spent(budget: RetryBudget, requests: int) -> int:
    """How many of so many requests, all of which fail, are tried again."""
    again = 0
    for _ in range(requests):
        budget = budget.earned()
        left = budget.spent()
        if left:
            budget, again = left, again + 1
    return again


def test_a_fresh_budget_lets_a_burst_through_and_then_a_share() -> None:
    assert spent(RetryBudget.full(0.2, most=10), 10) == 10
    assert spent(RetryBudget.full(0.2, most=10), 1010) == pytest.approx(10 + 202, abs=1)


def test_no_share_no_retries() -> None:
    assert spent(RetryBudget.full(0, most=10), 100) == 0


@given(st.floats(0, 1), st.integers(1, 20), st.integers(1, 500))
def test_retries_never_exceed_the_burst_and_the_share(share: float, most: int, requests: int) -> None:
    assert spent(RetryBudget.full(share, most), requests) <= most + share * requests + 1e-6


@given(st.floats(0.01, 1), st.lists(st.booleans()))
def test_tokens_stay_between_none_and_the_most(share: float, spending: list[bool]) -> None:
    budget = RetryBudget.full(share, most=3)
    for spend in spending:
        budget = (budget.spent() or budget) if spend else budget.earned()
        assert 0 <= budget.tokens <= 3
