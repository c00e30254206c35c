"""The face for a gateway on the same host: the RPCs over a UNIX socket, see `wire.local`."""

import logging
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import grpc

from serving.binding import check_socket_path
from serving.control_plane import ControlPlane
from serving.dataplane import Dataplane
from serving.errors import BindError
from serving.grpc.calls import handlers, rpcs
from serving.in_flight import MOST_CALLS, InFlight
from serving.metrics import Metrics
from serving.request_metrics import RequestMetrics
from wire.local.frames import FrameError, Incoming, receive_call, send_answer
from wire.tracing import Metadata, Tracing

_log = logging.getLogger(__name__)

_CONNECTIONS = 2 * MOST_CALLS  # each has a thread; further ones wait to be accepted
_BACKLOG = 1024
_PAUSE_S = 0.1  # after a connection could not be accepted


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
        tracing: Tracing | None = None,
    ) -> None:
        """Raises `BindError`: the socket's path cannot be had."""
        in_flight = InFlight(MOST_CALLS)
        metrics.calls_in_flight.watch(lambda: [(("local",), in_flight.count)])
        counted = RequestMetrics(metrics, "LOCAL", control_plane.is_configured)
        self._handlers = handlers(rpcs(dataplane, control_plane), in_flight, counted, tracing)
        self._places = threading.Semaphore(_CONNECTIONS)
        self._lock = threading.Lock()
        self._threads: dict[socket.socket, threading.Thread] = {}
        self._closing = threading.Event()
        self._listener = _bound(path)
        self._acceptor = threading.Thread(target=self._accept, name="accept-local", daemon=True)

    def start(self) -> None:
        self._listener.listen(_BACKLOG)
        self._acceptor.start()

    def stop(self, drain_s: float) -> None:
        """Takes no more calls; returns when those in flight have ended, or after `drain_s`."""
        ends_at = time.monotonic() + drain_s
        self._closing.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes who accepts
        self._listener.close()
        with self._lock:
            threads = dict(self._threads)
        for connection in threads:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RD)  # what is answered now is the last
        for thread in threads.values():
            thread.join(max(0.0, ends_at - time.monotonic()))

    def _accept(self) -> None:
        while True:
            self._places.acquire()
            try:
                connection, _ = self._listener.accept()
            except OSError as exc:
                self._places.release()
                if self._closing.is_set():
                    return
                _log.warning("no connection could be accepted: %s", exc)
                self._closing.wait(_PAUSE_S)
                continue
            thread = threading.Thread(target=self._answer, args=(connection,), name="local", daemon=True)
            with self._lock:
                self._threads[connection] = thread
            thread.start()

    def _answer(self, connection: socket.socket) -> None:
        """One call after another, until the other side is gone."""
        try:
            while not self._closing.is_set() and (call := receive_call(connection)) is not None:
                send_answer(connection, *self._answered(call))
        except (OSError, FrameError, MemoryError) as exc:
            _log.debug("a local connection ended: %s", exc)
        finally:
            with self._lock:
                self._threads.pop(connection, None)
            connection.close()
            self._places.release()

    def _answered(self, call: Incoming) -> tuple[int, bytes]:
        handle = self._handlers.get(call.path)
        if handle is None:
            return grpc.StatusCode.UNIMPLEMENTED.value[0], b"Method not found!"  # gRPC's words
        try:
            return 0, handle(call.message, _Context(call))
        except _AbortError as exc:
            return exc.code.value[0], exc.details.encode()


class _AbortError(Exception):
    def __init__(self, code: grpc.StatusCode, details: str) -> None:
        super().__init__(details)
        self.code = code
        self.details = details


class _Context:
    """Of a local call, as gRPC has one."""

    def __init__(self, call: Incoming) -> None:
        self._ends_at = time.monotonic() + call.seconds_left
        self._metadata = call.metadata

    def time_remaining(self) -> float:
        return self._ends_at - time.monotonic()

    def invocation_metadata(self) -> Metadata:
        return self._metadata

    def abort(self, code: grpc.StatusCode, details: str) -> NoReturn:
        raise _AbortError(code, details)


def _bound(path: str) -> socket.socket:
    check_socket_path("local", path)
    Path(path).unlink(missing_ok=True)  # of a server that is gone
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(path)
        Path(path).chmod(0o600)  # before anybody can connect
    except OSError as exc:
        listener.close()
        raise BindError("local", path, exc.strerror or str(exc)) from exc
    return listener
