"""Publishing: a finished export becomes a version, at once or not at all."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from store.contents import damage
from store.disk import disk_errors, locked, make_readable_folder, rewrite, sync
from store.errors import DamagedExportError, VersionExistsError, VersionNumberError
from store.layout import INT64_MAX, Store, VersionDir, check_name, version_folders
from store.manifest import Manifest
from store.model_server_config import CONFIG_FILE, config_of_store

_STAGING = ".staging-"  # not the name of a model: model servers skip it
_VERSION = "version"  # the version to be, in its staging folder


def publish(store: Store, exported: Path, *, version: int | None = None) -> VersionDir:
    """Copies the folder `exported` (a SavedModel with `assets.extra/manifest.json`) into the store as a new version.

    The number is `version`, or one above the highest there is. The folder appears by one rename when all of it is on
    the disk, so a reader sees the whole version or none of it, also after a power failure. Every user of the machine
    can read it. On any failure the store is as it was before.

    Raises:
        DamagedExportError: a file of it is not what was exported.
        ManifestError: the export has no valid manifest, or the labels of a model cannot be read.
        VersionExistsError, VersionNumberError: the number is taken, or no version can have it.
        StoreUnwritableError, StoreFullError: the disk refuses.
    """
    manifest = Manifest.read(VersionDir(exported).manifest)
    base = store.root / check_name(manifest.model)
    with disk_errors(base):
        make_readable_folder(store.root)
        with _staging(store) as staging:
            shutil.copytree(exported, staging / _VERSION)
            if found := damage(VersionDir(staging / _VERSION)):
                raise DamagedExportError(exported, found)
            _make_readable_and_durable(staging / _VERSION)
            with locked(store.root):
                return _claim(store, staging, manifest, version)


def _claim(store: Store, staging: Path, manifest: Manifest, version: int | None) -> VersionDir:
    """Renames the staged version to a free number, or to `version` if that is free. The store's lock is held."""
    base = store.base(manifest.model)
    taken = version_folders(base) if base.is_dir() else {}
    number = max(taken, default=0) + 1 if version is None else version
    if not 0 <= number <= INT64_MAX:
        raise VersionNumberError(number)
    target = base / str(number)
    if number in taken or os.path.lexists(target):
        raise VersionExistsError(taken.get(number, target))
    staged = staging / _VERSION
    numbered = manifest.model_copy(update={"version": number}).model_dump_json(indent=2, exclude_unset=True)
    rewrite(VersionDir(staged).manifest, numbered.encode())  # defaults would say what the export did not
    listed = config_of_store(store, coming=(manifest.model, number))
    config = rewrite(staging / CONFIG_FILE, listed)  # before the rename: what may fail must not come after
    is_new = make_readable_folder(base)
    try:
        staged.rename(target)
    except OSError:
        if is_new:
            base.rmdir()
        raise
    config.replace(store.root / CONFIG_FILE)  # a TensorFlow Serving container polls it
    sync(base)
    sync(store.root)
    return VersionDir(target)


@contextmanager
def _staging(store: Store) -> Iterator[Path]:
    """A folder of one's own in the store, removed at the end. Those of killed publishers are removed first."""
    with ExitStack() as in_use:
        with locked(store.root):  # else another could remove the folder before it is locked
            for left in store.root.glob(f"{_STAGING}*"):
                with suppress(OSError), locked(left, wait=False):
                    shutil.rmtree(left, ignore_errors=True)
            folder = Path(tempfile.mkdtemp(prefix=_STAGING, dir=store.root))
            in_use.enter_context(locked(folder))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _make_readable_and_durable(folder: Path) -> None:
    """The model server may be another user, and what is renamed must be on the disk before its name is."""
    for path in (*folder.rglob("*"), folder):
        path.chmod(0o755 if path.is_dir() else 0o644)
        sync(path)
