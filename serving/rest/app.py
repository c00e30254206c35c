"""The ASGI application of the REST face: what answers a path, and HTTP's bodies, encodings and headers around it."""

import asyncio
import json
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from serving.control_plane import ControlPlane
from serving.errors import Code, RequestError
from serving.in_flight import InFlight
from serving.metrics import Metrics
from serving.request_metrics import Answered, RequestMetrics
from serving.rest import bodies
from serving.rest.access_log import AccessLog
from serving.rest.api import Answer, RestApi, error
from serving.rest.bodies import Disconnected, Receive, TooLarge, TooMuch
from wire import messages
from wire.errors import InflationError, RestError
from wire.rest.gzip import inflated

_log = logging.getLogger(__name__)

_JSON, _TEXT, _HTML = b"application/json", b"text/plain; charset=utf-8", b"text/html; charset=utf-8"
_METHODS = {"GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"}  # those TensorFlow Serving lets through
_CORS = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"POST, GET"),
    (b"access-control-allow-headers", b"Content-Type"),
)

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Header = tuple[bytes, bytes]


@dataclass(frozen=True)
class Reply:
    """An HTTP answer, and what it is about."""

    status: int
    body: bytes
    kind: bytes = _JSON
    headers: tuple[Header, ...] = ()
    what: Answered = field(default_factory=Answered)

    @classmethod
    def of(cls, answer: Answer) -> "Reply":
        return cls(answer.status, answer.body, what=answer.what)


class RestApp:
    """Probes and metrics are answered beside the pool of threads that runs models: a busy server is not a dead one."""

    def __init__(
        self,
        api: RestApi,
        control_plane: ControlPlane,
        metrics: Metrics,
        *,
        threads: int,
        max_requests: int,
        max_upload_bytes: int,
        body_timeout_s: float,
        metrics_path: str | None,
        cors: bool,
        access_log: AccessLog | None,
    ) -> None:
        """`max_requests` may arrive, run or wait for a thread, with bodies of `max_upload_bytes` together; those beyond
        are refused. A body must be there in time.
        """
        self.ready = False
        self._api = api
        self._control_plane = control_plane
        self._metrics = metrics
        self._requests = RequestMetrics(metrics, "REST", control_plane.is_configured)
        self._workers = ThreadPoolExecutor(threads, thread_name_prefix="rest")
        self._aside = ThreadPoolExecutor(1, thread_name_prefix="rest-aside")
        self._in_flight = InFlight(max_requests)
        self._uploads = InFlight(max_upload_bytes)
        self._body_timeout_s = body_timeout_s
        self._metrics_path = metrics_path
        self._cors = _CORS if cors else ()
        self._access_log = access_log
        metrics.calls_in_flight.watch(lambda: [(("REST",), self._in_flight.count)])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        request = _Request.of(scope)
        try:
            size, reply = await self._reply(request, receive, started)
        except Disconnected:
            return
        except TimeoutError:
            size, reply = 0, self._late(request, started)
        await _send(send, reply)
        if self._access_log is not None:
            self._access_log.write(
                client=request.client,
                method=request.method,
                path=request.target,
                status=reply.status,
                bytes_in=size,
                bytes_out=len(reply.body),
                seconds=time.perf_counter() - started,
                what=reply.what,
            )

    def close(self) -> None:
        """Threads end when their work does; nobody waits for them."""
        self._workers.shutdown(wait=False, cancel_futures=True)
        self._aside.shutdown(wait=False, cancel_futures=True)

    async def _reply(self, request: "_Request", receive: Receive, started: float) -> tuple[int, Reply]:
        """The size of the body, and the answer. Only bodies that are asked for are kept, and only so much of them."""
        if not (request.method in _METHODS - {"OPTIONS"} and request.of_api):
            return await bodies.skip(receive, self._body_timeout_s), await self._without_body(request)
        if not self._in_flight.enter():
            size = await bodies.skip(receive, self._body_timeout_s)
            return size, self._refused(request, 429, "Server Threadpool Exhausted", Code.RESOURCE_EXHAUSTED, started)
        run = asyncio.get_running_loop().run_in_executor
        try:
            async with bodies.upload(receive, self._uploads, self._body_timeout_s) as body:
                return len(body), await run(self._workers, self._of_api, request, body, started)
        except TooLarge as exc:
            return 0, self._refused(request, 413, str(exc), Code.INVALID_ARGUMENT, started)
        except TooMuch as exc:
            return 0, self._refused(request, 429, str(exc), Code.RESOURCE_EXHAUSTED, started)
        finally:
            self._in_flight.leave()

    async def _without_body(self, request: "_Request") -> Reply:
        run = asyncio.get_running_loop().run_in_executor
        if request.method not in _METHODS:
            return _page(501, "Not Implemented")
        if request.of_api:  # OPTIONS
            return Reply(200 if request.from_a_page else 400, b"", headers=self._cors)
        match request.target:
            case "/livez":
                return Reply(200, b'{"live": true}')
            case "/healthz":
                return Reply(200, b'{"status": "ok"}') if self.ready else _unready("the models are still loading")
            case "/readyz":
                return await run(self._aside, self._readiness)
            case self._metrics_path:
                return await run(self._aside, self._exposition, request)
        return _page(404, "Not Found")

    def _of_api(self, request: "_Request", body: bytes, started: float) -> Reply:
        return _encoded(self._counted(request, self._answer(request, body), started), request)

    def _answer(self, request: "_Request", body: bytes) -> Answer:
        refusal = partial(self._api.refusal, request.method, request.target)
        try:
            plain = inflated(body, bodies.MAX_INFLATED) if request.gzipped else body
            return self._api.answer(request.method, request.target, plain)
        except InflationError as exc:
            return refusal(413, exc.message, Code.INVALID_ARGUMENT)
        except RestError as exc:
            return refusal(400, exc.message, Code.INVALID_ARGUMENT)
        except MemoryError:
            return refusal(429, "not enough memory for this request", Code.RESOURCE_EXHAUSTED)
        except Exception:  # our own defect: the caller gets an id, the log the rest
            incident = uuid.uuid4().hex
            _log.exception("%s %s failed, incident %s", request.method, request.target, incident)
            return refusal(500, f"internal error, incident {incident}", Code.INTERNAL)

    def _counted(self, request: "_Request", answer: Answer, started: float) -> Reply:
        """The reply to a request of the API, whoever answered it."""
        self._requests.ended(
            answer.method, answer.code, answer.what, started, api=answer.method if request.method == "POST" else ""
        )
        return replace(Reply.of(answer), headers=self._cors)

    def _refused(self, request: "_Request", status: int, message: str, code: Code, started: float) -> Reply:
        return self._counted(request, self._api.refusal(request.method, request.target, status, message, code), started)

    def _late(self, request: "_Request", started: float) -> Reply:
        """The end of the connection, too: what still comes of the body is no request."""
        text = f"the body did not arrive within {self._body_timeout_s:g} seconds"
        if request.of_api:
            reply = self._refused(request, 408, text, Code.DEADLINE_EXCEEDED, started)
        else:
            reply = Reply.of(error(408, text, Code.DEADLINE_EXCEEDED))
        return replace(reply, headers=(*reply.headers, (b"connection", b"close")))

    def _readiness(self) -> Reply:
        """Ready once every model has loaded or failed; a model that failed must not take the others off the air."""
        try:
            models = self._control_plane.list_models(messages.ListModelsRequest()).models
        except RequestError as exc:
            return _unready(exc.message)
        waiting = sorted(model.name for model in models if model.base_path and not _is_available(model))
        document = {"ready": self.ready, "models_not_ready": waiting}
        return Reply(200 if self.ready else 503, json.dumps(document, ensure_ascii=False).encode())

    def _exposition(self, request: "_Request") -> Reply:
        return _encoded(Reply(200, self._metrics.text().encode(errors="replace"), _TEXT), request)


