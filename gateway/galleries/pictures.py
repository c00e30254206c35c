"""The pictures of a gallery: a vector of each, what its caller wants to be told with it, and more if asked."""

from typing import Any

import orjson
from sqlalchemy import Select, delete, func, insert, select

from gateway.errors import OverLimitError
from gateway.galleries.database import Database
from gateway.galleries.entries import Match, Picture
from gateway.galleries.errors import UnknownEntryError
from gateway.galleries.gallery import Clock, Gallery, Vector
from gateway.galleries.settings import GallerySettings
from gateway.galleries.shelf import check_room, held
from gateway.galleries.tables import PICTURES, cosine_distance

_WHAT = "picture"


class Pictures:
    """Safe to share between threads. Everything raises `GalleriesDownError` where the database cannot be had."""

    def __init__(self, database: Database, settings: GallerySettings, clock: Clock) -> None:
        self._database = database
        self._settings = settings
        self._clock = clock

    def put(  # noqa: PLR0917 (all that is kept of a picture)
        self,
        gallery: Gallery,
        picture: str,
        vector: Vector,
        metadata: dict[str, Any],
        thumbnail: bytes | None,
        original: bytes | None,
    ) -> tuple[Picture, bool]:
        """Keeps one, in the place of the one with this id if there is one; True if there was none.

        Raises:
            OverLimitError: the gallery is full, or the metadata too large.
            UnknownGalleryError: it was deleted meanwhile.
        """
        document, now = self.document(metadata), self._clock()
        row = {
            "gallery": gallery.number,
            "id": picture,
            "enrolled_s": now,
            "vector": vector,
            "metadata": document,
            "thumbnail": thumbnail,
            "picture": original,
        }
        with self._database.writing() as connection:
            held(connection, gallery)
            replaced = connection.execute(delete(PICTURES).where(*_is(gallery, picture))).rowcount
            kept = connection.scalar(
                select(func.count()).select_from(PICTURES).where(PICTURES.c.gallery == gallery.number)
            )
            check_room(kept, 1, "pictures", self._settings)
            connection.execute(insert(PICTURES).values(row))
        told = Picture(picture, now, metadata, thumbnail is not None, original is not None)
        return told, not replaced

    def document(self, metadata: dict[str, Any]) -> str:
        """As JSON. Raises `OverLimitError`."""
        document = orjson.dumps(metadata)
        if len(document) > self._settings.metadata_bytes:
            limit = self._settings.metadata_bytes
            raise OverLimitError("bytes of metadata", len(document), limit, "galleries.metadata_bytes", routed=False)
        return document.decode()

    def get(self, gallery: Gallery, picture: str) -> Picture:
        """Raises `UnknownEntryError`."""
        with self._database.reading() as connection:
            row = connection.execute(_told().where(*_is(gallery, picture))).one_or_none()
        if row is None:
            raise UnknownEntryError(_WHAT, picture, gallery.name)
        return _picture(row)

    def thumbnail(self, gallery: Gallery, picture: str) -> bytes:
        """A small JPEG. Raises `UnknownEntryError`, also where none is kept."""
        return self._content(gallery, picture, "thumbnail")

    def original(self, gallery: Gallery, picture: str) -> bytes:
        """As it was sent. Raises `UnknownEntryError`, also where it is not kept."""
        return self._content(gallery, picture, "picture")

    def vector(self, gallery: Gallery, picture: str) -> Vector:
        """Raises `UnknownEntryError`."""
        with self._database.reading() as connection:
            found: Vector | None = connection.scalar(select(PICTURES.c.vector).where(*_is(gallery, picture)))
        if found is None:
            raise UnknownEntryError(_WHAT, picture, gallery.name)
        return found

    def page(self, gallery: Gallery, after: str, most: int) -> list[Picture]:
        """The first ones whose ids come after `after`."""
        asked = _told().where(PICTURES.c.gallery == gallery.number, PICTURES.c.id > after)
        with self._database.reading() as connection:
            return [_picture(row) for row in connection.execute(asked.order_by(PICTURES.c.id).limit(most))]

    def delete(self, gallery: Gallery, picture: str) -> None:
        """Raises `UnknownEntryError`."""
        with self._database.writing() as connection:
            if not connection.execute(delete(PICTURES).where(*_is(gallery, picture))).rowcount:
                raise UnknownEntryError(_WHAT, picture, gallery.name)

    def nearest(self, gallery: Gallery, vector: Vector, most: int, least_similarity: float) -> list[Match]:
        """The nearest to a vector, by falling similarity; of equal ones by their ids. Every one is looked at: exact."""
        distance = cosine_distance(vector, self._database.dialect).label("distance")
        asked = (
            _told()
            .add_columns(distance)
            .where(PICTURES.c.gallery == gallery.number, distance <= 1 - least_similarity)
            .order_by(distance, PICTURES.c.id)
            .limit(most)
        )
        with self._database.reading() as connection:
            return [Match(_picture(row), max(-1.0, min(1.0, 1 - row.distance))) for row in connection.execute(asked)]

    def _content(self, gallery: Gallery, picture: str, column: str) -> bytes:
        with self._database.reading() as connection:
            content: bytes | None = connection.scalar(select(PICTURES.c[column]).where(*_is(gallery, picture)))
        if content is None:
            raise UnknownEntryError(
                f"{column} of a picture" if column != _WHAT else "kept picture", picture, gallery.name
            )
        return content


def _is(gallery: Gallery, picture: str) -> tuple[Any, Any]:
    return PICTURES.c.gallery == gallery.number, PICTURES.c.id == picture


def _told() -> Select[Any]:
    """All but vectors and bytes."""
    return select(
        PICTURES.c.id,
        PICTURES.c.enrolled_s,
        PICTURES.c.metadata,
        PICTURES.c.thumbnail.is_not(None).label("has_thumbnail"),
        PICTURES.c.picture.is_not(None).label("has_picture"),
    )


def _picture(row: Any) -> Picture:
    return Picture(row.id, row.enrolled_s, orjson.loads(row.metadata), bool(row.has_thumbnail), bool(row.has_picture))
