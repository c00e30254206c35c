"""Vectors of a gallery: by the version that made all that are in it, and by no other."""

from dataclasses import replace

import numpy as np

from gateway.call import Call
from gateway.errors import BrokenAnswerError, DigestError, GalleryVersionError, TaskError, UnknownVersionError
from gateway.galleries.gallery import Gallery
from gateway.galleries.tables import Vector
from gateway.parts import Parts
from gateway.tasks.image_feature_extraction import (
    ImageFeatureExtraction,
    ImageFeatureExtractionRequest,
    ImageFeatureExtractionResponse,
)
from gateway.version import ServedVersion


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
    pinned = replace(call, wanted=gallery.version, digest=gallery.digest)
    request = ImageFeatureExtractionRequest(inputs=picture)
    try:
        answer = parts.pipeline.answer(pinned, lambda _task: request, task_of=task_of)
    except (DigestError, UnknownVersionError) as exc:
        raise GalleryVersionError(gallery.name, gallery.model, gallery.version, gallery.digest) from exc
    [vector] = np.asarray(ImageFeatureExtractionResponse.model_validate(answer).root, np.float32)
    length = float(np.linalg.norm(vector))
    if not length > 0:
        raise BrokenAnswerError(f"{gallery.model} answered a vector without a direction")
    return vector / np.float32(length)
