"""Faces in pictures, asked of the model that serves them: what every route about persons begins with."""

from collections.abc import Sequence

from gateway.call import Call
from gateway.errors import BlurredFaceError, NoFaceError, SeveralFacesError, SmallFaceError, TaskError
from gateway.pipeline import Pipeline
from gateway.tasks.base import AnyTask
from gateway.tasks.faces import Face, Faces, FacesRequest, FacesResponse
from gateway.version import ServedVersion
from processing.boxes import THRESHOLD
from processing.face_quality import LEAST_SHARPNESS, LEAST_SIZE

MODEL = "faces"
"""The model that is asked where a request names none."""


def faces_in(
    pipeline: Pipeline, call: Call, pictures: Sequence[bytes], *, threshold: float = THRESHOLD, vectors: bool = True
) -> list[list[Face]]:
    """Of each encoded picture its faces, by falling score: `box`, `landmarks`, `quality`, and with `vectors` the
    `vector` of 128 numbers.

    `call` is `exchange.named(parts, model, deadline)`, made within `exchange.received`; which version answered, whose
    vectors are comparable with no other version's, is in `call.trace.version` afterwards.

    Raises:
        TaskError: the model knows no faces.
        ProcessingError, GatewayError: as every answer, see `gateway.refusals`.
    """
    request = FacesRequest(inputs=list(pictures), threshold=threshold, vectors=vectors)
    answer = pipeline.answer(call, lambda _task: request, task_of=_faces_of)
    return FacesResponse.model_validate(answer).root


def the_face(faces: Sequence[Face], picture: int = 0) -> Face:
    """The only face of a picture, if it is good enough to tell persons apart.

    Args:
        picture: its position among those that were asked about, for the error.

    Raises:
        NoFaceError, SeveralFacesError, SmallFaceError, BlurredFaceError: all with what was measured.
    """
    if not faces:
        raise NoFaceError(picture)
    if len(faces) > 1:
        raise SeveralFacesError(picture, len(faces))
    (face,) = faces
    match face.quality.fault:
        case "small":
            raise SmallFaceError(picture, face.quality.size, LEAST_SIZE)
        case "blurred":
            raise BlurredFaceError(picture, face.quality.sharpness, LEAST_SHARPNESS)
        case None:
            return face


def _faces_of(version: ServedVersion) -> AnyTask:
    if version.faces is None:
        raise TaskError(version.model, version.manifest.task, Faces.name)
    return version.faces
