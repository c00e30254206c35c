"""A gallery and the versions of its model: vectors of two are never compared; and what lives without a database."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gateway.conftest import Shelf
from tests.gateway.galleries.test_pictures import refused
from tests.support.galleries import GalleriesGateway
from tests.support.processes import ModelServerProcess, until
from tests.support.small_pictures import coloured


def test_vectors_of_another_version_are_never_compared(shelf: Shelf, tmp_path: Path) -> None:
    """With a new version in place of the gallery's own it says so; when that is back, it goes on."""
    shelf.publish("hues")
    with (
        ModelServerProcess(shelf.store.root) as server,
        GalleriesGateway(server.target, tmp_path / "state", models=("hues",)) as keeper,
    ):
        keeper.wait_ready()
        gallery = keeper.create("colours")
        assert keeper.keep(gallery, "red", coloured(250)).status == 201
        shelf.publish("hues-other")
        until(lambda: keeper.answers_from("hues", 2), "the other version answers")
        until(lambda: keeper.ask("POST", f"{gallery}/search", coloured(250)).status == 409, "the first one is unloaded")
        problem = refused(
            keeper.ask("POST", f"{gallery}/search", coloured(250)),
            409,
            says="version 1 with the digest sha256:hues,",
        )
        assert problem["type"] == "urn:kmaas:problem:gallery-version"
        refused(keeper.keep(gallery, "blue", coloured(0, 0, 250)), 409, says="make a new gallery")
        other = keeper.create("anew")
        assert keeper.ask("GET", other).json()["digest"] == "sha256:hues-other"
        assert keeper.keep(other, "red", coloured(250)).status == 201
        (shelf.store.base("hues") / "2").rename(tmp_path / "withdrawn")
        until(lambda: keeper.answers_from("hues", 1), "the first one is back")
        assert [match["id"] for match in keeper.search(gallery, coloured(250))] == ["red"]
        refused(keeper.ask("POST", f"{other}/search", coloured(250)), 409, says="version 2")


@pytest.fixture
def lost(text_server: ModelServerProcess, tmp_path: Path) -> Iterator[GalleriesGateway]:
    """Whose database is at an address where there is none."""
    address = "postgresql://nobody:secret@127.0.0.1:1/none"
    with GalleriesGateway(text_server.target, tmp_path, database=address, models=("hues",)) as gateway:
        gateway.wait_ready()
        yield gateway


def test_without_its_database_the_gateway_lives(lost: GalleriesGateway) -> None:
    problem = refused(lost.ask("GET", ""), 503, says="the galleries' database cannot be used now")
    assert problem["type"] == "urn:kmaas:problem:galleries-down"
    assert "secret" not in str(problem)
    assert lost.ask("POST", "/any/search", coloured(250)).headers["Retry-After"] == "1"
    assert lost.post("/models/hues", coloured(250)).status == 200


def test_several_workers_share_the_galleries(text_server: ModelServerProcess, tmp_path: Path) -> None:
    with GalleriesGateway(text_server.target, tmp_path / "state", workers=2, models=("hues",)) as keeper:
        keeper.wait_ready()
        gallery = keeper.create("shared")
        statuses: list[int] = []
        crowd = [
            threading.Thread(
                target=lambda number=number: statuses.append(
                    keeper.keep(gallery, f"{number}", coloured(number, 255 - number)).status
                )
            )
            for number in range(20)
        ]
        for one in crowd:
            one.start()
        for one in crowd:
            one.join()
        assert statuses == [201] * 20
        assert {keeper.ask("GET", gallery).json()["kept"] for _ in range(10)} == {20}
