"""Requests that are on their way to the admin API: none may take for ever, and the slow give way to whoever comes."""

import io
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from gateway.deadline import Clock

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class Arrivals:
    """Each request has `limit_s` to arrive whole. Safe to share between threads."""

    def __init__(self, limit_s: float, grace_s: float, clock: Clock = time.monotonic) -> None:
        """`grace_s`: for so long nobody has to give way."""
        self._limit_s = limit_s
        self._grace_s = grace_s
        self._clock = clock
        self._lock = threading.Lock()
        self._waited_for: dict[socket.socket, float] = {}  # with the moment each came

    def stream(self, connection: socket.socket) -> io.BufferedReader:
        """What comes from now on. Reading raises `TimeoutError` once there is no time left."""
        return io.BufferedReader(_Arriving(self, connection, self._clock()))

    def displace(self) -> bool:
        """Ends the connection that came first of those that something is still expected of; False if none must go."""
        with self._lock:
            came = {connection: at for connection, at in self._waited_for.items() if self._over(at, self._grace_s)}
            if not came:
                return False
            slow = min(came, key=came.__getitem__)
            del self._waited_for[slow]
            with suppress(OSError):  # it went by itself
                slow.shutdown(socket.SHUT_RDWR)
            return True

    @contextmanager
    def waiting(self, connection: socket.socket, came_at: float) -> Iterator[float]:
        """How many seconds may be waited for more. Raises `TimeoutError` if none."""
        if self._over(came_at, self._limit_s):
            raise TimeoutError(f"the request did not arrive within {self._limit_s:g} s")
        with self._lock:
            self._waited_for[connection] = came_at
        try:
            yield came_at + self._limit_s - self._clock()
        finally:
            with self._lock:
                self._waited_for.pop(connection, None)

    def _over(self, came_at: float, limit_s: float) -> bool:
        return self._clock() - came_at >= limit_s


class _Arriving(io.RawIOBase):
    """A connection to read from. Writes keep the connection's own timeout."""

    def __init__(self, arrivals: Arrivals, connection: socket.socket, came_at: float) -> None:
        self._arrivals = arrivals
        self._connection = connection
        self._came_at = came_at

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        own_s = self._connection.gettimeout()
        try:
            with self._arrivals.waiting(self._connection, self._came_at) as left_s:
                self._connection.settimeout(max(left_s, 0.001))  # 0 would mean not to wait
                return self._connection.recv_into(buffer)
        finally:
            self._connection.settimeout(own_s)
