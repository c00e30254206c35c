"""What is sent to `/v1/galleries`, and answered."""

import unicodedata
from datetime import datetime
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator
from werkzeug.datastructures import MultiDict

from gateway.body import accepted_types, check_media_type, invalid, is_bare, read_json
from gateway.errors import Fault, InvalidRequestError
from gateway.galleries.entries import Match, Picture
from gateway.galleries.gallery import Gallery, Kind
from gateway.galleries.receipt import moment
from gateway.tasks.base import Media, Request
from gateway.tasks.image_classification import STROKE_PNG
from gateway.tasks.image_feature_extraction import ImageFeatureExtraction

MEDIA_TYPES = ImageFeatureExtraction.media_types
MOST_LISTED = 1000
MOST_READ = 200  # characters of an id or a name
_BEYOND = 2.0**63

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
Metadata = dict[str, JsonValue]
Threshold = Annotated[float, Field(gt=0, le=2)]  # a distance of vectors


def _exact(metadata: Metadata) -> Metadata:
    """Raises `ValueError` for what JSON's reader has rounded: a whole number of more than 64 bits became a fraction."""
    values: list[JsonValue] = [metadata]
    while values:
        match values.pop():
            case dict() as inner:
                values += inner.values()
            case list() as inner:
                values += inner
            case float() as number if abs(number) >= _BEYOND:
                raise ValueError(
                    f"has a number of more than 64 bits, {number:g}, which may be rounded; send it as text"
                )
            case _:
                pass
    return metadata


SentMetadata = Annotated[Metadata, AfterValidator(_exact)]

_Asked = TypeVar("_Asked", bound=Request)


class GalleryRequest(Request):
    """A gallery to be made. Its `model` makes a vector of each picture; all are of the version that it has now. Of
    `people` a face at the `threshold` or farther away is a stranger's."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"name": "holidays", "model": "image-embeddings"},
                {"name": "staff", "model": "faces", "kind": "people", "threshold": 0.45},
            ]
        }
    )

    name: Name
    model: str
    kind: Kind = "pictures"
    threshold: Threshold | None = None

    @model_validator(mode="after")
    def _has_what_its_kind_has(self) -> Self:
        if self.kind == "pictures" and self.threshold is not None:
            raise ValueError("only a gallery of people has a threshold")
        return self


class GalleryDocument(BaseModel):
    """A gallery. `kept` counts what is in it, `version` and `digest` say whose vectors these are. `threshold`: of
    people alone."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "holidays",
                    "kind": "pictures",
                    "model": "image-embeddings",
                    "version": 1,
                    "digest": "sha256:6c1f…",
                    "created": "2026-11-26T19:30:00Z",
                    "kept": 0,
                    "threshold": None,
                }
            ]
        }
    )

    name: str
    kind: Kind
    model: str
    version: int
    digest: str
    created: datetime
    kept: int
    threshold: float | None = None

    @classmethod
    def of(cls, gallery: Gallery, kept: int) -> Self:
        return cls(
            name=gallery.name,
            kind=gallery.kind,
            model=gallery.model,
            version=gallery.version,
            digest=gallery.digest,
            created=moment(gallery.created_s),
            kept=kept,
            threshold=gallery.threshold,
        )


class GalleryList(BaseModel):
    """All galleries, by name in order."""

    galleries: list[GalleryDocument]


class PictureRequest(Request):
    """A picture to be kept: its vector, and by `keep` also a thumbnail, or with that the picture as it was sent."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"inputs": STROKE_PNG, "metadata": {"place": "Rome", "year": 2024}, "keep": "thumbnail"}]
        }
    )

    inputs: Media
    metadata: SentMetadata = Field(default_factory=dict)
    keep: Literal["vector", "thumbnail", "picture"] = "vector"


class PictureDocument(BaseModel):
    """A kept picture. `thumbnail` and `picture` say whether these are kept, too."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "rome-1",
                    "enrolled": "2026-11-26T19:30:00Z",
                    "metadata": {"place": "Rome"},
                    "thumbnail": True,
                    "picture": False,
                }
            ]
        }
    )

    id: str
    enrolled: datetime
    metadata: Metadata
    thumbnail: bool
    picture: bool

    @classmethod
    def of(cls, picture: Picture) -> Self:
        return cls(
            id=picture.id,
            enrolled=moment(picture.enrolled_s),
            metadata=picture.metadata,
            thumbnail=picture.has_thumbnail,
            picture=picture.has_picture,
        )


