"""A tiny finished run of each kind, made once, and exported."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.support.runs import Workplace
from training.run import Run


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    return Workplace.at(tmp_path_factory.mktemp("export"))


@pytest.fixture(scope="session")
def runs(place: Workplace) -> Callable[[str], Run]:
    """By the model's name."""
    return cache(lambda model: Run.open(place.exported(model)))


@pytest.fixture(scope="session")
def exports(runs: Callable[[str], Run]) -> Callable[[str], Path]:
    """By the model's name."""
    return lambda model: runs(model).export


@pytest.fixture(scope="session", params=["digits", "sentiment"])
def run(request: pytest.FixtureRequest, runs: Callable[[str], Run]) -> Run:
    return runs(request.param)


@pytest.fixture(scope="session")
def exported(run: Run, exports: Callable[[str], Path]) -> Path:
    return exports(run.spec.name)
