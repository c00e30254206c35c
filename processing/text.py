"""Texts to token ids, by Hugging Face `tokenizers` from a `tokenizer.json`: the same object in training and serving."""

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from processing.cleaning import MOST_CHARS, begin_of, cleans
from processing.errors import UnreadableInputError, UnusableInputError
from processing.spec import TextSpec

_OVERLAP_OF = 4  # a window shares this part of its tokens with the one before
_PORTION_CHARS = 50_000  # some hundredths of a second


class Token(NamedTuple):
    """A token, and which characters (Unicode code points) of the text as it was given it stands for."""

    text: str
    start: int
    end: int


class Windows(NamedTuple):
    """Texts in one window or several each.

    Attributes:
        token_ids: int32 `[windows, longest]`, padded at the end.
        owners: which text each is of, ascending.
        shares: how many of its text's tokens it has, of all that its windows have; of a text they add up to 1.
    """

    token_ids: NDArray[np.int32]
    owners: NDArray[np.int64]
    shares: NDArray[np.float64]

    def averaged(self, values: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
        """Numbers of windows `[windows, …]` to those of texts, by their shares. Of one window they stay as they are."""
        if not len(self.owners) or self.owners[-1] == len(self.owners) - 1:  # ascending: one each
            return values
        weights = self.shares.astype(values.dtype).reshape(-1, *[1] * (values.ndim - 1))
        begins = np.flatnonzero(np.diff(self.owners, prepend=-1))
        return np.asarray(np.add.reduceat(values * weights, begins, axis=0))


class TextEncoder:
    """Encodes batches of texts. Safe to share between threads: it never changes after construction."""

    def __init__(self, tokenizer_json: str, spec: TextSpec) -> None:
        """Raises `UnreadableInputError` when the document is not a tokenizer."""
        try:
            self._tokenizer = Tokenizer.from_str(tokenizer_json)
        except Exception as exc:  # tokenizers raises plain Exception
            raise UnreadableInputError(f"tokenizer.json cannot be read: {exc}") from exc
        self._around = self._tokenizer.num_special_tokens_to_add(is_pair=False)  # such as [CLS] and [SEP]
        self._overlap = max(0, spec.max_tokens - self._around) // _OVERLAP_OF
        self._tokenizer.enable_truncation(spec.max_tokens, stride=self._overlap)
        self._tokenizer.no_padding()
        self._spec = spec
        self._cleans = cleans(tokenizer_json)

    def encode(
        self, texts: Sequence[str], checkpoint: Callable[[], object] = lambda: None, *, keep_end: bool = False
    ) -> NDArray[np.int32]:
        """int32 `[len(texts), longest]`, padded at the end. Of a text with more than `max_tokens` the first are kept,
        or the last. `checkpoint` is called before each portion of long texts.

        Raises:
            UnusableInputError: a text is blank, nothing of it is left after normalisation, or it is too long to be
                cleaned.
            Whatever `checkpoint` raises.
        """
        encodings = self._encodings(texts, checkpoint)
        return self.pad([self._end_of(encoding) if keep_end else encoding.ids for encoding in encodings])

    def encode_windows(
        self, texts: Sequence[str], most: int, checkpoint: Callable[[], object] = lambda: None
    ) -> Windows:
        """Long texts as windows of `max_tokens` tokens, of which each but the first begins with the last quarter of the
        one before; of a text the first `most`. One window is what `encode` gives. Raises as `encode`."""
        rows: list[list[int]] = []
        owners: list[int] = []
        for text, encoding in enumerate(self._encodings(texts, checkpoint)):
            rows.append(encoding.ids)
            if most > 1:
                rows += [more.ids for more in encoding.overflowing[: most - 1]]
            owners += [text] * (len(rows) - len(owners))
        owned = np.array(owners, np.int64)
        if len(rows) == len(texts):
            return Windows(self.pad(rows), owned, np.ones(len(rows)))
        tokens = np.array([len(row) - self._around for row in rows], np.float64)
        shares = tokens / np.bincount(owned, tokens, minlength=len(texts))[owned]
        return Windows(self.pad(rows), owned, shares)

    def _encodings(self, texts: Sequence[str], checkpoint: Callable[[], object]) -> Iterator[Encoding]:
        """Of each text its first window; what comes after is `overflowing`. One portion at a time: they are large."""
        for position, text in enumerate(texts):
            if not text.strip():
                raise UnusableInputError(f"text {position} is empty; expected at least one word")
            if self._cleans and len(text) > MOST_CHARS:
                raise UnusableInputError(
                    f"text {position} has {len(text)} characters; expected at most {MOST_CHARS}, which can be cleaned"
                )
        position = 0
        for portion in _portions(texts):
            checkpoint()
            for encoding in self._tokenizer.encode_batch(portion):
                if len(encoding.ids) <= self._around:
                    raise UnusableInputError(f"text {position} has no readable characters; expected at least one word")
                yield encoding
                position += 1

    def _end_of(self, first: Encoding) -> list[int]:
        """The ids of a text's last tokens, with the special ones around them, by its first window."""
        if not first.overflowing:
            return first.ids
        before, last = [first, *first.overflowing][-2:]
        words = [*_words(before), *_words(last)[self._overlap :]][-len(_words(first)) :]
        ids = iter(words)
        return [
            special_id if special else next(ids)
            for special_id, special in zip(first.ids, first.special_tokens_mask, strict=True)
        ]

    @property
    def vocabulary(self) -> int:
        """How many ids there are; they begin with 0."""
        return self._tokenizer.get_vocab_size()

    def pad(self, rows: Sequence[Sequence[int]]) -> NDArray[np.int32]:
        """Token ids as `encode` gives them, cut and padded: int32 `[len(rows), longest]`."""
        cut = [row[: self._spec.max_tokens] for row in rows]
        if len(cut) == 1:
            return np.array(cut, np.int32)
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
        begins = [begin_of(text, start) if self._cleans else start for start, _ in encoding.offsets]
        starts = [
            len(text) if special else start for start, special in zip(begins, encoding.special_tokens_mask, strict=True)
        ]
        ends = [*starts[1:], len(text)]  # a special token behind a text is nowhere in it
        return [
            Token(token, start, _with_marks(text, end, before))
            for token, start, (_, end), before in zip(encoding.tokens, begins, encoding.offsets, ends, strict=True)
        ]


def _words(window: Encoding) -> list[int]:
    """Its ids without the special ones around them."""
    return [word for word, special in zip(window.ids, window.special_tokens_mask, strict=True) if not special]


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
