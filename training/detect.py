"""The recipe of `detect`: weights as they were published, measured by photographs with known content."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from models import detect, detect_ssd
from models.centernet import fill_centernet
from models.detect import SPEC, DetectConfig
from models.detect_ssd import DetectSsdConfig
from models.example import Example
from models.ssd_mobilenet import fill_ssd_mobilenet
from processing.boxes import THRESHOLD, Detection, Outputs, detections
from processing.forms import form_of
from processing.spec import ImageSpec
from store.evaluation import Evaluation, Robustness
from store.held_out import HeldOut
from store.manifest import Metric
from training.data import centernet, scenes, ssd_mobilenet
from training.data.fetch import Package
from training.data.scenes import Scene
from training.disturbance import Sample, robustness, share
from training.disturbed_pictures import STILL_DISTURBANCES
from training.evaluation import Measured
from training.latency import latencies
from training.looking import Look, looking
from training.matching import SAME, Thing, matched
from training.measure import accuracy, slices
from training.progress import Progress
from training.recipe import Array, DataFacts
from training.sent_pictures import WAYS
from training.shown import Shown

if TYPE_CHECKING:
    import keras

_NOTHING = len(SPEC.labels)  # the position of what is told of a picture with nothing that it knows
_LOW = 0.3  # the lower threshold that is tried
_WAYS = ("mirrored", "lying on its side", "small", "grey", "for print", "in a transparent frame")  # all of them reduced


@dataclass(frozen=True)
class _Published:
    """Weights of one network: where they are from, how they are put into it, and what it takes."""

    name: str
    package: Package
    processing: Callable[[Any], ImageSpec]
    load: Callable[[Path], Mapping[str, NDArray[Any]]]
    fill: "Callable[[keras.Model, Mapping[str, NDArray[Any]]], None]"


_CENTERNET = _Published(
    "CenterNet on MobileNetV3", centernet.PACKAGE, detect.processing, centernet.load, fill_centernet
)
_SSD = _Published(
    "SSD on MobileNetV2", ssd_mobilenet.PACKAGE, detect_ssd.processing, ssd_mobilenet.load, fill_ssd_mobilenet
)


class DetectRecipe:
    """A photograph is told rightly if its main object has a box where it is, with its label and a score of 0.5 or more;
    or if nothing has such a score, where there is nothing of a kind that the model knows."""

    tokenizer: str | None = None
    chat_template: str | None = None

    def __init__(self, config: DetectConfig, pictures: Sequence[Scene], cache: Path) -> None:
        self._config, self._cache = config, cache
        self._published = _SSD if isinstance(config, DetectSsdConfig) else _CENTERNET
        self._pictures = pictures[: config.rows]
        self._form = form_of(self._published.processing(config))
        labels = [_NOTHING if one.label is None else SPEC.labels.index(one.label) for one in self._pictures]
        self._truth = np.array(labels, np.int32)
        self._data = f"{len(self._pictures)} photographs with one main object of a kind that it knows, or none"
        self.facts = DataFacts(
            name=f"{self._published.name}, trained on COCO, weights as they were published",
            source=str(self._published.package),
            sha256=self._published.package.sha256,
            training_rows=0,
            held_out_rows=len(self._pictures),
        )

    @classmethod
    def make(cls, config: DetectConfig, cache: Path, progress: Progress, _tokenizer: str | None) -> Self:
        progress.stage("fetch photographs", 1)
        return cls(config, scenes.load(cache), cache)

    def prepare(self, model: "keras.Model") -> None:
        self._published.fill(model, self._published.load(self._cache))

    def held_out(self) -> tuple[Array, Array]:
        return np.stack([self._form.tensor(one.pixels) for one in self._pictures]), self._truth

    def evaluate(self, model: "keras.Model", progress: Progress) -> Measured:
        look = looking(model, self._config)
        robust = self._robustness(look, progress)
        progress.stage(f"evaluate {SPEC.name}", 1)
        inputs, truth = self.held_out()
        seen = look(list(inputs))
        predicted = self._predicted(seen)
        right = predicted == truth
        what = f"{self._data}: the main object told where it is with a score of {THRESHOLD} or more, or nothing"
        told = accuracy("accuracy", right, what)
        there = truth != _NOTHING
        evaluation = Evaluation(
            labels=(),
            rows=told.rows,
            accuracy=told.value,
            accuracy_interval=share(right).interval,
            latency=latencies(model, list(inputs), 0),
            robustness=robust,
            slices=tuple(slices(right, "main object", {"there": there, "nothing known": ~there}, self._data)),
            references=(accuracy("always “nothing”", ~there, told.data),),
            metrics=(
                told,
                *(self._found(seen, threshold) for threshold in (THRESHOLD, _LOW)),
                *(self._sound(seen, threshold) for threshold in (THRESHOLD, _LOW)),
            ),
        )
        digest = hashlib.sha256(b"".join(one.content for one in self._pictures))
        shown = tuple(
            Shown(one.pixels, _things(one), boxes)
            for one, boxes in zip(self._pictures, self._told(seen, THRESHOLD), strict=True)
        )
        return Measured(evaluation, HeldOut(digest.hexdigest(), truth, predicted), shown=shown)

    def examples(self) -> tuple[list[Example], Array]:
        """Each photograph as clients send it: see `_WAYS`."""
        examples, inputs = [], []
        for way in _WAYS:
            for one in self._pictures:
                sent = WAYS[way](one.content)
                name = f"{one.name.partition('.')[0]}-{way.replace(' ', '-')}"
                examples.append(Example.of(name, sent.media_type, sent.body, one.label or "nothing"))
                inputs.append(self._form.tensor(sent.pixels))
        return examples, np.stack(inputs)

    def _robustness(self, look: Look, progress: Progress) -> Robustness:
        sample = Sample(
            [one.pixels for one in self._pictures],
            self._truth,
            f"{self._data}; right is a box where the main object is (IoU of {SAME} or more) with its label and a score "
            f"of {THRESHOLD} or more, or nothing",
            self._form.tensor,
            lambda rows: self._predicted(look(rows)),
        )
        return robustness(sample, STILL_DISTURBANCES, (), self._config.seed, progress)

    def _predicted(self, seen: Sequence[Outputs]) -> NDArray[np.int32]:
        """Of each photograph the position of its label where its main object is told, of nothing where nothing is; else
        of what stands out, which is wrong."""
        predicted = [_NOTHING] * len(seen)
        for row, (told, picture) in enumerate(zip(self._told(seen, THRESHOLD), self._pictures, strict=True)):
            if matched(told, _things(picture)).found.any():
                predicted[row] = int(self._truth[row])
            elif told and told[0].label != picture.label:
                predicted[row] = SPEC.labels.index(told[0].label)
        return np.array(predicted, np.int32)

    def _found(self, seen: Sequence[Outputs], threshold: float) -> Metric:
        """How many of the main objects have a box where they are."""
        found = [
            matched(told, _things(picture)).found.any()
            for picture, told in zip(self._pictures, self._told(seen, threshold), strict=True)
            if picture.label
        ]
        what = f"main objects of photographs, with a box where they are (IoU of {SAME} or more) and their label"
        return accuracy(f"recall at threshold {threshold}", np.array(found), what)

    def _sound(self, seen: Sequence[Outputs], threshold: float) -> Metric:
        """How many of the photographs with nothing known have no box."""
        sound = [
            not told
            for picture, told in zip(self._pictures, self._told(seen, threshold), strict=True)
            if not picture.label
        ]
        return accuracy(
            f"nothing told at threshold {threshold}", np.array(sound), "photographs of nothing that it knows"
        )

    def _told(self, seen: Sequence[Outputs], threshold: float) -> list[list[Detection]]:
        return [
            detections(outputs, SPEC.labels, self._form.window(one.pixels), one.pixels.shape[:2], threshold)
            for outputs, one in zip(seen, self._pictures, strict=True)
        ]


def _things(picture: Scene) -> list[Thing]:
    return [Thing(picture.label, picture.box)] if picture.label and picture.box else []
