"""What is sent about the people of a gallery, and answered."""

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from gateway.dialects.galleries.wire import Metadata, SentMetadata, Threshold, readable
from gateway.galleries.entries import Candidate, Known, Person
from gateway.galleries.receipt import Receipt, moment
from gateway.tasks.base import Media, Request
from gateway.tasks.image_classification import STROKE_PNG

_PERSON: dict[str, Any] = {
    "id": "4f0c2f3b9d6e4a7f8f6f0b1c2d3e4f50",
    "name": "Ada",
    "consent": "signed on 2026-11-26, form 7",
    "metadata": {},
    "faces": 1,
    "enrolled": "2026-11-26T19:30:00Z",
    "expires": "2027-11-26T19:30:00Z",
}


def _said(consent: str) -> str:
    if not consent.strip():
        raise ValueError("expected what the person agreed to, when and how")
    return consent


class PersonRequest(Request):
    """Somebody to be known by the face: pictures with this one face each, and a note of what the person agreed to, when
    and how. Pictures are not kept. After `retention_days` all is erased; without, after as long as the gateway keeps
    anybody."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "Ada",
                    "consent": "signed on 2026-11-26, form 7",
                    "inputs": [STROKE_PNG],
                    "retention_days": 30,
                }
            ]
        }
    )

    name: Annotated[str, AfterValidator(readable)]
    consent: Annotated[str, Field(max_length=1000), AfterValidator(_said)]
    inputs: Annotated[list[Media], Field(min_length=1)]
    metadata: SentMetadata = Field(default_factory=dict)
    retention_days: Annotated[int, Field(ge=1)] | None = None

    @property
    def known(self) -> Known:
        return Known(self.name, self.consent, self.metadata)


class MoreFacesRequest(Request):
    """Further pictures of somebody."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"inputs": [STROKE_PNG]}]})

    inputs: Annotated[list[Media], Field(min_length=1)]


class PersonDocument(BaseModel):
    """Somebody who is known. The `id` was drawn by lot; `expires`: when all of this is erased."""

    model_config = ConfigDict(json_schema_extra={"examples": [_PERSON]})

    id: str
    name: str
    consent: str
    metadata: Metadata
    faces: int
    enrolled: datetime
    expires: datetime

    @classmethod
    def of(cls, person: Person) -> Self:
        known = person.known
        return cls(
            id=person.id,
            name=known.name,
            consent=known.consent,
            metadata=known.metadata,
            faces=person.faces,
            enrolled=moment(person.enrolled_s),
            expires=moment(person.expires_s),
        )


class PeoplePage(BaseModel):
    """Some people by their ids in order. `next`: ask with this as `after` for those that follow; null at the end."""

    people: list[PersonDocument]
    next: str | None


class IdentifyRequest(Request):
    """A picture with one face: whose is it? At most `top_k` people come back, each nearer than `threshold`, by default
    the gallery's."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"inputs": STROKE_PNG, "top_k": 1}]})

    inputs: Media
    top_k: Annotated[int, Field(ge=1, le=100)] = 5
    threshold: Threshold | None = None


class CandidateDocument(BaseModel):
    """Somebody whose face is that near."""

    id: str
    name: str
    distance: float

    @classmethod
    def of(cls, candidate: Candidate) -> Self:
        person = candidate.person
        return cls(id=person.id, name=person.known.name, distance=candidate.distance)


class IdentifyResponse(BaseModel):
    """`person` is the nearest, null for somebody who is not in the gallery: nobody is nearer than the threshold."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "gallery": "staff",
                    "model": "faces",
                    "version": 1,
                    "digest": "sha256:6c1f…",
                    "threshold": 0.5,
                    "person": {"id": _PERSON["id"], "name": "Ada", "distance": 0.38},
                    "candidates": [{"id": _PERSON["id"], "name": "Ada", "distance": 0.38}],
                }
            ]
        }
    )

    gallery: str
    model: str
    version: int
    digest: str
    threshold: float
    person: CandidateDocument | None
    candidates: list[CandidateDocument]


class ErasedResponse(BaseModel):
    """`traces_erased`: nothing of it is left in the database's files either. Where that is false, SQLite's log is
    emptied within a minute; another database forgets in its own time, and what it still has is sealed."""

    receipt: Receipt
    traces_erased: bool


class NumberedReceipt(BaseModel):
    """A receipt by its number, which grows."""

    number: int
    receipt: Receipt


class ReceiptPage(BaseModel):
    """Receipts in order. `next`: ask with this as `after` for those that follow; null at the end."""

    receipts: list[NumberedReceipt]
    next: int | None


class ReceiptsRequest(Request):
    """Which part of a list."""

    after: Annotated[int, Field(ge=0, lt=2**63)] = 0
    limit: Annotated[int, Field(ge=1, le=1000)] = 100


class HoldsResponse(BaseModel):
    """Whether this gateway has made the receipt, and nobody changed it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"holds": True}]})

    holds: bool
