"""Moments of what is said one after the other."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processing.apart import apart

Spans = list[tuple[float, float]]


@pytest.mark.parametrize(
    ("spans", "told"),
    [
        ([(1.0, 2.0), (2.5, 3.0)], [(1.0, 2.0), (2.5, 3.0)]),
        ([(1.0, 1.0), (1.0, 1.5)], [(1.0, 1.02), (1.02, 1.5)]),
        ([(1.0, 1.0), (1.01, 1.5)], [(1.0, 1.02), (1.02, 1.5)]),
        ([(1.0, 3.5), (2.0, 3.0)], [(1.0, 2.0), (2.0, 3.0)]),
        ([(3.0, 3.5), (2.0, 3.0)], [(3.0, 3.02), (3.02, 3.04)]),
        ([(4.0, 4.0), (4.0, 4.0)], [(3.96, 3.98), (3.98, 4.0)]),
        ([(0.5, 5.0)], [(1.0, 4.0)]),
        ([], []),
    ],
)
def test_none_begins_before_the_one_before_it_ends(spans: Spans, told: Spans) -> None:
    assert apart(spans, 1.0, 4.0) == told


@given(st.lists(st.tuples(st.floats(0, 9), st.floats(0, 9)), min_size=1, max_size=20), st.integers(0, 40))
def test_whatever_the_moments_are_they_are_in_order_and_last_as_long_as_there_is_room(spans: Spans, room: int) -> None:
    told = [(round(100 * start), round(100 * end)) for start, end in apart(spans, 1.0, 1.0 + room / 100)]
    assert told[0][0] >= 100
    assert told[-1][1] <= 100 + room
    assert all(before[1] <= after[0] for before, after in pairwise(told))
    assert all(end - start >= min(2, room // len(told)) for start, end in told)
