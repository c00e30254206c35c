"""Workers on cores of their own: threads of one process on several cores spend their time on the interpreter's lock."""

import fcntl
import os
from pathlib import Path


def pin(workers: int, folder: Path) -> int | None:
    """Keeps this process, and the threads it begins, to a core that no other worker has, and returns which.

    Only where there is a worker for each core: else whoever shares the machine would be in the way, or some cores would
    be left without work. None if so.

    Args:
        folder: of these workers; who has which core is known by locks there, which go with their processes.
    """
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []  # only Linux can
    if workers < 2 or workers != len(cores):
        return None
    for core in cores:
        held = os.open(folder / f"core-{core}.lock", os.O_WRONLY | os.O_CREAT)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(held)
            continue
        os.sched_setaffinity(0, {core})
        return core
    return None
