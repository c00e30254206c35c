"""The recipe of `sentiment`: texts rated by people, the rating as a soft target, VADER's lexicon to begin with."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from models.example import Example
from models.sentiment import PAD_ID, SPEC, SentimentConfig, processing
from processing.text import TextEncoder
from store.evaluation import Robustness
from store.paired import paired_difference
from training.adversarial import attack_embeddings
from training.baseline import baseline_predictions
from training.data import rated_texts
from training.data.rated_texts import RatedText, RatedTexts
from training.disturbance import Sample, robustness
from training.disturbed_texts import TEXT_DISTURBANCES
from training.evaluation import Measured, SentimentEvaluation, SourceEvaluation
from training.latency import stacked
from training.measure import BATCH, Rows, accuracy, measure
from training.metrics import wilson
from training.progress import Progress
from training.recipe import Array, DataFacts
from training.vocabulary import make_tokenizer

if TYPE_CHECKING:
    import keras

_CLEAR = 0.5  # rating: nearer to 0 a text has no label to be measured on
_EXAMPLE_RATING = 1.5  # texts of which people are sure
_EXAMPLE_CHARS = 120
_EXAMPLES_PER_LABEL = 36
_SAMPLE = 1000  # test texts that are disturbed
_TEST_NAME = "held-out texts of film reviews, newspaper, tweets and product reviews with |rating| ≥ 0.5"
_BASELINE_NAME = "TF-IDF with logistic regression"
_LENGTHS = {"1 to 10 words": (1, 10), "11 to 20 words": (11, 20), "21 words or more": (21, np.inf)}
_NEGATIONS = ("not", "no", "never", "without", "nor", "cannot", "neither", "hardly", "t")  # "t" of don't, isn't, …
_NEGATION = (-1.2, -0.8, -0.4)  # what one, two and three words after it start with


class SentimentRecipe:
    chat_template: str | None = None

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

    def evaluate(self, model: "keras.Model", progress: Progress) -> Measured:
        rows = self._rows()
        robust = self._robustness(model, progress)
        progress.stage(f"evaluate {SPEC.name}", 1)
        measured = measure(model, SPEC.labels, rows, robust, self._config.seed)
        ours = measured.held_out.right
        texts, labels = [text.text for text in self._clear_train], _labels(self._clear_train)
        theirs = baseline_predictions(texts, labels, [text.text for text in self._test]) == rows.truth
        compared = {
            source: self._compare(ours[which], theirs[which], rows.truth[which])
            for source, which in rows.slices["source"].items()
            if which.any()
        }
        overall = self._compare(ours, theirs, rows.truth)
        baseline = accuracy(_BASELINE_NAME, theirs, _TEST_NAME)
        evaluation = SentimentEvaluation.model_validate(
            dict(measured.evaluation)
            | {
                "references": (baseline, *measured.evaluation.references),
                "baseline_accuracy": overall.baseline_accuracy,
                "baseline_interval": overall.baseline_interval,
                "difference_interval": overall.difference_interval,
                "majority_accuracy": overall.majority_accuracy,
                "by_source": compared,
            }
        )
        return Measured(evaluation, measured.held_out)

    def examples(self) -> tuple[list[Example], Array]:
        """Short texts, of each label and taken from all sources in turn."""
        examples: list[Example] = []
        chosen: list[RatedText] = []
        for number, label in enumerate(SPEC.labels):
            sure = [
                text
                for text in self._test
                if abs(text.rating) >= _EXAMPLE_RATING
                and len(text.text) <= _EXAMPLE_CHARS
                and (text.rating > 0) == (number == 1)
            ]
            for position, text in enumerate(few := _thinned(sure, _EXAMPLES_PER_LABEL)):
                body = json.dumps({"inputs": text.text}, ensure_ascii=False).encode()
                examples.append(Example.of(f"{label}-{position}", "application/json", body, label))
            chosen += few
        return examples, self._encoded(chosen)

    def _rows(self) -> Rows:
        sources = np.array([text.source for text in self._test])
        words = np.array([len(text.text.split()) for text in self._test])
        digest = hashlib.sha256()
        for text in self._test:
            digest.update(f"{text.rating > 0} {text.text}\n".encode())
        return Rows(
            inputs=self._encoded(self._test),
            truth=_labels(self._test),
            data=_TEST_NAME,
            sha256=digest.hexdigest(),
            slices={
                "source": {source: sources == source for source in rated_texts.SOURCES},
                "length": {name: (least <= words) & (words <= most) for name, (least, most) in _LENGTHS.items()},
            },
            alone=[self._encoder.encode([text.text])[0] for text in _thinned(self._test, BATCH)],
            pad=PAD_ID,
        )

    def _robustness(self, model: "keras.Model", progress: Progress) -> Robustness:
        chosen = _thinned(self._test, _SAMPLE)
        truth = _labels(chosen)
        sample = Sample(
            [text.text for text in chosen],
            truth,
            f"{len(chosen)} of the {_TEST_NAME}",
            lambda text: self._encoder.encode([text])[0],
            lambda rows: np.asarray(model.predict(stacked(rows, PAD_ID), batch_size=BATCH, verbose=0).argmax(axis=1)),
        )
        attacks = attack_embeddings(model, self._encoded(chosen), truth, "words")
        return robustness(sample, TEXT_DISTURBANCES, attacks, self._config.seed, progress)

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
