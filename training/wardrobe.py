"""The recipe of `wardrobe`: scenes composed of Fashion-MNIST's articles, other ones for each epoch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from models.example import Example
from models.fashion import LABELS
from models.wardrobe import CELL, SIDE, WardrobeConfig, processing
from processing.boxes import THRESHOLD, Box, Detection, Outputs, detections
from processing.forms import form_of
from processing.image import Pixels
from store.evaluation import Evaluation, Robustness
from store.held_out import HeldOut
from store.manifest import Metric
from training.average_precision import ALL, AT_HALF, Averages, average_precision
from training.components import components
from training.data.fashion_mnist import FASHION_MNIST
from training.data.garment_scenes import BACKGROUNDS, GarmentScene, Photographs, compose
from training.data.idx import Labelled
from training.detection_loss import detection_loss, grid_targets
from training.disturbance import Sample, robustness, share
from training.disturbed_pictures import STILL_DISTURBANCES
from training.evaluation import Measured
from training.latency import latencies
from training.looking import Look, looking
from training.matching import Thing, matched
from training.measure import accuracy, slices
from training.pictures import enlarged, png, sha256_of
from training.progress import Progress
from training.recipe import Array, DataFacts
from training.sent_pictures import WAYS
from training.shown import Shown

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

_TEST_SCENES = 1000
_TEST_SEED = 20260101  # always the same, so that versions can be compared
_SAMPLE = 300  # scenes that are disturbed
_EXAMPLES_PER_LABEL = 7
_SENT_SIDE = 320  # pixels of a scene as a client sends it
_WAYS = ("as it is", "mirrored", "lying on its side", "for print", "in 256 colours", "in a transparent frame")
_SHOWN = 12  # scenes in the plot
_TOGETHER = 64  # scenes that are looked at in a run
_AHEAD = 4  # batches
_SIZES = {"small, below 24 pixels": (0.0, 24.0), "24 to 48 pixels": (24.0, 48.0), "48 pixels or more": (48.0, 1e4)}
_NUMBERS = {"one article": (1, 1), "two or three": (2, 3), "four to six": (4, 6)}
_NAME = "composed scenes of articles that no training scene has"


@dataclass(frozen=True)
class _Articles:
    """Grey `[n, 28, 28]`, their labels, and the photographs that are behind them."""

    pictures: Pixels
    labels: NDArray[np.uint8]
    photographs: Sequence[Pixels]

    def scene(self, *seed: int) -> GarmentScene:
        return compose(self.pictures, self.labels, self.photographs, np.random.default_rng(seed))


class WardrobeRecipe:
    """A scene is told rightly if each article has a box where it is with its label, and there is no other box."""

    tokenizer: str | None = None
    chat_template: str | None = None
    pad: int | None = None
    measure = ALL

    def __init__(self, config: WardrobeConfig, data: Labelled, photographs: Photographs) -> None:
        self._config = config
        self._form = form_of(processing(config))
        rows = slice(config.rows)
        self._train = _Articles(data.train_images[rows], data.train_labels[rows], photographs.training)
        self._test = _Articles(data.test_images[rows], data.test_labels[rows], photographs.test)
        self._scenes = min(config.scenes, config.rows or config.scenes)
        self._held_out = min(_TEST_SCENES, config.rows or _TEST_SCENES)
        self._data = f"{self._held_out:,} {_NAME}"
        self.facts = DataFacts(
            name=f"scenes composed of {FASHION_MNIST.name}",
            source=data.source,
            sha256=FASHION_MNIST.sha256,
            training_rows=self._scenes,
            held_out_rows=self._held_out,
        )

    @classmethod
    def make(cls, config: WardrobeConfig, cache: Path, progress: Progress, _tokenizer: str | None) -> Self:
        progress.stage(f"fetch {FASHION_MNIST.name} and photographs", 1)
        return cls(config, FASHION_MNIST.load(cache), Photographs.load(cache))

    @classmethod
    def for_trials(cls, config: WardrobeConfig, cache: Path, progress: Progress) -> Self:
        progress.stage(f"fetch {FASHION_MNIST.name} and photographs", 1)
        return cls(config, FASHION_MNIST.load(cache).for_trials(config.rows), Photographs.load(cache).for_trials())

    def prepare(self, model: "keras.Model") -> None:
        """Nothing is known before training."""

    def loss(self) -> "keras.losses.Loss":
        return detection_loss()

    def epoch(self, _number: int) -> tuple[Array, Array]:
        """The numbers of its scenes, which are composed on their way into the training."""
        numbers = np.arange(self._scenes)
        return numbers, numbers

    def augmented(self, batches: "tf.data.Dataset", number: int) -> "tf.data.Dataset":
        """Scenes of an epoch, each by a seed of its own, so that it does not matter which thread composes it."""
        import tensorflow as tf

        compose_batch = partial(self._batch, number)

        def composed(numbers: "tf.Tensor", _same: "tf.Tensor") -> tuple["tf.Tensor", "tf.Tensor"]:
            pictures, targets = tf.numpy_function(compose_batch, [numbers], (tf.uint8, tf.float32))
            return (
                tf.ensure_shape(pictures, [None, SIDE, SIDE, 3]),
                tf.ensure_shape(targets, [None, (SIDE // CELL) ** 2, 4 + len(LABELS)]),
            )

        return batches.map(composed, num_parallel_calls=2, deterministic=True).prefetch(_AHEAD)

    def held_out(self) -> tuple[Array, Array]:
        return np.stack([one.picture for one in self._tests]), np.stack([_targets(one) for one in self._tests])

    def judged(self, model: "keras.Model") -> float:
        """By average precision: few scenes are told wholly rightly after a short training."""
        look = looking(model, self._config, together=_TOGETHER)
        return self._averages(self._told(look([one.picture for one in self._tests]), 0.0)).mean[0]

    def evaluate(self, model: "keras.Model", progress: Progress) -> Measured:
        look = looking(model, self._config, together=_TOGETHER)
        robust = self._robustness(look, progress)
        progress.stage("evaluate wardrobe", 1)
        pictures = [one.picture for one in self._tests]
        every = self._told(look(pictures), 0.0)
        seen = [_sure(told) for told in every]
        whole = self._whole(seen)
        told = accuracy("accuracy", whole, f"{self._data}: every article told where it is, and nothing else")
        averages = self._averages(every)
        evaluation = Evaluation(
            labels=(),
            rows=told.rows,
            accuracy=told.value,
            accuracy_interval=share(whole).interval,
            latency=latencies(model, pictures, 0),
            robustness=robust,
            slices=tuple(
                slice_ for by, values in self._slices().items() for slice_ in slices(whole, by, values, self._data)
            ),
            references=self._references(pictures),
            metrics=(told, *self._metrics(averages), *self._found(seen)),
            precisions=averages.parts,
        )
        predicted = np.where(whole, self._numbers, -1).astype(np.int32)
        shown = tuple(
            Shown(one.picture, things, told)
            for one, things, told in zip(self._tests[:_SHOWN], self._things, seen, strict=False)
        )
        digest = sha256_of(*(array for one in self._tests for array in (one.picture, one.boxes, one.labels)))
        return Measured(evaluation, HeldOut(digest, self._numbers, predicted), shown=shown)

    def examples(self) -> tuple[list[Example], Array]:
        """Scenes, enlarged and as clients send them, see `_WAYS`; in turn of each label, which is that of the largest
        article in it."""
        largest = np.array([_largest(one) for one in self._tests])
        rows = [np.flatnonzero(largest == number)[:_EXAMPLES_PER_LABEL] for number in range(len(LABELS))]
        examples: list[Example] = []
        inputs = []
        for place in range(_EXAMPLES_PER_LABEL):
            for label, of_label in zip(LABELS, rows, strict=True):
                if place < len(of_label):
                    way = _WAYS[len(examples) % len(_WAYS)]
                    sent = WAYS[way](png(enlarged(self._tests[of_label[place]].picture, _SENT_SIDE)))
                    name = f"scene-{of_label[place]}-{way.replace(' ', '-')}"
                    examples.append(Example.of(name, sent.media_type, sent.body, label))
                    inputs.append(self._form.tensor(sent.pixels))
        return examples, np.stack(inputs)

    @cached_property
    def _tests(self) -> list[GarmentScene]:
        return [self._test.scene(_TEST_SEED, number) for number in range(self._held_out)]

    @cached_property
    def _things(self) -> list[list[Thing]]:
        return [_things(one) for one in self._tests]

    @property
    def _numbers(self) -> NDArray[np.int32]:
        return np.arange(self._held_out, dtype=np.int32)

    def _batch(self, epoch: int, numbers: Array) -> tuple[Array, Array]:
        scenes = [self._train.scene(self._config.seed, epoch, int(number)) for number in numbers]
        return np.stack([one.picture for one in scenes]), np.stack([_targets(one) for one in scenes])

    def _told(self, seen: Sequence[Outputs], threshold: float) -> list[list[Detection]]:
        """In pixels of the scenes, which are what the model sees."""
        window = self._form.window(np.zeros((SIDE, SIDE, 3), np.uint8))
        return [detections(outputs, LABELS, window, (SIDE, SIDE), threshold) for outputs in seen]

    def _whole(self, seen: Sequence[Sequence[Detection]]) -> NDArray[np.bool_]:
        """`seen` is of the first scenes."""
        return np.array([matched(told, things).whole for told, things in zip(seen, self._things, strict=False)])

    def _averages(self, told: Sequence[Sequence[Detection]]) -> Averages:
        return average_precision(told, self._things, LABELS, _SIZES, self._config.seed)

    def _metrics(self, of: Averages, who: str = "") -> tuple[Metric, ...]:
        return tuple(
            Metric(name=who + name, value=value, data=self._data, rows=self._held_out, low=low, high=high)
            for name, (value, (low, high)) in ((ALL, of.mean), (AT_HALF, of.at_half))
        )

    def _found(self, seen: Sequence[Sequence[Detection]]) -> tuple[Metric, ...]:
        """Articles that have a box, and, where any is told, boxes that have an article, at the threshold that answers
        have unasked."""
        results = [matched(told, things) for told, things in zip(seen, self._things, strict=True)]
        found = np.concatenate([result.found for result in results])
        right = np.repeat([True, False], [found.sum(), sum(result.false for result in results)])
        recall = accuracy(f"recall at threshold {THRESHOLD}", found, f"the articles of {self._data}")
        if not right.size:
            return (recall,)
        return recall, accuracy(f"precision at threshold {THRESHOLD}", right, f"the boxes told of {self._data}")

    def _references(self, pictures: Sequence[Pixels]) -> tuple[Metric, ...]:
        told = components(pictures, self._train.pictures, self._train.labels, LABELS)
        name = "what stands out from the ground, by its nearest neighbours: "
        return (accuracy(f"{name}accuracy", self._whole(told), self._data), *self._metrics(self._averages(told), name))

    def _slices(self) -> Mapping[str, Mapping[str, NDArray[np.bool_]]]:
        grounds = np.array([one.background for one in self._tests])
        counts = np.array([len(one.labels) for one in self._tests])
        return {
            "ground": {ground: grounds == ground for ground in BACKGROUNDS},
            "articles": {name: (counts >= low) & (counts <= high) for name, (low, high) in _NUMBERS.items()},
        }

    def _robustness(self, look: Look, progress: Progress) -> Robustness:
        numbers = self._numbers[:_SAMPLE]
        sample = Sample(
            [one.picture for one in self._tests[:_SAMPLE]],
            numbers,
            f"{len(numbers)} of the {_NAME}; right is what tells every article where it is, and nothing else",
            self._form.tensor,
            lambda rows: np.where(self._whole(self._told(look(rows), THRESHOLD)), numbers, -1),
        )
        return robustness(sample, STILL_DISTURBANCES, (), self._config.seed, progress)


def _sure(told: Sequence[Detection]) -> list[Detection]:
    return [one for one in told if one.score >= THRESHOLD]


def _targets(scene: GarmentScene) -> Array:
    return grid_targets(scene.boxes, scene.labels, side=SIDE, cell=CELL, count=len(LABELS))


def _things(scene: GarmentScene) -> list[Thing]:
    return [
        Thing(LABELS[label], Box(int(xmin), int(ymin), int(xmax), int(ymax)))
        for (ymin, xmin, ymax, xmax), label in zip(scene.boxes.tolist(), scene.labels, strict=True)
    ]


def _largest(scene: GarmentScene) -> int:
    """The label of the largest article; −1 of a scene without any."""
    if not len(scene.labels):
        return -1
    return int(scene.labels[np.argmax(np.prod(scene.boxes[:, 2:] - scene.boxes[:, :2], axis=1))])
