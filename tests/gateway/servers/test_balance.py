"""The server with the fewest outstanding requests."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.servers.balance import least


@pytest.mark.parametrize(
    ("outstanding", "turn", "expected"),
    [
        ([0], 7, 0),
        ([3, 1, 2], 0, 1),
        ([3, 1, 2], 5, 1),
        ([1, 0, 0], 0, 1),
        ([1, 0, 0], 1, 2),
        ([1, 0, 0], 2, 1),
    ],
)
def test_least(outstanding: list[int], turn: int, expected: int) -> None:
    assert least(outstanding, turn) == expected


@given(st.lists(st.integers(0, 9), min_size=1), st.integers(0, 10**6))
def test_nobody_has_fewer(outstanding: list[int], turn: int) -> None:
    assert outstanding[least(outstanding, turn)] == min(outstanding)


@given(st.integers(1, 9))
def test_equals_take_turns(count: int) -> None:
    chosen = Counter(least([0] * count, turn) for turn in range(5 * count))
    assert chosen == dict.fromkeys(range(count), 5)
