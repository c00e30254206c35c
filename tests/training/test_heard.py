"""Which words were heard, and how sure the rate of errors is."""

import numpy as np

from training.heard import compared, normalised, rate_interval


def test_words_are_compared_without_their_signs_and_spellings() -> None:
    said, heard = normalised("Mr. Brown, it's twenty-one colours!"), normalised("mister brown it is 21 colors")
    right, errors = compared(said, heard)
    assert right.all()
    assert errors == 0


def test_wrong_missing_and_superfluous_words_are_errors() -> None:
    right, errors = compared(["a", "b", "c", "d"], ["a", "x", "d", "d"])
    assert right.tolist() == [True, False, False, True]
    assert errors == 2
    assert compared(["a"], ["a", "b", "c"])[1] == 2
    right, errors = compared(["a", "b"], [])
    assert not right.any()
    assert errors == 2


def test_the_interval_holds_the_rate_and_is_wider_where_texts_differ() -> None:
    words = np.full(12, 30)
    even, uneven = np.full(12, 3), np.array([18, 18, *[0] * 10])
    assert rate_interval(even, words, 1) == (0.1, 0.1)
    low, high = rate_interval(uneven, words, 1)
    assert low < 0.1 < high
