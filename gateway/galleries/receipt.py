"""A receipt: that somebody was erased, signed, and nothing about whom."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, Self

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from gateway.galleries.seals import Seals

Cause = Literal["asked", "expired", "gallery"]


class Erased(BaseModel):
    """What was erased: of a person, known by an id that says nothing, so many faces with name, consent and metadata.

    `cause`: somebody asked for it, the time for which it was kept was over, or its gallery was deleted.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    gallery: str
    person: str
    faces: int
    enrolled: datetime
    erased: datetime
    cause: Cause

    @property
    def signed(self) -> bytes:
        """What the signature is of: its JSON without spaces, the fields in this order."""
        return self.model_dump_json().encode()


class Receipt(Erased):
    """The same with a signature, HMAC-SHA256 by the `key` of this gateway: nobody else can have made it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "gallery": "staff",
                    "person": "4f0c2f3b9d6e4a7f8f6f0b1c2d3e4f50",
                    "faces": 2,
                    "enrolled": "2026-11-26T19:30:00Z",
                    "erased": "2026-11-27T08:00:00Z",
                    "cause": "asked",
                    "key": "0123456789abcdef",
                    "signature": "5f…",
                }
            ]
        }
    )

    key: str
    signature: str

    @classmethod
    def made(cls, erased: Erased, seals: "Seals") -> Self:
        return cls(**erased.model_dump(), key=seals.newest, signature=seals.sign(erased.signed))

    def holds(self, seals: "Seals") -> bool:
        """Raises `GalleryKeyError` where its key is not there any more."""
        fields = Erased.model_fields
        erased = Erased(**{name: getattr(self, name) for name in fields})
        return seals.verifies(self.key, erased.signed, self.signature)


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
