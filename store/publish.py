"""Publishing: a finished export becomes a version, at once or not at all."""

import errno
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
            _list_for_tensorflow_serving(store, manifest.model)
            return _claim(store, staging, manifest, version)
        finally:
            shutil.rmtree(staging, ignore_errors=True)


def _claim(store: Store, staging: Path, manifest: Manifest, version: int | None) -> VersionDir:
    """Renames `staging` to a free number. Of two publishers racing for one number the loser takes the next."""
    while True:
        number = max(store.versions(manifest.model), default=0) + 1 if version is None else version
        target = staging.parent / str(number)
        numbered = manifest.model_copy(update={"version": number})
        (VersionDir(staging).manifest).write_bytes(numbered.document())
        try:
            staging.rename(target)  # a non-empty target makes it fail
        except OSError as exc:
            if exc.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise
            if version is not None:
                raise VersionExistsError(target) from exc
        else:
            return VersionDir(target)


def _list_for_tensorflow_serving(store: Store, model: str) -> None:
    """Rewrites `models.config`, by one rename, so that a TensorFlow Serving container polling it sees `model` too."""
    config = model_server_config(sorted({*store.models(), model}), CONTAINER_MOUNT)
    fresh = store.root / f"{_STAGING}{CONFIG_FILE}-{os.getpid()}"
    fresh.write_text(config)
    fresh.replace(store.root / CONFIG_FILE)


@contextmanager
def _disk_errors(base: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise _translated(base, exc) from exc
    except shutil.Error as exc:  # copytree collects its OSErrors as texts
        full = any("No space left" in str(item) or "quota" in str(item) for item in exc.args[0])
        raise (StoreFullError(base) if full else StoreUnwritableError(base, str(exc.args[0][0][2]))) from exc


def _translated(base: Path, exc: OSError) -> StoreFullError | StoreUnwritableError:
    if exc.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreFullError(base)
    return StoreUnwritableError(base, exc.strerror or str(exc))
