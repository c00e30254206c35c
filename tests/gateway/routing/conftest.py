"""A gateway whose routes can be changed."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.gateway.conftest import Shelf
from tests.support.admin import RoutedGateway
from tests.support.processes import Answer, ModelServerProcess


@pytest.fixture
def gateway(two_versions: ModelServerProcess, tmp_path: Path) -> Iterator[RoutedGateway]:
    with RoutedGateway(two_versions.target, tmp_path / "state") as process:
        process.wait_ready()
        yield process


@contextmanager
def both_of(shelf: Shelf, first: str, second: str, folder: Path) -> Iterator[RoutedGateway]:
    """A gateway for the model `first`, of which two exports are its versions 1 and 2."""
    shelf.publish(first, second)
    config = folder / "models.config"
    row = f'name: "{first}" base_path: "{shelf.store.base(first)}" model_platform: "tensorflow"'
    config.write_text(f"model_config_list {{ config {{ {row} model_version_policy {{ all {{}} }} }} }}")
    with (
        ModelServerProcess(shelf.store.root, None, "--model_config_file", str(config)) as server,
        RoutedGateway(server.target, folder / "state", models=(first,)) as process,
    ):
        process.wait_ready()
        yield process


def version(answer: Answer) -> str:
    assert answer.status == 200, answer.body
    return answer.headers["X-Model-Version"]
