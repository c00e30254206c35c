"""Texts to token ids inside the graph: the twin of `processing.text` for WordPiece tokenizers as we make them.

Limits: 170 characters that Unicode gained after the tables of `tokenizers` were made (㋿ and phonetic letters) are
normalised by the newer tables of TensorFlow.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache, reduce
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Regex, normalizers, pre_tokenizers

from export.errors import NotInGraphError
from processing.spec import TextSpec
from processing.text import TextEncoder

if TYPE_CHECKING:
    import tensorflow as tf

_SPACE, _WORD, _SIGN, _OTHER = range(4)  # kinds of characters; tokens are made of runs of one kind, but the first
_RUNS = {
    "type": "Sequence",
    "pretokenizers": [
        {"type": "WhitespaceSplit"},
        {"type": "Split", "pattern": {"Regex": r"\w+|[^\w\s]+"}, "behavior": "Isolated", "invert": False},
    ],
}
_UTF8_BYTES = 4  # of one character, at most

Step = Callable[["tf.Tensor"], "tf.Tensor"]


class TextGraph:
    """`tf.string [rows]`, UTF-8, to `tf.int32 [rows, longest]`, as `TextEncoder` encodes them.

    In the graph INVALID_ARGUMENT is the answer to bytes that are not UTF-8 and to a text of which nothing is left.

    Attributes:
        table: the vocabulary, which whoever saves the graph must track.
    """

    def __init__(self, tokenizer_json: str, spec: TextSpec) -> None:
        """Raises `NotInGraphError` for a part that has no twin, `UnreadableInputError` for what is no tokenizer."""
        import tensorflow as tf
        import tensorflow_text as tf_text

        TextEncoder(tokenizer_json, spec)  # which knows what a tokenizer is
        document = json.loads(tokenizer_json)
        for part in ("post_processor", "added_tokens"):
            if document[part]:
                raise NotInGraphError(f"its {part} {document[part]!r}")
        if document["pre_tokenizer"] != _RUNS:
            raise NotInGraphError(f"its pre_tokenizer {document['pre_tokenizer']!r}")
        self._spec = spec
        self._steps = _steps(document["normalizer"])
        model = _word_pieces(document["model"])
        self._unknown, self._longest_word = model["unk_token"], model["max_input_chars_per_word"]
        entries = tf.lookup.KeyValueTensorInitializer(
            list(model["vocab"]), list(model["vocab"].values()), tf.string, tf.int64
        )
        self.table = tf.lookup.StaticHashTable(entries, default_value=-1)
        self._pieces = tf_text.WordpieceTokenizer(
            self.table,
            suffix_indicator=model["continuing_subword_prefix"],
            max_bytes_per_word=_UTF8_BYTES * self._longest_word,
            unknown_token=self._unknown,
        )

    def __call__(self, texts: "tf.Tensor") -> "tf.Tensor":
        import tensorflow as tf

        words, rows = self._words(reduce(lambda given, step: step(given), self._steps, texts))
        pieces = self._pieces.tokenize(words)
        ids = tf.RaggedTensor.from_value_rowids(
            pieces.flat_values, tf.gather(rows, pieces.value_rowids()), nrows=tf.size(texts, tf.int64), validate=False
        )
        empty = tf.where(ids.row_lengths() == 0)[:, 0]
        message = tf.strings.format("no readable characters in text {}; expected at least one word", empty[:1])
        with tf.control_dependencies([tf.debugging.Assert(tf.size(empty) == 0, [message])]):
            cut = ids[:, : self._spec.max_tokens]
        return tf.cast(cut.to_tensor(self._spec.pad_id), tf.int32)

    def _words(self, texts: "tf.Tensor") -> tuple["tf.Tensor", "tf.Tensor"]:
        """The words of all texts, one after another, and the row that each is from."""
        import tensorflow as tf

        decoded = tf.strings.unicode_decode(texts, "UTF-8", errors="strict")
        points, rows = decoded.flat_values, decoded.value_rowids()
        kinds = _looked_up(points, *_kinds())
        begins = (kinds[1:] != kinds[:-1]) | (rows[1:] != rows[:-1])
        begins = tf.concat([tf.ones_like(points[:1], tf.bool), begins], axis=0)
        heads = tf.where(begins)[:, 0]
        runs = tf.RaggedTensor.from_value_rowids(
            points, tf.cumsum(tf.cast(begins, tf.int64)) - 1, nrows=tf.size(heads, tf.int64), validate=False
        )
        words = tf.where(
            runs.row_lengths() > self._longest_word, self._unknown, tf.strings.unicode_encode(runs, "UTF-8")
        )
        kept = tf.gather(kinds, heads) != _SPACE
        return tf.boolean_mask(words, kept), tf.boolean_mask(tf.gather(rows, heads), kept)


def _steps(normalizer: Any) -> Sequence[Step]:
    """What the document's normaliser does, as steps from texts to texts."""
    import tensorflow as tf
    import tensorflow_text as tf_text

    match normalizer:
        case None:
            return ()
        case {"type": "Sequence", "normalizers": [*parts]}:
            return [step for part in parts for step in _steps(part)]
        case {"type": "NFC" | "NFD" | "NFKC" | "NFKD" as form}:
            return [lambda texts: tf_text.normalize_utf8(texts, form)]
        case {"type": "Lowercase"}:
            return [_lowered]
        case {"type": "Replace", "pattern": {"String": str(old)}, "content": str(new)}:
            return [lambda texts: tf.strings.regex_replace(texts, re.escape(old), new.replace("\\", r"\\"))]
    raise NotInGraphError(f"its normalizer {normalizer!r}")


