"""The people of a gallery: vectors of their faces with their names, sealed, and for as long as they agreed to."""

import uuid
from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson
from sqlalchemy import Connection, Row, delete, func, insert, select, update

from gateway.errors import OtherFaceError, OverLimitError
from gateway.galleries.database import Database
from gateway.galleries.entries import Candidate, Known, Person
from gateway.galleries.errors import UnknownEntryError
from gateway.galleries.gallery import Clock, Gallery, Vector
from gateway.galleries.receipt import Cause, Erased, Receipt, moment
from gateway.galleries.receipts import keep
from gateway.galleries.seals import KeyRing, Seals
from gateway.galleries.settings import GallerySettings
from gateway.galleries.shelf import check_room, held
from gateway.galleries.tables import GALLERIES, PEOPLE
from processing.same_person import THRESHOLD

_WHAT = "person"
_LENGTH_BYTES = 4
_TOGETHER = 500  # rows that are sealed anew, or erased, before others may write


class People:
    """Safe to share between threads. Everything raises `GalleriesDownError` where the database, and `GalleryKeyError`
    where a key cannot be had. Who has expired is not there, whether it was erased already or not.
    """

    def __init__(self, database: Database, keys: KeyRing, settings: GallerySettings, clock: Clock) -> None:
        self._database = database
        self._keys = keys
        self._settings = settings
        self._clock = clock

    def enrol(self, gallery: Gallery, known: Known, faces: Sequence[Vector], retention_s: float) -> Person:
        """Raises `OverLimitError`, `OtherFaceError`; `UnknownGalleryError` where the gallery was deleted meanwhile."""
        self.check(known, len(faces))
        _check_one_person(gallery, [], faces)
        now, seals = self._clock(), self._keys.seals()
        person = Person(uuid.uuid4().hex, known, len(faces), now, now + retention_s)
        row = {
            "gallery": gallery.number,
            "id": person.id,
            "enrolled_s": person.enrolled_s,
            "expires_s": person.expires_s,
            **_sealed(seals, gallery.number, person, np.stack(faces)),
        }
        with self._database.writing() as connection:
            held(connection, gallery)
            count = select(func.count()).select_from(PEOPLE).where(PEOPLE.c.gallery == gallery.number)
            check_room(connection.scalar(count), 1, "people", self._settings)
            connection.execute(insert(PEOPLE).values(row))
        return person

    def check(self, known: Known, faces: int) -> None:
        """Raises `OverLimitError` for more than is kept of one person."""
        document, limits = orjson.dumps(known.metadata), self._settings
        if len(document) > limits.metadata_bytes:
            setting = "galleries.metadata_bytes"
            raise OverLimitError("bytes of metadata", len(document), limits.metadata_bytes, setting, routed=False)
        check_room(0, faces, "faces", limits)

    def add(self, gallery: Gallery, person: str, faces: Sequence[Vector]) -> Person:
        """Further faces of somebody who is there. Raises `UnknownEntryError`, `OverLimitError`, `OtherFaceError`."""
        seals = self._keys.seals()
        with self._database.writing() as connection:
            held(connection, gallery)
            found, known = _opened(seals, self._row(connection, gallery, person))
            check_room(len(known), len(faces), "faces", self._settings)
            _check_one_person(gallery, list(known), faces)
            every = np.concatenate([known, np.stack(faces)])
            more = Person(found.id, found.known, len(every), found.enrolled_s, found.expires_s)
            change = update(PEOPLE).where(*_is(gallery, person))
            connection.execute(change.values(_sealed(seals, gallery.number, more, every)))
        return more

    def get(self, gallery: Gallery, person: str) -> Person:
        """Raises `UnknownEntryError`."""
        with self._database.reading() as connection:
            row = self._row(connection, gallery, person)
        return _opened(self._keys.seals(), row)[0]

    def check_there(self, gallery: Gallery, person: str) -> str:
        """The id of somebody who is there; nothing is opened. Raises `UnknownEntryError`."""
        with self._database.reading() as connection:
            found: str = self._row(connection, gallery, person).id
        return found

    def page(self, gallery: Gallery, after: str, most: int) -> list[Person]:
        """The first ones whose ids come after `after`."""
        asked = self._there(gallery).where(PEOPLE.c.id > after).order_by(PEOPLE.c.id).limit(most)
        with self._database.reading() as connection:
            rows = connection.execute(asked).all()
        seals = self._keys.seals()
        return [_opened(seals, row)[0] for row in rows]

    def identify(self, gallery: Gallery, face: Vector, threshold: float, most: int) -> list[Candidate]:
        """Whose faces are nearer than the threshold, by the Euclidean distance, the nearest first; nobody if it is a
        stranger's. Everybody's are looked at, and only those who are told are more than numbers."""
        with self._database.reading() as connection:
            rows = connection.execute(self._there(gallery)).all()
        if not rows:
            return []
        seals = self._keys.seals()
        contents = [_content(seals, row) for row in rows]
        vectors = np.concatenate([_vectors(content, row.faces) for content, row in zip(contents, rows, strict=True)])
        distances = np.linalg.norm(vectors - face, axis=1)
        starts = np.concatenate([[0], np.cumsum([row.faces for row in rows])[:-1]])
        nearest = np.minimum.reduceat(distances, starts)
        order = [place for place in np.argsort(nearest, kind="stable")[:most] if nearest[place] < threshold]
        return [Candidate(_person(rows[place], contents[place]), float(nearest[place])) for place in order]

    def erase(self, gallery: Gallery, person: str) -> Receipt:
        """Raises `UnknownEntryError`."""
        with self._database.writing() as connection:
            row = self._row(connection, gallery, person)
            [receipt] = self._erased(connection, gallery.name, [row], "asked")
        return receipt

    def erase_all(self, connection: Connection, gallery: Gallery) -> list[Receipt]:
        """Everybody in a gallery, before that is deleted."""
        rows = connection.execute(select(PEOPLE).where(PEOPLE.c.gallery == gallery.number)).all()
        return self._erased(connection, gallery.name, rows, "gallery")

    def erase_expired(self) -> list[Receipt]:
        """Of all galleries, whose time is over; some at a time, none when all are."""
        asked = (
            select(PEOPLE, GALLERIES.c.name)
            .join(GALLERIES, GALLERIES.c.id == PEOPLE.c.gallery)
            .where(PEOPLE.c.expires_s <= self._clock())
            .limit(_TOGETHER)
        )
        with self._database.reading() as connection:
            if not connection.execute(asked.limit(1)).all():
                return []
        with self._database.writing() as connection:
            rows = connection.execute(asked.with_for_update(of=PEOPLE)).all()
            return [receipt for row in rows for receipt in self._erased(connection, row.name, [row], "expired")]

    def seal_anew(self) -> int:
        """By the newest key, what an earlier one has sealed; some at a time, none when all are. How many they were."""
        with self._database.reading() as connection:
            if connection.execute(select(PEOPLE.c.id).limit(1)).one_or_none() is None:
                return 0
        seals = self._keys.seals()
        earlier = select(PEOPLE).where(PEOPLE.c.key != seals.newest).limit(_TOGETHER)
        with self._database.reading() as connection:
            if not connection.execute(earlier.limit(1)).all():
                return 0
        with self._database.writing() as connection:
            rows = connection.execute(earlier.with_for_update()).all()
            for row in rows:
                person, faces = _opened(seals, row)
                which = (PEOPLE.c.gallery == row.gallery, PEOPLE.c.id == row.id)
                connection.execute(update(PEOPLE).where(*which).values(_sealed(seals, row.gallery, person, faces)))
        return len(rows)

    def _row(self, connection: Connection, gallery: Gallery, person: str) -> Row[Any]:
        asked = self._there(gallery).where(PEOPLE.c.id == person)
        row = connection.execute(asked).one_or_none() if person.isalnum() else None
        if row is None:
            raise UnknownEntryError(_WHAT, person, gallery.name)
        return row

    def _there(self, gallery: Gallery) -> Any:
        return select(PEOPLE).where(PEOPLE.c.gallery == gallery.number, PEOPLE.c.expires_s > self._clock())

    def _erased(self, connection: Connection, gallery: str, rows: Sequence[Row[Any]], cause: Cause) -> list[Receipt]:
        """What is sealed need not be opened for that."""
        if not rows:
            return []
        seals, now, receipts = self._keys.seals(), moment(self._clock()), []
        for row in rows:
            connection.execute(delete(PEOPLE).where(PEOPLE.c.gallery == row.gallery, PEOPLE.c.id == row.id))
            erased = Erased(
                gallery=gallery,
                person=row.id,
                faces=row.faces,
                enrolled=moment(row.enrolled_s),
                erased=now,
                cause=cause,
            )
            receipts.append(Receipt.made(erased, seals))
            keep(connection, receipts[-1])
        return receipts


