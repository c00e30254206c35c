"""Calls over a UNIX socket to a model server on this host."""

import errno
import socket
import threading
import time
from contextlib import nullcontext, suppress
from functools import partial
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from wire.errors import ModelServerError, TimedOutError, UnreachableError
from wire.interrupt import Interrupt
from wire.local.frames import Bytes, FrameError, receive_answer, send_call
from wire.methods import Method
from wire.tracing import Metadata

SCHEME = "local:"
"""Before the socket's path, in addresses."""

_KEPT = 16  # idle connections; a server has a thread for each
_SHORT = (errno.EAGAIN, errno.EMFILE, errno.ENFILE)  # of places in the server's queue, of descriptors here
_STATUS = {status.value[0]: status for status in grpc.StatusCode}


class _NotSentError(Exception):
    """The server has not got the call."""


class LocalChannel:
    """Safe to share between threads. Each call under way has a connection of its own; idle ones are kept for others."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._idle: list[socket.socket] = []
        self._busy: set[socket.socket] = set()
        self._closed = False

    def ask(
        self, method: Method, request: Any, *, timeout_s: float, metadata: Metadata, interrupt: Interrupt | None
    ) -> Any:
        """The response message. Raises `ModelServerError`; ended by the `interrupt`, as if nobody answered."""
        call = _Call(method, request.SerializeToString(), metadata, time.monotonic() + timeout_s, interrupt)
        try:
            try:
                status, answer = self._exchanged(self._kept() or self._connected(), call)
            except _NotSentError:  # to a server that is gone, or needs the place; it has not got the call
                status, answer = self._exchanged(self._connected(), call)
        except TimeoutError as exc:
            raise TimedOutError(grpc.StatusCode.DEADLINE_EXCEEDED, f"no answer within {timeout_s:.1f} s") from exc
        except (OSError, FrameError, _NotSentError) as exc:
            if isinstance(exc, OSError) and exc.errno in _SHORT:
                raise ModelServerError(grpc.StatusCode.RESOURCE_EXHAUSTED, f"no connection to be had: {exc}") from exc
            raise UnreachableError(grpc.StatusCode.UNAVAILABLE, f"nobody answers at {self._path}: {exc}") from exc
        return _read(method, status, answer)

    def close(self) -> None:
        """Ends all calls: as if nobody answered."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
            busy = list(self._busy)
        for connection in idle:
            connection.close()
        for connection in busy:
            _cut(connection)

    def _kept(self) -> socket.socket | None:
        with self._lock:
            if not self._idle:
                return None
            connection = self._idle.pop()
            self._busy.add(connection)
        return connection

    def _connected(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.setblocking(False)  # it is at once, or the server takes no more
            connection.connect(self._path)
        except OSError:
            connection.close()
            raise
        with self._lock:
            if not self._closed:
                self._busy.add(connection)
                return connection
        connection.close()
        raise FrameError("the channel was closed")

    def _exchanged(self, connection: socket.socket, call: "_Call") -> tuple[int, Bytes]:
        whole = False
        try:
            with call.interrupt.ending(partial(_cut, connection)) if call.interrupt else nullcontext():
                call.send(connection)
                answer = receive_answer(connection, call.ends_at)
            whole = call.interrupt is None or not call.interrupt.fired  # else it may be cut in a moment
        finally:
            self._give_back(connection, whole=whole)
        return answer

    def _give_back(self, connection: socket.socket, *, whole: bool) -> None:
        with self._lock:
            self._busy.discard(connection)
            if whole and not self._closed and len(self._idle) < _KEPT:
                self._idle.append(connection)
                return
        connection.close()


class _Call:
    """One call, and until when it is to be answered."""

    def __init__(
        self, method: Method, message: bytes, metadata: Metadata, ends_at: float, interrupt: Interrupt | None
    ) -> None:
        self.ends_at = ends_at
        self.interrupt = interrupt
        self._method = method
        self._message = message
        self._metadata = metadata

    def send(self, connection: socket.socket) -> None:
        left_s = self.ends_at - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        connection.settimeout(left_s)
        try:
            send_call(connection, self._method.path, self.ends_at, self._metadata, self._message)
        except (BrokenPipeError, ConnectionResetError) as exc:
            raise _NotSentError(exc.strerror) from exc


def _read(method: Method, status: int, answer: Bytes) -> Any:
    """Raises `ModelServerError` for a status that is not OK, or for an answer that is none."""
    if status:
        code = _STATUS.get(status, grpc.StatusCode.UNKNOWN)
        raise ModelServerError.named(code, answer.decode(errors="replace"))
    try:
        return method.response.FromString(answer)
    except DecodeError as exc:
        raise ModelServerError(grpc.StatusCode.INTERNAL, f"expected a {method.response.DESCRIPTOR.full_name}") from exc


def _cut(connection: socket.socket) -> None:
    """Whoever waits at it is told that it is closed."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
