"""The contents of a version: the files of its SavedModel, which determine its answers, by their sha256."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from store.errors import ContentsError, StoreError
from store.golden import INDEX
from store.layout import VersionDir
from store.manifest import Manifest, is_anothers

_FOLDERS = ("variables", "assets")


def contents(version: VersionDir) -> dict[str, str]:
    """sha256 of each file, in hexadecimal, by its path in the version."""
    found = (path for folder in _FOLDERS for path in (version.path / folder).rglob("*") if path.is_file())
    files = [version.path / "saved_model.pb", *sorted(found)]
    return {path.relative_to(version.path).as_posix(): sha256_of(path) for path in files}


def seal(version: VersionDir, manifest: Manifest) -> None:
    """Writes the manifest with the contents as they are now."""
    version.manifest.write_bytes(manifest.model_copy(update={"files": contents(version)}).document())


def damage(version: VersionDir) -> str | None:
    """What of a version is not what was exported, in a line; None: nothing, or others made it."""
    try:
        document = version.manifest.read_bytes()
        if not is_anothers(document):
            check_contents(version, Manifest.parse(document, where=version.manifest).files)
    except FileNotFoundError as exc:
        others = exc.filename == str(version.manifest) and not (version.golden / INDEX).exists()
        return None if others else f"{exc.filename} is missing"
    except StoreError as exc:
        return str(exc).partition("\n")[0]
    except OSError as exc:
        return f"{exc.filename} cannot be read: {exc.strerror}"
    return None


def check_contents(version: VersionDir, expected: Mapping[str, str]) -> None:
    """Raises `ContentsError` if a file is not what it was, `OSError` if one is missing or cannot be read."""
    for name, digest in expected.items():
        if (found := sha256_of(version.path / name)) != digest:
            raise ContentsError(name, found, digest)


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
