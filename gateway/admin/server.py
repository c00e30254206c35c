"""The admin API's port: werkzeug's server in threads of the worker, for the few that operate a gateway."""

import logging
import socket
import threading
from typing import TYPE_CHECKING, Any

from flask import Flask
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler
from werkzeug.wsgi import get_input_stream

from gateway.admin.arrivals import Arrivals

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_log = logging.getLogger(__name__)

_CALLERS = 16  # at once; for a further one the slowest to send its request is left, if there is one
_ARRIVAL_S = 10.0  # for a whole request; and for a piece of its answer to be taken
_GRACE_S = 1.0  # for so long nobody is left for another
_RETRY_S = 1.0


def _ended(app: Flask) -> "WSGIApplication":
    """With bodies that end where their length says: werkzeug's server gives the bare connection."""

    def answer(environ: "WSGIEnvironment", start: "StartResponse") -> Any:
        environ["wsgi.input"] = get_input_stream(environ)
        return app(environ, start)

    return answer


class _Handler(WSGIRequestHandler):
    timeout = _ARRIVAL_S
    server: "_Server"
    protocol_version = "HTTP/1.0"  # a connection for each request: none is held by a caller that has its answer

    def setup(self) -> None:
        super().setup()
        self.rfile.close()
        self.rfile = self.server.arrivals.stream(self.connection)

    def log(self, _level: str, message: str, *args: Any) -> None:
        _log.debug(f"%s {message}", self.address_string(), *args)

    def version_string(self) -> str:
        return "kmaas"


class _Server(ThreadedWSGIServer):
    daemon_threads = True

    def __init__(self, listening: socket.socket, app: Flask) -> None:
        self._places = threading.Semaphore(_CALLERS)
        self.arrivals = Arrivals(_ARRIVAL_S, _GRACE_S)
        host, port = listening.getsockname()[:2]
        super().__init__(host, port, _ended(app), handler=_Handler, fd=listening.fileno())

    def log(self, _level: str, message: str, *args: Any) -> None:
        _log.debug(message, *args)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._places.acquire(blocking=False) or (
            self.arrivals.displace() and self._places.acquire(timeout=_GRACE_S)
        ):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()


def serve_admin(app: Flask, host: str, port: int) -> None:
    """Serves in a thread that ends with the process.

    Of several workers the first to come has the port; when that is gone, another takes it.
    """
    threading.Thread(target=_serve, args=(app, host.strip("[]"), port), name="admin", daemon=True).start()


def _serve(app: Flask, host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    pause = threading.Event()
    while True:
        try:
            listening = socket.create_server((host, port), family=family)
        except OSError as exc:
            _log.debug("the admin API waits for %s port %d: %s", host, port, exc)
            pause.wait(_RETRY_S)
            continue
        with listening:
            server = _Server(listening, app)
        _log.info("the admin API is at %s port %d", host, port)
        server.serve_forever()
