"""The novels: whole, and a database of R that is none is told."""

import struct
import zlib

import pytest

from kmaas.config import Config
from training.data import austen
from training.errors import DataError


def test_novels_are_whole_and_on_one_side_each() -> None:
    novels = austen.load(Config().cache)
    assert [novel.name for novel in novels.held_out] == ["Northanger Abbey", "Persuasion"]
    assert len(novels.others) == 4
    assert all(len(novel.text) > 400_000 for novel in (*novels.held_out, *novels.others))
    emma = novels.others[0].text
    assert emma.startswith("EMMA\n\nBy Jane Austen\n")
    assert emma.endswith("FINIS\n")
    assert "Emma Woodhouse, handsome, clever, and rich, with a comfortable home\nand happy disposition" in emma


def _packed(serialised: bytes) -> bytes:
    return struct.pack(">I", len(serialised)) + zlib.compress(serialised)


_HEAD = b"X\n\0\0\0\3\0\4\2\1\0\3\5\0\0\0\0\5UTF-8"
_VECTOR = _HEAD + struct.pack(">II", 16, 2) + struct.pack(">II", 0x40009, 3) + "ŝ!".encode()
_WHOLE = _VECTOR + struct.pack(">II", 0x40009, 0)


def test_vectors_follow_each_other() -> None:
    assert list(austen._vectors(_packed(_WHOLE) * 2)) == [["ŝ!", ""]] * 2


@pytest.mark.parametrize(
    "database",
    [
        b"nothing of R's",
        _packed(b"A\n" + _WHOLE[2:]),
        _packed(_VECTOR),
        _packed(_HEAD + struct.pack(">II", 14, 1) + bytes(8)),
        _packed(_VECTOR + struct.pack(">II", 10, 0)),
        _packed(_WHOLE.replace("ŝ".encode(), b"\xff\xff")),
    ],
)
def test_what_is_no_vector_of_strings_is_told(database: bytes) -> None:
    with pytest.raises(DataError, match="r-cran-janeaustenr"):
        list(austen._vectors(database))
