"""Receipts: that somebody was erased, signed, and nothing about whom."""

from datetime import UTC, datetime
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection, insert, select

from gateway.galleries.database import Database
from gateway.galleries.seals import KeyRing, Seals
from gateway.galleries.tables import RECEIPTS

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
    def made(cls, erased: Erased, seals: Seals) -> Self:
        return cls(**erased.model_dump(), key=seals.newest, signature=seals.sign(erased.signed))

    def holds(self, seals: Seals) -> bool:
        """Raises `GalleryKeyError` where its key is not there any more."""
        fields = Erased.model_fields
        erased = Erased(**{name: getattr(self, name) for name in fields})
        return seals.verifies(self.key, erased.signed, self.signature)


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def keep(connection: Connection, receipt: Receipt) -> None:
    row = {"gallery": receipt.gallery, "document": receipt.model_dump_json()}
    connection.execute(insert(RECEIPTS).values(row))


class Receipts:
    """Those that are kept, also of galleries that are gone. Safe to share between threads."""

    def __init__(self, database: Database, keys: KeyRing) -> None:
        self._database = database
        self._keys = keys

    def page(self, gallery: str, after: int, most: int) -> list[tuple[int, Receipt]]:
        """Those of galleries of this name in their order, each with its number; the first ones after `after`."""
        asked = select(RECEIPTS).where(RECEIPTS.c.gallery == gallery, RECEIPTS.c.number > after)
        with self._database.reading() as connection:
            rows = connection.execute(asked.order_by(RECEIPTS.c.number).limit(most)).all()
        return [(row.number, Receipt.model_validate_json(row.document)) for row in rows]

    def holds(self, receipt: Receipt) -> bool:
        """Whether this gateway has made it, and nobody changed it. Raises `GalleryKeyError`."""
        return receipt.holds(self._keys.seals())
