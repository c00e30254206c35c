"""Faces in pictures: `POST /v1/faces/detect`, `/v1/faces/embed` and `/v1/faces/verify`."""

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from flask import Blueprint, Response, request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from gateway import openapi
from gateway.body import JSON, UNSAID, invalid, looks_like_json, read_json
from gateway.dialects import exchange
from gateway.dialects.dialect import Dialect
from gateway.errors import MediaTypeError
from gateway.faces import MODEL, faces_in, the_face
from gateway.form import MULTIPART, form_of
from gateway.openapi import CHOICE, PIN, Description
from gateway.parts import Parts
from gateway.tasks.base import Media, Request
from gateway.tasks.faces import Face, Landmarks, Point, Quality
from gateway.tasks.image_classification import STROKE_PNG
from gateway.tasks.object_detection import BoundingBox
from processing.boxes import THRESHOLD
from processing.image import MEDIA_TYPES
from processing.same_person import FALSE_ACCEPTS, FALSE_REJECTS, distance
from processing.same_person import THRESHOLD as SAME
from store.manifest import Manifest

_REFUSALS = (400, 403, 404, 408, 412, 413, 415, 422, 500, 502, 503, 504)

_FACE = Face(
    score=0.98,
    box=BoundingBox(xmin=177, ymin=64, xmax=271, ymax=192),
    landmarks=Landmarks(
        left_eye=Point(x=203.5, y=112.1),
        right_eye=Point(x=245.2, y=110.4),
        nose=Point(x=226.0, y=134.8),
        left_mouth=Point(x=207.9, y=156.3),
        right_mouth=Point(x=244.1, y=154.9),
    ),
    quality=Quality(size=94, sharpness=91.9, fault=None),
)
_SHOWN = _FACE.model_dump(mode="json", exclude={"vector"})
_R = TypeVar("_R", bound="_Asked")


def _form_number(value: object) -> object:
    return float(value) if isinstance(value, str) and value.replace(".", "", 1).isdigit() else value


def _form_flag(value: object) -> object:
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


class _Asked(Request):
    """`model` is the one that is asked. Faces are told whose score is at least `threshold`. Fields of a form are texts,
    which say the same."""

    model: Annotated[str, Field(min_length=1)] = MODEL
    threshold: Annotated[float, Field(ge=0, le=1), BeforeValidator(_form_number)] = THRESHOLD


class FaceDetectionRequest(_Asked):
    """One encoded picture."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"inputs": STROKE_PNG}]})

    inputs: Media


class FaceEmbeddingRequest(_Asked):
    """One encoded picture with one face. With `all` it may have any number of faces, of any quality."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"inputs": STROKE_PNG, "all": True}]})

    inputs: Media
    all: Annotated[bool, BeforeValidator(_form_flag)] = False


class FaceVerificationRequest(_Asked):
    """Two encoded pictures, each with one face."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"first": STROKE_PNG, "second": STROKE_PNG}]})

    first: Media
    second: Media


class FacesFound(BaseModel):
    """By falling score; boxes and landmarks in pixels of the picture as it was sent, seen upright."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"faces": [_SHOWN]}]})

    faces: list[Face]


class MeasuredRate(BaseModel):
    """The share of `pairs` that were taken wrongly, with an interval of 95 %; `data` says of whom they were."""

    value: float
    low: float | None
    high: float | None
    pairs: int
    data: str


