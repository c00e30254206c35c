"""Publishing: a finished export becomes a version, at once or not at all."""

import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from store.errors import StoreFullError, StoreUnwritableError, VersionExistsError, VersionNumberError
from store.layout import INT64_MAX, Store, VersionDir, check_name, version_folders
from store.manifest import Manifest
from store.model_server_config import CONFIG_FILE, CONTAINER_MOUNT, model_server_config

_FULL = (errno.ENOSPC, errno.EDQUOT)
_STAGING = ".staging-"  # not the name of a model: model servers skip it
_VERSION = "version"  # the version to be, in its staging folder


def publish(store: Store, exported: Path, *, version: int | None = None) -> VersionDir:
    """Copies the folder `exported` (a SavedModel with `assets.extra/manifest.json`) into the store as a new version.

    The number is `version`, or one above the highest there is. The folder appears by one rename when all of it is on
    the disk, so a reader sees the whole version or none of it, also after a power failure. Every user of the machine
    can read it. On any failure the store is as it was before.

    Raises:
        ManifestError: the export has no valid manifest.
        VersionExistsError, VersionNumberError: the number is taken, or no version can have it.
        StoreUnwritableError, StoreFullError: the disk refuses.
    """
    manifest = Manifest.read(VersionDir(exported).manifest)
    base = store.root / check_name(manifest.model)
    with _disk_errors(base):
        _make_readable_folder(store.root)
        with _staging(store) as staging:
            shutil.copytree(exported, staging / _VERSION)
            _make_readable_and_durable(staging / _VERSION)
            with _locked(store.root, fcntl.LOCK_EX):
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
    _rewrite(VersionDir(staged).manifest, manifest.model_copy(update={"version": number}).document())
    listed = model_server_config(sorted({*store.models(), manifest.model}), CONTAINER_MOUNT)
    config = _rewrite(staging / CONFIG_FILE, listed.encode())  # before the rename: what may fail must not come after
    is_new = _make_readable_folder(base)
    try:
        staged.rename(target)
    except OSError:
        if is_new:
            base.rmdir()
        raise
    config.replace(store.root / CONFIG_FILE)  # a TensorFlow Serving container polls it
    _sync(base)
    _sync(store.root)
    return VersionDir(target)


@contextmanager
def _staging(store: Store) -> Iterator[Path]:
    """A folder of one's own in the store, removed at the end. Those of killed publishers are removed first."""
    with ExitStack() as in_use:
        with _locked(store.root, fcntl.LOCK_EX):  # else another could remove the folder before it is locked
            for left in store.root.glob(f"{_STAGING}*"):
                with suppress(OSError), _locked(left, fcntl.LOCK_EX | fcntl.LOCK_NB):
                    shutil.rmtree(left, ignore_errors=True)
            folder = Path(tempfile.mkdtemp(prefix=_STAGING, dir=store.root))
            in_use.enter_context(_locked(folder, fcntl.LOCK_EX))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _locked(folder: Path, operation: int) -> Iterator[None]:
    """Holds the folder's lock, which the system gives back when the process dies.

    Publishers hold the root's while they read and write the numbers taken and the list of models, and that of their
    staging folder all the time.
    """
    opened = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(opened, operation)
        yield
    finally:
        os.close(opened)  # which unlocks


def _make_readable_folder(folder: Path) -> bool:
    """Makes a folder that every user can read, whatever the umask. False: it was there."""
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        return False
    folder.chmod(0o755)
    return True


def _make_readable_and_durable(folder: Path) -> None:
    """The model server may be another user, and what is renamed must be on the disk before its name is."""
    for path in (*folder.rglob("*"), folder):
        path.chmod(0o755 if path.is_dir() else 0o644)
        _sync(path)


def _rewrite(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    path.chmod(0o644)
    _sync(path)
    return path


def _sync(path: Path) -> None:
    """Returns when a file, or the names in a folder, are on the disk."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


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
