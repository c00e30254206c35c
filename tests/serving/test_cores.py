"""The cores of a process: those it is pinned to; where nothing is pinned, the machine's."""

import os
import subprocess
import sys

import pytest

from serving.cores import usable_cores


def test_a_pinned_process_has_the_cores_it_is_pinned_to() -> None:
    script = "import os; from serving.cores import usable_cores; os.sched_setaffinity(0, [{}]); print(usable_cores())"
    core = min(os.sched_getaffinity(0))
    done = subprocess.run([sys.executable, "-c", script.format(core)], stdout=subprocess.PIPE, check=True, timeout=60)
    assert int(done.stdout) == 1


def test_a_system_that_pins_nothing_has_all_its_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    assert usable_cores() == os.cpu_count()
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert usable_cores() == 1
