"""The whole stack, as `kmaas up` runs it, with the real starter models. Trained once; the runs are kept in var/."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.stack import Stack, running_stack

ROOT = Path(__file__).resolve().parents[2]
STARTERS = ("digits", "sentiment")


@pytest.fixture(scope="session")
def store() -> Path:
    """A store of the tests' own, so that nobody's running stack is disturbed."""
    return ROOT / "var" / "tests" / "store"


@pytest.fixture(scope="session")
def stack(store: Path) -> Iterator[Stack]:
    with running_stack(store, STARTERS) as running:
        yield running
