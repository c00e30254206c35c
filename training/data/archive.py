"""Reads single members of archives into memory; nothing is ever unpacked to a path that an archive names."""

import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Collection
from fnmatch import fnmatch
from pathlib import Path

from training.errors import DataError

_AR_MAGIC, _AR_HEADER = b"!<arch>\n", 60


def tar_member(archive: bytes, name: str) -> bytes:
    """The bytes of the regular file `name` in a tar archive, compressed or not. Raises as `tar_members`."""
    return tar_members(archive, [name])[name]


def tar_members(archive: bytes, names: Collection[str]) -> dict[str, bytes]:
    """Of several, by their names. The archive is gone through once, in its own order: one that is compressed would be
    read from its beginning for each.

    Raises:
        DataError: no such file, or no archive.
    """
    found = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            for member in tar:
                if member.name in names:
                    file = tar.extractfile(member) if member.isreg() else None
                    if file is None:
                        raise DataError(f"{member.name} in the archive is not a file")
                    found[member.name] = file.read()
    except (tarfile.TarError, EOFError, OSError, zlib.error) as exc:
        raise DataError(f"the archive cannot be read: {exc}") from exc
    if missing := [name for name in names if name not in found]:
        raise DataError(f"the archive has no {', '.join(missing)}")
    return found


def deb_members(package: Path, pattern: str) -> dict[str, bytes]:
    """The regular files of a Debian package whose names match the shell pattern, by name.

    Raises:
        DataError: it is no package, or has no such file.
    """
    try:
        with tarfile.open(fileobj=io.BytesIO(_ar_member(package.read_bytes(), b"data.tar"))) as tar:
            found = {
                member.name: file.read()
                for member in tar
                if member.isreg() and fnmatch(member.name, pattern) and (file := tar.extractfile(member))
            }
    except (tarfile.TarError, lzma.LZMAError, EOFError, OSError, ValueError) as exc:
        raise DataError(f"the archive cannot be read: {exc}") from exc
    if not found:
        raise DataError(f"the archive has no {pattern}")
    return found


def _ar_member(archive: bytes, name: bytes) -> bytes:
    """The first member whose name begins so, of an archive of `ar`. Raises `ValueError`."""
    if not archive.startswith(_AR_MAGIC):
        raise ValueError("it is no archive of ar")
    place = len(_AR_MAGIC)
    while header := archive[place : place + _AR_HEADER]:
        size = int(header[48:58])
        place += _AR_HEADER
        if header.startswith(name):
            return archive[place : place + size]
        place += size + size % 2
    raise ValueError(f"it has no {name.decode()}")


def zip_member(archive: Path, name: str) -> bytes:
    """The bytes of the file `name` in a zip archive, which a wheel is.

    Raises:
        DataError: no such file, or no archive.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            return opened.read(name)
    except KeyError as exc:
        raise DataError(f"the archive has no {name}") from exc
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, OSError) as exc:
        raise DataError(f"the archive cannot be read: {exc}") from exc
