"""Reads single members of archives into memory; nothing is ever unpacked to a path that an archive names."""

import io
import tarfile
import zipfile
import zlib
from pathlib import Path

from training.errors import DataError


def tar_member(archive: bytes, name: str) -> bytes:
    """The bytes of the regular file `name` in a tar archive, compressed or not.

    Raises:
        DataError: no such file, or no archive.
    """
    try:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            member = tar.getmember(name)
            file = tar.extractfile(member) if member.isreg() else None
            if file is None:
                raise DataError(f"{name} in the archive is not a file")
            return file.read()
    except KeyError as exc:
        raise DataError(f"the archive has no {name}") from exc
    except (tarfile.TarError, EOFError, OSError) as exc:
        raise DataError(f"the archive cannot be read: {exc}") from exc


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
