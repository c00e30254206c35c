"""A gateway whose routes can be changed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.admin import RoutedGateway
from tests.support.processes import ModelServerProcess


@pytest.fixture
def gateway(two_versions: ModelServerProcess, tmp_path: Path) -> Iterator[RoutedGateway]:
    with RoutedGateway(two_versions.target, tmp_path / "state") as process:
        process.wait_ready()
        yield process
