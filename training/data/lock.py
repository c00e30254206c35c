"""A lock between processes that goes with the process that holds it."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from training.errors import UnwritableError


@contextmanager
def locked(target: Path, *, wait: bool = True) -> Iterator[None]:
    """Holds the lock of `target`, a file `.<name>.lock` beside it; makes the folder they are in.

    Raises:
        BlockingIOError: another process holds it and `wait` is false.
        UnwritableError: the folder cannot be written.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        file = (target.parent / f".{target.name}.lock").open("w")
    except OSError as exc:
        raise UnwritableError(target.parent, exc.strerror or str(exc)) from exc
    with file:
        fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
