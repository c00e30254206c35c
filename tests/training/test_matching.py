"""Which things were found."""

import pytest

from processing.boxes import Box, Detection
from training.matching import Thing, matched, overlap

CAT, DOG = Thing("cat", Box(0, 0, 10, 10)), Thing("dog", Box(20, 0, 30, 10))


def test_each_thing_is_found_once_and_what_is_left_is_false() -> None:
    told = [
        Detection(0.9, "cat", Box(0, 0, 10, 9)),
        Detection(0.8, "cat", Box(0, 0, 10, 10)),  # a better box with a lower score
        Detection(0.7, "dog", Box(0, 0, 10, 10)),
    ]
    result = matched(told, [CAT, DOG])
    assert result.found.tolist() == [True, False]
    assert result.false == 2
    assert not result.whole


def test_of_two_alike_the_second_box_finds_what_the_first_has_left() -> None:
    other = Thing("cat", Box(3, 0, 13, 10))
    told = [Detection(0.9, "cat", CAT.box), Detection(0.6, "cat", CAT.box)]  # over the other, too, by 7 of 13
    assert matched(told, [CAT, other]).whole


def test_the_higher_score_comes_first() -> None:
    other = Thing("cat", Box(4, 0, 14, 10))
    lower, higher = Detection(0.6, "cat", Box(0, 0, 9, 10)), Detection(0.9, "cat", Box(1, 0, 11, 10))
    for told in ([lower, higher], [higher, lower]):  # the higher one would do for the other, the lower one would not
        result = matched(told, [CAT, other])
        assert (result.found.tolist(), result.false) == ([True, False], 1)


def test_nothing_is_told_rightly_of_nothing() -> None:
    assert matched([], []).whole
    assert not matched([], [CAT]).whole
    assert not matched([Detection(0.9, "cat", CAT.box)], []).whole


@pytest.mark.parametrize(
    ("other", "expected"),
    [(Box(0, 0, 10, 10), 1), (Box(5, 0, 15, 10), 1 / 3), (Box(10, 0, 20, 10), 0), (Box(2, 2, 2, 8), 0)],
)
def test_overlap(other: Box, expected: float) -> None:
    assert overlap(CAT.box, other) == pytest.approx(expected)
    assert overlap(other, CAT.box) == pytest.approx(expected)
