"""A lock between processes that goes with the process that holds it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from training.errors import UnwritableError


@contextmanager
def locked(target: Path, *, wait: bool = True, shared: bool = False) -> Iterator[None]:
    """Holds the lock of `target`, a file `.<name>.lock` beside it; makes the folder they are in. A `shared` one is held
    beside other shared ones, and by who may only read, too.

    Raises:
        BlockingIOError: another process holds it and `wait` is false.
        UnwritableError: the folder cannot be written.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        path = target.parent / f".{target.name}.lock"
        opened = os.open(path, os.O_CREAT | (os.O_RDONLY if shared else os.O_WRONLY), 0o666)
    except OSError as exc:
        raise UnwritableError(target.parent, exc.strerror or str(exc)) from exc
    try:
        fcntl.flock(opened, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB))
        yield
    finally:
        os.close(opened)  # which unlocks
