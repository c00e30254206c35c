"""The recipe of `digits`: MNIST in its own form, moved about at random; measured also on scikit-learn's digits."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from models.digits import SPEC, DigitsConfig
from models.example import Example
from processing.digit_form import digit_form
from store.evaluation import Robustness, Slice
from training.adversarial import attack_pictures
from training.augment import augment
from training.data.digit_forms import digit_forms
from training.data.idx import Labelled
from training.data.mnist import MNIST
from training.disturbance import Sample, robustness
from training.disturbed_pictures import PICTURE_DISTURBANCES
from training.evaluation import DigitsEvaluation, Measured
from training.measure import BATCH, Rows, accuracy, measure, slices
from training.pictures import (
    ENLARGED_SIDE,
    Pictures,
    enlarged,
    half_red_half_blue,
    png,
    predicted_labels,
    sha256_of,
    slices_by_size,
)
from training.progress import Progress
from training.recipe import Array, DataFacts
from training.sent_digits import kept_disturbed, other_digits, sized_digits

if TYPE_CHECKING:
    import keras

_EXAMPLES_PER_LABEL = 7
_VARIANTS = 5
_SAMPLE = 500  # test pictures that are disturbed
_DRAWN_SIDES = (28, 64, 160)  # pixels
_TEST_NAME = "MNIST test pictures"
_OTHER_NAME = "scikit-learn digits, enlarged to 160×160, both polarities"


class DigitsRecipe:
    tokenizer: str | None = None
    chat_template: str | None = None
    pad: int | None = None

    def __init__(self, config: DigitsConfig, data: Labelled, train: Pictures, test: Pictures, cache: Path) -> None:
        """`train` and `test` are the pictures of `data` in MNIST's form."""
        self._config, self._cache = config, cache
        self._train, self._train_labels = train, data.train_labels[: len(train)].astype(np.int32)
        self._test, self._test_labels = test, data.test_labels[: len(test)].astype(np.int32)
        self._test_images = data.test_images
        self.facts = DataFacts(
            name="MNIST",
            source=data.source,
            sha256=MNIST.sha256,
            training_rows=len(train),
            held_out_rows=len(test),
        )

    @classmethod
    def make(cls, config: DigitsConfig, cache: Path, progress: Progress, _tokenizer: str | None) -> Self:
        progress.stage("fetch MNIST", 1)
        data = MNIST.load(cache)
        train, test = (
            digit_forms(images[: config.rows], cache, progress) for images in (data.train_images, data.test_images)
        )
        return cls(config, data, train, test, cache)

    @classmethod
    def for_trials(cls, config: DigitsConfig, cache: Path, progress: Progress) -> Self:
        progress.stage("fetch MNIST", 1)
        data = MNIST.load(cache)
        parts = data.for_trials(config.rows)
        train, test = (digit_forms(images, cache, progress) for images in (parts.train_images, parts.test_images))
        return cls(config, parts, train, test, cache)

    def prepare(self, model: "keras.Model") -> None:
        """Nothing is known before training."""

    def loss(self) -> "keras.losses.Loss":
        import keras

        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def epoch(self, number: int) -> tuple[Array, Array]:
        rng = np.random.default_rng((self._config.seed, number))
        order = rng.permutation(len(self._train))
        return augment(self._train[order], self._config.augment, rng), self._train_labels[order]

    def held_out(self) -> tuple[Array, Array]:
        return self._test, self._test_labels

    def evaluate(self, model: "keras.Model", progress: Progress) -> Measured:
        robust = self._robustness(model, progress)
        progress.stage(f"evaluate {SPEC.name}", 1)
        measured = measure(model, SPEC.labels, self._rows(), robust, self._config.seed)
        others, other_labels, bright = other_digits(self._config.rows, self._cache)
        right = predicted_labels(model, others) == other_labels
        other = accuracy("accuracy on other digits", right, _OTHER_NAME)
        polarities = {"bright on dark": bright, "dark on bright": ~bright}
        evaluation = DigitsEvaluation.model_validate(
            dict(measured.evaluation)
            | {
                "metrics": (*measured.evaluation.metrics, other),
                "slices": (
                    *measured.evaluation.slices,
                    *slices(right, "other digits", polarities, _OTHER_NAME),
                    *self._by_size(model),
                ),
                "other_digits_accuracy": other.value,
                "other_digits_rows": other.rows,
            }
        )
        return Measured(evaluation, measured.held_out)

    def examples(self) -> tuple[list[Example], Array]:
        """As PNG, in turn: as MNIST has it; and enlarged: half red and half blue, so that swapped channels show; dark
        on bright; off-centre, dark on bright; bright on dark."""
        examples, inputs = [], []
        for number, label in enumerate(SPEC.labels):
            rows = np.flatnonzero(self._test_labels == number)[:_EXAMPLES_PER_LABEL]
            for position, row in enumerate(rows):
                variant = position % _VARIANTS
                picture = _drawn(self._test_images[row], variant)
                examples.append(Example.of(f"digit-{label}-{position}", "image/png", png(picture), label))
                inputs.append(digit_form(picture) if variant else self._test[row])
        return examples, np.stack(inputs)

    def _rows(self) -> Rows:
        return Rows(
            inputs=self._test,
            truth=self._test_labels,
            data=_TEST_NAME,
            sha256=sha256_of(self._test_images[: len(self._test)], self._test_labels),
            slices={"label": {label: self._test_labels == n for n, label in enumerate(SPEC.labels)}},
            alone=list(self._test[:BATCH]),
        )

    def _robustness(self, model: "keras.Model", progress: Progress) -> Robustness:
        chosen = self._chosen()
        truth = self._test_labels[chosen]
        pictures = [enlarged(picture) for picture in self._test_images[chosen]]
        sample = Sample(
            pictures,
            truth,
            f"{len(chosen)} of the {_TEST_NAME}, enlarged to {ENLARGED_SIDE}×{ENLARGED_SIDE}",
            digit_form,
            lambda forms: predicted_labels(model, np.stack(forms)),
            lambda prepared: kept_disturbed(prepared, np.stack(pictures), self._config.seed, self._cache),
        )
        attacks = attack_pictures(model, self._test[chosen], truth)
        return robustness(sample, PICTURE_DISTURBANCES, attacks, self._config.seed, progress)

    def _by_size(self, model: "keras.Model") -> Iterator[Slice]:
        chosen = self._chosen()
        by_size = sized_digits(self._test_images[chosen], _DRAWN_SIDES, self._cache)
        return slices_by_size(model, by_size, self._test_labels[chosen], _TEST_NAME)

    def _chosen(self) -> NDArray[np.int64]:
        """The test pictures of the sample, evenly from all."""
        return np.linspace(0, len(self._test) - 1, min(_SAMPLE, len(self._test))).astype(np.int64)


def _drawn(picture: Pictures, variant: int) -> Pictures:
    """Grey `[h, w]`, or RGB `[h, w, 3]`."""
    if variant == 0:
        return picture
    if variant == 3:
        picture = np.pad(picture, ((0, 24), (30, 0)))
    picture = enlarged(picture)
    if variant == 1:
        return half_red_half_blue(picture)
    return picture if variant == 4 else 255 - picture
