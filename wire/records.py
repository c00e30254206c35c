"""TFRecord files: how TensorFlow stores a sequence of messages, read without TensorFlow.

Each record is its length (8 bytes, little-endian), a checksum of these, the data, and a checksum of the data. The
checksums are CRC-32C, rotated by 15 bits and shifted, as TensorFlow defines them.
"""

import struct
from collections.abc import Iterator
from pathlib import Path

from wire.crc32c import crc32c
from wire.errors import RecordError

_MASK = 0xA282EAD8
_LENGTH, _CHECKSUM = struct.Struct("<Q"), struct.Struct("<I")


def read_records(path: Path) -> Iterator[bytes]:
    """The records in order, one at a time in memory.

    Raises:
        RecordError: the file is cut off, or a checksum does not fit.
        OSError: it cannot be read.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        while head := file.read(_LENGTH.size + _CHECKSUM.size):
            if len(head) < _LENGTH.size + _CHECKSUM.size:
                raise RecordError(path, "it ends inside a record's head")
            (length,) = _LENGTH.unpack_from(head)
            _check(path, head[: _LENGTH.size], head[_LENGTH.size :])
            if length + _CHECKSUM.size > size - file.tell():
                raise RecordError(path, f"it ends inside a record of {length} bytes")
            data, checksum = file.read(length), file.read(_CHECKSUM.size)
            if len(data) + len(checksum) < length + _CHECKSUM.size:  # it was cut off since we asked for its size
                raise RecordError(path, f"it ends inside a record of {length} bytes")
            _check(path, data, checksum)
            yield data


def masked_crc32c(data: bytes) -> int:
    """The checksum of TFRecord files."""
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + _MASK) & 0xFFFFFFFF


def _check(path: Path, data: bytes, checksum: bytes) -> None:
    (stored,) = _CHECKSUM.unpack(checksum)
    if masked_crc32c(data) != stored:
        raise RecordError(path, "a checksum does not fit its record")
