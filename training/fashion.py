"""The recipe of `fashion-resnet` and `fashion-vgg`: Fashion-MNIST, its pictures moved, mirrored, erased and mixed."""

from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from models.example import Example
from models.fashion import LABELS, FashionConfig
from processing.garment_form import garment_form
from store.evaluation import Robustness
from training.adversarial import attack_pictures
from training.baseline import neighbours
from training.data.fashion_mnist import FASHION_MNIST
from training.data.idx import Labelled
from training.disturbance import Sample, robustness
from training.disturbed_pictures import PICTURE_DISTURBANCES
from training.evaluation import Measured
from training.garments_augment import augmented
from training.measure import BATCH, Rows, accuracy, measure
from training.pictures import (
    ENLARGED_SIDE,
    Pictures,
    enlarged,
    half_red_half_blue,
    png,
    predicted_labels,
    sha256_of,
    sized,
    slices_by_size,
)
from training.progress import Progress
from training.recipe import Array, DataFacts

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

_EXAMPLES_PER_LABEL = 7
_VARIANTS = 4
_SAMPLE = 500  # test pictures that are disturbed
_SIZES = (28, 64, 160)  # pixels
_NEIGHBOURS = 5
_TEST_NAME = "Fashion-MNIST test pictures"


class FashionRecipe:
    tokenizer: str | None = None
    chat_template: str | None = None
    pad: int | None = None

    def __init__(self, config: FashionConfig, data: Labelled) -> None:
        """The pictures of `data` are in their form already."""
        self._config = config
        self._train, self._train_labels = (
            data.train_images[: config.rows, ..., np.newaxis],
            data.train_labels[: config.rows],
        )
        self._test, self._test_labels = (
            data.test_images[: config.rows, ..., np.newaxis],
            data.test_labels[: config.rows],
        )
        self._truth = self._test_labels.astype(np.int32)
        self.facts = DataFacts(
            name=FASHION_MNIST.name,
            source=data.source,
            sha256=FASHION_MNIST.sha256,
            training_rows=len(self._train),
            held_out_rows=len(self._test),
        )

    @classmethod
    def make(cls, config: FashionConfig, cache: Path, progress: Progress, _tokenizer: str | None) -> Self:
        progress.stage(f"fetch {FASHION_MNIST.name}", 1)
        return cls(config, FASHION_MNIST.load(cache))

    @classmethod
    def for_trials(cls, config: FashionConfig, cache: Path, progress: Progress) -> Self:
        progress.stage(f"fetch {FASHION_MNIST.name}", 1)
        return cls(config, FASHION_MNIST.load(cache).for_trials(config.rows))

    def prepare(self, model: "keras.Model") -> None:
        """Nothing is known before training."""

    def loss(self) -> "keras.losses.Loss":
        import keras

        return keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=self._config.label_smoothing)

    def epoch(self, number: int) -> tuple[Array, Array]:
        order = self._rng(number).permutation(len(self._train))
        return self._train[order], _shares(self._train_labels[order])

    def augmented(self, batches: "tf.data.Dataset", number: int) -> "tf.data.Dataset":
        return augmented(batches, self._config.augment, self._rng(number))

    def held_out(self) -> tuple[Array, Array]:
        return self._test, _shares(self._test_labels)

    def evaluate(self, model: "keras.Model", progress: Progress) -> Measured:
        name = self.facts.name
        robust = self._robustness(model, progress)
        progress.stage(f"evaluate {name}", 1)
        measured = measure(model, LABELS, self._rows(), robust, self._config.seed)
        near = neighbours(self._train, self._train_labels, self._test, _NEIGHBOURS)
        chosen = self._chosen()
        evaluation = measured.evaluation
        references = (
            accuracy(f"{_NEIGHBOURS} nearest neighbours by pixels", near == self._truth, _TEST_NAME),
            *evaluation.references,
        )
        by_size = slices_by_size(
            model, sized(garment_form, self._test[chosen, ..., 0], _SIZES), self._truth[chosen], _TEST_NAME
        )
        update = {"references": references, "slices": (*evaluation.slices, *by_size)}
        return Measured(evaluation.model_copy(update=update), measured.held_out)

    def examples(self) -> tuple[list[Example], Array]:
        """As PNG, in turn: as the data set has it; and enlarged: on white; half red and half blue, so that swapped
        channels show; off-centre, on white."""
        examples, inputs = [], []
        for number, label in enumerate(LABELS):
            rows = np.flatnonzero(self._truth == number)[:_EXAMPLES_PER_LABEL]
            for position, row in enumerate(rows):
                picture = _sent(self._test[row, ..., 0], position % _VARIANTS)
                name = f"{label.lower().replace('/', '-').replace(' ', '-')}-{position}"
                examples.append(Example.of(name, "image/png", png(picture), label))
                inputs.append(garment_form(picture))
        return examples, np.stack(inputs)

    def _rng(self, number: int) -> np.random.Generator:
        return np.random.default_rng((self._config.seed, number))

    def _rows(self) -> Rows:
        return Rows(
            inputs=self._test,
            truth=self._truth,
            data=_TEST_NAME,
            sha256=sha256_of(self._test, self._test_labels),
            slices={"label": {label: self._truth == number for number, label in enumerate(LABELS)}},
            alone=list(self._test[:BATCH]),
        )

    def _robustness(self, model: "keras.Model", progress: Progress) -> Robustness:
        chosen = self._chosen()
        truth = self._truth[chosen]
        sample = Sample(
            [enlarged(picture) for picture in self._test[chosen, ..., 0]],
            truth,
            f"{len(chosen)} of the {_TEST_NAME}, enlarged to {ENLARGED_SIDE}×{ENLARGED_SIDE}",
            garment_form,
            lambda forms: predicted_labels(model, np.stack(forms)),
        )
        attacks = attack_pictures(model, self._test[chosen], truth)
        return robustness(sample, PICTURE_DISTURBANCES, attacks, self._config.seed, progress)

    def _chosen(self) -> Array:
        """The test pictures of the sample, evenly from all."""
        return np.linspace(0, len(self._test) - 1, min(_SAMPLE, len(self._test))).astype(np.int64)


def _shares(labels: Array) -> Array:
    """float `[rows, labels]`, 1 for the right one: mixed pictures have shares of several."""
    return np.eye(len(LABELS), dtype=np.float32)[labels]


def _sent(picture: Pictures, variant: int) -> Pictures:
    """Grey `[h, w]`, or RGB `[h, w, 3]`."""
    if variant == 0:
        return picture
    large = enlarged(np.pad(picture, ((0, 20), (20, 0))) if variant == 3 else picture)
    return half_red_half_blue(large) if variant == 2 else 255 - large
