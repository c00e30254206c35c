"""A running `kmaas up` on free ports, for measurements."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Stack:
    """Addresses of a running stack, and how long it took from its start to the first correct answer."""

    url: str
    grpc: str
    rest: str
    pid: int
    store: Path
    ready_s: float

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self.url}{path}", timeout=30) as answer:
            return json.loads(answer.read())

    def gauge(self, name: str) -> float:
        """A figure of the gateway's `/metrics` that has no labels.

        Raises:
            KeyError: there is none of that name.
        """
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=30) as answer:
            lines = answer.read().decode().splitlines()
        return float(dict(line.rsplit(" ", 1) for line in lines)[name])


def free_port() -> int:
    """A port nobody uses, and not soon another process that asks this way, nor a connection: each process goes through
    a range of its own, below those that Linux gives to connections."""
    while True:
        port = 16384 + os.getpid() % 64 * 256 + next(_turns) % 256
        with socket.socket() as probe, suppress(OSError):  # it is in use
            probe.bind(("127.0.0.1", port))
            return port


_turns = count(random.randrange(256))


@contextmanager
def running_stack(store: Path, models: tuple[str, ...], *, timeout_s: float = 1200) -> Iterator[Stack]:
    """Runs `kmaas up` on `store` until the block is left; ready when `/readyz` says so.

    Raises:
        RuntimeError: it ended, or was not ready in time; its output went to this process's own.
    """
    names = ("SERVE__PORT", "SERVE__REST_API_PORT", "GATEWAY__PORT", "GATEWAY__GRPC_PORT", "GATEWAY__ADMIN_PORT")
    ports = {name: free_port() for name in names}
    grpc, rest, http, *_ = ports.values()
    environment = {
        **os.environ,
        "KMAAS_STORE": str(store),
        **{f"KMAAS_{name}": str(port) for name, port in ports.items()},
    }
    url = f"http://127.0.0.1:{http}"
    started = time.monotonic()
    process = subprocess.Popen([sys.executable, "-m", "kmaas", "up", *models], env=environment)
    try:
        _wait_until_ready(process, url, timeout_s)
        ready_s = time.monotonic() - started
        yield Stack(url, f"127.0.0.1:{grpc}", f"http://127.0.0.1:{rest}", process.pid, store, ready_s)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


def _wait_until_ready(process: "subprocess.Popen[bytes]", url: str, timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=5):
                return
        except OSError:  # refused, or 503
            pass
        try:
            process.wait(0.05)
        except subprocess.TimeoutExpired:
            continue
        raise RuntimeError(f"`kmaas up` ended with exit code {process.returncode}")
    raise RuntimeError(f"the stack was not ready within {timeout_s:.0f} s")
