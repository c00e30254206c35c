"""The face for a gateway on the same host: the RPCs over a UNIX socket, see `wire.local`."""

import logging
import select
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import grpc

from serving.binding import check_socket_path
from serving.calls import handlers, rpcs
from serving.control_plane import ControlPlane
from serving.dataplane import Dataplane
from serving.errors import BindError
from serving.in_flight import MOST_CALLS, InFlight
from serving.metrics import Metrics
from serving.request_metrics import RequestMetrics
from wire.local.frames import FrameError, Incoming, receive_call, send_answer
from wire.tracing import Metadata, Tracing

_log = logging.getLogger(__name__)

_CONNECTIONS = 2 * MOST_CALLS  # each has a thread; further ones wait to be accepted
_BACKLOG = 1024
_PAUSE_S = 1.0  # after a connection could not be accepted
_LOOK_S = 0.1  # for connections that have become idle, while there is no place


class LocalServer:
    """Binds in the constructor and serves from `start` to `stop`. Who may use the socket is its file's matter: its
    owner alone.
    """

    def __init__(
        self,
        path: str,
        dataplane: Dataplane,
        control_plane: ControlPlane,
        metrics: Metrics,
        *,
        most_calls: int = MOST_CALLS,
        tracing: Tracing | None = None,
    ) -> None:
        """Raises `BindError`: the socket's path cannot be had. Calls beyond `most_calls` are refused."""
        in_flight = InFlight(most_calls)
        metrics.calls_in_flight.watch(lambda: [(("local",), in_flight.count)])
        counted = RequestMetrics(metrics, "LOCAL", control_plane.is_configured)
        self._handlers = handlers(rpcs(dataplane, control_plane), in_flight, counted, tracing)
        self._places = threading.Semaphore(_CONNECTIONS)
        self._lock = threading.Lock()
        self._threads: dict[socket.socket, threading.Thread] = {}
        self._idle: dict[socket.socket, None] = {}  # the one that has been for longest first
        self._closing = threading.Event()
        self._path = Path(path)
        self._listener = _bound(path)
        self._inode = self._path.stat().st_ino
        self._acceptor = threading.Thread(target=self._accept, name="accept-local", daemon=True)

    def start(self) -> None:
        self._listener.listen(_BACKLOG)
        self._acceptor.start()

    def stop(self, drain_s: float) -> None:
        """Takes no more calls; returns when those in flight have ended, or after `drain_s`."""
        ends_at = time.monotonic() + drain_s
        with suppress(OSError):
            if self._path.stat().st_ino == self._inode:  # not yet another server's
                self._path.unlink()
        with self._lock:
            self._closing.set()
            threads = dict(self._threads)
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes who accepts
        self._listener.close()
        for connection in threads:
            _take_no_more(connection)
        for thread in threads.values():
            thread.join(max(0.0, ends_at - time.monotonic()))

    def _accept(self) -> None:
        while not self._closing.is_set():
            if not self._has_a_place():
                continue
            try:
                self._begin(self._listener.accept()[0])
            except (OSError, RuntimeError, MemoryError) as exc:  # no descriptor, or no thread, to be had
                self._places.release()
                if not self._closing.is_set():
                    _log.warning("no local connection could be accepted: %s", exc)
                    self._closing.wait(_PAUSE_S)

    def _has_a_place(self) -> bool:
        """For the next connection: a free one, or soon that of an idle one."""
        if self._places.acquire(blocking=False):
            return True
        self._end_an_idle_one()
        return self._places.acquire(timeout=_LOOK_S)

    def _begin(self, connection: socket.socket) -> None:
        """A thread of its own. Raises `RuntimeError` if there is none, or none any more."""
        thread = threading.Thread(target=self._answer, args=(connection,), name="local", daemon=True)
        try:
            with self._lock:
                if self._closing.is_set():
                    raise RuntimeError("it stops")
                thread.start()
                self._threads[connection] = thread
        except BaseException:
            connection.close()
            raise

    def _end_an_idle_one(self) -> None:
        """Its client opens another when it needs one. A call that has come by it meanwhile is answered."""
        with self._lock:
            connection = next(iter(self._idle), None)
            if connection is not None:
                del self._idle[connection]
                _take_no_more(connection)

    def _answer(self, connection: socket.socket) -> None:
        """One call after another, until the other side is gone."""
        try:
            while (call := self._next(connection)) is not None:
                send_answer(connection, *self._answered(call, connection))
        except (OSError, FrameError, MemoryError) as exc:
            _log.debug("a local connection ended: %s", exc)
        finally:
            with self._lock:
                self._threads.pop(connection, None)
                connection.close()
            self._places.release()

    def _next(self, connection: socket.socket) -> Incoming | None:
        with self._lock:
            self._idle[connection] = None
        try:
            return receive_call(connection)
        finally:
            with self._lock:
                self._idle.pop(connection, None)

    def _answered(self, call: Incoming, connection: socket.socket) -> tuple[int, bytes]:
        handle = self._handlers.get(call.path)
        if handle is None:
            return _failed(grpc.StatusCode.UNIMPLEMENTED, "Method not found!")  # gRPC's words
        if call.ends_at <= time.monotonic() or _has_left(connection):  # it waited here while nobody worked
            return _failed(grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded")
        try:
            return 0, handle(call.message, _Context(call))
        except _AbortError as exc:
            return _failed(exc.code, exc.details)


def _failed(code: grpc.StatusCode, details: str) -> tuple[int, bytes]:
    return code.value[0], details.encode()


def _take_no_more(connection: socket.socket) -> None:
    """What has come by it is answered, and is the last."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RD)


def _has_left(connection: socket.socket) -> bool:
    """Whether the other side closed it; this side's half may be closed by `_take_no_more`."""
    looking = select.poll()
    looking.register(connection, 0)
    return any(event & select.POLLHUP for _, event in looking.poll(0))


class _AbortError(Exception):
    def __init__(self, code: grpc.StatusCode, details: str) -> None:
        super().__init__(details)
        self.code = code
        self.details = details


class _Context:
    """Of a local call, as gRPC has one."""

    def __init__(self, call: Incoming) -> None:
        self._ends_at = call.ends_at
        self._metadata = call.metadata

    def time_remaining(self) -> float:
        return self._ends_at - time.monotonic()

    def invocation_metadata(self) -> Metadata:
        return self._metadata

    def abort(self, code: grpc.StatusCode, details: str) -> NoReturn:
        raise _AbortError(code, details)


def _bound(path: str) -> socket.socket:
    try:
        check_socket_path("local", path)
        Path(path).unlink(missing_ok=True)  # of a server that is gone
        return _bound_anew(path)
    except OSError as exc:
        raise BindError("local", path, exc.strerror or str(exc)) from exc


def _bound_anew(path: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(path)
        Path(path).chmod(0o600)  # before anybody can connect
    except OSError:
        listener.close()
        raise
    return listener
