"""Tables of characters: what `tokenizers` makes of each, by its own word, for graphs that must do the same.

A graph has the characters of all texts in one row: `points`, int32, their code points, and beside it `owners`, int64,
ascending, the number of the text that each is of.
"""

from collections.abc import Sequence
from functools import cache
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Regex, normalizers, pre_tokenizers

if TYPE_CHECKING:
    import tensorflow as tf

BEYOND = 0x110000
"""The first number that is no code point: from here on they can stand for something else."""

SPACE, WORD, SIGN, OTHER, ALONE = range(5)
"""Kinds of characters. Words are runs of one kind, but the first; each of the last kind is a word by itself."""

Stretches = tuple[NDArray[np.int32], NDArray[np.int32]]
"""Where stretches of code points with one value begin, ascending from 0, and their values."""


class CharacterMap:
    """Puts for each character what a normaliser makes of it alone: as in any text, if it looks at no neighbours."""

    def __init__(self, normalizer: normalizers.Normalizer) -> None:
        characters = _characters()
        forms = [normalizer.normalize_str(character) for character in characters]
        several = [form if len(form) > 1 else "" for form in forms]
        lengths = np.array([len(form) for form in forms])
        distances = [
            ord(form) - ord(character) if len(form) == 1 else 0
            for character, form in zip(characters, forms, strict=True)
        ]
        ends = np.cumsum([len(form) for form in several])
        self._starts, values = _stretches(
            np.stack([lengths, distances, np.where(lengths > 1, ends - lengths, 0)], axis=1)
        )
        self._lengths, self._distances, self._places = values.T
        self._several = np.array([ord(character) for form in several for character in form], np.int32)

    def __call__(self, points: "tf.Tensor", owners: "tf.Tensor") -> tuple["tf.Tensor", "tf.Tensor"]:
        import tensorflow as tf

        stretch = tf.searchsorted(self._starts, points, side="right") - 1
        lengths = tf.gather(self._lengths, stretch)
        choice = tf.concat([self._several, points + tf.gather(self._distances, stretch)], axis=0)
        itself = len(self._several) + tf.range(tf.size(points))
        first = tf.where(lengths == 1, itself, tf.gather(self._places, stretch))
        chosen = tf.ragged.range(first, first + lengths, row_splits_dtype=tf.int64)
        return tf.gather(choice, chosen.flat_values), tf.gather(owners, chosen.value_rowids())


def looked_up(points: "tf.Tensor", starts: NDArray[np.int32], values: NDArray[np.int32]) -> "tf.Tensor":
    """For each code point the value of the stretch in which it lies."""
    import tensorflow as tf

    return tf.gather(values, tf.searchsorted(starts, points, side="right") - 1)


def in_canonical_order(points: "tf.Tensor", owners: "tf.Tensor") -> tuple["tf.Tensor", "tf.Tensor"]:
    """Decomposed characters with the marks that follow one another sorted by their class, as Unicode's NFD has them."""
    import tensorflow as tf

    classes = looked_up(points, *_classes())
    marks = tf.where(classes > 0)[:, 0]
    letters = tf.cumsum(tf.cast(classes == 0, tf.int64))  # so many before: marks with the same number are together
    keys = tf.gather(letters + owners, marks) * len(_classes()[0]) + tf.gather(tf.cast(classes, tf.int64), marks)
    ordered = tf.gather(points, tf.gather(marks, tf.argsort(keys, stable=True)))
    return tf.tensor_scatter_nd_update(points, marks[:, None], ordered), owners


@cache
def lower_case() -> CharacterMap:
    """`tf.strings.lower` would look at the neighbours of a Σ, and at the locale of the server's process."""
    return CharacterMap(normalizers.Lowercase())


@cache
def kinds_in_runs() -> Stretches:
    r"""As the regular expressions `\w`, `\s` of `tokenizers` see them."""
    kinds = np.full(len(_characters()), OTHER)
    text = "".join(_characters())
    for kind, others in (
        (WORD, pre_tokenizers.Split(Regex(r"\w+"), "removed")),
        (SIGN, pre_tokenizers.Split(Regex(r"[^\w\s]+"), "removed")),
        (SPACE, pre_tokenizers.WhitespaceSplit()),
    ):
        belongs = np.ones(len(text), bool)
        for _, (start, end) in others.pre_tokenize_str(text):
            belongs[start:end] = False
        kinds[belongs] = kind
    return _stretches(kinds)


@cache
def kinds_of_bert() -> Stretches:
    """As BERT's pre-tokenizer sees them: signs stand alone."""
    kinds = np.full(len(_characters()), SPACE)
    between = "".join(f"a{character}" for character in _characters()) + "a"
    for _, (start, end) in pre_tokenizers.BertPreTokenizer().pre_tokenize_str(between):
        inside = np.arange(start, end)
        kinds[inside[inside % 2 == 1] // 2] = ALONE if end - start == 1 else WORD
    return _stretches(kinds)


def chinese_alone(kinds: Stretches) -> Stretches:
    """The same, but the characters that BERT's normaliser takes for Chinese stand alone."""
    spaced = normalizers.BertNormalizer(
        clean_text=False, handle_chinese_chars=True, strip_accents=False, lowercase=False
    )
    starts, values = kinds
    each = values[np.searchsorted(starts, _points(), side="right") - 1]
    each[[len(spaced.normalize_str(character)) > 1 for character in _characters()]] = ALONE
    return _stretches(each)


@cache
def _classes() -> Stretches:
    """The combining classes of characters, numbered by their order; 0 of what is no mark."""
    order = normalizers.NFD().normalize_str
    low, high = "\u0334", "\u0345"  # of the lowest class and of the highest, in which nothing else is
    alone = [character for character in _characters() if order(character) == character]
    marks = [c for c in alone if order(high + c) != high + c or order(c + low) != c + low]
    ascending = order("".join(marks))
    place = {mark: place for place, mark in enumerate(order("".join(reversed(marks))))}
    number, numbers = 1, {ascending[0]: 1}
    for before, mark in pairwise(ascending):  # of one class are those that stay as they were given
        number += place[before] < place[mark]
        numbers[mark] = number
    return _stretches(np.array([numbers.get(character, 0) for character in _characters()]))


@cache
def _characters() -> Sequence[str]:
    """All but those of planes in which nothing is: the last sign before them stands for these."""
    return [chr(point) for point in chain(range(0xD800), range(0xE000, 0x40000), range(0xE0000, BEYOND))]


@cache
def _points() -> NDArray[np.int32]:
    return np.array([ord(character) for character in _characters()], np.int32)


def _stretches(values: NDArray[np.integer[Any]]) -> Stretches:
    """Of one value, or row of values, for each of `_characters`."""
    differs = (values[1:] != values[:-1]).reshape(len(values) - 1, -1).any(axis=1)
    begins = np.concatenate([[0], np.flatnonzero(differs) + 1])
    return _points()[begins], values[begins].astype(np.int32)
