"""The REST face: HTTP around `rest_api`, served by uvicorn on a thread of its own."""

import asyncio
import logging
import threading
import uuid
import zlib
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import uvicorn

from serving.binding import listen
from serving.rest_api import Answer, RestApi, error

_log = logging.getLogger(__name__)

_MAX_BODY = 512 * 2**20  # bytes as sent
_MAX_INFLATED = 100 * 10**6  # bytes of a gzip body, TensorFlow Serving's limit
_GZIP = 16 + zlib.MAX_WBITS

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class _TooLarge(Exception):  # noqa: N818 (never leaves this module)
    pass


class _Disconnected(Exception):  # noqa: N818 (never leaves this module)
    pass


class RestServer:
    """Binds in the constructor and serves from `start` to `stop`."""

    def __init__(self, api: RestApi, host: str, port: int, *, threads: int) -> None:
        """Raises `BindError` when the address cannot be had."""
        self._socket = listen("REST", host, port)
        self._workers = ThreadPoolExecutor(threads, thread_name_prefix="rest")
        self._app = _App(api, self._workers)
        config = uvicorn.Config(
            self._app,
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="rest", daemon=True
        )

    def start(self) -> None:
        self._thread.start()

    def ready(self) -> None:
        """From now on `/healthz` answers 200."""
        self._app.healthy = True

    def stop(self, drain_s: float) -> None:
        """Refuses new connections; returns when requests in flight have ended, or were left alone after `drain_s`."""
        self._app.healthy = False
        self._server.config.timeout_graceful_shutdown = max(1, round(drain_s))
        self._server.should_exit = True
        if self._thread.ident is not None:
            self._thread.join()
        self._socket.close()
        self._workers.shutdown(wait=False, cancel_futures=True)


class _App:
    """The ASGI application: bodies in and out here, the work on a pool of threads."""

    def __init__(self, api: RestApi, workers: ThreadPoolExecutor) -> None:
        self.healthy = False
        self._api = api
        self._workers = workers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["raw_path"].decode("latin-1")
        if scope["query_string"]:
            path += "?" + scope["query_string"].decode("latin-1")
        try:
            body = await _read(receive)
        except _Disconnected:
            return None
        except _TooLarge:
            answer = error(413, f"the body is larger than {_MAX_BODY} bytes, which is the most that is accepted")
            return await _write(send, answer)
        if path == "/healthz":  # answered here: a busy pool is not an unhealthy server
            return await _write(send, self._health())
        headers = dict(scope["headers"])
        gzipped = headers.get(b"content-encoding", b"").strip().lower() == b"gzip"
        loop = asyncio.get_running_loop()
        return await _write(
            send, await loop.run_in_executor(self._workers, self._answer, scope["method"], path, body, gzipped)
        )

    def _health(self) -> Answer:
        return Answer.of(200, '{"status": "ok"}') if self.healthy else error(503, "the models are still loading")

    def _answer(self, method: str, path: str, body: bytes, gzipped: bool) -> Answer:
        if not path.lower().startswith("/v1/"):
            return error(404, f"{method} {path} is not here; expected a path under /v1/models")
        try:
            return self._api.answer(method, path, _inflated(body) if gzipped else body)
        except _TooLarge:
            return error(413, f"the body inflates to more than {_MAX_INFLATED} bytes, which is the most accepted")
        except zlib.error as exc:
            return error(400, f"the body is not the gzip stream that Content-Encoding promises: {exc}")
        except MemoryError:
            return error(429, "not enough memory for this request")
        except Exception:  # our own defect: the caller gets an id, the log the rest
            incident = uuid.uuid4().hex
            _log.exception("%s %s failed, incident %s", method, path, incident)
            return error(500, f"internal error, incident {incident}")


async def _read(receive: Receive) -> bytes:
    """The whole body. One that is too large is read to its end too: a client that still sends would not see the answer.

    Raises:
        _Disconnected: the client left before the end.
        _TooLarge: more than is accepted.
    """
    parts, size, more = [], 0, True
    while more:
        event = await receive()
        if event["type"] == "http.disconnect":
            raise _Disconnected
        part = event.get("body", b"")
        more = event.get("more_body", False)
        size += len(part)
        if size <= _MAX_BODY:
            parts.append(part)
        else:
            parts.clear()
    if size > _MAX_BODY:
        raise _TooLarge
    return b"".join(parts)


async def _write(send: Send, answer: Answer) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer.body)).encode())]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


def _inflated(body: bytes) -> bytes:
    stream = zlib.decompressobj(_GZIP)
    inflated = stream.decompress(body, _MAX_INFLATED + 1)
    if len(inflated) > _MAX_INFLATED:
        raise _TooLarge
    if not stream.eof:
        raise zlib.error("it is cut short")
    return inflated
