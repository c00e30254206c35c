"""Child processes of `kmaas up`: started, kept running, stopped in order."""

import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from kmaas.errors import ChildFailedError, PortTakenError

_log = logging.getLogger("kmaas.up")

_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 10.0


def check_port_free(host: str, port: int, what: str) -> None:
    """Raises `PortTakenError` when the port cannot be listened on. Port 0 (off) is always free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as exc:
            raise PortTakenError(host, port, what, exc.strerror or str(exc)) from exc


def restart_pause_s(crashes: int) -> float:
    """Seconds to wait before the n-th restart in a row: doubled each time, bounded."""
    return float(min(_FIRST_PAUSE_S * 2 ** (crashes - 1), _LONGEST_PAUSE_S))


@dataclass
class Child:
    """A `kmaas` verb in a process of its own, in a session of its own so that Ctrl-C reaches only the parent."""

    what: str
    arguments: Sequence[str]
    environment: Mapping[str, str]

    def __post_init__(self) -> None:
        self.crashes = 0
        self._process = self._start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "kmaas", *self.arguments],
            env={**os.environ, **self.environment},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )

    def check(self) -> None:
        """Raises `ChildFailedError` if the process has ended."""
        code = self._process.poll()
        if code is not None:
            raise ChildFailedError(self.what, code)

    def revive(self, wait: Callable[[float], bool]) -> None:
        """Starts the process again if it has ended, after `wait(pause_s)`, which returns True to give up."""
        code = self._process.poll()
        if code is None:
            return
        self.crashes += 1
        pause_s = restart_pause_s(self.crashes)
        _log.warning("the %s ended with exit code %s; starting it again in %.1f s", self.what, code, pause_s)
        if not wait(pause_s):
            self._process = self._start()

    def stop(self, timeout_s: float) -> None:
        """Asks the process to end, and ends it after `timeout_s`."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            _log.warning("the %s does not end by itself within %.0f s; killed", self.what, timeout_s)
            self._process.kill()
            self._process.wait()
