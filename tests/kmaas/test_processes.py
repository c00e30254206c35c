"""Children of `kmaas up`: restarted with growing pauses, never left behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from bench.footprint import children
from bench.stack import free_port
from kmaas.errors import ChildFailedError
from kmaas.processes import Child, restart_pause_s
from tests.support.processes import until
from tests.support.stacks import commands


def test_pauses_double_and_are_bounded() -> None:
    assert [restart_pause_s(n) for n in (1, 2, 3)] == [0.2, 0.4, 0.8]
    assert restart_pause_s(10**6) == 10


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def gateway(port: int) -> Iterator[Child]:
    child = Child("gateway", ["gateway", "--port", str(port), "--grpc-port", "0", "--model-server", "127.0.0.1:1"], {})
    child.start(now=0)
    yield child
    child.stop(30)


def alive(pid: int) -> bool:
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def listeners(port: int) -> list[int]:
    """Processes told to listen there; other tests have gateways of their own."""
    return [pid for pid, command in commands(os.getpid()).items() if str(port) in command]


def test_a_crashed_child_starts_again_after_its_pause(gateway: Child, port: int) -> None:
    until(lambda: bool(listeners(port)), "the child runs")
    [first] = listeners(port)
    os.kill(first, signal.SIGKILL)
    until(lambda: not alive(first), "the child is dead")
    with pytest.raises(ChildFailedError):
        gateway.check()
    gateway.revive(now=1.0)
    gateway.revive(now=1.1)
    with pytest.raises(ChildFailedError):
        gateway.check()
    gateway.revive(now=1.3)
    gateway.check()


def test_children_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    """Also by a closed terminal: nothing may keep the ports."""
    environment = {
        **os.environ,
        "KMAAS_STORE": str(tmp_path),
        "KMAAS_SERVE__PORT": str(free_port()),
        "KMAAS_SERVE__REST_API_PORT": str(free_port()),
        "KMAAS_GATEWAY__PORT": str(free_port()),
        "KMAAS_GATEWAY__GRPC_PORT": str(free_port()),
    }
    script = (
        "import threading; from kmaas.config import load_config; from kmaas.up import _run; "
        "_run(load_config(), set(), no_auth=False, stopping=threading.Event())"
    )
    with subprocess.Popen([sys.executable, "-c", script], env=environment) as parent:
        until(lambda: len(children(parent.pid)) >= 2, "the children run")
        family = children(parent.pid)
        parent.kill()
    until(lambda: not any(alive(pid) for pid in family), "every child has ended")
