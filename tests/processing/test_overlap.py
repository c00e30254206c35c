"""Words that two windows of a recording both have heard."""

import pytest

from processing.overlap import doubled


@pytest.mark.parametrize(
    ("before", "after", "left_out"),
    [
        ("a bird in the hand", "the hand is worth", (0, 2)),
        ("a bird in the ha", "in the hand is worth", (1, 2)),
        ("a bird in the ha", "d, In the hand is worth", (1, 3)),
        ("a bird in the", "The hand", (0, 1)),
        ("the bird is in a small", "hand of the man", (0, 0)),
        ("a bird", "is worth", (0, 0)),
        ("I said ... hello", "... good day", (0, 0)),
        ("", "is worth", (0, 0)),
        ("a bird", "", (0, 0)),
    ],
)
def test_what_both_have_is_told_once(before: str, after: str, left_out: tuple[int, int]) -> None:
    assert doubled(before.split(), after.split()) == left_out
