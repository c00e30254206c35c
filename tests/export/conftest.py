"""A tiny finished run of each kind, made once."""

from pathlib import Path

import pytest

from tests.support.runs import Workplace
from training.run import Run


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    return Workplace.at(tmp_path_factory.mktemp("export"))


@pytest.fixture(scope="session", params=["digits", "sentiment"])
def run(request: pytest.FixtureRequest, place: Workplace) -> Run:
    return Run.open(place.train(request.param))


@pytest.fixture(scope="session")
def exported(run: Run) -> Path:
    from kmaas.stages import export_run

    return export_run(run)
