"""The cores of a process: those it is pinned to, or the machine's; no more than a container's quota."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from wire.cores import usable_cores


def test_a_pinned_process_has_the_cores_it_is_pinned_to() -> None:
    script = "import os; from wire.cores import usable_cores; os.sched_setaffinity(0, [{}]); print(usable_cores())"
    core = min(os.sched_getaffinity(0))
    done = subprocess.run([sys.executable, "-c", script.format(core)], stdout=subprocess.PIPE, check=True, timeout=60)
    assert int(done.stdout) == 1


def test_a_system_that_pins_nothing_has_all_its_cores(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert usable_cores(tmp_path / "no such file") == 6
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert usable_cores(tmp_path / "no such file") == 1


@pytest.mark.parametrize(
    ("quota", "cores"),
    [("max 100000", 8), ("200000 100000", 2), ("150000 100000", 2), ("50000 100000", 1), ("900000 100000", 8), ("", 8)],
)
def test_a_container_has_its_quota(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, quota: str, cores: int) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(8)))
    (tmp_path / "cpu.max").write_text(f"{quota}\n")
    assert usable_cores(tmp_path / "cpu.max") == cores
