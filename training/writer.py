"""The recipe of `writer`: prose, cut into stretches of tokens, each token foretold from those before it."""

from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from models.example import Example
from models.writer import END_ID, SPEC, WriterConfig, processing
from store.manifest import Metric
from training.byte_pairs import make_byte_pairs
from training.data import austen, shakespeare, wikitext
from training.data.prose import Prose, by_kind
from training.errors import ConfigurationError
from training.evaluation import Measured
from training.foretelling import EXAMPLES, Foretelling
from training.ngrams import Ngrams
from training.progress import Progress
from training.recipe import Array, DataFacts

if TYPE_CHECKING:
    import keras

_SOURCES = (shakespeare, austen, wikitext)
_WINDOWS = 384  # of all held-out texts
_ORDER = 3  # of the n-grams beside it: with more they foretell worse
_VALIDATION_OF = 16  # one text in so many of a kind, one at least


class WriterRecipe:
    """Plays, novels and articles in a row, the end between two of them. In each epoch they are cut elsewhere. See
    `Foretelling` for how it is measured."""

    sha256 = " ".join(source.PACKAGE.sha256 for source in _SOURCES)
    pad: int | None = None
    chat_template: str | None = None

    def __init__(self, config: WriterConfig, prose: Prose, tokenizer: str | None = None) -> None:
        self._config = config
        document = tokenizer or make_byte_pairs((text.text for text in prose.others), config.vocabulary)
        self.tokenizer: str | None = document
        self._foretelling = Foretelling(
            prose, document, processing(config), min(config.rows or _WINDOWS, _WINDOWS), config.seed
        )
        self._stream = np.array([token for text in self._foretelling.others for token in (*text, END_ID)], np.int32)
        length = config.context_tokens
        rows = (len(self._stream) - 1) // length - 1  # one less than there are, so that it can begin anywhere in it
        if rows < 1:
            raise ConfigurationError(f"context_tokens: {length} are more than the texts have")
        self._rows = min(rows, config.rows or rows)
        self.facts = DataFacts(
            name="plays by Shakespeare, novels by Jane Austen, articles of Wikipedia",
            source=", ".join(str(source.PACKAGE) for source in _SOURCES),
            sha256=self.sha256,
            training_rows=self._rows,
            held_out_rows=self._foretelling.truth.size,
        )

    @classmethod
    def make(cls, config: WriterConfig, cache: Path, progress: Progress, tokenizer: str | None) -> Self:
        return cls(config, _prose(cache, progress), tokenizer)

    @classmethod
    def for_trials(cls, config: WriterConfig, cache: Path, progress: Progress) -> Self:
        return cls(config, for_choosing(_prose(cache, progress)))

    def prepare(self, model: "keras.Model") -> None:
        pass

    def loss(self) -> "keras.losses.Loss":
        import keras

        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def epoch(self, number: int) -> tuple[Array, Array]:
        rng = np.random.default_rng((self._config.seed, number))
        length = self._config.context_tokens
        begin = rng.integers(length)
        starts = begin + length * rng.permutation((len(self._stream) - 1) // length - 1)[: self._rows]
        rows = self._stream[starts[:, np.newaxis] + np.arange(length + 1)]
        return rows[:, :-1], rows[:, 1:]

    def held_out(self) -> tuple[Array, Array]:
        windows = self._foretelling.windows
        return windows[:, :-1], windows[:, 1:]

    def evaluate(self, model: "keras.Model", progress: Progress) -> Measured:
        return self._foretelling.measure(model, SPEC.name, progress, self._by_ngrams())

    def examples(self) -> tuple[list[Example], Array]:
        return self._foretelling.examples(self._foretelling.beginnings(EXAMPLES))

    def _by_ngrams(self) -> Metric:
        told = self._foretelling
        ngrams = Ngrams(told.others, _ORDER, told.codec.vocabulary)
        bits: NDArray[np.float64] = np.concatenate([ngrams.bits(window.tolist()) for window in told.windows])
        return Metric(
            name=f"bits per character of {_ORDER}-grams of the same tokens, counted in the same texts",
            value=float(bits.sum()) / told.characters,
            data=told.data,
            rows=bits.size,
        )


def for_choosing(prose: Prose) -> Prose:
    """Some of the other texts of each kind are foretold, and those that are held out are not looked at."""
    kinds = by_kind(prose.others).values()
    return Prose(
        held_out=[text for texts in kinds for text in texts[::_VALIDATION_OF]],
        others=[text for texts in kinds for number, text in enumerate(texts) if number % _VALIDATION_OF],
    )


def _prose(cache: Path, progress: Progress) -> Prose:
    progress.stage("fetch plays, novels and articles", len(_SOURCES))
    prose = Prose([], [])
    for number, source in enumerate(_SOURCES, start=1):
        prose += source.load(cache)
        progress.at(number)
    return prose
