"""What a gateway process costs before it does anything: import time and memory."""

import statistics
import subprocess
import sys
from contextlib import suppress
from pathlib import Path


def import_s(module: str, *, rounds: int = 5) -> float:
    """Median seconds that `import module` takes in a fresh process, the interpreter's own start not counted."""
    code = f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(rounds)
    ]
    return statistics.median(float(run.stdout) for run in runs)


def resident_mb(pid: int) -> float:
    """Resident memory of a process in MB (10⁶ bytes)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise RuntimeError(f"process {pid} has no VmRSS")


def children(pid: int) -> list[int]:
    """Child processes of `pid`, all levels. What ends meanwhile has none."""
    direct: list[int] = []
    with suppress(FileNotFoundError, ProcessLookupError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with suppress(FileNotFoundError, ProcessLookupError):
                direct += map(int, (task / "children").read_text().split())
    return [found for child in direct for found in (child, *children(child))]
