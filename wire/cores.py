"""The cores this process may use: what processes, threads and permits are counted by."""

import math
import os
from contextlib import suppress
from pathlib import Path

_QUOTA = Path("/sys/fs/cgroup/cpu.max")  # of a container: so many microseconds in a period of so many


def usable_cores(quota: Path = _QUOTA) -> int:
    """Those it is pinned to, where the system knows of such, else all of the machine; no more than a container has."""
    there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with suppress(OSError, ValueError):  # no such file, or "max": no quota
        of_quota, of_period = map(int, quota.read_text().split())
        there = min(there, math.ceil(of_quota / of_period))
    return max(1, there)
