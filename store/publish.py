"""Publishing: a finished export becomes a version, at once or not at all."""

import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from store.errors import StoreFullError, StoreUnwritableError, VersionExistsError
from store.layout import Store, VersionDir, check_name
from store.manifest import Manifest
from store.model_server_config import CONFIG_FILE, CONTAINER_MOUNT, model_server_config

_FULL = (errno.ENOSPC, errno.EDQUOT)
_STAGING = ".staging-"  # not a number: model servers skip it


def publish(store: Store, exported: Path, *, version: int | None = None) -> VersionDir:
    """Copies the folder `exported` (a SavedModel with `assets.extra/manifest.json`) into the store as a new version.

    The number is `version`, or one above the highest there is. The folder appears by one rename, so a reader sees the
    whole version or none of it. On any failure the store is as it was before.

    Raises:
        ManifestError: the export has no valid manifest.
        VersionExistsError: the number is taken.
        StoreUnwritableError, StoreFullError: the disk refuses.
    """
    manifest = Manifest.read(VersionDir(exported).manifest)
    base = store.root / check_name(manifest.model)
    with _disk_errors(base):
        base.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=_STAGING, dir=base))
        try:
            shutil.copytree(exported, staging, dirs_exist_ok=True)
            staging.chmod(0o755)  # mkdtemp gives 0700; the model server may be another user
            with _alone(store):
                _list_for_tensorflow_serving(store, manifest.model)
                return _claim(store, staging, manifest, version)
        finally:
            shutil.rmtree(staging, ignore_errors=True)


def _claim(store: Store, staging: Path, manifest: Manifest, version: int | None) -> VersionDir:
    """Renames `staging` to a free number, or to `version` if that is free."""
    number = max(store.versions(manifest.model), default=0) + 1 if version is None else version
    target = staging.parent / str(number)
    VersionDir(staging).manifest.write_bytes(manifest.model_copy(update={"version": number}).document())
    try:
        staging.rename(target)  # a non-empty target makes it fail
    except OSError as exc:
        if exc.errno in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
            raise VersionExistsError(target) from exc
        raise
    return VersionDir(target)


@contextmanager
def _alone(store: Store) -> Iterator[None]:
    """One publisher at a time: the free number and the list of models are read and written in here."""
    root = os.open(store.root, os.O_RDONLY)
    try:
        fcntl.flock(root, fcntl.LOCK_EX)
        yield
    finally:
        os.close(root)  # which unlocks


def _list_for_tensorflow_serving(store: Store, model: str) -> None:
    """Rewrites `models.config`, by one rename, so that a TensorFlow Serving container polling it sees `model` too."""
    config = model_server_config(sorted({*store.models(), model}), CONTAINER_MOUNT)
    fresh = store.root / f"{_STAGING}{CONFIG_FILE}"
    fresh.write_text(config)
    fresh.replace(store.root / CONFIG_FILE)


@contextmanager
def _disk_errors(base: Path) -> Iterator[None]:
    try:
        yield
    except shutil.Error as exc:  # an OSError in which copytree collects others as texts
        reasons = [str(reason) for _, _, reason in exc.args[0]]
        full = any(os.strerror(code) in reason for code in _FULL for reason in reasons)
        raise (StoreFullError(base) if full else StoreUnwritableError(base, reasons[0])) from exc
    except OSError as exc:
        raise _translated(base, exc) from exc


def _translated(base: Path, exc: OSError) -> StoreFullError | StoreUnwritableError:
    if exc.errno in _FULL:
        return StoreFullError(base)
    return StoreUnwritableError(base, exc.strerror or str(exc))
