"""Texts to token ids inside the graph: the twin of `processing.text` for WordPiece tokenizers, BERT's and our own.

Limits: of the normalisers NFC, NFD, NFKC and NFKD, 170 characters that Unicode gained after
the tables of `tokenizers` were made (㋿ and phonetic letters) are normalised by the newer tables of TensorFlow. BERT's
own has no limits, nor has cleaning before one that strips accents.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any

from tokenizers import normalizers

from export.errors import NotInGraphError
from export.raw.characters import (
    ALONE,
    BEYOND,
    SPACE,
    CharacterMap,
    Stretches,
    chinese_alone,
    in_canonical_order,
    kinds_in_runs,
    kinds_of_bert,
    looked_up,
    lower_case,
)
from processing.cleaning import STEPS
from processing.spec import TextSpec
from processing.text import TextEncoder

if TYPE_CHECKING:
    import tensorflow as tf

_RUNS = {
    "type": "Sequence",
    "pretokenizers": [
        {"type": "WhitespaceSplit"},
        {"type": "Split", "pattern": {"Regex": r"\w+|[^\w\s]+"}, "behavior": "Isolated", "invert": False},
    ],
}
_CLEANING = frozenset(step.pattern for step in STEPS)
_UTF8_BYTES = 4  # of one character, at most
_CUT = b"\xff"  # which no UTF-8 has

Step = Callable[["tf.Tensor"], "tf.Tensor"]
Characters = tuple["tf.Tensor", "tf.Tensor"]
"""Code points, and the number of the text that each is of."""


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
        model = _word_pieces(document["model"])
        self._spec = spec
        self._before, self._after = _around(document["post_processor"])
        self._named = _named(document["added_tokens"], model["vocab"])
        self._normalized = _normalized(document["normalizer"])
        self._kinds = _kinds(document["pre_tokenizer"], document["normalizer"])
        self._unknown, self._longest_word = model["unk_token"], model["max_input_chars_per_word"]
        entries = tf.lookup.KeyValueTensorInitializer(
            list(model["vocab"]), list(model["vocab"].values()), tf.string, tf.int64
        )
        self.table = tf.lookup.StaticHashTable(entries, default_value=-1)
        longest_name = max((len(name.encode()) for name in self._named), default=0)
        self._pieces = tf_text.WordpieceTokenizer(
            self.table,
            suffix_indicator=model["continuing_subword_prefix"],
            max_bytes_per_word=max(_UTF8_BYTES * self._longest_word, longest_name),
            unknown_token=self._unknown,
        )

    def __call__(self, texts: "tf.Tensor") -> "tf.Tensor":
        import tensorflow as tf

        words, rows = self._words(texts)
        pieces = self._pieces.tokenize(words)
        ids = tf.RaggedTensor.from_value_rowids(
            pieces.flat_values, tf.gather(rows, pieces.value_rowids()), nrows=tf.size(texts, tf.int64), validate=False
        )
        empty = tf.where(ids.row_lengths() == 0)[:, 0]
        message = tf.strings.format("no readable characters in text {}; expected at least one word", empty[:1])
        with tf.control_dependencies([tf.debugging.Assert(tf.size(empty) == 0, [message])]):
            cut = ids[:, : self._spec.max_tokens - len(self._before) - len(self._after)]
        before, after = (
            tf.RaggedTensor.from_tensor(tf.tile(tf.constant([few], tf.int64), [cut.nrows(), 1]))
            for few in (self._before, self._after)
        )
        return tf.cast(tf.concat([before, cut, after], axis=1).to_tensor(self._spec.pad_id), tf.int32)

    def _words(self, texts: "tf.Tensor") -> tuple["tf.Tensor", "tf.Tensor"]:
        """The words of all texts, one after another, and the row that each is from; of a text as many as can matter,
        for each is at least one token."""
        import tensorflow as tf

        points, parts, rows = self._characters(texts)
        kinds = looked_up(points, *self._kinds)
        begins = (kinds[1:] != kinds[:-1]) | (kinds[1:] == ALONE) | (parts[1:] != parts[:-1])
        begins = tf.concat([tf.ones_like(points[:1], tf.bool), begins], axis=0)
        heads = tf.where(begins)[:, 0]
        runs = tf.RaggedTensor.from_value_rowids(
            points, tf.cumsum(tf.cast(begins, tf.int64)) - 1, nrows=tf.size(heads, tf.int64), validate=False
        )
        kept = tf.where(tf.gather(kinds, heads) != SPACE)[:, 0]
        kept = tf.RaggedTensor.from_value_rowids(
            kept,
            tf.gather(rows, tf.gather(parts, tf.gather(heads, kept))),
            nrows=tf.size(texts, tf.int64),
            validate=False,
        )[:, : self._spec.max_tokens]
        runs = tf.gather(runs, kept.flat_values)
        words = tf.where(
            runs.row_lengths() > self._longest_word, self._unknown, tf.strings.unicode_encode(runs, "UTF-8")
        )
        if self._named:
            heads = tf.gather(points, tf.gather(heads, kept.flat_values))
            words = tf.where(heads >= BEYOND, tf.gather(self._named, tf.maximum(heads - BEYOND, 0)), words)
        return words, kept.value_rowids()

    def _characters(self, texts: "tf.Tensor") -> tuple["tf.Tensor", "tf.Tensor", "tf.Tensor"]:
        """Normalised code points, the part of a text that each is of, and the row that each part is of. A token that is
        named in a text is a part: one number from `BEYOND` on."""
        import tensorflow as tf

        if not self._named:
            return *self._normalized(texts), tf.range(tf.size(texts, tf.int64))
        texts = _checked(texts)  # none has the cut in it already
        anyone = "|".join(map(re.escape, self._named))  # the first that fits, which is the longest
        parts = tf.strings.split(tf.strings.regex_replace(texts, f"({anyone})", _CUT + rb"\1" + _CUT), _CUT)
        found = parts.flat_values[:, None] == tf.constant(self._named)
        is_name = tf.reduce_any(found, axis=1)
        points = tf.RaggedTensor.from_value_rowids(
            *self._normalized(tf.where(is_name, "", parts.flat_values)),
            nrows=tf.size(is_name, tf.int64),
            validate=False,
        )
        names = tf.RaggedTensor.from_row_lengths(
            BEYOND + tf.argmax(tf.boolean_mask(found, is_name), axis=1, output_type=tf.int32),
            tf.cast(is_name, tf.int64),
            validate=False,
        )
        points = tf.concat([points, names], axis=1)
        return points.flat_values, points.value_rowids(), parts.value_rowids()


def _around(post_processor: Any) -> tuple[Sequence[int], Sequence[int]]:
    """The ids before and after those of a text."""
    match post_processor:
        case None:
            return [], []
        case {"type": "BertProcessing", "cls": [str(), int(before)], "sep": [str(), int(after)]}:
            return [before], [after]
        case {"type": "TemplateProcessing", "single": [*parts], "special_tokens": dict(known)}:
            texts = [number for number, part in enumerate(parts) if "Sequence" in part]
            if len(texts) == 1:
                ids = [known[part["SpecialToken"]["id"]]["ids"] if "SpecialToken" in part else [] for part in parts]
                return list(chain(*ids[: texts[0]])), list(chain(*ids[texts[0] :]))
    raise NotInGraphError(f"its post_processor {_types(post_processor)}")


def _named(added: Sequence[Mapping[str, Any]], vocabulary: Mapping[str, int]) -> Sequence[str]:
    """The tokens that a text can name, by falling length: none is taken for the beginning of another."""
    for token in added:
        name = token["content"]
        looks = [option for option in ("single_word", "lstrip", "rstrip", "normalized") if token[option]]
        if looks or not name or vocabulary.get(name) != token["id"]:
            why = f"with {' and '.join(looks)}" if looks else "outside its vocabulary"
            raise NotInGraphError(f"its added token {name[:40]!r} {why}")
    return sorted((token["content"] for token in added), key=len, reverse=True)


def _kinds(pre_tokenizer: Any, normalizer: Any) -> Stretches:
    if pre_tokenizer == _RUNS:
        kinds = kinds_in_runs()
    elif pre_tokenizer == {"type": "BertPreTokenizer"}:
        kinds = kinds_of_bert()
    else:
        raise NotInGraphError(f"its pre_tokenizer {_types(pre_tokenizer)}")
    match _parts(normalizer):
        case [*_, {"type": "BertNormalizer", "handle_chinese_chars": True}]:
            return chinese_alone(kinds)
    return kinds


def _normalized(normalizer: Any) -> Callable[["tf.Tensor"], Characters]:
    """What the document's normaliser makes of texts. BERT's may stand at the end of others."""
    parts = [part for part, after in pairwise([*_parts(normalizer), None]) if not _in_vain(part, after)]
    last = _bert_steps(parts.pop()) if parts and parts[-1]["type"] == "BertNormalizer" else ()
    before = [step for part in parts for step in _steps(part)]
    first = [_checked, *before] if before else []
    return lambda texts: reduce(
        lambda given, step: step(*given), last, _decoded(reduce(lambda given, step: step(given), first, texts))
    )


def _parts(normalizer: Any) -> list[Any]:
    """A document's normaliser as those that it is made of."""
    match normalizer:
        case None:
            return []
        case {"type": "Sequence", "normalizers": [*parts]}:
            return [inner for part in parts for inner in _parts(part)]
    return [normalizer]


