"""TFRecord files as TensorFlow writes them, and every way in which they can be broken."""

import struct
from pathlib import Path

import pytest

from wire.errors import RecordError
from wire.records import masked_crc32c, read_records

RECORDS = [b"first", b"", bytes(range(256))]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    import tensorflow as tf

    path = tmp_path_factory.mktemp("records") / "records"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in RECORDS:
            writer.write(record)
    return path.read_bytes()


def test_they_are_read_as_tensorflow_wrote_them(written: bytes, tmp_path: Path) -> None:
    (tmp_path / "records").write_bytes(written)
    assert list(read_records(tmp_path / "records")) == RECORDS


def test_the_checksum_is_crc_32c_masked() -> None:
    crc = 0xE3069283  # of "123456789", from the definition of CRC-32C
    assert masked_crc32c(b"123456789") == (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def test_an_empty_file_has_no_records(tmp_path: Path) -> None:
    (tmp_path / "records").touch()
    assert list(read_records(tmp_path / "records")) == []


def _enormous() -> bytes:
    length = struct.pack("<Q", 2**62)
    return length + struct.pack("<I", masked_crc32c(length))


@pytest.mark.parametrize(
    ("cut", "reason"),
    [
        pytest.param(slice(0, 5), "inside a record's head", id="in the head"),
        pytest.param(slice(0, 14), "inside a record of 5 bytes", id="in the data"),
        pytest.param(slice(0, 18), "inside a record of 5 bytes", id="in the checksum"),
        pytest.param(slice(1, None), "a checksum does not fit", id="out of step"),
    ],
)
def test_a_file_that_is_cut(written: bytes, tmp_path: Path, cut: slice, reason: str) -> None:
    (tmp_path / "records").write_bytes(written[cut])
    with pytest.raises(RecordError, match=reason):
        list(read_records(tmp_path / "records"))


@pytest.mark.parametrize("position", [12, 17])
def test_a_bit_that_has_flipped(written: bytes, tmp_path: Path, position: int) -> None:
    flipped = bytearray(written)
    flipped[position] ^= 1
    (tmp_path / "records").write_bytes(flipped)
    with pytest.raises(RecordError, match="a checksum does not fit"):
        list(read_records(tmp_path / "records"))


def test_a_length_beyond_the_file_is_not_believed(tmp_path: Path) -> None:
    (tmp_path / "records").write_bytes(_enormous())
    with pytest.raises(RecordError, match="inside a record of 4611686018427387904 bytes"):
        list(read_records(tmp_path / "records"))
