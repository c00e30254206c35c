"""What is kept, in SQLite and in PostgreSQL alike; whose time is over; keys; and a database that is away."""

import base64
import os
import stat
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from pydantic import ValidationError
from sqlalchemy import select, text

from gateway.errors import OtherFaceError, OverLimitError
from gateway.galleries.database import Database
from gateway.galleries.entries import Known, Person
from gateway.galleries.errors import (
    GalleriesDownError,
    GalleryExistsError,
    GalleryKeyError,
    UnknownEntryError,
    UnknownGalleryError,
)
from gateway.galleries.galleries import Galleries
from gateway.galleries.gallery import Gallery, Vector
from gateway.galleries.tables import METADATA, PEOPLE
from gateway.settings import GatewaySettings
from tests.support.processes import until

ADA, BOB = Known("Ada", "signed", {"room": 1}), Known("Bob", "signed, too", {})
KEYS = [base64.b64encode(bytes([number]) * 32).decode() for number in range(3)]
DAY_S = 86_400.0
LIMITS = {"people": 4, "faces": 2, "pictures": 9, "galleries": 5}


def _face(*numbers: float) -> Vector:
    return np.array(numbers, np.float32)


@dataclass
class Place:
    """Galleries over one database, at a time that tests set; more than once, as several workers have them."""

    state: Path
    url: str | None = None
    now_s: float = 1e9
    opened: list[Galleries] = field(default_factory=list)

    def galleries(self, **limits: Any) -> Galleries:
        settings: dict[str, Any] = {"state": self.state, "galleries": {**LIMITS, **limits}}
        if self.url:
            settings["database"] = self.url
        self.opened.append(Galleries(GatewaySettings(**settings), lambda: self.now_s))
        return self.opened[-1]

    def close(self) -> None:
        for galleries in self.opened:
            galleries.close()


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real one with pgvector, both of which pgserver brings."""
    runtime = tmp_path_factory.mktemp("runtime")
    previous = os.environ.get("XDG_RUNTIME_DIR")
    os.environ["XDG_RUNTIME_DIR"] = str(runtime)
    try:
        with warnings.catch_warnings(action="ignore"):  # pgserver's own
            import pgserver

            folder = tmp_path_factory.mktemp("postgresql")
            for parent in (folder, *folder.parents[:2]):
                parent.chmod(0o755)  # it runs as a user of its own where it is started by root
            server = pgserver.get_server(folder / "data", cleanup_mode="stop")
        yield server.get_uri()
        with warnings.catch_warnings(action="ignore"):
            server.cleanup()
    finally:
        if previous is None:
            del os.environ["XDG_RUNTIME_DIR"]
        else:
            os.environ["XDG_RUNTIME_DIR"] = previous


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "sqlite":
        place = Place(tmp_path / "state")
        yield place
        place.close()
        return
    uri: str = request.getfixturevalue("postgresql")
    place = Place(tmp_path / "state", uri)
    yield place
    with place.galleries().database.writing() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    place.close()


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path / "state")
    yield place
    place.close()


def _pictures(galleries: Galleries, name: str = "colours") -> Gallery:
    return galleries.shelf.create(name, "pictures", "hues", 1, "sha256:hues")


def _people(galleries: Galleries, name: str = "staff") -> Gallery:
    return galleries.shelf.create(name, "people", "faces", 1, "sha256:faces", 0.5)


def _enrol(galleries: Galleries, gallery: Gallery, known: Known = ADA, *faces: Vector, days: float = 1) -> Person:
    return galleries.people.enrol(gallery, known, faces or (_face(1, 0, 0),), days * DAY_S)


def test_pictures_are_found_counted_listed_replaced_and_deleted(place: Place) -> None:
    galleries = place.galleries()
    gallery, pictures = _pictures(galleries), galleries.pictures
    for name, vector in {"b": (1, 0, 0), "a": (1, 1, 0), "Z": (0, 0, 1), "é": (-1, 0, 0)}.items():
        pictures.put(gallery, name, _face(*vector), {"of": f"{name}\u0000"}, None, b"\x00\xff")
    nearest = pictures.nearest(gallery, _face(2, 0, 0), 9, -1)
    assert [match.picture.id for match in nearest] == ["b", "a", "Z", "é"]
    assert [match.similarity for match in nearest] == pytest.approx([1, 0.5**0.5, 0, -1], abs=1e-6)
    assert [match.picture.id for match in pictures.nearest(gallery, _face(2, 0, 0), 9, 0.5)] == ["b", "a"]
    assert nearest[0].picture.metadata == {"of": "b\u0000"}
    assert [one.id for one in pictures.page(gallery, "", 9)] == ["Z", "a", "b", "é"]  # by their characters' numbers
    assert [one.id for one in pictures.page(gallery, "Z", 2)] == ["a", "b"]
    assert pictures.put(gallery, "b", _face(0, 1, 0), {}, b"small", None)[1] is False
    assert pictures.vector(gallery, "b").tolist() == [0, 1, 0]
    assert (pictures.thumbnail(gallery, "b"), pictures.original(gallery, "a")) == (b"small", b"\x00\xff")
    assert [(one.name, kept) for one, kept in galleries.shelf.all()] == [("colours", 4)]
    pictures.delete(gallery, "b")
    with pytest.raises(UnknownEntryError):
        pictures.get(gallery, "b")
    galleries.remove(gallery)
    with pytest.raises(UnknownGalleryError):
        pictures.put(gallery, "b", _face(0, 1, 0), {}, None, None)


def test_people_are_told_by_the_nearest_of_their_faces(place: Place) -> None:
    galleries = place.galleries()
    gallery = _people(galleries)
    ada = _enrol(galleries, gallery, ADA, _face(0.4, 1, 0), _face(0, 1, 0))
    bob = _enrol(galleries, gallery, BOB, _face(0, 0.6, 0))
    found = galleries.people.identify(gallery, _face(0, 0.9, 0), 0.5, 5)
    assert [(one.person, round(one.distance, 6)) for one in found] == [(ada, 0.1), (bob, 0.3)]
    assert galleries.people.identify(gallery, _face(0, 0.9, 0), 0.5, 1) == found[:1]
    assert galleries.people.identify(gallery, _face(0.4, 1.5, 0), 0.5, 5) == []  # at the threshold it is another's
    assert galleries.people.identify(gallery, _face(9, 9, 9), 0.5, 5) == []
    assert galleries.people.add(gallery, bob.id, [_face(0, 0.2, 0)]).faces == 2
    [candidate] = galleries.people.identify(gallery, _face(0, 0, 0), 0.5, 5)
    assert candidate.person.known == BOB
    with pytest.raises(OverLimitError, match="faces"):
        galleries.people.add(gallery, bob.id, [_face(1, 1, 1)])


def test_faces_of_two_persons_are_not_kept_as_one(place: Place) -> None:
    galleries = place.galleries()
    gallery = _people(galleries)
    ada = _enrol(galleries, gallery, ADA, _face(1, 0, 0))
    with pytest.raises(OtherFaceError, match=r"picture 0: the face is 1\.41 away .* less than 0\.5"):
        galleries.people.add(gallery, ada.id, [_face(0, 1, 0)])
    assert galleries.people.get(gallery, ada.id).faces == 1
    with pytest.raises(OtherFaceError, match=r"picture 0: the face is 0\.60 away"):
        _enrol(galleries, gallery, BOB, _face(0, 1, 0), _face(0, 0.4, 0))
    assert galleries.people.page(gallery, "", 9) == [ada]


def test_whose_time_is_over_is_nobody_and_is_erased_by_itself(place: Place) -> None:
    galleries = place.galleries()
    gallery = _people(galleries)
    ada, bob = _enrol(galleries, gallery, ADA, days=1), _enrol(galleries, gallery, BOB, _face(0, 1, 0), days=2)
    place.now_s += DAY_S
    assert galleries.people.identify(gallery, _face(1, 0, 0), 0.5, 5) == []
    assert galleries.people.page(gallery, "", 9) == [bob]
    with pytest.raises(UnknownEntryError):
        galleries.people.get(gallery, ada.id)
    with pytest.raises(UnknownEntryError):
        galleries.people.erase(gallery, ada.id)
    galleries.sweep()
    with galleries.database.reading() as connection:
        assert connection.scalars(select(PEOPLE.c.id)).all() == [bob.id]
    [(_, receipt)] = galleries.receipts.page("staff", 0, 9)
    assert (receipt.person, receipt.cause, galleries.receipts.holds(receipt)) == (ada.id, "expired", True)
    [line] = (place.state / "galleries.audit.jsonl").read_text().splitlines()
    assert '"who":"retention","does":"erase"' in line


def test_the_sweeper_sweeps_by_itself_and_ends(sqlite: Place) -> None:
    galleries = sqlite.galleries(sweep_s=0.01)
    gallery = _people(galleries)
    _enrol(galleries, gallery)
    sqlite.now_s += 2 * DAY_S
    galleries.start()
    until(lambda: bool(galleries.receipts.page("staff", 0, 9)), "somebody is erased")
    galleries.close()


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_no_trace_is_left_in_the_files_of_who_was_swept(place: Place) -> None:
    galleries = place.galleries()
    gallery = _people(galleries)
    person = _enrol(galleries, gallery)
    with galleries.database.reading() as connection:
        sealed: bytes = connection.execute(select(PEOPLE.c.sealed)).scalar_one()

    def files() -> bytes:
        return b"".join(path.read_bytes() for path in place.state.glob("galleries.db*"))

    assert sealed in files()
    place.now_s += 2 * DAY_S
    galleries.sweep()
    assert sealed not in files()
    assert person.id.encode() in files()  # in the receipt


def test_a_key_in_front_seals_anew_and_the_earlier_one_can_go(place: Place) -> None:
    before = place.galleries(keys=[KEYS[0]])
    gallery = _people(before)
    _enrol(before, gallery)
    both = place.galleries(keys=[KEYS[1], KEYS[0]])
    _enrol(both, gallery, BOB, _face(0, 1, 0))
    assert len(both.people.identify(gallery, _face(1, 0.1, 0), 2, 5)) == 2
    both.sweep()
    after = place.galleries(keys=[KEYS[1]])
    assert sorted(one.known.name for one in after.people.page(gallery, "", 9)) == ["Ada", "Bob"]
    with pytest.raises(GalleryKeyError, match="not among those"):
        before.people.identify(gallery, _face(1, 0, 0), 0.5, 5)


def test_without_its_key_nothing_can_be_read_and_somebody_can_still_be_erased(place: Place) -> None:
    galleries = place.galleries()
    gallery = _people(galleries)
    person = _enrol(galleries, gallery)
    (place.state / "galleries.keys").unlink()
    other = place.galleries()
    for look in (
        lambda: other.people.identify(gallery, _face(1, 0, 0), 0.5, 5),
        lambda: other.people.get(gallery, person.id),
        lambda: other.people.page(gallery, "", 9),
        lambda: other.people.add(gallery, person.id, [_face(1, 1, 1)]),
    ):
        with pytest.raises(GalleryKeyError):
            look()
    receipt, _ = other.erase(gallery, person.id)
    assert receipt.person == person.id


def test_what_was_sealed_of_one_person_cannot_stand_for_another(sqlite: Place) -> None:
    galleries = sqlite.galleries()
    gallery = _people(galleries)
    ada, bob = _enrol(galleries, gallery), _enrol(galleries, gallery, BOB, _face(0, 1, 0))
    swap = PEOPLE.update().where(PEOPLE.c.id == bob.id)
    with galleries.database.writing() as connection:
        sealed = connection.scalar(select(PEOPLE.c.sealed).where(PEOPLE.c.id == ada.id))
        connection.execute(swap.values(sealed=sealed))
    with pytest.raises(GalleryKeyError, match="changed since it was sealed"):
        galleries.people.identify(gallery, _face(1, 0, 0), 0.5, 5)


def test_the_key_file_is_nobody_elses_and_made_once(sqlite: Place) -> None:
    galleries = sqlite.galleries()
    gallery = _people(galleries)
    with ThreadPoolExecutor(8) as crowd:
        list(crowd.map(lambda _: galleries.people._keys.seals(), range(8)))
    _enrol(galleries, gallery)
    path = sqlite.state / "galleries.keys"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(path.read_text().split()) == 1
    assert not list(sqlite.state.glob(".galleries.keys*"))
    path.chmod(0o644)
    with pytest.raises(GalleryKeyError, match="chmod 600"):
        galleries.people.page(gallery, "", 9)
    path.chmod(0o600)
    path.write_text("short\n")
    with pytest.raises(GalleryKeyError, match="no key"):
        galleries.people.page(gallery, "", 9)


def test_workers_make_the_database_together_and_see_each_others_work(place: Place) -> None:
    workers = [place.galleries() for _ in range(6)]
    with ThreadPoolExecutor(6) as crowd:
        assert list(crowd.map(lambda worker: worker.shelf.all(), workers)) == [[]] * 6
    gallery = _people(workers[0])

    def enrol(worker: Galleries) -> bool:
        try:
            _enrol(worker, gallery)
        except OverLimitError:
            return False
        return True

    with ThreadPoolExecutor(6) as crowd:
        assert sorted(crowd.map(enrol, workers)) == [False, False, True, True, True, True]
    with pytest.raises(GalleryExistsError):
        _people(workers[1])
    assert [kept for _, kept in workers[2].shelf.all()] == [4]


def test_the_tables_are_as_the_code_has_them(place: Place) -> None:
    galleries = place.galleries()
    galleries.shelf.all()
    with galleries.database.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_a_database_of_a_later_kmaas_is_left_alone(sqlite: Place) -> None:
    galleries = sqlite.galleries()
    galleries.shelf.all()
    with galleries.database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(GalleriesDownError):
        sqlite.galleries().shelf.all()


@pytest.mark.parametrize(
    "url", ["postgresql://nobody:secret@127.0.0.1:1/none", "sqlite:////proc/none/galleries.db", "sqlite:////dev/null"]
)
def test_a_database_that_cannot_be_had_is_told_as_that(
    url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    place = Place(tmp_path, url)
    galleries = place.galleries()
    for _ in range(2):
        with pytest.raises(GalleriesDownError):
            galleries.shelf.all()
    assert caplog.records
    assert "secret" not in caplog.text
    place.close()


def test_a_database_that_is_away_is_tried_again_after_a_second(tmp_path: Path) -> None:
    """Meanwhile nobody waits for it."""
    now = 100.0
    folder = tmp_path / "later"
    folder.touch()
    database = Database(f"sqlite:///{folder}/galleries.db", 1, lambda: now)
    with pytest.raises(GalleriesDownError), database.reading():
        pass
    folder.unlink()
    with pytest.raises(GalleriesDownError), database.reading():
        pass
    assert not folder.exists()
    now += 1
    with database.reading() as connection:
        assert connection.scalar(text("SELECT 1")) == 1
    database.close()


def test_names_with_zeros_in_them_are_of_nobody(place: Place) -> None:
    galleries = place.galleries()
    gallery = _people(galleries)
    with pytest.raises(UnknownGalleryError):
        galleries.shelf.find("a\0")
    with pytest.raises(UnknownEntryError):
        galleries.people.get(gallery, "a\0")


@pytest.mark.parametrize("url", ["mysql://a/b", "sqlite://", "nonsense", "postgresql+asyncpg://a/b"])
def test_other_databases_are_refused_with_the_settings_and_no_password_is_told(url: str) -> None:
    with pytest.raises(ValidationError, match="expected sqlite:///PATH or postgresql"):
        GatewaySettings.model_validate({"database": url})


def test_keys_of_the_settings_are_keys() -> None:
    with pytest.raises(ValidationError, match="32 random bytes in base64"):
        GatewaySettings.model_validate({"galleries": {"keys": ["c2hvcnQ="]}})
