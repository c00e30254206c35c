"""Predictions on held-out rows, on the disk."""

from pathlib import Path

import numpy as np
import pytest

from store.errors import ManifestError
from store.held_out import HeldOut


def held_out(rows: int = 3) -> HeldOut:
    return HeldOut("0" * 64, np.arange(rows, dtype=np.int32), np.zeros(rows, np.int32))


def test_they_survive_the_disk(tmp_path: Path) -> None:
    held_out().write(tmp_path / "held_out.npz")
    found = HeldOut.read(tmp_path / "held_out.npz")
    assert found.rows == "0" * 64
    assert found.right.tolist() == [True, False, False]


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04"])
def test_damaged_files_are_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "held_out.npz"
    with pytest.raises(ManifestError, match=r"held_out\.npz"):
        HeldOut.read(path)
    path.write_bytes(content)
    with pytest.raises(ManifestError, match=r"held_out\.npz"):
        HeldOut.read(path)


def test_lists_of_different_length_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "held_out.npz"
    HeldOut("", np.zeros(3, np.int32), np.zeros(2, np.int32)).write(path)
    with pytest.raises(ManifestError, match="same length"):
        HeldOut.read(path)
