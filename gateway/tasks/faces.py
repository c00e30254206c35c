"""Faces: encoded pictures in; of each the faces, where their eyes, noses and mouths are, and a vector of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, RootModel

from gateway.errors import UnfitVersionError
from gateway.settings import Limits
from gateway.tasks.base import SERVING_SIGNATURE, Ask, Checkpoint, Documents, Request
from gateway.tasks.classification import floats
from gateway.tasks.object_detection import BoundingBox, Look, ObjectDetection, Seen
from gateway.tasks.pictures import PicturesRequest, decoded
from processing.boxes import THRESHOLD, Detection
from processing.face_chip import Points, aligned_chip, placed, square_around, square_chip
from processing.face_quality import Fault, face_quality
from processing.image import MEDIA_TYPES, Pixels
from store.manifest import EMBED_SIGNATURE, LANDMARKS_SIGNATURE, Manifest, SignatureSpec
from wire.tensors import Array

_CHIP = "chip"
_LANDMARKS, _VECTOR = "landmarks", "embedding"
_TOGETHER = 16  # chips in a run


class FacesRequest(PicturesRequest):
    """One encoded picture or several. Faces are told whose score is at least `threshold`; with `vectors` each has its
    own."""

    threshold: Annotated[float, Field(ge=0, le=1)] = THRESHOLD
    vectors: bool = True


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Point(_Frozen):
    """In pixels of the picture as it was sent, seen upright, from its upper left corner."""

    x: float
    y: float


class Landmarks(_Frozen):
    """Left and right are those of the picture."""

    left_eye: Point
    right_eye: Point
    nose: Point
    left_mouth: Point
    right_mouth: Point


class Quality(_Frozen):
    """`size`: the shorter side of the box; `sharpness`: the mean square of the Laplacian of the aligned face. `fault`
    says what of these is too little to tell persons apart, null if nothing is."""

    size: int
    sharpness: float
    fault: Fault | None


class Face(_Frozen):
    """A face in a picture; `vector` has 128 numbers, as the model makes them, where vectors were asked for."""

    score: float
    box: BoundingBox
    landmarks: Landmarks
    quality: Quality
    vector: tuple[float, ...] | None = None


class FacesResponse(RootModel[list[list[Face]]]):
    """Of each picture its faces, by falling score."""


@dataclass(frozen=True)
class Looked:
    """Pictures, and as the detector takes them."""

    pictures: Sequence[Pixels]
    seen: Seen


@dataclass(frozen=True)
class _Chip:
    """A face of one of the pictures."""

    picture: int
    found: Detection
    landmarks: Points
    pixels: Pixels  # aligned


@dataclass(frozen=True)
class Recognised:
    """The faces of so many pictures; `vectors` `[faces, width]` if they were asked for."""

    pictures: int
    chips: Sequence[_Chip]
    vectors: Array | None


class Faces:
    """Three networks one after another: boxes by the signature that every detector has; landmarks by a chip around each
    box, cut from the picture in its own pixels; a vector by the chip that these align."""

    name: ClassVar[str] = "faces"
    signature: ClassVar[str] = SERVING_SIGNATURE
    request: ClassVar[type[Request]] = FacesRequest
    response: ClassVar[type[BaseModel]] = FacesResponse
    media_types: ClassVar[tuple[str, ...]] = MEDIA_TYPES

    def __init__(
        self, detection: ObjectDetection, landmarks: SignatureSpec, embed: SignatureSpec, limits: Limits
    ) -> None:
        self._detection = detection
        self._sought, self._aligned = _side(landmarks), _side(embed)
        self._width = embed.outputs[_VECTOR].shape[1]
        self._limits = limits

    @classmethod
    def of(cls, manifest: Manifest, documents: Documents, limits: Limits) -> Self:
        landmarks, embed = (manifest.signatures[name] for name in (LANDMARKS_SIGNATURE, EMBED_SIGNATURE))
        if _LANDMARKS not in landmarks.outputs or _VECTOR not in embed.outputs:
            raise UnfitVersionError(
                f"{cls.name} needs signatures {LANDMARKS_SIGNATURE} with an output {_LANDMARKS} and {EMBED_SIGNATURE} "
                f"with an output {_VECTOR}"
            )
        return cls(ObjectDetection.of(manifest, documents, limits), landmarks, embed, limits)

    def preprocess(self, request: FacesRequest, checkpoint: Checkpoint) -> Looked:
        def looked(picture: Pixels) -> tuple[Pixels, Look]:
            return picture, self._detection.look(picture)

        pictures, looks = zip(*decoded(request.pictures, self._limits, checkpoint, looked), strict=True)
        return Looked(pictures, self._detection.seen(looks))

    def infer(self, request: FacesRequest, looked: Looked, ask: Ask) -> Recognised:
        told = self._detection.placed(self._detection.infer(request, looked.seen, ask), request.threshold)
        faces = [(number, face) for number, row in enumerate(told) for face in row]
        chips = [
            _Chip(number, face, points, aligned_chip(looked.pictures[number], points, self._aligned))
            for (number, face), points in zip(faces, self._landmarks(looked.pictures, faces, ask), strict=True)
        ]
        vectors = None
        if request.vectors:
            pixels = [chip.pixels for chip in chips]
            vectors = _run(ask, EMBED_SIGNATURE, pixels, _VECTOR, (self._width,))
        return Recognised(len(told), chips, vectors)

    def postprocess(self, _request: FacesRequest, found: Recognised) -> FacesResponse:
        faces: list[list[Face]] = [[] for _ in range(found.pictures)]
        for number, chip in enumerate(found.chips):
            quality = face_quality(chip.found.box, chip.pixels)
            face = Face(
                score=chip.found.score,
                box=BoundingBox(**chip.found.box._asdict()),
                landmarks=_named(chip.landmarks),
                quality=Quality(size=quality.size, sharpness=quality.sharpness, fault=quality.fault),
                vector=None if found.vectors is None else tuple(found.vectors[number].tolist()),
            )
            faces[chip.picture].append(face)
        return FacesResponse(faces)

    def told(self, answer: FacesResponse) -> Any:
        """Of faces only how many there are in each picture: a vector tells who somebody is."""
        return {"faces": [len(faces) for faces in answer.root]}

    def _landmarks(self, pictures: Sequence[Pixels], faces: Sequence[tuple[int, Detection]], ask: Ask) -> list[Points]:
        """Of each face, in pixels of its picture."""
        squares = [square_around(face.box) for _, face in faces]
        chips = [
            square_chip(pictures[number], square, self._sought)
            for (number, _), square in zip(faces, squares, strict=True)
        ]
        points = _run(ask, LANDMARKS_SIGNATURE, chips, _LANDMARKS, (5, 2))
        return [placed(row, square) for row, square in zip(points, squares, strict=True)]


def _run(ask: Ask, signature: str, chips: Sequence[Pixels], output: str, shape: tuple[int, ...]) -> Array:
    """Raises `BrokenAnswerError` when a row is not of that shape, or not of numbers."""
    rows = [np.zeros((0, *shape), np.float32)]
    for start in range(0, len(chips), _TOGETHER):
        batch = np.stack(chips[start : start + _TOGETHER])
        rows.append(floats(ask.other(signature, {_CHIP: batch}), output, (len(batch), *shape)))
    return np.concatenate(rows)


def _named(landmarks: Points) -> Landmarks:
    names = Landmarks.model_fields
    points: dict[str, Any] = {name: Point(x=x, y=y) for name, (x, y) in zip(names, landmarks.tolist(), strict=True)}
    return Landmarks(**points)


def _side(signature: SignatureSpec) -> int:
    """Of the square chips that it takes. Raises `UnfitVersionError` when it takes something else."""
    chip = signature.inputs.get(_CHIP)
    if chip is None or chip.dtype != "uint8" or len(chip.shape) != 4 or chip.shape[1] != chip.shape[2]:
        raise UnfitVersionError(f"faces need signatures with an input {_CHIP}, square pictures of bytes")
    return chip.shape[1]