class FaceVerification(BaseModel):
    """`distance` of the two vectors; below `threshold` the persons count as the same. The rates are what was measured
    when the version was made, null if nothing was: of few people."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "same_person": True,
                    "distance": 0.389,
                    "threshold": SAME,
                    "false_accepts": {"value": 0, "low": 0, "high": 0.01, "pairs": 240, "data": "pairs of two persons"},
                    "false_rejects": {"value": 0, "low": 0, "high": 0.28, "pairs": 10, "data": "pairs of one person"},
                    "faces": [_SHOWN, _SHOWN],
                }
            ]
        }
    )

    same_person: bool
    distance: float
    threshold: float
    false_accepts: MeasuredRate | None
    false_rejects: MeasuredRate | None
    faces: list[Face]


def _routes(routes: Blueprint, parts: Parts) -> None:
    @routes.post("/v1/faces/detect")
    def detect() -> Response:
        with exchange.received(parts) as (deadline, body):
            asked = _asked(FaceDetectionRequest, body)
            call = exchange.named(parts, asked.model, deadline)
            (faces,) = faces_in(parts.pipeline, call, [asked.inputs], threshold=asked.threshold, vectors=False)
            return _told(FacesFound(faces=faces))

    @routes.post("/v1/faces/embed")
    def embed() -> Response:
        with exchange.received(parts) as (deadline, body):
            asked = _asked(FaceEmbeddingRequest, body)
            call = exchange.named(parts, asked.model, deadline)
            (faces,) = faces_in(parts.pipeline, call, [asked.inputs], threshold=asked.threshold)
            return _told(FacesFound(faces=faces if asked.all else [the_face(faces)]))

    @routes.post("/v1/faces/verify")
    def verify() -> Response:
        with exchange.received(parts) as (deadline, body):
            asked = _asked(FaceVerificationRequest, body)
            call = exchange.named(parts, asked.model, deadline)
            found = faces_in(parts.pipeline, call, [asked.first, asked.second], threshold=asked.threshold)
            one, other = (the_face(faces, picture) for picture, faces in enumerate(found))
            version = exchange.trace().version
            return _told(verification(one, other, version.manifest if version else None))


def verification(one: Face, other: Face, manifest: Manifest | None) -> FaceVerification:
    """What is told of two faces that have their vectors."""
    apart = distance(one.vector or (), other.vector or ())
    return FaceVerification(
        same_person=apart < SAME,
        distance=apart,
        threshold=SAME,
        false_accepts=_rate(FALSE_ACCEPTS, manifest),
        false_rejects=_rate(FALSE_REJECTS, manifest),
        faces=[face.model_copy(update={"vector": None}) for face in (one, other)],
    )


def _rate(name: str, manifest: Manifest | None) -> MeasuredRate | None:
    found = next((metric for metric in manifest.metrics if metric.name == name), None) if manifest else None
    if found is None:
        return None
    return MeasuredRate(value=found.value, low=found.low, high=found.high, pairs=found.rows, data=found.data)


def _asked(schema: type[_R], body: bytes) -> _R:
    """JSON, a form whose files are the pictures, or a picture as it is where there is one.

    Raises:
        MediaTypeError: another type of body.
        MalformedBodyError, OverLimitError, InvalidRequestError: it is no such request.
    """
    pictures = _pictures(schema)
    fields: Mapping[str, Any]
    if request.mimetype not in (*UNSAID, *accepted(schema)):
        raise MediaTypeError(request.mimetype, accepted(schema))
    if request.mimetype == MULTIPART:
        fields = form_of(body, request.mimetype, request.mimetype_params, pictures)
    elif request.mimetype == JSON or len(pictures) > 1 or looks_like_json(body):
        return read_json(schema, body)
    else:
        fields = {**request.args.to_dict(), pictures[0]: body}
    try:
        return schema.model_validate(fields)
    except ValidationError as exc:
        raise invalid(exc) from exc


def _pictures(schema: type[_Asked]) -> list[str]:
    """The fields that are pictures."""
    return [name for name in ("inputs", "first", "second") if name in schema.model_fields]


def accepted(schema: type[_Asked]) -> tuple[str, ...]:
    """The types of body that a route takes."""
    return (JSON, MULTIPART, *(MEDIA_TYPES if len(_pictures(schema)) == 1 else ()))


def _told(answer: BaseModel) -> Response:
    """A face without a vector has none; what is null otherwise is told so."""
    document = answer.model_dump(mode="json")
    for face in document["faces"]:
        if face["vector"] is None:
            del face["vector"]
    return exchange.json(document)


def _describe() -> Description:
    routes: dict[str, tuple[str, type[_Asked], type[BaseModel]]] = {
        "detect": ("Ask where the faces in a picture are", FaceDetectionRequest, FacesFound),
        "embed": ("Ask for the vector of a face", FaceEmbeddingRequest, FacesFound),
        "verify": (
            "Ask whether the faces in two pictures are of one person",
            FaceVerificationRequest,
            FaceVerification,
        ),
    }
    paths = {f"/v1/faces/{name}": {"post": _route(*told)} for name, told in routes.items()}
    models = tuple(dict.fromkeys(model for _, *both in routes.values() for model in both))
    return Description(paths, models)


def _route(summary: str, asked: type[_Asked], answered: type[BaseModel]) -> dict[str, Any]:
    fields = asked.model_json_schema()["properties"]
    pictures = {name: {"type": "string", "contentMediaType": "image/*"} for name in _pictures(asked)}
    form = {"type": "object", "properties": {**fields, **pictures}, "required": list(pictures)}
    bodies: dict[str, Any] = {JSON: openapi.any_of([asked]), MULTIPART: {"schema": form}}
    bodies |= {media_type: {} for media_type in accepted(asked) if media_type not in bodies}
    return {
        "summary": summary,
        "description": "Pictures as base64 in JSON, or as files of a form under the same names; a single one also as "
        "the body, with the other fields in the query. A face that cannot be told apart is refused with the type "
        "no-face, several-faces, small-face or blurred-face, and `facts`.",
        "parameters": [PIN, CHOICE],
        "requestBody": {"required": True, "content": bodies},
        "responses": {
            "200": {
                "description": "The answer",
                "headers": openapi.answer_headers(),
                "content": {JSON: openapi.any_of([answered])},
            },
            **openapi.refused(*_REFUSALS),
        },
    }


FACES = Dialect("faces", _routes, _describe, exchange.problem, prefixes=("/v1/faces/",))
