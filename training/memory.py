"""How much memory is free on this machine, or in the container that this process is in."""

from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")
_MEMORY = Path("/proc/meminfo")


def free_bytes(meminfo: Path = _MEMORY, cgroup: Path = _CGROUP) -> int | None:
    """The less of both; None where neither is told."""
    told = [value for value in (_of_machine(meminfo), _of_container(cgroup)) if value is not None]
    return min(told, default=None)


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
