"""The galleries that there are."""

from sqlalchemy import Connection, delete, func, insert, select
from sqlalchemy.exc import IntegrityError

from gateway.errors import OverLimitError
from gateway.galleries.database import Database
from gateway.galleries.errors import GalleryExistsError, GalleryKindError, UnknownGalleryError
from gateway.galleries.gallery import Clock, Gallery, Kind
from gateway.galleries.settings import GallerySettings
from gateway.galleries.tables import GALLERIES, PEOPLE, PICTURES


class Shelf:
    """Safe to share between threads. Everything raises `GalleriesDownError` where the database cannot be had."""

    def __init__(self, database: Database, settings: GallerySettings, clock: Clock) -> None:
        self._database = database
        self._settings = settings
        self._clock = clock

    def create(  # noqa: PLR0917 (all that a gallery is)
        self, name: str, kind: Kind, model: str, version: int, digest: str, threshold: float | None = None
    ) -> Gallery:
        """Raises `GalleryExistsError`; `OverLimitError` where there are as many as may be."""
        row = {
            "name": name,
            "kind": kind,
            "model": model,
            "version": version,
            "digest": digest,
            "threshold": threshold,
            "created_s": self._clock(),
        }
        with self._database.writing() as connection:
            check_room(connection.scalar(select(func.count()).select_from(GALLERIES)), 1, "galleries", self._settings)
            try:
                made = connection.execute(insert(GALLERIES).values(row).returning(GALLERIES)).one()
            except IntegrityError as exc:
                raise GalleryExistsError(name) from exc
        return Gallery.of(made)

    def all(self) -> list[tuple[Gallery, int]]:
        """By their names, each with how much it keeps; people whose time is over are not counted."""
        pictures = select(PICTURES.c.gallery, func.count().label("kept")).group_by(PICTURES.c.gallery).subquery()
        people = (
            select(PEOPLE.c.gallery, func.count().label("kept"))
            .where(PEOPLE.c.expires_s > self._clock())
            .group_by(PEOPLE.c.gallery)
            .subquery()
        )
        asked = (
            select(GALLERIES, func.coalesce(pictures.c.kept, people.c.kept, 0).label("kept"))
            .outerjoin(pictures, pictures.c.gallery == GALLERIES.c.id)
            .outerjoin(people, people.c.gallery == GALLERIES.c.id)
            .order_by(GALLERIES.c.name)
        )
        with self._database.reading() as connection:
            return [(Gallery.of(row), row.kept) for row in connection.execute(asked)]

    def find(self, name: str, kind: Kind | None = None) -> Gallery:
        """Raises `UnknownGalleryError`; `GalleryKindError` where it keeps something else."""
        if "\0" in name:  # of which PostgreSQL knows no text
            raise UnknownGalleryError(name)
        with self._database.reading() as connection:
            row = connection.execute(select(GALLERIES).where(GALLERIES.c.name == name)).one_or_none()
        if row is None:
            raise UnknownGalleryError(name)
        gallery = Gallery.of(row)
        if kind not in (None, gallery.kind):
            raise GalleryKindError(gallery.name, gallery.kind, str(kind))
        return gallery

    def kept(self, gallery: Gallery) -> int:
        """How much it keeps."""
        return next((kept for one, kept in self.all() if one.number == gallery.number), 0)

    def remove(self, gallery: Gallery, connection: Connection) -> None:
        """With its pictures. Whoever is in it must be erased before."""
        connection.execute(delete(PICTURES).where(PICTURES.c.gallery == gallery.number))
        connection.execute(delete(GALLERIES).where(GALLERIES.c.id == gallery.number))


def held(connection: Connection, gallery: Gallery) -> None:
    """Nobody else changes what is in the gallery until the block of `Database.writing` ends.

    Raises:
        UnknownGalleryError: it was deleted meanwhile.
    """
    row = connection.execute(select(GALLERIES.c.id).where(GALLERIES.c.id == gallery.number).with_for_update())
    if row.one_or_none() is None:
        raise UnknownGalleryError(gallery.name)


def check_room(there: int | None, more: int, what: str, settings: GallerySettings) -> None:
    """Raises `OverLimitError` where `more` would be too many."""
    limit: int = getattr(settings, what)
    if (there or 0) + more > limit:
        raise OverLimitError(what, (there or 0) + more, limit, f"galleries.{what}", routed=False)
