"""Workers on cores of their own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.processes import GatewayProcess, until
from tests.support.stacks import workers

CORES = sorted(os.sched_getaffinity(0))

pytestmark = pytest.mark.skipif(len(CORES) < 2, reason="one core: nothing to choose")

_SCRIPT = """
import os, sys
from pathlib import Path
from gateway.pinning import pin
print(pin(int(sys.argv[1]), Path(sys.argv[2])), *sorted(os.sched_getaffinity(0)), flush=True)
sys.stdin.read()
"""


@contextmanager
def pinned(workers: int, folder: Path) -> Iterator[list[str]]:
    """What a process says of its core and of those it may use; it lives as long as the block."""
    command = [sys.executable, "-c", _SCRIPT, str(workers), str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().split()
        process.kill()


def test_each_has_a_core_of_its_own_and_a_new_one_that_of_the_dead(tmp_path: Path) -> None:
    count = len(CORES)
    with pinned(count, tmp_path) as first:
        with pinned(count, tmp_path) as second:
            assert [first, second] == [[str(core)] * 2 for core in CORES[:2]]
        with pinned(count, tmp_path) as third:
            assert third == second


def test_where_not_every_core_has_a_worker_all_are_everyone_s(tmp_path: Path) -> None:
    for count in (1, len(CORES) + 1):
        with pinned(count, tmp_path) as said:
            assert said == ["None", *map(str, CORES)]


def test_a_gateway_has_a_worker_for_each_core_and_on_it(tmp_path: Path) -> None:
    with GatewayProcess("127.0.0.1:1", workers=len(CORES), log=tmp_path / "log") as gateway:
        until(lambda: len(workers(gateway.pid)) == len(CORES), "all workers")
        until(lambda: sorted(map(cores, workers(gateway.pid))) == [[core] for core in CORES], "each is on its own")


def cores(pid: int) -> list[int]:
    return sorted(os.sched_getaffinity(pid))
