"""The recipe of `sentiment`, whichever its network: texts rated by people, the mean rating to learn."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from models.example import Example
from models.sentiment import PAD_ID, SentimentConfig
from models.sentiment_minilm import EncoderConfig
from processing.text import TextEncoder
from store.evaluation import Robustness
from store.paired import paired_difference
from training.adversarial import attack_embeddings
from training.baseline import baseline_predictions
from training.batches import alike, lengths_of, predicted
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
from training.sentiment_training import SentimentTraining, training_of
from training.tones import tones_of

if TYPE_CHECKING:
    import keras

_EXAMPLE_CHARS = 120
_EXAMPLES_PER_LABEL = 36
_SAMPLE = 1000  # test texts that are disturbed
_BASELINE_NAME = "TF-IDF with logistic regression"
_LENGTHS = {"1 to 10 words": (1, 10), "11 to 20 words": (11, 20), "21 words or more": (21, np.inf)}

Config = SentimentConfig | EncoderConfig


class SentimentRecipe:
    chat_template: str | None = None
    pad: int | None = PAD_ID

    def __init__(self, config: Config, data: RatedTexts, how: SentimentTraining, tokenizer: str | None) -> None:
        self._config, self._how, self._tones = config, how, tones_of(config)
        readable = [text for text in data.texts if any(letter.isalnum() for letter in text.text)]
        train = _thinned([text for text in readable if not text.held_out], config.rows)
        self._clear_train = [text for text in train if self._tones.measured(text)]
        clear_test = [text for text in readable if text.held_out and self._tones.measured(text)]
        self._test = _thinned(clear_test, config.rows)
        self._tokenizer = tokenizer or how.tokenizer(text.text for text in train)
        self.tokenizer: str | None = self._tokenizer
        self._encoder = TextEncoder(self._tokenizer, how.processing())
        self._inputs = self._encoder.encode([text.text for text in train])
        self._targets = how.targets(np.array([text.rating for text in train]))
        self.facts = DataFacts(
            name="texts rated by people (Hutto and Gilbert 2014)",
            source=str(rated_texts.PACKAGE),
            sha256=rated_texts.PACKAGE.sha256,
            training_rows=len(train),
            held_out_rows=len(self._test),
        )

    @classmethod
    def make(cls, config: Config, cache: Path, progress: Progress, tokenizer: str | None) -> Self:
        progress.stage("fetch rated texts", 1)
        data = rated_texts.load(cache)
        return cls(config, data, training_of(config, data.lexicon, cache), tokenizer)

    @classmethod
    def for_trials(cls, config: Config, cache: Path, progress: Progress) -> Self:
        progress.stage("fetch rated texts", 1)
        data = rated_texts.load(cache)
        trained_on = (text for text in data.texts if not text.held_out)
        texts = tuple(replace(text, held_out=rated_texts.is_validation(text.text)) for text in trained_on)
        return cls(config, replace(data, texts=texts), training_of(config, data.lexicon, cache), None)

    def prepare(self, model: "keras.Model") -> None:
        self._how.prepare(model, self._tokenizer)

    def loss(self) -> "keras.losses.Loss":
        return self._how.loss()

    def epoch(self, number: int) -> tuple[Array, Array]:
        rng = np.random.default_rng((self._config.seed, number))
        order = rng.permutation(len(self._inputs))
        if self._how.alike:
            order = alike(order, lengths_of(self._inputs, PAD_ID), self._config.batch_size, rng)
        return self._inputs[order], self._targets[order]

    def held_out(self) -> tuple[Array, Array]:
        ratings = np.array([text.rating for text in self._test])
        return self._encoded(self._test), self._how.targets(ratings)

    def evaluate(self, model: "keras.Model", progress: Progress) -> Measured:
        rows = self._rows()
        robust = self._robustness(model, progress)
        progress.stage(f"evaluate {self._tones.spec.name}", 1)
        measured = measure(model, self._tones.spec.labels, rows, robust, self._config.seed)
        ours = measured.held_out.right
        texts, labels = [text.text for text in self._clear_train], self._tones.labels(self._clear_train)
        theirs = baseline_predictions(texts, labels, [text.text for text in self._test]) == rows.truth
        compared = {
            source: self._compare(ours[which], theirs[which], rows.truth[which])
            for source, which in rows.slices["source"].items()
            if which.any()
        }
        overall = self._compare(ours, theirs, rows.truth)
        baseline = accuracy(_BASELINE_NAME, theirs, self._tones.test_name)
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
        short = [text for text in self._test if self._tones.is_sure(text) and len(text.text) <= _EXAMPLE_CHARS]
        numbers = self._tones.labels(short)
        for number, label in enumerate(self._tones.spec.labels):
            sure = [text for text, its in zip(short, numbers, strict=True) if its == number]
            for position, text in enumerate(few := _thinned(sure, _EXAMPLES_PER_LABEL)):
                body = json.dumps({"inputs": text.text}, ensure_ascii=False).encode()
                examples.append(Example.of(f"{label}-{position}", "application/json", body, label))
            chosen += few
        return examples, self._encoded(chosen)

    def _rows(self) -> Rows:
        sources = np.array([text.source for text in self._test])
        words = np.array([len(text.text.split()) for text in self._test])
        digest = hashlib.sha256()
        labels = self._tones.labels(self._test)
        for text, label in zip(self._test, labels, strict=True):
            told = label if self._tones.neutral else bool(label)
            digest.update(f"{told} {text.text}\n".encode())
        return Rows(
            inputs=self._encoded(self._test),
            truth=labels,
            data=self._tones.test_name,
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
        truth = self._tones.labels(chosen)
        sample = Sample(
            [text.text for text in chosen],
            truth,
            f"{len(chosen)} of the {self._tones.test_name}",
            lambda text: self._encoder.encode([text])[0],
            lambda rows: np.asarray(predicted(model, stacked(rows, PAD_ID), PAD_ID).argmax(axis=1)),
        )
        attacks = attack_embeddings(self._how.embedded(model), self._encoded(chosen), truth)
        return robustness(sample, TEXT_DISTURBANCES, attacks, self._config.seed, progress)

    def _encoded(self, texts: Sequence[RatedText]) -> NDArray[np.int32]:
        return self._encoder.encode([text.text for text in texts])

    def _compare(self, ours: NDArray[np.bool_], theirs: NDArray[np.bool_], truth: Array) -> SourceEvaluation:
        rows = len(truth)
        commonest = float(np.bincount(truth).max()) / rows
        return SourceEvaluation(
            rows=rows,
            accuracy=float(ours.mean()),
            accuracy_interval=wilson(int(ours.sum()), rows),
            baseline_accuracy=float(theirs.mean()),
            baseline_interval=wilson(int(theirs.sum()), rows),
            difference_interval=paired_difference(ours, theirs, self._config.seed),
            majority_accuracy=commonest,
        )


def _thinned(texts: list[RatedText], rows: int | None) -> list[RatedText]:
    """At most `rows` of them, evenly from all sources, which follow each other in the list."""
    if rows is None or len(texts) <= rows:
        return texts
    return [texts[position * len(texts) // rows] for position in range(rows)]
