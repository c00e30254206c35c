"""The memory of this process, and the part of it that no version is to blame for."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_common = 0  # bytes


def resident_bytes() -> int:
    """This process' memory that is in RAM; 0 where /proc does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def versions_bytes() -> int:
    """The same without what `common` blocks have added."""
    return resident_bytes() - _common


@contextmanager
def common() -> Iterator[None]:
    """What the block adds all versions have in common, whichever of them came first: a library. One at a time."""
    global _common  # noqa: PLW0603 (as the memory it counts, it is the process')
    before = resident_bytes()
    yield
    _common += resident_bytes() - before
