"""A gateway with galleries of its own, in front of the small models."""

from collections.abc import Iterator

import pytest

from tests.support.galleries import GalleriesGateway
from tests.support.processes import ModelServerProcess


@pytest.fixture(scope="module")
def keeper(text_server: ModelServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GalleriesGateway]:
    state = tmp_path_factory.mktemp("galleries") / "state"
    limits = {"pictures": 30, "people": 5, "faces": 3, "metadata_bytes": 200, "galleries": 40}
    with GalleriesGateway(text_server.target, state, galleries=limits, models=("hues", "faces", "squares")) as gateway:
        gateway.wait_ready()
        yield gateway
