"""The gateway's process: how it starts, refuses to start, and ends."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.server import MALLOC
from kmaas.errors import PortTakenError
from kmaas.processes import check_port_free
from tests.support.processes import GatewayProcess, until
from tests.support.stacks import workers


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_cleanly(number: signal.Signals) -> None:
    with GatewayProcess("127.0.0.1:1") as gateway:
        gateway.signal(number)
        assert gateway.wait() == 0


def test_a_killed_gateway_leaves_no_worker_on_its_port() -> None:
    with GatewayProcess("127.0.0.1:1") as gateway:
        port = int(gateway.url.rpartition(":")[2])
        gateway.signal(signal.SIGKILL)
        gateway.wait()
        until(lambda: is_free(port), "the port is free")


def test_a_killed_worker_is_replaced() -> None:
    with GatewayProcess("127.0.0.1:1") as gateway:
        [worker] = workers(gateway.pid)
        os.kill(worker, signal.SIGKILL)
        until(lambda: bool(workers(gateway.pid) - {worker}), "another worker")
        until(gateway.alive, "it answers")


def test_a_worker_that_dies_again_within_seconds_ends_the_gateway() -> None:
    """Whoever started it starts it again, with a growing pause: it would die for ever."""
    with GatewayProcess("127.0.0.1:1") as gateway:
        [first] = workers(gateway.pid)
        os.kill(first, signal.SIGKILL)
        until(lambda: bool(workers(gateway.pid) - {first}), "another worker")
        [second] = workers(gateway.pid) - {first}
        os.kill(second, signal.SIGKILL)
        assert gateway.wait() == 1


def test_a_log_without_room_stops_nothing() -> None:
    """Not even the start: what it says first finds none."""
    with GatewayProcess("127.0.0.1:1", log=Path("/dev/full")) as gateway:
        assert gateway.post("/models/digits", b"{}").status == 503
        gateway.signal(signal.SIGTERM)
        gateway.wait()


def test_the_worker_has_the_malloc_settings() -> None:
    with GatewayProcess("127.0.0.1:1") as gateway:
        [worker] = workers(gateway.pid)
        environment = Path(f"/proc/{worker}/environ").read_bytes().split(b"\0")
    assert {line.partition(b"=")[0] for line in environment} >= {name.encode() for name in MALLOC}


def is_free(port: int) -> bool:
    try:
        check_port_free("127.0.0.1", port, "test")
    except PortTakenError:
        return False
    return True


def run(*arguments: str, verb: str = "gateway", **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kmaas", verb, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_taken_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused = run("--port", port)
    assert refused.returncode == 1
    assert f"port {port}" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_second_gateway_does_not_share_the_port(gateway: GatewayProcess) -> None:
    refused = run("--port", gateway.url.rpartition(":")[2])
    assert refused.returncode == 1
    assert "Address already in use" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(["--host", "0.0.0.0"], "--no-auth"), (["--port", "70000"], "65535"), (["--port", "0"], "port")],
)
def test_options_that_do_not_fit_are_refused(arguments: list[str], says: str) -> None:
    refused = run(*arguments)
    assert refused.returncode == 1
    assert says in refused.stderr
    assert "Traceback" not in refused.stderr


def test_the_worker_never_imports_tensorflow(gateway: GatewayProcess) -> None:
    """Read from the memory maps of the running processes: what is imported is mapped."""
    started = workers(gateway.pid)
    assert started
    for pid in (gateway.pid, *started):
        assert "tensorflow" not in Path(f"/proc/{pid}/maps").read_text()
