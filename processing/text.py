"""Texts to token ids, by Hugging Face `tokenizers` from a `tokenizer.json`: the same object in training and serving."""

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from processing.errors import UnreadableInputError, UnusableInputError
from processing.spec import TextSpec

_PORTION_CHARS = 50_000  # some hundredths of a second


class Token(NamedTuple):
    """A token, and which characters (Unicode code points) of the text as it was given it stands for."""

    text: str
    start: int
    end: int


class TextEncoder:
    """Encodes batches of texts. Safe to share between threads: it never changes after construction."""

    def __init__(self, tokenizer_json: str, spec: TextSpec) -> None:
        """Raises `UnreadableInputError` when the document is not a tokenizer."""
        try:
            self._tokenizer = Tokenizer.from_str(tokenizer_json)
        except Exception as exc:  # tokenizers raises plain Exception
            raise UnreadableInputError(f"tokenizer.json cannot be read: {exc}") from exc
        self._tokenizer.enable_truncation(spec.max_tokens)
        self._tokenizer.no_padding()
        self._around = self._tokenizer.num_special_tokens_to_add(is_pair=False)  # such as [CLS] and [SEP]
        self._spec = spec

    def encode(self, texts: Sequence[str], checkpoint: Callable[[], object] = lambda: None) -> NDArray[np.int32]:
        """int32 `[len(texts), longest]`, padded at the end. `checkpoint` is called before each portion of long texts.

        Raises:
            UnusableInputError: a text is blank, or nothing of it is left after normalisation.
            Whatever `checkpoint` raises.
        """
        for position, text in enumerate(texts):
            if not text.strip():
                raise UnusableInputError(f"text {position} is empty; expected at least one word")
        rows: list[list[int]] = []
        for portion in _portions(texts):
            checkpoint()
            rows += [encoding.ids for encoding in self._tokenizer.encode_batch(portion)]
        for position, row in enumerate(rows):
            if len(row) <= self._around:
                raise UnusableInputError(f"text {position} has no readable characters; expected at least one word")
        return self.pad(rows)

    @property
    def vocabulary(self) -> int:
        """How many ids there are; they begin with 0."""
        return self._tokenizer.get_vocab_size()

    def pad(self, rows: Sequence[Sequence[int]]) -> NDArray[np.int32]:
        """Token ids as `encode` gives them, cut and padded: int32 `[len(rows), longest]`."""
        cut = [row[: self._spec.max_tokens] for row in rows]
        padded = np.full((len(cut), max(map(len, cut), default=0)), self._spec.pad_id, dtype=np.int32)
        for number, row in enumerate(cut):
            padded[number, : len(row)] = row
        return padded

    def count(self, texts: Sequence[str]) -> int:
        """How many tokens `encode` gives for all texts together, without the padding."""
        return sum(len(encoding.ids) for encoding in self._tokenizer.encode_batch(list(texts)))

    def readable(self, text: str) -> bool:
        """Whether `encode` finds anything in it."""
        return bool(text.strip()) and len(self._tokenizer.encode(text).ids) > self._around

    def overlong(self, texts: Sequence[str]) -> int | None:
        """The position of the first text that `encode` cuts, None if there is none."""
        encodings = self._tokenizer.encode_batch(list(texts))
        return next((position for position, encoding in enumerate(encodings) if encoding.overflowing), None)

    def tokens(self, text: str) -> list[Token]:
        """The tokens whose ids `encode` gives for this text."""
        encoding = self._tokenizer.encode(text)
        starts = [
            len(text) if special else start
            for (start, _), special in zip(encoding.offsets, encoding.special_tokens_mask, strict=True)
        ]
        ends = [*starts[1:], len(text)]  # a special token behind a text is nowhere in it
        return [
            Token(token, start, _with_marks(text, end, before))
            for token, (start, end), before in zip(encoding.tokens, encoding.offsets, ends, strict=True)
        ]


def _portions(texts: Sequence[str]) -> Iterator[list[str]]:
    """The texts in order, so many at a time that no portion is much longer than the longest text."""
    portion: list[str] = []
    chars = 0
    for text in texts:
        if portion and chars + len(text) > _PORTION_CHARS:
            yield portion
            portion, chars = [], 0
        portion.append(text)
        chars += len(text)
    if portion:
        yield portion


def _with_marks(text: str, end: int, before: int) -> int:
    """The end of a token with the marks of its last letter (accents), which normalisation may have joined to it."""
    while end < before and unicodedata.combining(text[end]):
        end += 1
    return end
