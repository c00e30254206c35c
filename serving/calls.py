"""The RPCs on serialized messages: whatever the bytes are, the answer is a response or a status."""

import logging
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NoReturn

import grpc
from google.protobuf.message import DecodeError

from serving.control_plane import ControlPlane
from serving.dataplane import Dataplane
from serving.errors import Code, RequestError
from serving.in_flight import InFlight
from serving.request_metrics import Answered, RequestMetrics
from wire.local.frames import Bytes
from wire.methods import (
    ADD_MODEL,
    CLASSIFY,
    GET_MODEL_METADATA,
    GET_MODEL_STATUS,
    LIST_MODELS,
    MULTI_INFERENCE,
    PREDICT,
    REGRESS,
    RELOAD_CONFIG,
    REMOVE_MODEL,
    TENSOR_CONTENT_KEY,
    Method,
)
from wire.rpc.ending import CallContext, abort, seconds_left
from wire.rpc.threads import Refuse
from wire.tracing import Tracing

_log = logging.getLogger(__name__)

_STATUS = {Code(status.value[0]): status for status in grpc.StatusCode}

# A request message and its context become a response message.
Call = Callable[[Any, CallContext], Any]
# A request or response message, and what it says of the model.
Spec = Callable[[Any], Answered]
Handler = Callable[[Bytes, CallContext], bytes]


@dataclass(frozen=True)
class Rpc:
    """One row of the table: what answers a method, and where its messages name the model."""

    method: Method
    call: Call
    asked: Spec
    answered: Spec | None = None  # None: the response does not tell; what the request asked for counts
    counted: bool = False  # in TensorFlow Serving's metrics, too


def rpcs(dataplane: Dataplane, control_plane: ControlPlane, *, tensor_content: bool = False) -> Sequence[Rpc]:
    """Every RPC there is; others answer UNIMPLEMENTED. `tensor_content`: Predict gives it unasked, too."""
    return (
        Rpc(
            PREDICT,
            lambda request, context: dataplane.predict(
                request, seconds_left(context), tensor_content=tensor_content or _asks_for_tensor_content(context)
            ),
            _model_name,
            _model_spec,
            counted=True,
        ),
        Rpc(
            CLASSIFY,
            lambda request, context: dataplane.classify(request, seconds_left(context)),
            _model_name,
            _model_spec,
            counted=True,
        ),
        Rpc(
            REGRESS,
            lambda request, context: dataplane.regress(request, seconds_left(context)),
            _model_name,
            _model_spec,
            counted=True,
        ),
        Rpc(
            MULTI_INFERENCE,
            lambda request, context: dataplane.multi_inference(request, seconds_left(context)),
            lambda request: Answered(request.tasks[0].model_spec.name if request.tasks else ""),
            lambda response: _model_spec(response.results[0]),
        ),
        Rpc(
            GET_MODEL_METADATA,
            lambda request, context: dataplane.metadata(request, seconds_left(context)),
            _model_name,
            _model_spec,
        ),
        Rpc(GET_MODEL_STATUS, lambda request, _: control_plane.status(request), _model_name),
        Rpc(
            RELOAD_CONFIG,
            lambda request, context: control_plane.reload(request, seconds_left(context)),
            lambda _: Answered(),
        ),
        Rpc(LIST_MODELS, lambda request, _: control_plane.list_models(request), lambda _: Answered()),
        Rpc(
            ADD_MODEL,
            lambda request, context: control_plane.add_model(request, seconds_left(context)),
            lambda request: Answered(request.config.name),
        ),
        Rpc(
            REMOVE_MODEL,
            lambda request, context: control_plane.remove_model(request, seconds_left(context)),
            lambda request: Answered(request.name),
        ),
    )


def handlers(
    table: Sequence[Rpc], in_flight: InFlight, metrics: RequestMetrics, tracing: Tracing | None = None
) -> dict[str, Handler]:
    """By path, what answers a call. Those beyond the calls that `in_flight` may be are refused."""
    return {rpc.method.path: _traced(_on_bytes(rpc, in_flight, metrics), rpc.method, tracing) for rpc in table}


def methods(
    table: Sequence[Rpc], in_flight: InFlight, metrics: RequestMetrics, tracing: Tracing | None = None
) -> "dict[str, tuple[grpc.RpcMethodHandler[bytes, bytes], Refuse]]":
    """By path, what answers a call over gRPC and what refuses it."""
    answering = handlers(table, in_flight, metrics, tracing)
    return {
        rpc.method.path: (
            grpc.unary_unary_rpc_method_handler(answering[rpc.method.path]),
            partial(_refuse, rpc.method.name, metrics),
        )
        for rpc in table
    }


def _on_bytes(rpc: Rpc, in_flight: InFlight, metrics: RequestMetrics) -> Handler:
    parse, call, asked, answered = rpc.method.request.FromString, rpc.call, rpc.asked, rpc.answered
    name, api = rpc.method.name, rpc.method.name if rpc.counted else None

    def handle(body: Bytes, context: CallContext) -> bytes:
        started = time.perf_counter()
        what = Answered()
        if not in_flight.enter():
            _refuse(name, metrics, context)
        try:
            request = parse(body)
            what = asked(request)
            response = call(request, context)
            answer: bytes = response.SerializeToString()
        except Exception as exc:
            failure = _failure(exc, rpc.method)
            metrics.ended(name, failure.code, what, started, api=api)
            _abort(context, failure.code, failure.message)
        finally:
            in_flight.leave()
        what = answered(response) if answered else what
        metrics.ended(name, Code.OK, what, started, api=api)
        return answer

    return handle


def _traced(handle: Handler, method: Method, tracing: Tracing | None) -> Handler:
    """As `handle`, in a span of the caller's trace."""
    if tracing is None:
        return handle

    def handle_traced(body: Bytes, context: CallContext) -> bytes:
        carrier = {key: value for key, value in context.invocation_metadata() if isinstance(value, str)}
        with tracing.span(method.path.removeprefix("/"), "SERVER", carrier):
            return handle(body, context)

    return handle_traced


def _refuse(name: str, metrics: RequestMetrics, context: CallContext) -> NoReturn:
    metrics.ended(name, Code.RESOURCE_EXHAUSTED, Answered(), time.perf_counter(), api=None)
    _abort(context, Code.RESOURCE_EXHAUSTED, "Server Threadpool Exhausted")


def _failure(error: Exception, method: Method) -> RequestError:
    match error:
        case RequestError():
            return error
        case DecodeError():
            expected = method.request.DESCRIPTOR.full_name
            return RequestError(Code.INVALID_ARGUMENT, f"expected a {expected}: {error}")
        case MemoryError():
            return RequestError(Code.RESOURCE_EXHAUSTED, "not enough memory for this request")
    incident = uuid.uuid4().hex  # our own defect: the caller gets an id, the log the rest
    _log.error("%s failed, incident %s", method.path, incident, exc_info=error)
    return RequestError(Code.INTERNAL, f"internal error, incident {incident}")


def _asks_for_tensor_content(context: CallContext) -> bool:
    return (TENSOR_CONTENT_KEY, "1") in context.invocation_metadata()


def _abort(context: CallContext, code: Code, message: str) -> NoReturn:
    abort(context, _STATUS[code], message)


def _model_name(request: Any) -> Answered:
    return Answered(request.model_spec.name)


def _model_spec(response: Any) -> Answered:
    spec = response.model_spec
    return Answered(spec.name, str(spec.version.value), spec.signature_name)
