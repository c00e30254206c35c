"""Child processes of `kmaas up`: started, kept running, stopped in order, and never left behind."""

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence

from kmaas.errors import ChildFailedError, PortTakenError

_log = logging.getLogger("kmaas.up")

_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 10.0
_STEADY_S = 60.0  # a process that lived this long did not crash "again"


def check_port_free(host: str, port: int, what: str) -> None:
    """Raises `PortTakenError` when the port cannot be listened on. Port 0 (off) is always free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as exc:
            raise PortTakenError(host, port, what, exc.strerror or str(exc)) from exc


def reachable(host: str) -> str:
    """The address at which this machine reaches a server bound to `host`, as a URL part."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 (not bound to: replaced)
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def restart_pause_s(crashes: int) -> float:
    """Seconds to wait before the n-th restart in a row: doubled each time, bounded."""
    return float(min(_FIRST_PAUSE_S * 2 ** (min(crashes, 16) - 1), _LONGEST_PAUSE_S))


def stop_on_eof() -> None:
    """Ends this process, as SIGTERM does, when its standard input closes: when the parent that holds it is gone."""

    def wait() -> None:
        while os.read(0, 4096):  # not sys.stdin: Python would wait for its lock when it ends
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="stop-on-eof", daemon=True).start()


class Child:
    """A `kmaas` verb that knows `--stop-on-eof`, in a process and a session of its own.

    Ctrl-C reaches only the parent, which stops its children in order; however the parent ends, they end too.
    """

    def __init__(self, what: str, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        self._what = what
        self._command = [sys.executable, "-m", "kmaas", *arguments, "--stop-on-eof"]
        self._environment = {**os.environ, **environment}
        self._crashes = 0
        self._restart_at: float | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, now: float) -> None:
        """`now` is a clock's reading in seconds, here and below."""
        self._started_at = now
        self._restart_at = None
        self._process = subprocess.Popen(
            self._command, env=self._environment, stdin=subprocess.PIPE, start_new_session=True
        )

    def check(self) -> None:
        """Raises `ChildFailedError` if the process has ended."""
        code = self._process.poll() if self._process else None
        if code is not None:
            raise ChildFailedError(self._what, code)

    def revive(self, now: float) -> None:
        """Starts the process again some time after it has ended. To be called often; it never waits."""
        code = self._process.poll() if self._process else None
        if code is None:
            return
        if self._restart_at is None:
            self._crashes = 1 if now - self._started_at > _STEADY_S else self._crashes + 1
            pause_s = restart_pause_s(self._crashes)
            self._restart_at = now + pause_s
            _log.warning("the %s ended with exit code %s; it starts again in %.1f s", self._what, code, pause_s)
        elif now >= self._restart_at:
            self._close_stdin()
            self.start(now)

    def stop(self, timeout_s: float) -> None:
        """Asks the process to end, and ends it after `timeout_s`. Of one that was not started nothing is to be done."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            _log.warning("the %s does not end by itself within %.0f s; killed", self._what, timeout_s)
            self._process.kill()
            self._process.wait()
        self._close_stdin()

    def _close_stdin(self) -> None:
        if self._process and self._process.stdin:
            self._process.stdin.close()
