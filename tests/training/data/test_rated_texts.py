"""The rated texts: all of them, clean, and split so that no text is on both sides."""

import re

import pytest

from kmaas.config import Config
from training.data import rated_texts
from training.data.rated_texts import RatedTexts, clean, is_held_out, is_validation


@pytest.fixture(scope="module")
def data() -> RatedTexts:
    return rated_texts.load(Config().cache)


def test_all_four_sources_are_there(data: RatedTexts) -> None:
    counts = {source: sum(text.source == source for text in data.texts) for source in rated_texts.SOURCES}
    assert counts == {"movies": 10_605, "nyt": 5_190, "tweets": 4_200, "amazon": 3_708}
    assert all(-4 <= text.rating <= 4 for text in data.texts)
    assert data.lexicon["good"] == 1.9
    assert data.lexicon[":)"] == 2.0


def test_texts_are_clean(data: RatedTexts) -> None:
    assert not any(re.search(r"&\w+;|\ufffd|\s\s", text.text) for text in data.texts)
    assert clean(" I &amp;lt;3  it\t&quot;much&quot; ") == 'I <3 it "much"'


def test_a_fifth_is_held_out_and_no_text_is_on_both_sides(data: RatedTexts) -> None:
    def words(held_out: bool) -> set[tuple[str, ...]]:
        return {tuple(re.findall(r"\w+", t.text.casefold())) for t in data.texts if t.held_out is held_out}

    assert not words(True) & words(False)
    assert 0.19 < sum(text.held_out for text in data.texts) / len(data.texts) < 0.21


def test_spelling_does_not_move_a_text_to_the_other_side() -> None:
    texts = [f"Number {n}, of many!" for n in range(200)]
    assert [is_held_out(text) for text in texts] == [is_held_out(text.upper().replace(",", " –")) for text in texts]
    assert len({is_held_out(text) for text in texts}) == 2


def test_a_fifth_of_either_side_is_for_validation(data: RatedTexts) -> None:
    for held_out in (True, False):
        texts = [text.text for text in data.texts if text.held_out is held_out]
        assert 0.18 < sum(map(is_validation, texts)) / len(texts) < 0.22
