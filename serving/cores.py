"""The cores this process may use: what threads and permits are counted by."""

import os


def usable_cores() -> int:
    """Those it is pinned to, where the system knows of such; else all of the machine."""
    if hasattr(os, "sched_getaffinity"):  # Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