def _in_vain(part: Any, after: Any) -> bool:
    """NFC before what decomposes anyway: canonically equivalent texts come to the same. So nothing is left to NFC by
    TensorFlow's tables where there is BERT's normaliser."""
    match after:
        case {"type": "NFC" | "NFD" | "NFKC" | "NFKD"}:
            return bool(part["type"] == "NFC")
        case {"type": "BertNormalizer"}:
            return bool(part["type"] == "NFC") and _strips(after)
    return False


def _strips(options: Mapping[str, Any]) -> bool:
    """Whether BERT's normaliser decomposes, and takes the marks away: unless it is told, where it lowers."""
    return bool(options["lowercase"] if options["strip_accents"] is None else options["strip_accents"])


def _bert_steps(options: Mapping[str, Any]) -> Sequence[Callable[["tf.Tensor", "tf.Tensor"], Characters]]:
    """BERT's normaliser, but for the spaces around Chinese characters, which their kind sees to."""

    def bert(*, clean: bool = False, strip: bool = False, lower: bool = False) -> normalizers.Normalizer:
        return normalizers.BertNormalizer(
            clean_text=clean, handle_chinese_chars=False, strip_accents=strip, lowercase=lower
        )

    clean, lower = options["clean_text"], options["lowercase"]
    if _strips(options):
        decomposed = normalizers.Sequence([bert(clean=clean), normalizers.NFD()])
        return [CharacterMap(decomposed), in_canonical_order, CharacterMap(bert(strip=True, lower=lower))]
    return [CharacterMap(bert(clean=clean, lower=lower))]


