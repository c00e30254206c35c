"""Texts to sentences, sentences to token ids, and back: what is around a model that translates a sentence.

A text is cut into lines and these into sentences, which are translated each for itself; what is between them stays.
Placeholders go through the model as single tokens. Where its answer has others than the sentence, the sentence is
translated once more, piece by piece around its placeholders, so that none is ever lost.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from processing.errors import UnusableInputError
from processing.marks import PLACES, Marked, pieces, with_mnemonic_of, without_mnemonic
from processing.spec import TextSpec, TranslationSpec
from processing.text import TextEncoder
from processing.tokens import TokenCodec

Rows = NDArray[np.int32]
Run = Callable[[Rows], Rows]
"""Sentences, int32 `[rows, tokens]`, to translations, int32 `[rows, tokens]`, both padded at the end."""

TOGETHER = 32  # sentences in a run
_SHOWN = 40  # letters of a sentence that is refused

_LINE = re.compile(r"(\s*[\r\n]\s*)")
_SENTENCE = re.compile(r"""(?<=[.!?…])(\s+)(?=["'«“¿¡(]?[^\W_a-z])""")
_ABBREVIATED = re.compile(r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|St|Sr|Jr|vs|No|[A-Z])|\b[a-z]\.[a-z]|\.\.)\.$")


@dataclass
class _Part:
    """A sentence of a text, or what is between two, which has no `marked`. `answer` is what stands in its place.

    A sentence with more placeholders than a model knows, or whose placeholders it lost, has parts of its own `around`
    these.
    """

    text: str
    marked: Marked | None = None
    answer: str = ""
    around: "list[_Part]" = field(default_factory=list)

    @property
    def whole(self) -> str:
        if not self.around:
            return self.answer
        return with_mnemonic_of(self.text, "".join(part.whole for part in self.around))

    @property
    def asked(self) -> str:
        """What the model is asked."""
        return self.marked.text if self.marked else ""


@dataclass(frozen=True)
class Reading:
    """Texts that are being translated, each as its parts. Of one thread."""

    texts: Sequence[Sequence[_Part]]

    @property
    def parts(self) -> list[_Part]:
        """Those that the model is asked about."""
        parts = [part for text in self.texts for top in text for part in (top.around or [top])]
        return [part for part in parts if part.marked]

    @property
    def sentences(self) -> list[str]:
        """As the model is asked them."""
        return [part.asked for part in self.parts]


class Translator:
    """Safe to share between threads."""

    def __init__(self, tokenizer_json: str, spec: TranslationSpec) -> None:
        """Raises `UnreadableInputError` when the document is not a tokenizer."""
        self._encoder = TextEncoder(tokenizer_json, TextSpec(max_tokens=spec.max_tokens, pad_id=spec.pad_id))
        self._codec = TokenCodec(tokenizer_json)
        self._spec = spec

    def read(self, texts: Sequence[str], *, cut: bool = False) -> Reading:
        """Texts as sentences.

        Args:
            cut: a sentence that is too long is cut, instead of refused.

        Raises:
            UnusableInputError: a text is blank, or has a sentence of more tokens than the model takes.
        """
        reading = Reading([list(_parts(text)) for text in texts])
        for position, parts in enumerate(reading.texts):
            if not any(part.text.strip() for part in parts):
                raise UnusableInputError(f"text {position} is empty; expected at least one word")
            long = None if cut else next(filter(self._is_long, Reading([parts]).sentences), None)
            if long is not None:
                raise UnusableInputError(
                    f"text {position} has a sentence of more than {self._spec.max_tokens} tokens, beginning with "
                    f"{long[:_SHOWN]!r}; expected shorter ones, or that they are to be cut"
                )
        return reading

    def is_one(self, text: str) -> bool:
        """Whether it is a single sentence that is short enough, with nothing around it."""
        reading = Reading([list(_parts(text))])
        return len(reading.texts[0]) == len(reading.sentences) == 1 and not self._is_long(reading.sentences[0])

    def encode(self, sentences: Sequence[str]) -> Rows:
        """int32 `[sentences, tokens]`, as training makes them, too. Raises `UnusableInputError` for a blank one."""
        return self._encoder.encode([_spaced(sentence) for sentence in sentences])

    def tokens(self, sentence: str) -> list[int]:
        """Of a sentence or a translation, with its end, of whatever length."""
        return self._codec.encode(_spaced(sentence))

    def decode(self, tokens: Sequence[int]) -> str:
        return self._codec.decode(tokens).strip()

    def count(self, reading: Reading) -> int:
        """Tokens of all sentences together."""
        return self._encoder.count([_spaced(sentence) for sentence in reading.sentences])

    def translate(self, reading: Reading, run: Run, checkpoint: Callable[[], object] = lambda: None) -> list[str]:
        """Each text's translation. `checkpoint` is called before each run; what it raises goes through."""
        self._ask(reading.parts, run, checkpoint)
        lost = [part for part in reading.parts if part.marked and not part.marked.as_in(part.answer)]
        for part in lost:
            part.around = list(_around(without_mnemonic(part.text)))
        self._ask([piece for part in lost for piece in part.around if piece.marked], run, checkpoint)
        for part in reading.parts:
            if part.marked:
                part.answer = part.marked.restored(part.answer)
        return ["".join(part.whole for part in text) for text in reading.texts]

    def _is_long(self, sentence: str) -> bool:
        return len(self.tokens(sentence)) > self._spec.max_tokens

    def _ask(self, parts: Sequence[_Part], run: Run, checkpoint: Callable[[], object]) -> None:
        """Gives each its answer, places still in it. Those of like length go together."""
        ordered = sorted(parts, key=lambda part: len(part.asked))
        for start in range(0, len(ordered), TOGETHER):
            checkpoint()
            together = ordered[start : start + TOGETHER]
            for part, tokens in zip(
                together, run(self.encode([part.asked for part in together])).tolist(), strict=True
            ):
                part.answer = self.decode(tokens)


def _spaced(sentence: str) -> str:
    """So that the first word is the same token as in the middle of a sentence."""
    return f" {sentence}"


def _parts(text: str) -> Iterator[_Part]:
    for number, line in enumerate(_LINE.split(text)):
        if number % 2:
            yield _Part(line, answer=line)
        else:
            for place, sentence in enumerate(_sentences(line)):
                yield _sentence(sentence) if place % 2 == 0 else _Part(sentence, answer=sentence)


def _sentences(line: str) -> list[str]:
    """Sentences and, in between, the space between them."""
    found: list[str] = []
    start = 0
    for match in _SENTENCE.finditer(line):
        if not _ABBREVIATED.search(line[start : match.start()]):
            found += [line[start : match.start()], match[1]]
            start = match.end()
    return [*found, line[start:]]


def _sentence(text: str) -> _Part:
    if not _readable(text):
        return _Part(text, answer=text)
    marked = Marked.of(text)
    if marked is None:
        return _Part(text, around=list(_around(without_mnemonic(text))))
    return _Part(text, marked) if _readable(marked.text) else _Part(text, answer=text)


def _around(text: str) -> Iterator[_Part]:
    """Placeholders, and what is between them as sentences of their own; the space around these stays."""
    for piece, is_placeholder in pieces(text):
        if is_placeholder or not _readable(piece):
            yield _Part(piece, answer=piece)
        else:
            inner = piece.strip()
            before, after = piece.split(inner, 1)
            yield from (_Part(before, answer=before), _Part(inner, Marked(inner, (), "")), _Part(after, answer=after))


def _readable(text: str) -> bool:
    """Whether there is a letter to translate."""
    return any(letter.isalpha() and letter not in PLACES for letter in text)
