"""Novels by Jane Austen: public domain, etexts of Project Gutenberg."""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from training.data.archive import deb_members
from training.data.fetch import Package, fetch
from training.data.prose import Prose, Text
from training.errors import DataError

PACKAGE = Package(
    kind="debian",
    name="r-cran-janeaustenr",
    version="1.0.0-1",
    sha256="df6bddf211906d1ff404f8ff662c21b34e6660e7f54a311084e749050c019c95",
)
KIND = "novels by Jane Austen"

_HELD_OUT = ("Northanger Abbey", "Persuasion")
_DATABASE = "*/janeaustenr/data/Rdata.rdb"
_HEADER = b"X\n\x00\x00\x00\x03"  # of what R has serialised: XDR, in its third version
_LENGTH = struct.Struct(">I")
_VECTOR = 16  # of strings, without attributes
_STRING = 9


def load(cache: Path) -> Prose:
    """Raises `DataError` for a package with other than novels."""
    (database,) = deb_members(fetch(PACKAGE, cache), _DATABASE).values()
    novels = [Text(lines[0].title(), KIND, "\n".join(lines) + "\n") for lines in _vectors(database)]
    held_out = [novel for novel in novels if novel.name in _HELD_OUT]
    return Prose(held_out, [novel for novel in novels if novel.name not in _HELD_OUT])


def _vectors(database: bytes) -> Iterator[list[str]]:
    """Every vector of strings in one of R's databases of packages, which have nothing else here."""
    place = 0
    while place < len(database):
        unpacked = zlib.decompressobj()
        try:
            serialised = unpacked.decompress(database[place + _LENGTH.size :])  # the size of what follows stands before
            yield list(_strings(serialised))
        except (zlib.error, struct.error, UnicodeDecodeError) as exc:
            raise DataError(f"{PACKAGE}: its database cannot be read: {exc}") from exc
        place = len(database) - len(unpacked.unused_data)


def _strings(serialised: bytes) -> Iterator[str]:
    """The strings of a vector: R Internals, "Serialization Formats"."""
    if not serialised.startswith(_HEADER):
        raise DataError(f"{PACKAGE}: expected what R serialises in its third version, received {serialised[:6]!r}")
    place = 14  # two versions of R behind the header
    (encoding,) = _LENGTH.unpack_from(serialised, place)
    place += _LENGTH.size + encoding
    kind, count = struct.unpack_from(">II", serialised, place)
    if kind != _VECTOR:
        raise DataError(f"{PACKAGE}: expected a vector of strings, received one of {kind:#x}")
    place += 8
    for _ in range(count):
        flags, length = struct.unpack_from(">II", serialised, place)
        if flags & 0xFF != _STRING:
            raise DataError(f"{PACKAGE}: expected a string, received one of {flags:#x}")
        place += 8
        yield serialised[place : place + length].decode()
        place += length