class PicturePage(BaseModel):
    """Some pictures by their ids in order. `next`: ask with this as `after` for those that follow; null at the end."""

    pictures: list[PictureDocument]
    next: str | None


class SearchRequest(Request):
    """What to look for: a picture, or what is `like` one of the gallery's own, by its id, which is then left out. At
    most `top_k` come back, each with `min_similarity` at least: the cosine of the vectors, −1…1."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"inputs": STROKE_PNG, "top_k": 3, "min_similarity": 0.2}]}
    )

    inputs: Media | None = None
    like: str | None = None
    top_k: Annotated[int, Field(ge=1, le=MOST_LISTED)] = 10
    min_similarity: Annotated[float, Field(ge=-1, le=1)] = -1.0

    @model_validator(mode="after")
    def _asks_for_one_thing(self) -> Self:
        if (self.inputs is None) == (self.like is None):
            raise ValueError("expected either a picture as inputs, or an id as like")
        return self


class MatchDocument(PictureDocument):
    """A picture that was found. `similarity` is 1 for the same picture."""

    similarity: float

    @classmethod
    def found(cls, match: Match) -> Self:
        return cls(**PictureDocument.of(match.picture).model_dump(), similarity=match.similarity)


class SearchResponse(BaseModel):
    """The nearest first. `digest` is that of the version whose vectors were compared."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "gallery": "holidays",
                    "model": "image-embeddings",
                    "version": 1,
                    "digest": "sha256:6c1f…",
                    "matches": [
                        {
                            "id": "rome-1",
                            "enrolled": "2026-11-26T19:30:00Z",
                            "metadata": {"place": "Rome"},
                            "thumbnail": True,
                            "picture": False,
                            "similarity": 0.93,
                        }
                    ],
                }
            ]
        }
    )

    gallery: str
    model: str
    version: int
    digest: str
    matches: list[MatchDocument]


class PageRequest(Request):
    """Which part of a list."""

    after: Annotated[str, Field(pattern=r"^[^\x00]*$")] = ""
    limit: Annotated[int, Field(ge=1, le=MOST_LISTED)] = 100


def read(schema: type[_Asked], body: bytes, media_type: str, query: MultiDict[str, str]) -> _Asked:
    """The request in a body: JSON, or a bare picture with everything else in the query.

    Raises:
        MediaTypeError, MalformedBodyError, OverLimitError, InvalidRequestError: as `read_request`; also for a query
            beside JSON.
    """
    check_media_type(media_type, accepted_types(ImageFeatureExtraction))
    if is_bare(body, media_type):
        return read_query(schema, query, inputs=body)
    if query:
        raise InvalidRequestError([Fault(name, "goes into the body, which is JSON") for name in query])
    return read_json(schema, body)


def read_query(schema: type[_Asked], query: MultiDict[str, str], **more: Any) -> _Asked:
    """The request in a query. Raises `InvalidRequestError`."""
    try:
        return schema.model_validate({**query.to_dict(), **more}, strict=False)
    except ValidationError as exc:
        raise invalid(exc) from exc


def check_id(picture: str) -> str:
    """The id in its composed form, so that what looks the same is the same. Raises `InvalidRequestError`."""
    try:
        return readable(picture)
    except ValueError as exc:
        raise InvalidRequestError([Fault("id", str(exc))]) from exc


def readable(text: str) -> str:
    """What people read, in its composed form. Raises `ValueError` where they could not, or only in part."""
    composed = unicodedata.normalize("NFC", text)
    if not (composed.isprintable() and composed == composed.strip() and 1 <= len(composed) <= MOST_READ):
        raise ValueError(f"expected 1 to {MOST_READ} printable characters without a space at either end")
    return composed
