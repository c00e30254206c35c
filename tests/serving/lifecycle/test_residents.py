"""Which versions leave to make room: every case as a table; and what memory is expected to be needed."""

from pathlib import Path

import pytest

from serving.lifecycle.residents import Resident, estimate, evictions

OLD, MIDDLE, NEW = Resident("old", 30, 1, True), Resident("middle", 30, 2, True), Resident("new", 30, 3, True)
BUSY = Resident("busy", 30, 0, False)


@pytest.mark.parametrize(
    ("residents", "needed", "budget", "leaving"),
    [
        ([], 10, 100, []),
        ([OLD, MIDDLE], 40, 100, []),  # just fits
        ([MIDDLE, OLD, NEW], 11, 100, ["old"]),
        ([NEW, MIDDLE, OLD], 41, 100, ["old", "middle"]),
        ([OLD, MIDDLE, NEW], 1000, 100, ["old", "middle", "new"]),  # it loads alone
        ([BUSY, OLD], 41, 100, ["old"]),  # whoever is used stays
        ([BUSY], 1000, 100, []),
    ],
)
def test_evictions(residents: list[Resident[str]], needed: int, budget: int, leaving: list[str]) -> None:
    assert evictions(residents, needed, budget) == leaving


def test_a_version_that_never_loaded_is_estimated_from_its_files(tmp_path: Path) -> None:
    (tmp_path / "variables").mkdir()
    (tmp_path / "variables" / "data").write_bytes(bytes(1000))
    (tmp_path / "saved_model.pb").write_bytes(bytes(200))
    assert estimate(tmp_path) == 1800
    assert estimate(tmp_path / "missing") == 0
