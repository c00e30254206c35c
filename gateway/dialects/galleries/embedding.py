"""Vectors of a gallery: by the version that made all that are in it, and by no other."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from gateway.call import Call
from gateway.errors import BrokenAnswerError, DigestError, TaskError, UnknownVersionError
from gateway.faces import faces_in, the_face
from gateway.galleries.errors import GalleryVersionError
from gateway.galleries.gallery import Gallery, Kind, Vector
from gateway.parts import Parts
from gateway.tasks.faces import Faces
from gateway.tasks.image_feature_extraction import (
    ImageFeatureExtraction,
    ImageFeatureExtractionRequest,
    ImageFeatureExtractionResponse,
)
from gateway.version import ServedVersion


def check_fits(version: ServedVersion, kind: Kind) -> ServedVersion:
    """Raises `TaskError` for a version that makes no vectors of what is to be kept."""
    if kind == "pictures":
        task_of(version)
    elif version.faces is None:
        raise TaskError(version.model, version.manifest.task, Faces.name)
    return version


def task_of(version: ServedVersion) -> ImageFeatureExtraction:
    """Raises `TaskError` for a version that makes no vectors of pictures."""
    if not isinstance(version.task, ImageFeatureExtraction):
        raise TaskError(version.model, version.manifest.task, ImageFeatureExtraction.name)
    return version.task


def vector_of(parts: Parts, call: Call, gallery: Gallery, picture: bytes) -> Vector:
    """Of length 1.

    Raises:
        GalleryVersionError: the version whose vectors are in the gallery does not answer.
        GatewayError, ProcessingError: as `Pipeline.answer`.
    """
    request = ImageFeatureExtractionRequest(inputs=picture)
    with _of_its_version(gallery):
        answer = parts.pipeline.answer(_pinned(call, gallery), lambda _task: request, task_of=task_of)
    [vector] = np.asarray(ImageFeatureExtractionResponse.model_validate(answer).root, np.float32)
    length = float(np.linalg.norm(vector))
    if not length > 0:
        raise BrokenAnswerError(f"{gallery.model} answered a vector without a direction")
    unit: Vector = vector / np.float32(length)
    return unit


def faces_of(parts: Parts, call: Call, gallery: Gallery, pictures: Sequence[bytes]) -> list[Vector]:
    """Of the one face in each picture.

    Raises:
        GalleryVersionError: the version whose vectors are in the gallery does not answer.
        FaceError: there is no face in a picture, or several, or none that is good enough.
        GatewayError, ProcessingError: as `Pipeline.answer`.
    """
    with _of_its_version(gallery):
        found = faces_in(parts.pipeline, _pinned(call, gallery), pictures)
    return [np.asarray(the_face(faces, number).vector, np.float32) for number, faces in enumerate(found)]


def _pinned(call: Call, gallery: Gallery) -> Call:
    return replace(call, wanted=gallery.version, digest=gallery.digest)


@contextmanager
def _of_its_version(gallery: Gallery) -> Iterator[None]:
    try:
        yield
    except (DigestError, UnknownVersionError) as exc:
        raise GalleryVersionError(gallery.name, gallery.model, gallery.version, gallery.digest) from exc
