"""The recipe of `detect`: weights as they were published, measured by photographs with known content."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from models.centernet import fill_centernet
from models.detect import SPEC, DetectConfig, processing
from models.detection import Choice, choose
from models.example import Example
from models.traced import traced
from processing.boxes import THRESHOLD, Detection, Outputs, detections
from processing.forms import form_of
from processing.image import Pixels
from store.evaluation import Evaluation, Robustness
from store.held_out import HeldOut
from training.data import centernet, scenes
from training.data.scenes import Scene
from training.disturbance import Sample, robustness, share
from training.disturbed_pictures import PICTURE_DISTURBANCES
from training.evaluation import Measured
from training.latency import latencies
from training.measure import accuracy, slices
from training.progress import Progress
from training.recipe import Array, DataFacts
from training.sent_pictures import WAYS

if TYPE_CHECKING:
    import keras

_NOTHING = len(SPEC.labels)  # the position of what is told of a picture with nothing that it knows
_LOW = 0.3  # the lower threshold that is tried
_SAME = 0.5  # IoU from which two boxes are one
_CALLS = (30, 3)  # by which the time is taken
_WAYS = ("mirrored", "lying on its side", "small", "grey", "for print", "in a transparent frame")  # all of them reduced


class DetectRecipe:
    """A photograph is told rightly if what has the highest score, of 0.5 or more, is its main object; or if nothing has
    such a score, where there is nothing of a kind that the model knows."""

    tokenizer: str | None = None
    chat_template: str | None = None

    def __init__(self, config: DetectConfig, pictures: Sequence[Scene], cache: Path) -> None:
        self._config, self._cache = config, cache
        self._pictures = pictures[: config.rows]
        self._form = form_of(processing(config))
        labels = [_NOTHING if one.label is None else SPEC.labels.index(one.label) for one in self._pictures]
        self._truth = np.array(labels, np.int32)
        self._data = f"{len(self._pictures)} photographs with one main object of a kind that it knows, or none"
        self.facts = DataFacts(
            name="CenterNet on MobileNetV3, trained on COCO, weights as they were published",
            source=str(centernet.PACKAGE),
            sha256=centernet.PACKAGE.sha256,
            training_rows=0,
            held_out_rows=len(self._pictures),
        )

    @classmethod
    def make(cls, config: DetectConfig, cache: Path, progress: Progress, _tokenizer: str | None) -> Self:
        progress.stage("fetch photographs", 1)
        return cls(config, scenes.load(cache), cache)

    def prepare(self, model: "keras.Model") -> None:
        fill_centernet(model, centernet.load(self._cache))

    def held_out(self) -> tuple[Array, Array]:
        return np.stack([self._form.tensor(one.pixels) for one in self._pictures]), self._truth

    def evaluate(self, model: "keras.Model", progress: Progress) -> Measured:
        look = self._looking(model)
        robust = self._robustness(look, progress)
        progress.stage(f"evaluate {SPEC.name}", 1)
        inputs, truth = self.held_out()
        seen = look(list(inputs))
        predicted = np.array([_main(row) for row in seen], np.int32)
        right = predicted == truth
        told = accuracy("accuracy", right, f"{self._data}: the highest score of 0.5 or more is of that, or of nothing")
        there = truth != _NOTHING
        evaluation = Evaluation(
            labels=(),
            rows=told.rows,
            accuracy=told.value,
            accuracy_interval=share(right).interval,
            latency=latencies(model, list(inputs), 0, calls=_CALLS),
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
        return Measured(evaluation, HeldOut(digest.hexdigest(), truth, predicted))

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

    def _looking(self, model: "keras.Model") -> Callable[[Sequence[Pixels]], list[Outputs]]:
        """What is chosen of each of some inputs."""
        of = self._config
        choice, candidates = Choice(of.most, of.least_score, of.iou_threshold), traced(model)

        def look(inputs: Sequence[Pixels]) -> list[Outputs]:
            return [_row(choose(candidates(row[np.newaxis]), choice)) for row in inputs]

        return look

    def _robustness(self, look: Callable[[Sequence[Pixels]], list[Outputs]], progress: Progress) -> Robustness:
        sample = Sample(
            [one.pixels for one in self._pictures],
            self._truth,
            self._data,
            self._form.tensor,
            lambda rows: np.array([_main(outputs) for outputs in look(rows)], np.int32),
        )
        return robustness(sample, PICTURE_DISTURBANCES, (), self._config.seed, progress)

    def _found(self, seen: Sequence[Outputs], threshold: float) -> Any:
        """How many of the main objects have a box where they are."""
        found = [
            any(one.label == picture.label and _overlap(one, picture) >= _SAME for one in told)
            for picture, told in zip(self._pictures, self._told(seen, threshold), strict=True)
            if picture.label
        ]
        what = f"main objects of photographs, with a box where they are (IoU of {_SAME} or more) and their label"
        return accuracy(f"recall at threshold {threshold}", np.array(found), what)

    def _sound(self, seen: Sequence[Outputs], threshold: float) -> Any:
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


def _main(outputs: Outputs) -> int:
    """The label of the highest score, if that reaches the threshold."""
    return int(outputs.classes[0]) if outputs.count and outputs.scores[0] >= THRESHOLD else _NOTHING


def _row(found: Mapping[str, Any]) -> Outputs:
    (outputs,) = Outputs.rows({name: np.asarray(values) for name, values in found.items()})
    return outputs


def _overlap(one: Detection, picture: Scene) -> float:
    """Intersection over union with the box of the main object."""
    from keras.utils.bounding_boxes import compute_iou

    pair = [np.array([box], np.float32) for box in (one.box, picture.box)]
    return float(compute_iou(*pair, bounding_box_format="xyxy")[0, 0])
