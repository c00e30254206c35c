"""How well a classifier of ImageNet's labels tells photographs of known content."""

import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.example import Example
from models.imagenet import LABELS
from processing.classification import MEDIA_TOP_K
from processing.image import Pixels, decode
from processing.photo_form import photo_form
from processing.spec import ImageSpec
from store.evaluation import Evaluation, Robustness
from store.held_out import HeldOut
from training.batches import predicted
from training.data.photographs import Photograph
from training.disturbance import Sample, robustness, share
from training.disturbed_pictures import PICTURE_DISTURBANCES
from training.evaluation import Measured
from training.latency import latencies
from training.measure import accuracy, slices
from training.progress import Progress
from training.recipe import Array
from training.sent_pictures import WAYS, Sent, reduced

if TYPE_CHECKING:
    import keras

_MAX_PIXELS = 2**22
_AS_IT_IS = next(iter(WAYS))
_DISTURBED = 320  # pixels: the longer side of pictures that are disturbed
_POSITIONS = {label: position for position, label in enumerate(LABELS)}


class Photographed:
    """Right is a label that tells what is in the photograph; there may be several such."""

    def __init__(self, photos: Sequence[Photograph], spec: ImageSpec, seed: int) -> None:
        self.photos, self._spec, self._seed = photos, spec, seed
        self._data = f"{len(photos)} photographs of known content"

    def held_out(self) -> tuple[Array, Array]:
        """Every photograph, in each way to send it."""
        inputs = [self._input(sent) for _, sent in self._sent]
        return np.stack(inputs), np.array([_POSITIONS[photo.labels[0]] for photo, _ in self._sent], np.int32)

    def measure(self, model: "keras.Model", name: str, progress: Progress) -> Measured:
        """`name` is that of the model, for the progress."""
        robust = self._robustness(model, progress)
        progress.stage(f"evaluate {name}", 1)
        photos = [photo for photo, _ in self._sent]
        inputs, _ = self.held_out()
        logits = predicted(model, inputs, None)
        answered, right = logits.argmax(axis=1), _right(logits, photos, 1)
        as_they_are = np.array([sent.way == _AS_IT_IS for _, sent in self._sent])
        of = f"{self._data}, as they are"
        told = accuracy("accuracy", right[as_they_are], of)
        evaluation = Evaluation(
            labels=LABELS,
            by_label=False,
            rows=told.rows,
            accuracy=told.value,
            accuracy_interval=share(right[as_they_are]).interval,
            latency=latencies(model, list(inputs), 0),
            robustness=robust,
            slices=tuple(
                slice_
                for by, values in self._slices().items()
                for slice_ in slices(right, by, values, f"{self._data}, each in {len(WAYS)} ways")
            ),
            references=(),
            metrics=(told, accuracy("accuracy of five", _right(logits, photos, MEDIA_TOP_K)[as_they_are], of)),
        )
        truth = np.array([_truth(photo, label) for photo, label in zip(photos, answered, strict=True)], np.int32)
        digest = hashlib.sha256(b"".join(photo.body for photo in self.photos)).hexdigest()
        held_out = HeldOut(digest, truth[as_they_are], answered[as_they_are].astype(np.int32))
        return Measured(evaluation, held_out)

    def examples(self) -> tuple[list[Example], Array]:
        examples = [
            Example.of(f"{photo.name}-{sent.way.replace(' ', '-')}", sent.media_type, sent.body, photo.labels[0])
            for photo, sent in self._sent
        ]
        return examples, self.held_out()[0]

    @cached_property
    def _sent(self) -> list[tuple[Photograph, Sent]]:
        """Every photograph in each way, those of one photograph beside each other."""
        return [(photo, act(photo.body)) for photo in self.photos for act in WAYS.values()]

    def _input(self, sent: Sent) -> Pixels:
        return photo_form(sent.pixels, self._spec)

    def _slices(self) -> Mapping[str, Mapping[str, NDArray[np.bool_]]]:
        ways = np.array([sent.way for _, sent in self._sent])
        names = np.array([photo.name for photo, _ in self._sent])
        return {
            "sent": {way: ways == way for way in WAYS},
            "photograph": {photo.name: names == photo.name for photo in self.photos},
        }

    def _robustness(self, model: "keras.Model", progress: Progress) -> Robustness:
        pictures = [reduced(decode(photo.body, max_pixels=_MAX_PIXELS), _DISTURBED) for photo in self.photos]
        truth = np.arange(len(pictures), dtype=np.int32)  # numbers of photographs: each may have several labels
        sample = Sample(
            pictures,
            truth,
            f"{self._data}, their longer side {_DISTURBED} pixels",
            lambda picture: photo_form(picture, self._spec),
            lambda rows: np.where(_right(predicted(model, np.stack(rows), None), self.photos, 1), truth, -1),
        )
        return robustness(sample, PICTURE_DISTURBANCES, (), self._seed, progress)


def _right(logits: Array, photos: Sequence[Photograph], most: int) -> NDArray[np.bool_]:
    """Whether one of the `most` best labels of each row tells what is in its photograph."""
    best = np.argsort(-logits, axis=1, kind="stable")[:, :most]
    rows = zip(best, photos, strict=True)
    return np.array([any(LABELS[label] in photo.labels for label in row) for row, photo in rows], np.bool_)


def _truth(photo: Photograph, answered: int) -> int:
    """The position of the label that was answered where it is right, else of the best one."""
    return answered if LABELS[answered] in photo.labels else _POSITIONS[photo.labels[0]]
