"""Connections on which a body is waited for in vain, cut.

granian's threads cannot be told to stop waiting, and it does not say which connection a request came by. The kernel
does: it knows on which ones this server has said nothing for long. Linux only.
"""

import os
import socket
import struct
import threading
from collections.abc import Callable
from pathlib import Path

_LOOK_EVERY_S = 1.0
_FDS = Path("/proc/self/fd")

# `struct tcp_info` of linux/tcp.h: eight bytes, then unsigned ints, the tenth of which is `tcpi_last_data_sent` in ms.
_LAST_DATA_SENT = struct.Struct("=44xI")


class Stragglers:
    """A thread that looks whether a body is overdue and then cuts what has been silent for long. Ends with the process.

    What is cut may also be an idle connection that was kept alive: its client opens another.
    """

    def __init__(self, port: int, silent_s: float, longest_wait_s: Callable[[], float]) -> None:
        """`longest_wait_s` tells for how long the body that has been waited for longest has been."""
        self._port = port
        self._silent_s = silent_s
        self._longest_wait_s = longest_wait_s
        self._never = threading.Event()  # is set
        self._thread = threading.Thread(target=self._run, name="cut-stragglers", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def _run(self) -> None:
        while not self._never.wait(_LOOK_EVERY_S):
            if self._longest_wait_s() >= self._silent_s:
                cut_silent(self._port, self._silent_s)


def cut_silent(port: int, silent_s: float) -> int:
    """Ends reading from each connection accepted at `port` on which nothing was sent for `silent_s`; how many it was.

    Whoever waits for more from there finds the end, and can still answer.
    """
    return sum(_cut(entry, port, silent_s) for entry in _FDS.iterdir())


def _cut(entry: Path, port: int, silent_s: float) -> bool:
    try:
        if not str(entry.readlink()).startswith("socket:"):
            return False
        with socket.socket(fileno=os.dup(int(entry.name))) as connection:
            if not _is_silent(connection, port, silent_s):
                return False
            connection.shutdown(socket.SHUT_RD)
            return True
    except OSError:  # a listening socket, or one that is gone meanwhile
        return False


def _is_silent(connection: socket.socket, port: int, silent_s: float) -> bool:
    if connection.family not in (socket.AF_INET, socket.AF_INET6) or connection.getsockname()[1] != port:
        return False
    connection.getpeername()  # raises for a listening socket
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _LAST_DATA_SENT.size)
    (silent_ms,) = _LAST_DATA_SENT.unpack(info)
    return bool(silent_ms >= silent_s * 1000)