def _word_pieces(model: Mapping[str, Any]) -> Mapping[str, Any]:
    if model["type"] != "WordPiece" or model["unk_token"] not in model["vocab"]:
        raise NotInGraphError(f"its model {model['type']} with {len(model['vocab'])} entries")
    return model


def _lowered(texts: "tf.Tensor") -> "tf.Tensor":
    """Each character by itself, as `tokenizers` does it: `tf.strings.lower` would look at the neighbours of a Σ, and
    at the locale of the server's process."""
    import tensorflow as tf

    singles, others = _lower_case()
    for upper, lower in others:
        texts = tf.strings.regex_replace(texts, upper, lower)
    decoded = tf.strings.unicode_decode(texts, "UTF-8", errors="strict")
    moved = decoded.flat_values + _looked_up(decoded.flat_values, *singles)
    return tf.strings.unicode_encode(decoded.with_flat_values(moved), "UTF-8")


def _looked_up(points: "tf.Tensor", starts: NDArray[np.int32], values: NDArray[np.int32]) -> "tf.Tensor":
    """For each code point the value of the stretch in which it lies."""
    import tensorflow as tf

    return tf.gather(values, tf.searchsorted(starts, points, side="right") - 1)


Stretches = tuple[NDArray[np.int32], NDArray[np.int32]]
"""Where stretches of code points with one value begin, ascending from 0, and their values."""


@cache
def _characters() -> Sequence[str]:
    """All that can be something else than a sign of no case: what lies between and behind is private, or nothing yet.
    One sign at the end of each stretch of them stands for these."""
    assigned = chain(range(0xD800), range(0xE000, 0x40000), range(0xE0000, 0xE1000))
    return [chr(point) for point in assigned]


def _stretches(values: NDArray[np.int32]) -> Stretches:
    """Of one value for each of `_characters`."""
    points = np.array([ord(character) for character in _characters()], np.int32)
    begins = np.flatnonzero(np.diff(values, prepend=values[0] - 1))
    return points[begins], values[begins]


@cache
def _kinds() -> Stretches:
    """The kinds of all characters, as the regular expressions of `tokenizers` see them."""
    kinds = np.full(len(_characters()), _OTHER, np.int32)
    text = "".join(_characters())
    for kind, others in (
        (_WORD, pre_tokenizers.Split(Regex(r"\w+"), "removed")),
        (_SIGN, pre_tokenizers.Split(Regex(r"[^\w\s]+"), "removed")),
        (_SPACE, pre_tokenizers.WhitespaceSplit()),
    ):
        belongs = np.ones(len(text), bool)
        for _, (start, end) in others.pre_tokenize_str(text):
            belongs[start:end] = False
        kinds[belongs] = kind
    return _stretches(kinds)


@cache
def _lower_case() -> tuple[Stretches, Sequence[tuple[str, str]]]:
    """How far the lower-case form of each character lies from it; and the forms that are more than one character."""
    lower = normalizers.Lowercase()
    forms = [(character, lower.normalize_str(character)) for character in _characters()]
    distances = [ord(form) - ord(character) if len(form) == 1 else 0 for character, form in forms]
    return _stretches(np.array(distances, np.int32)), [pair for pair in forms if len(pair[1]) > 1]
