"""In a graph characters become what `tokenizers` makes of them."""

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import normalizers

from export.raw.characters import CharacterMap, in_canonical_order, lower_case


def _characters(texts: list[str]) -> Any:
    import tensorflow as tf

    decoded = tf.strings.unicode_decode(tf.constant(texts, tf.string), "UTF-8")
    return decoded.flat_values, decoded.value_rowids()


def _texts(points: Any, owners: Any, count: int) -> list[str]:
    import tensorflow as tf

    rows = tf.RaggedTensor.from_value_rowids(points, owners, nrows=count)
    return [text.decode() for text in tf.strings.unicode_encode(rows, "UTF-8").numpy()]


@pytest.fixture(scope="module")
def decomposed() -> CharacterMap:
    return CharacterMap(normalizers.NFD())


_MARKS = st.text(st.characters(categories=["Mn", "Mc", "Me"]), max_size=8)
_TEXTS = st.lists(st.text(max_size=8) | _MARKS | st.text("각\u1100\u1161\u11a8\u0345\u0344Ǻ豈", max_size=8), max_size=8)


@settings(max_examples=100)
@given(texts=_TEXTS)
@example(texts=["\U0001e2ec\u302e\U0001d165", "a\u0f71\u0f72", "\u0345\u0334", "\u0334", "b"])
def test_decomposed_and_ordered_they_are_of_unicode_s_form_nfd(decomposed: CharacterMap, texts: list[str]) -> None:
    received = _texts(*in_canonical_order(*decomposed(*_characters(texts))), len(texts))
    assert received == [normalizers.NFD().normalize_str(text) for text in texts]


@pytest.mark.parametrize("normalizer", [normalizers.Lowercase(), normalizers.Replace("a", "")], ids=["lower", "gone"])
def test_every_character_becomes_what_it_becomes_alone(normalizer: normalizers.Normalizer) -> None:
    every = [chr(point) for point in range(0x110000) if not 0xD800 <= point < 0xE000]
    received = _texts(*CharacterMap(normalizer)(*_characters(every)), len(every))
    assert received == [normalizer.normalize_str(character) for character in every]


def test_no_character_is_changed_by_its_neighbours() -> None:
    assert _texts(*lower_case()(*_characters(["ΣΑΣ İ", "", "ẞ"])), 3) == ["σασ i\u0307", "", "ß"]
