"""How much memory is free on this machine, or in the container that this process is in."""

from collections.abc import Callable
from pathlib import Path

from training.errors import TooLargeError

_CGROUP = Path("/sys/fs/cgroup")
_MEMORY = Path("/proc/meminfo")
_COPIES = 3  # of the weights as float32, that are in memory when they are read or exported


def free_bytes(meminfo: Path = _MEMORY, cgroup: Path = _CGROUP) -> int | None:
    """The less of both; None where neither is told."""
    told = [value for value in (_of_machine(meminfo), _of_container(cgroup)) if value is not None]
    return min(told, default=None)


def require_memory(checkpoint: str, parameters: int, free: Callable[[], int | None]) -> None:
    """Raises `TooLargeError` where there is not enough to read and export so many weights."""
    needed, there = parameters * 4 * _COPIES, free()
    if there is not None and needed > there:
        raise TooLargeError(checkpoint, parameters, needed, there)


def _of_machine(meminfo: Path) -> int | None:
    """What could be had without swapping, by the kernel's own estimate."""
    try:
        lines = meminfo.read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), None)


def _of_container(cgroup: Path) -> int | None:
    try:
        most, used = (cgroup / "memory.max").read_text(), (cgroup / "memory.current").read_text()
    except OSError:
        return None
    return int(most) - int(used) if most.strip().isdecimal() else None
