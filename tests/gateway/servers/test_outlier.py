"""Which server fails where others do not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.servers.outlier import Tally, Window, is_outlier


@pytest.mark.parametrize(
    ("tallies", "resting", "expected"),
    [
        ([(0, 5), (50, 0), (50, 0)], 0, True),
        ([(0, 4), (50, 0), (50, 0)], 0, False),  # too few to say
        ([(5, 5), (50, 0)], 0, True),
        ([(6, 5), (50, 0)], 0, False),  # less than half
        ([(0, 9), (0, 9), (0, 9)], 0, False),  # the requests are bad, not the server
        ([(1, 9), (2, 8)], 0, False),
        ([(0, 9), (0, 0)], 0, True),  # nothing is known of the other
        ([(0, 9)], 0, False),  # never the only one
        ([(0, 9), (9, 0)], 1, False),  # never more than half
        ([(0, 9), (9, 0), (9, 0), (9, 0)], 1, True),
    ],
)
def test_is_outlier(tallies: list[tuple[int, int]], resting: int, expected: bool) -> None:
    named = {str(place): Tally(*counts) for place, counts in enumerate(tallies)}
    assert is_outlier("0", named, resting) is expected


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), min_size=1, max_size=6), st.integers(0, 6))
def test_at_most_half_of_the_servers_rest(tallies: list[tuple[int, int]], resting: int) -> None:
    named = {str(place): Tally(*counts) for place, counts in enumerate(tallies)}
    if is_outlier("0", named, resting):
        assert resting + 1 <= len(tallies) / 2


def test_a_window_forgets() -> None:
    window = Window()
    window.note(100, failed=True)
    window.note(104.9, failed=False)
    assert window.tally(104.9) == Tally(1, 1)
    window.note(105, failed=True)
    assert window.tally(109.9) == Tally(1, 2)
    assert window.tally(110) == Tally(0, 1)
    assert window.tally(115) == Tally()


def test_a_window_forgets_all_after_a_pause() -> None:
    window = Window()
    window.note(100, failed=True)
    assert window.tally(1000) == Tally()