@dataclass(frozen=True)
class _Request:
    """What of a request's head decides how it is answered."""

    method: str
    target: str  # the path with its query string, as sent
    client: str
    gzipped: bool
    takes_gzip: bool
    from_a_page: bool

    @property
    def of_api(self) -> bool:
        return self.target.lower().startswith("/v1/")

    @classmethod
    def of(cls, scope: Scope) -> "_Request":
        headers = dict(scope["headers"])
        query, client = scope["query_string"], scope.get("client")
        target = scope["raw_path"] + (b"?" + query if query else b"")
        return cls(
            method=scope["method"],
            target=target.decode("latin-1"),
            client=f"{client[0]}:{client[1]}" if client else "",
            gzipped=headers.get(b"content-encoding", b"").strip().lower() == b"gzip",
            takes_gzip=bodies.accepts_gzip(headers.get(b"accept-encoding", b"")),
            from_a_page=headers.get(b"origin", b"").startswith((b"http://", b"https://")),
        )


def _encoded(reply: Reply, request: _Request) -> Reply:
    """As gzip if the client takes it, and it is worth it. TensorFlow Serving never does."""
    packed = bodies.packed(reply.body) if request.takes_gzip else None
    if packed is None:
        return reply
    headers = (*reply.headers, (b"content-encoding", b"gzip"), (b"vary", b"Accept-Encoding"))
    return replace(reply, body=packed, headers=headers)


def _is_available(model: Any) -> bool:
    return any(version.status.state == messages.ModelVersionStatus.AVAILABLE for version in model.versions)


def _unready(why: str) -> Reply:
    return Reply.of(error(503, why, Code.UNAVAILABLE))


def _page(status: int, title: str) -> Reply:
    """What the HTTP library of TensorFlow Serving says by itself."""
    text = f"<html><head><title>{status} {title}</title></head><body><h1>{title}</h1></body></html>\n"
    return Reply(status, text.encode(), _HTML)


async def _send(send: Send, reply: Reply) -> None:
    headers = [
        (b"content-type", reply.kind),
        (b"content-length", str(len(reply.body)).encode()),
        *reply.headers,
    ]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})
