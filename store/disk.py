"""How the store is written: under a lock, on the disk before it counts, the disk's refusals as our errors."""

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from store.errors import StoreFullError, StoreUnwritableError

_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def locked(folder: Path, *, wait: bool = True) -> Iterator[None]:
    """Holds the folder's lock, which the system gives back when the process dies.

    The root's is held while versions, labels or `models.config` change: for moments. Whoever works on one thing for
    longer holds the lock of its folder: publishers that of their staging folder, promotions and gc that of the model.
    Who needs both takes the root's last.

    Raises:
        BlockingIOError: another holds it, and `wait` is False.
    """
    opened = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield
    finally:
        os.close(opened)  # which unlocks


def replace_files(*files: tuple[Path, bytes]) -> None:
    """Gives each path its content, in this order, by a rename each: a reader sees the old or the new.

    Everything is on the disk before the first rename, so what a full disk refuses leaves all as it was. One caller at
    a time for a path.
    """
    written = [(rewrite(path.with_name(f".{path.name}.partial"), content), path) for path, content in files]
    for partial, path in written:
        partial.replace(path)
        sync(path.parent)


def make_readable_folder(folder: Path) -> bool:
    """Makes a folder that every user can read, whatever the umask. False: it was there."""
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        return False
    folder.chmod(0o755)
    return True


def rewrite(path: Path, content: bytes) -> Path:
    """Writes a file that every user can read; returns when it is on the disk."""
    path.write_bytes(content)
    path.chmod(0o644)
    sync(path)
    return path


def sync(path: Path) -> None:
    """Returns when a file, or the names in a folder, are on the disk."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


@contextmanager
def disk_errors(base: Path) -> Iterator[None]:
    """Raises `StoreFullError` or `StoreUnwritableError` for what the disk of `base` refuses."""
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
