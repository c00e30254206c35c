"""Facts about the machine and the software, without which figures say nothing."""

import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

_OURS = ("tensorflow", "keras", "grpcio", "ai-edge-litert")
_PEERS = (
    "fastapi",
    "uvicorn",
    "flask",
    "gunicorn",
    "litserve",
    "bentoml",
    "mlserver",
    "torch",
    "transformers",
    "sentence-transformers",
    "faster-whisper",
    "ctranslate2",
)


def facts() -> Mapping[str, str]:
    """What goes above a table of results, in the order to be shown."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "processor": f"{len(os.sched_getaffinity(0))} cores of {cpu_model(Path('/proc/cpuinfo').read_text())}",
        "Python": platform.python_version(),
        **{name: version(name) for name in _OURS},
    }


def cpu_model(cpuinfo: str) -> str:
    """The processor's name as /proc/cpuinfo has it; not every architecture writes one."""
    for line in cpuinfo.splitlines():
        name, _, value = line.partition(":")
        if name.strip() in ("model name", "Hardware"):
            return value.strip()
    return platform.machine()


def peers(lock: str) -> Mapping[str, str]:
    """The versions of the other servers, from their lock file."""
    pinned = dict(line.split(" ")[0].split("==") for line in lock.splitlines() if "==" in line.split(" ")[0])
    return {name: pinned[name] for name in _PEERS if name in pinned}
