"""The recipe of `digits`: MNIST in its own form, moved about at random; measured also on scikit-learn's digits."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from models.digits import SPEC, DigitsConfig
from models.example import Example
from processing.digit_form import digit_form
from processing.image import decode
from store.evaluation import Robustness, Slice
from training.adversarial import attack_pictures
from training.augment import augment
from training.data import mnist
from training.data.digit_forms import digit_forms
from training.disturbance import Sample, robustness
from training.disturbed_pictures import PICTURE_DISTURBANCES
from training.evaluation import DigitsEvaluation, Measured
from training.measure import BATCH, Rows, accuracy, measure, slices
from training.progress import Progress
from training.recipe import Array, DataFacts

if TYPE_CHECKING:
    import keras

_ENLARGED_SIDE = 160
_EXAMPLES_PER_LABEL = 7
_VARIANTS = 5
_SAMPLE = 500  # test pictures that are disturbed
_DRAWN_SIDES = (28, 64, 160)  # pixels
_VALIDATION_OF = 5  # of so many training rows one measures trials
_TEST_NAME = "MNIST test pictures"
_OTHER_NAME = "scikit-learn digits, enlarged to 160×160, both polarities"

Pictures = NDArray[np.uint8]


class DigitsRecipe:
    tokenizer: str | None = None
    chat_template: str | None = None
    pad: int | None = None

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

    def evaluate(self, model: "keras.Model", progress: Progress) -> Measured:
        robust = self._robustness(model, progress)
        progress.stage(f"evaluate {SPEC.name}", 1)
        measured = measure(model, SPEC.labels, self._rows(), robust, self._config.seed)
        others, other_labels, bright = other_digits(self._config.rows)
        right = _predicted(model, others) == other_labels
        other = accuracy("accuracy on other digits", right, _OTHER_NAME)
        polarities = {"bright on dark": bright, "dark on bright": ~bright}
        chosen = self._chosen()
        evaluation = DigitsEvaluation.model_validate(
            dict(measured.evaluation)
            | {
                "metrics": (*measured.evaluation.metrics, other),
                "slices": (
                    *measured.evaluation.slices,
                    *slices(right, "other digits", polarities, _OTHER_NAME),
                    *_drawn_slices(model, self._test_images[chosen], self._test_labels[chosen]),
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
                examples.append(Example.of(f"digit-{label}-{position}", "image/png", _png(picture), label))
                inputs.append(digit_form(picture) if variant else self._test[row])
        return examples, np.stack(inputs)

    def _rows(self) -> Rows:
        return Rows(
            inputs=self._test,
            truth=self._test_labels,
            data=_TEST_NAME,
            sha256=_sha256(self._test_images[: len(self._test)], self._test_labels),
            slices={"label": {label: self._test_labels == n for n, label in enumerate(SPEC.labels)}},
            alone=list(self._test[:BATCH]),
        )

    def _robustness(self, model: "keras.Model", progress: Progress) -> Robustness:
        chosen = self._chosen()
        truth = self._test_labels[chosen]
        sample = Sample(
            [_enlarged(picture) for picture in self._test_images[chosen]],
            truth,
            f"{len(chosen)} of the {_TEST_NAME}, enlarged to {_ENLARGED_SIDE}×{_ENLARGED_SIDE}",
            digit_form,
            lambda forms: _predicted(model, np.stack(forms)),
        )
        attacks = attack_pictures(model, self._test[chosen], truth)
        return robustness(sample, PICTURE_DISTURBANCES, attacks, self._config.seed, progress)

    def _chosen(self) -> NDArray[np.int64]:
        """The test pictures of the sample, evenly from all."""
        return np.linspace(0, len(self._test) - 1, min(_SAMPLE, len(self._test))).astype(np.int64)


def other_digits(rows: int | None) -> tuple[Pictures, Array, NDArray[np.bool_]]:
    """Scikit-learn's digits as a client would send them, in MNIST's form: `[n, 28, 28, 1]`, their labels, and which
    of them are bright on dark.

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
    return np.stack(forms), np.array(labels, np.int32), np.arange(len(forms)) % 2 == 0


def _drawn_slices(model: "keras.Model", pictures: Pictures, truth: Array) -> Iterator[Slice]:
    """Test pictures as clients of different screens and papers send them."""
    data = f"{len(pictures)} of the {_TEST_NAME}, as PNG"
    for side in _DRAWN_SIDES:
        sized = [cv2.resize(picture, (side, side), interpolation=cv2.INTER_CUBIC) for picture in pictures]
        for polarity, drawn in (("bright on dark", sized), ("dark on bright", [255 - picture for picture in sized])):
            forms = np.stack([digit_form(decode(_png(picture), max_pixels=side**2)) for picture in drawn])
            right = _predicted(model, forms) == truth
            yield from slices(right, "picture", {f"{side} px, {polarity}": np.ones_like(right)}, data)


def _predicted(model: "keras.Model", forms: Pictures) -> NDArray[np.int64]:
    return np.asarray(model.predict(forms, batch_size=BATCH, verbose=0).argmax(axis=1))


def _sha256(*arrays: Array) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _drawn(picture: Pictures, variant: int) -> Pictures:
    """Grey `[h, w]`, or RGB `[h, w, 3]`."""
    if variant == 0:
        return picture
    if variant == 3:
        picture = np.pad(picture, ((0, 24), (30, 0)))
    picture = _enlarged(picture)
    if variant == 1:
        return _half_red_half_blue(picture)
    return picture if variant == 4 else 255 - picture


def _half_red_half_blue(picture: Pictures) -> Pictures:
    coloured = np.zeros((*picture.shape, 3), np.uint8)
    middle = picture.shape[1] // 2
    coloured[:, :middle, 0] = picture[:, :middle]
    coloured[:, middle:, 2] = picture[:, middle:]
    return coloured


def _enlarged(picture: Pictures) -> Pictures:
    enlarged = cv2.resize(picture, (_ENLARGED_SIDE, _ENLARGED_SIDE), interpolation=cv2.INTER_CUBIC)
    return np.asarray(enlarged, dtype=np.uint8)


def _png(picture: Pictures) -> bytes:
    _, encoded = cv2.imencode(".png", picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    return encoded.tobytes()
