"""The receipts that are kept."""

from sqlalchemy import Connection, insert, select

from gateway.galleries.database import Database
from gateway.galleries.receipt import Receipt
from gateway.galleries.seals import KeyRing
from gateway.galleries.tables import RECEIPTS


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
