"""Nearly the same texts are found, and no others."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from training.data.alike import ALIKE, alike

TEXT = "the cook was rude and the soup came cold after we had waited for more than an hour at a table by the door"


def test_case_signs_and_a_word_make_no_other_text() -> None:
    one_word = TEXT[:-4] + "wall"
    texts = [TEXT, "another text about nothing of this kind", TEXT.upper() + "!!", one_word, "short", "Short."]
    assert alike(texts).tolist() == [0, 1, 0, 0, 4, 4]


def test_texts_that_share_their_beginning_alone_are_others() -> None:
    other = " ".join(TEXT.split()[:8]) + " but then everything went well and we would gladly come to this place again"
    assert alike([TEXT, other]).tolist() == [0, 1]


def test_what_is_alike_by_way_of_a_third_is_in_one_group() -> None:
    words = [f"word{number}" for number in range(60)]
    texts = [" ".join(words[:54]), " ".join(words[3:57]), " ".join(words[6:60])]
    shared = [len({*range(first, 52 + first)} & {*range(second, 52 + second)}) for first, second in ((0, 3), (0, 6))]
    assert shared[0] / (104 - shared[0]) >= ALIKE > shared[1] / (104 - shared[1])
    assert alike(texts).tolist() == [0, 0, 0]


def test_a_phrase_that_thousands_begin_with_is_compared_with_few() -> None:
    texts = [f"please rate our service {number % 7}" for number in range(500)]
    assert len(set(alike(texts).tolist())) == 7


@settings(max_examples=30)
@given(st.lists(st.text(max_size=40), max_size=12))
def test_any_text_has_a_group_that_comes_first(texts: list[str]) -> None:
    groups = alike(texts)
    assert (groups <= np.arange(len(texts))).all()
    assert all(groups[group] == group for group in groups)
