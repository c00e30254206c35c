"""The recipe of `digits`: MNIST in its own form, moved about at random; measured also on scikit-learn's digits."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from models.digits import SPEC, DigitsConfig
from models.example import Example
from processing.image import decode, digit_form
from store.manifest import Metric
from training.augment import augment
from training.data import mnist
from training.data.digit_forms import digit_forms
from training.evaluation import DigitsEvaluation
from training.measure import measure
from training.metrics import wilson
from training.progress import Progress
from training.recipe import Array, DataFacts

if TYPE_CHECKING:
    import keras

_ENLARGED_SIDE = 160
_EXAMPLES_PER_LABEL = 4
_VALIDATION_OF = 5  # of so many training rows one measures trials
_TEST_NAME = "MNIST test pictures"
_OTHER_NAME = "scikit-learn digits, enlarged to 160×160, both polarities"

Pictures = NDArray[np.uint8]


class DigitsRecipe:
    tokenizer: str | None = None

    def __init__(self, config: DigitsConfig, data: mnist.Mnist, train: Pictures, test: Pictures) -> None:
        """`train` and `test` are the pictures of `data` in MNIST's form."""
        self._config = config
        self._train, self._train_labels = train, data.train_labels[: len(train)].astype(np.int32)
        self._test, self._test_labels = test, data.test_labels[: len(test)].astype(np.int32)
        self._test_images = data.test_images
        self.facts = DataFacts(
            name="MNIST",
            source=data.source,
            sha256=mnist.SHA256,
            training_rows=len(train),
            held_out_rows=len(test),
        )

    @classmethod
    def make(cls, config: DigitsConfig, cache: Path, progress: Progress, _tokenizer: str | None) -> Self:
        progress.stage("fetch MNIST", 1)
        data = mnist.load(cache)
        train, test = (
            digit_forms(images[: config.rows], cache, progress) for images in (data.train_images, data.test_images)
        )
        return cls(config, data, train, test)

    @classmethod
    def for_trials(cls, config: DigitsConfig, cache: Path, progress: Progress) -> Self:
        progress.stage("fetch MNIST", 1)
        data = mnist.load(cache)
        images, labels = data.train_images[: config.rows], data.train_labels[: config.rows]
        forms = digit_forms(images, cache, progress)
        held_out = np.arange(len(forms)) % _VALIDATION_OF == 0
        parts = replace(
            data,
            train_images=images[~held_out],
            train_labels=labels[~held_out],
            test_images=images[held_out],
            test_labels=labels[held_out],
        )
        return cls(config, parts, forms[~held_out], forms[held_out])

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

    def evaluate(self, model: "keras.Model") -> DigitsEvaluation:
        measured = measure(model, self._test, self._test_labels, SPEC.labels, _TEST_NAME)
        others, other_labels = other_digits(self._config.rows)
        predicted = model.predict(others, batch_size=1024, verbose=0).argmax(axis=1)
        right = int((predicted == other_labels).sum())
        low, high = wilson(right, len(others))
        other = Metric(
            name="accuracy", value=right / len(others), data=_OTHER_NAME, rows=len(others), low=low, high=high
        )
        return DigitsEvaluation(
            **measured.model_dump(exclude={"metrics"}),
            metrics=(*measured.metrics, other),
            other_digits_accuracy=other.value,
            other_digits_rows=other.rows,
        )

    def examples(self) -> list[Example]:
        """As PNG, in turn: as MNIST has it; enlarged; enlarged dark on bright; enlarged, off-centre, dark on bright."""
        examples = []
        for number, label in enumerate(SPEC.labels):
            rows = np.flatnonzero(self._test_labels == number)[:_EXAMPLES_PER_LABEL]
            for position, row in enumerate(rows):
                picture = _drawn(self._test_images[row], position)
                examples.append(Example.of(f"digit-{label}-{position}", "image/png", _png(picture), label))
        return examples


def other_digits(rows: int | None) -> tuple[Pictures, Array]:
    """Scikit-learn's digits as a client would send them, in MNIST's form: `[n, 28, 28, 1]`, and their labels.

    Each of the 8×8 pictures with values 0…16 is enlarged and sent as PNG, bright on dark and dark on bright.
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    forms, labels = [], []
    for picture, label in zip(digits.images[:rows], digits.target[:rows], strict=True):
        bright = _enlarged(np.rint(picture * (255 / 16)).astype(np.uint8))
        for polarity in (bright, 255 - bright):
            forms.append(digit_form(decode(_png(polarity), max_pixels=_ENLARGED_SIDE**2)))
            labels.append(label)
    return np.stack(forms), np.array(labels, np.int32)


def _drawn(picture: Pictures, variant: int) -> Pictures:
    if variant == 0:
        return picture
    if variant == 3:
        picture = np.pad(picture, ((0, 24), (30, 0)))
    picture = _enlarged(picture)
    return picture if variant == 1 else 255 - picture


def _enlarged(picture: Pictures) -> Pictures:
    enlarged = cv2.resize(picture, (_ENLARGED_SIDE, _ENLARGED_SIDE), interpolation=cv2.INTER_CUBIC)
    return np.asarray(enlarged, dtype=np.uint8)


def _png(picture: Pictures) -> bytes:
    _, encoded = cv2.imencode(".png", picture)
    return encoded.tobytes()