def _is(gallery: Gallery, person: str) -> tuple[Any, Any]:
    return PEOPLE.c.gallery == gallery.number, PEOPLE.c.id == person


def _sealed(seals: Seals, gallery: int, person: Person, faces: Vector) -> dict[str, Any]:
    """The columns. Inside: the length of a JSON document, that, and the vectors as little-endian float32."""
    known = person.known
    document = orjson.dumps({"name": known.name, "consent": known.consent, "metadata": known.metadata})
    content = len(document).to_bytes(_LENGTH_BYTES, "big") + document + np.asarray(faces, "<f4").tobytes()
    sealed = seals.seal(content, _bound_to(gallery, person.id))
    return {"faces": len(faces), "key": seals.newest, "sealed": sealed}


def _bound_to(gallery: int, person: str) -> str:
    """What a row is sealed of: it cannot be put in another's place."""
    return f"{gallery} {person}"


def _content(seals: Seals, row: Row[Any]) -> bytes:
    return seals.open(row.key, row.sealed, _bound_to(row.gallery, row.id))


def _opened(seals: Seals, row: Row[Any]) -> tuple[Person, Vector]:
    content = _content(seals, row)
    return _person(row, content), _vectors(content, row.faces)


def _person(row: Row[Any], content: bytes) -> Person:
    known = Known(**orjson.loads(content[_LENGTH_BYTES : _start(content)]))
    return Person(row.id, known, row.faces, row.enrolled_s, row.expires_s)


def _vectors(content: bytes, faces: int) -> Vector:
    return np.frombuffer(content, "<f4", offset=_start(content)).reshape(faces, -1)


def _start(content: bytes) -> int:
    """Where the vectors begin."""
    return _LENGTH_BYTES + int.from_bytes(content[:_LENGTH_BYTES], "big")


def _check_one_person(gallery: Gallery, known: Sequence[Vector], faces: Sequence[Vector]) -> None:
    """Raises `OtherFaceError` for a face that has no other of the same person near it: a gallery that is strict with
    whom it knows may have faces of one person that are farther apart than its threshold.
    """
    threshold, every = max(THRESHOLD, gallery.threshold or 0.0), np.stack([*known, *faces])
    for number, face in enumerate(faces):
        others = np.delete(every, len(known) + number, axis=0)
        distance = float(np.linalg.norm(others - face, axis=1).min(initial=np.inf))
        if len(others) and distance >= threshold:
            raise OtherFaceError(number, distance, threshold)
