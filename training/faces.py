"""The recipe of `faces`: weights as they were published, measured by photographs whose faces are counted."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from models.detection import Choice, choose
from models.example import Example
from models.face_embedding import fill_face_embedding
from models.face_landmarks import fill_face_landmarks
from models.faceboxes import fill_faceboxes
from models.faces import LABELS, SPEC, FacesConfig, networks_of, processing
from models.traced import traced
from processing.boxes import THRESHOLD, Box, Outputs, detections
from processing.face_chip import aligned_chip, placed, square_around, square_chip
from processing.forms import form_of
from processing.image import Pixels
from processing.same_person import FALSE_ACCEPTS, FALSE_REJECTS, distance
from processing.same_person import THRESHOLD as SAME
from store.evaluation import Evaluation, Robustness
from store.held_out import HeldOut
from store.manifest import Metric
from training.data import face_networks, portraits
from training.data.portraits import Portrait
from training.disturbance import Disturbance, Sample, robustness, share
from training.disturbed_pictures import PICTURE_DISTURBANCES, brighter
from training.evaluation import Measured
from training.latency import latencies
from training.measure import accuracy, slices
from training.progress import Progress
from training.recipe import Array, DataFacts
from training.sent_pictures import WAYS

if TYPE_CHECKING:
    import keras

_WAYS = ("mirrored", "lying on its side", "small", "grey", "for print", "in a transparent frame")  # all of them reduced


def _darker(levels: int, *, told: bool = False) -> Disturbance[Pixels]:
    what = f"{levels} of 255 grey levels taken away"
    return Disturbance("darkness", f"−{levels}", what, lambda picture, _rng: brighter(picture, -levels), told)


_DISTURBANCES = (*PICTURE_DISTURBANCES, _darker(60), _darker(120, told=True))


@dataclass(frozen=True)
class Known:
    """A face in a photograph, and who it is where that is known."""

    photograph: str
    person: str | None
    vector: NDArray[np.float32]


class FacesRecipe:
    """A photograph is told rightly if as many faces are told, with a score of 0.5 or more, as a person counts."""

    tokenizer: str | None = None
    chat_template: str | None = None

    def __init__(self, config: FacesConfig, pictures: Sequence[Portrait], cache: Path) -> None:
        self._config, self._cache = config, cache
        self._pictures = pictures[: config.rows]
        self._form = form_of(processing(config))
        self._truth = np.array([one.faces for one in self._pictures], np.int32)
        self._data = f"{len(self._pictures)} photographs with {self._truth.sum()} faces"
        self.facts = DataFacts(
            name="FaceBoxes, landmarks and dlib's ResNet-29, weights as they were published",
            source=f"{face_networks.DETECTOR_PACKAGE}; {face_networks.FACE_API}",
            sha256=face_networks.FACE_API.sha256,
            training_rows=0,
            held_out_rows=len(self._pictures),
        )

    @classmethod
    def make(cls, config: FacesConfig, cache: Path, progress: Progress, _tokenizer: str | None) -> Self:
        progress.stage("fetch photographs", 1)
        return cls(config, portraits.load(cache), cache)

    def prepare(self, model: "keras.Model") -> None:
        weights, networks = face_networks.load(self._cache), networks_of(model)
        fill_faceboxes(networks.detector, weights.detector)
        fill_face_landmarks(networks.landmarks, weights.landmarks)
        fill_face_embedding(networks.embedding, weights.embedding)

    def held_out(self) -> tuple[Array, Array]:
        return np.stack([self._form.tensor(one.pixels) for one in self._pictures]), self._truth

    def evaluate(self, model: "keras.Model", progress: Progress) -> Measured:
        look = Looking(model, self._config)
        progress.stage(f"evaluate {SPEC.name}", 1)
        seen = [look(one.pixels) for one in self._pictures]
        robust = self._robustness(look, seen, progress)
        counted = np.array([len(vectors) for vectors in seen], np.int32)
        right = counted == self._truth
        told = accuracy("accuracy", right, f"{self._data}: as many are told as there are")
        groups = {"one face": self._truth == 1, "several": self._truth > 1, "none": self._truth == 0}
        evaluation = Evaluation(
            labels=(),
            rows=told.rows,
            accuracy=told.value,
            accuracy_interval=share(right).interval,
            latency=latencies(model, list(self.held_out()[0]), 0),
            robustness=robust,
            slices=tuple(slices(right, "faces", groups, self._data)),
            references=(accuracy("always “one face”", self._truth == 1, told.data),),
            metrics=(told, *verification(list(self._known(seen)))),
        )
        digest = hashlib.sha256(b"".join(one.content for one in self._pictures))
        return Measured(evaluation, HeldOut(digest.hexdigest(), self._truth, counted))

    def examples(self) -> tuple[list[Example], Array]:
        """Each photograph that is free to be passed on as clients send it: see `_WAYS`."""
        examples, inputs = [], []
        for way in _WAYS:
            for one in self._pictures:
                if one.free:
                    sent = WAYS[way](one.content)
                    name = f"{one.name.partition('.')[0]}-{way.replace(' ', '-')}"
                    examples.append(Example.of(name, sent.media_type, sent.body, "face" if one.faces else "nothing"))
                    inputs.append(self._form.tensor(sent.pixels))
        return examples, np.stack(inputs)

    def _known(self, seen: Sequence[Sequence[NDArray[np.float32]]]) -> Iterator[Known]:
        for one, vectors in zip(self._pictures, seen, strict=True):
            for vector in vectors:
                yield Known(one.name, one.person, vector)

    def _robustness(
        self,
        look: Callable[[Pixels], list[NDArray[np.float32]]],
        seen: Sequence[Sequence[NDArray[np.float32]]],
        progress: Progress,
    ) -> Robustness:
        """Right is a photograph that has as many faces as it should, and whose only face is still the same person's as
        undisturbed."""

        def counted(rows: Sequence[Array]) -> NDArray[np.int32]:
            return np.array([_as_before(look(row), before) for row, before in zip(rows, seen, strict=True)], np.int32)

        data = f"{self._data}: as many are told, and the vector of an only one is within {SAME} of the undisturbed one"
        sample = Sample([one.pixels for one in self._pictures], self._truth, data, lambda picture: picture, counted)
        return robustness(sample, _DISTURBANCES, (), self._config.seed, progress)


class Looking:
    """The way of a picture through all three networks, as the gateway goes it: to a vector for each face."""

    def __init__(self, model: "keras.Model", config: FacesConfig) -> None:
        networks = networks_of(model)
        self._choice = Choice(config.most, config.least_score, config.iou_threshold)
        self._form = form_of(processing(config))
        self._candidates, self._landmarks, self._vector = (traced(network) for network in networks)
        self._sought, self._aligned = (network.inputs[0].shape[1] for network in networks[1:])

    def __call__(self, picture: Pixels) -> list[NDArray[np.float32]]:
        return [self._vector_of(picture, box) for box in self.boxes(picture)]

    def boxes(self, picture: Pixels) -> list[Box]:
        found: Mapping[str, Any] = choose(self._candidates(self._form.tensor(picture)[np.newaxis]), self._choice)
        (outputs,) = Outputs.rows({name: np.asarray(values) for name, values in found.items()})
        told = detections(outputs, LABELS, self._form.window(picture), picture.shape[:2], THRESHOLD)
        return [one.box for one in told]

    def _vector_of(self, picture: Pixels, box: Box) -> NDArray[np.float32]:
        square = square_around(box)
        (points,) = self._landmarks(square_chip(picture, square, self._sought)[np.newaxis])
        chip = aligned_chip(picture, placed(points, square), self._aligned)
        return np.asarray(self._vector(chip[np.newaxis])[0], np.float32)


def verification(faces: Sequence[Known]) -> tuple[Metric, ...]:
    """How often two faces are taken rightly for one person's or two's, of all pairs of which that is known: faces in
    one photograph are of two; a known person is none of those in photographs of others.

    None where there is no pair of either kind.
    """
    one, two = [], []
    for left, right in combinations(faces, 2):
        apart = distance(left.vector, right.vector)
        if left.photograph == right.photograph:
            two.append(apart)
        elif left.person and left.person == right.person:
            one.append(apart)
        elif left.person or right.person:
            two.append(apart)
    persons = len({face.person for face in faces if face.person})
    unnamed = sum(face.person is None for face in faces)
    of = f"{len(faces)} faces, those of {persons} persons by name and {unnamed} of others in photographs of groups"
    if not one or not two:
        return ()
    same, other = np.array(one), np.array(two)
    return (
        accuracy(FALSE_ACCEPTS, other < SAME, f"pairs of two persons that count as one at {SAME}, of {of}"),
        accuracy(FALSE_REJECTS, same >= SAME, f"pairs of one person that count as two at {SAME}, of {of}"),
        Metric(name="largest distance of one person", value=float(same.max()), data=of, rows=len(same)),
        Metric(name="least distance of two persons", value=float(other.min()), data=of, rows=len(other)),
    )


def _as_before(vectors: Sequence[NDArray[np.float32]], before: Sequence[NDArray[np.float32]]) -> int:
    """How many faces there are; none where the only one has become another person's."""
    if len(vectors) == len(before) == 1 and distance(vectors[0], before[0]) >= SAME:
        return 0
    return len(vectors)
