"""When words are said, by where of a recording is looked."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processing.word_times import Spelt, begins, timed, words_of

SPELT = {1: " One", 2: " cold", 3: "-", 4: "hearted", 5: ".", 6: "一", 7: "。", 8: "二", 9: " «"}


def decode(tokens: Sequence[int]) -> str:
    """Two bytes of one character are 10 and 11."""
    text = "".join("é" if token == 11 else SPELT.get(token, "") for token in tokens)
    return text + "�" if tokens[-1] == 10 else text


@pytest.mark.parametrize(
    ("tokens", "language", "words"),
    [
        ([1, 2, 3, 4, 5], "en", [Spelt(" One", 1, 1), Spelt(" cold-hearted.", 4, 3)]),
        ([6, 8, 7, 6], "zh", [Spelt("一", 1, 1), Spelt("二。", 2, 1), Spelt("一", 1, 1)]),
        ([1, 10, 11, 5], "en", [Spelt(" Oneé.", 4, 3)]),
        ([1, 9, 4], "fr", [Spelt(" One", 1, 1), Spelt(" «hearted", 2, 2)]),
        ([1, 10], "en", [Spelt(" One�", 2, 1)]),
        ([], "en", []),
    ],
)
def test_words_have_all_tokens_of_a_text(tokens: list[int], language: str, words: list[Spelt]) -> None:
    assert words_of(tokens, decode, language) == words
    assert sum(word.tokens for word in words) == len(tokens)


def test_each_row_begins_where_it_is_looked_at() -> None:
    looked = np.zeros((3, 9), np.float32)
    looked[0, :4] = looked[1, 4:6] = looked[2, 6:] = 1.0
    assert begins(looked).tolist() == [0, 4, 6]


@given(st.integers(1, 6), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_the_way_is_the_best_of_all_ways(rows: int, places: int, seed: int) -> None:
    """By a loop over all places, in whole numbers, of which sums are exact."""
    attention = np.random.default_rng(seed).integers(-9, 9, (rows, places)).astype(np.float32)
    best = np.full((rows + 1, places + 1), -np.inf)
    best[0, 0] = 0
    for row in range(rows):
        for place in range(places):
            before = max(best[row, place], best[row, place + 1], best[row + 1, place])
            best[row + 1, place + 1] = attention[row, place] + before
    starts = begins(attention).tolist()
    assert starts[0] == 0
    assert starts == sorted(starts)
    ways = [0.0]
    for row, (start, following) in enumerate(zip(starts, [*starts[1:], None], strict=True)):
        # a row that begins where the one before ends, or one place later, goes on to the place before the next begins,
        # or to that one
        last = places - 1 if following is None else following
        ends = {last} if following is None else {end for end in (last - 1, last) if end >= start}
        ways = [way + attention[row, start : end + 1].sum() for way in ways for end in ends]
    assert max(ways) == best[-1, -1]


def test_a_word_at_a_pause_is_not_much_longer_than_others() -> None:
    words = [Spelt(" One", 1, 1), Spelt(" cold.", 2, 1), Spelt(" One", 1, 1), Spelt(" cold.", 2, 1)]
    told = timed(words, np.array([0.0, 2.0, 2.2, 2.4, 5.0, 5.2, 9.0]))
    assert [(word.text, word.start_s, word.end_s) for word in told] == [
        ("One", 0.6, 2.0),
        ("cold.", 2.0, 2.2),
        ("One", 3.6, 5.0),
        ("cold.", 5.0, 5.2),
    ]
    assert timed([], np.array([0.0])) == []
    at_once = [Spelt(" One", 1, 1)] * 4
    assert [word.end_s for word in timed(at_once, np.array([0.0, 0.0, 0.0, 0.0, 1.5]))] == [0.0, 0.0, 0.0, 1.4]