def _steps(normalizer: Mapping[str, Any]) -> Sequence[Step]:
    """What another normaliser does, as steps from texts to texts. Of patterns those of cleaning are known: any other
    may mean something else to RE2."""
    import tensorflow_text as tf_text

    match normalizer:
        case {"type": "NFC" | "NFD" | "NFKC" | "NFKD" as form}:
            return [lambda texts: tf_text.normalize_utf8(texts, form)]
        case {"type": "Lowercase"}:
            return [_lowered]
        case {"type": "Replace", "pattern": {"String": str(old)}, "content": str(new)}:
            return [_replacing(re.escape(old), new)]
        case {"type": "Replace", "pattern": {"Regex": str(pattern)}, "content": str(new)} if pattern in _CLEANING:
            return [_replacing(pattern, new)]
    raise NotInGraphError(f"its normalizer {_types(normalizer)}")


def _replacing(pattern: str, new: str) -> Step:
    import tensorflow as tf

    return lambda texts: tf.strings.regex_replace(texts, pattern, new.replace("\\", r"\\"))


def _word_pieces(model: Mapping[str, Any]) -> Mapping[str, Any]:
    if model["type"] != "WordPiece" or model["unk_token"] not in model["vocab"]:
        raise NotInGraphError(f"its model {model['type']} with {len(model['vocab'])} entries")
    return model


def _types(part: Any) -> str:
    """A part of the document in few words."""
    if not isinstance(part, dict):
        return "of none"
    parts = next((value for name, value in part.items() if name in ("normalizers", "pretokenizers", "processors")), ())
    return f"{part['type']} of {', '.join(map(_types, parts))}" if parts else str(part["type"])


def _checked(texts: "tf.Tensor") -> "tf.Tensor":
    """UTF-8, or INVALID_ARGUMENT: what a pattern takes away may bring halves of a character together."""
    import tensorflow as tf

    return tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="strict")


def _decoded(texts: "tf.Tensor") -> Characters:
    import tensorflow as tf

    decoded = tf.strings.unicode_decode(texts, "UTF-8", errors="strict")
    return decoded.flat_values, decoded.value_rowids()


def _lowered(texts: "tf.Tensor") -> "tf.Tensor":
    import tensorflow as tf

    points, owners = lower_case()(*_decoded(texts))
    lowered = tf.RaggedTensor.from_value_rowids(points, owners, nrows=tf.size(texts, tf.int64), validate=False)
    return tf.strings.unicode_encode(lowered, "UTF-8")
