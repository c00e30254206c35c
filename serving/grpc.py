"""The gRPC face: TensorFlow Serving's two services, our catalogue, and the standard health service."""

import logging
import math
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn

import grpc
from google.protobuf.message import DecodeError
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from serving.binding import listen
from serving.dataplane import Dataplane
from serving.errors import BindError, Code, RequestError
from wire import messages
from wire.methods import GET_MODEL_METADATA, GET_MODEL_STATUS, LIST_MODELS, PREDICT, Method

_log = logging.getLogger(__name__)

_OPTIONS = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.so_reuseport", 0),  # else a second server would bind the same port and take half of the calls
]
_DETAILS_LIMIT = 1024  # bytes; gRPC's own limit on headers is not far above
_NO_DEADLINE_S = 1e6  # gRPC reports "none" as a number beyond this

_STATUS = {Code(status.value[0]): status for status in grpc.StatusCode}

# A request message and the seconds left for it become a response message.
Call = Callable[[Any, float | None], Any]


class GrpcServer:
    """Binds in the constructor and serves from `start` to `stop`."""

    def __init__(self, dataplane: Dataplane, host: str, port: int, *, threads: int, max_calls: int) -> None:
        """`max_calls` may run or wait for a thread at one time; those beyond are refused with RESOURCE_EXHAUSTED.

        Raises:
            BindError: the address cannot be had.
        """
        workers = ThreadPoolExecutor(threads, thread_name_prefix="grpc")
        self._server = grpc.server(workers, options=_OPTIONS, maximum_concurrent_rpcs=max_calls)
        self._health = health.HealthServicer()
        self._health.set("", health_pb2.HealthCheckResponse.NOT_SERVING)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        for handlers in _services(dataplane):
            self._server.add_generic_rpc_handlers((handlers,))
        listen("gRPC", host, port).close()  # says why when it fails, which gRPC does not
        try:
            self._server.add_insecure_port(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
        except RuntimeError as exc:
            raise BindError("gRPC", host, port, str(exc)) from exc

    def start(self) -> None:
        self._server.start()

    def ready(self) -> None:
        """From now on the health service answers SERVING."""
        self._health.set("", health_pb2.HealthCheckResponse.SERVING)

    def stop(self, drain_s: float) -> None:
        """Refuses new calls; returns when those in flight have ended, or were cancelled after `drain_s`."""
        self._health.enter_graceful_shutdown()
        self._server.stop(drain_s).wait()


def _services(dataplane: Dataplane) -> list[grpc.GenericRpcHandler]:
    """One handler per service. RPCs that are not in the table answer UNIMPLEMENTED."""
    calls: dict[Method, Call] = {
        PREDICT: dataplane.predict,
        GET_MODEL_METADATA: lambda request, _: dataplane.metadata(request),
        GET_MODEL_STATUS: lambda request, _: dataplane.status(request),
        LIST_MODELS: lambda _request, _: _catalog(dataplane.models()),
    }
    services: dict[str, dict[str, grpc.RpcMethodHandler[bytes, bytes]]] = {}
    for method, call in calls.items():
        services.setdefault(method.service, {})[method.name] = grpc.unary_unary_rpc_method_handler(_bytes(method, call))
    return [grpc.method_handlers_generic_handler(service, handlers) for service, handlers in services.items()]


def _bytes(method: Method, call: Call) -> Callable[[bytes, grpc.ServicerContext], bytes]:
    """`call` on serialized messages: whatever the bytes are, the answer is a response or a status."""

    def handle(body: bytes, context: grpc.ServicerContext) -> bytes:
        try:
            request = method.request.FromString(body)
            answer: bytes = call(request, _seconds_left(context)).SerializeToString()
        except DecodeError as exc:
            _abort(context, Code.INVALID_ARGUMENT, f"expected a {method.request.DESCRIPTOR.full_name}: {exc}")
        except RequestError as exc:
            _abort(context, exc.code, exc.message)
        except MemoryError:
            _abort(context, Code.RESOURCE_EXHAUSTED, "not enough memory for this request")
        except Exception:  # our own defect: the caller gets an id, the log the rest
            incident = uuid.uuid4().hex
            _log.exception("%s failed, incident %s", method.path, incident)
            _abort(context, Code.INTERNAL, f"internal error, incident {incident}")
        return answer

    return handle


def _seconds_left(context: grpc.ServicerContext) -> float | None:
    left = context.time_remaining()
    return None if left is None or not math.isfinite(left) or left > _NO_DEADLINE_S else left


def _abort(context: grpc.ServicerContext, code: Code, message: str) -> NoReturn:
    details = message.encode()
    if len(details) > _DETAILS_LIMIT:
        message = details[:_DETAILS_LIMIT].decode(errors="ignore") + "...TRUNCATED"
    context.abort(_STATUS[code], message)


def _catalog(models: list[str]) -> Any:
    answer = messages.ModelServerConfig()
    answer.model_config_list.SetInParent()
    for name in models:
        answer.model_config_list.config.add(name=name, model_platform="tensorflow")
    return answer
