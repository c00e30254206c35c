"""What every RPC of the gateway does: admission, deadline, trace, and a status for whatever goes wrong."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import unquote

import grpc
from google.protobuf.message import DecodeError

from gateway.call import Call
from gateway.deadline import Deadline
from gateway.errors import BusyError, MalformedBodyError
from gateway.failures import log_failure
from gateway.grpc.patience import Patience
from gateway.grpc.statuses import status_of
from gateway.model import Wanted
from gateway.observer import Observer
from gateway.parts import Parts
from gateway.refusals import Refusal, refusal
from gateway.trace import Trace, sane_request_id
from wire.interrupt import Interrupt
from wire.methods import TENSOR_CONTENT_KEY, Method
from wire.rpc.ending import abort, seconds_left
from wire.rpc.threads import Apart, Refuse, Workers

_OK = 200  # statuses are counted as HTTP's, one set for both faces


@dataclass(frozen=True)
class Asked:
    """What a call says beside its message. Belongs to the thread that answers it."""

    trace: Trace
    deadline: Deadline
    digest: str | None
    tensor_content: bool
    header: Callable[[str], str | None]

    def call(self, model: str, wanted: Wanted) -> Call:
        return Call(model, self.trace, self.deadline, wanted, self.digest, self.header)


@dataclass(frozen=True)
class Rpc:
    """One row of the table. `work` is done by turns, within the gateway's admission; the rest always answers.

    `failed` words a refusal as a message of a stream, which goes on; a method that has it is such a stream.
    """

    method: Method
    dialect: str
    answer: Callable[[Any, Asked], Any]
    work: bool = True
    failed: Callable[[Any, Refusal], Any] | None = None


class Calls:
    """Makes the table's rows what grpc serves. Safe to share between threads."""

    def __init__(self, parts: Parts, observer: Observer, patience: Patience) -> None:
        self._parts = parts
        self._observer = observer
        self._patience = patience

    def unary(self, rpc: Rpc) -> tuple[Any, Refuse]:
        """Of a stream, because grpc would wait for a single message for ever."""
        return grpc.stream_unary_rpc_method_handler(partial(self._answer_one, rpc)), self._refuse

    def stream(self, rpc: Rpc, threads: Workers) -> tuple[Any, Refuse]:
        """Of messages both ways, answered in order, on threads of their own: a stream may rest as long as it likes."""
        return grpc.stream_stream_rpc_method_handler(Apart(partial(self._answer_each, rpc), threads)), self._refuse

    def _answer_one(self, rpc: Rpc, messages: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
        with self._patience.waiting(context.cancel):
            body = next(messages, None)
        trace, answer = self._answered(rpc, body, context, _caller(context))
        context.set_trailing_metadata(tuple(_told(trace)))
        if isinstance(answer, Refusal):
            abort(context, status_of(answer), answer.detail)
        return answer

    def _answer_each(self, rpc: Rpc, messages: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
        assert rpc.failed is not None
        caller = _caller(context)
        for body in messages:
            _, answer = self._answered(rpc, body, context, caller)
            yield rpc.failed(body, answer).SerializeToString() if isinstance(answer, Refusal) else answer

    def _answered(
        self, rpc: Rpc, body: bytes | None, context: grpc.ServicerContext, caller: Interrupt
    ) -> tuple[Trace, bytes | Refusal]:
        metadata = {name: value for name, value in context.invocation_metadata() if isinstance(value, str)}
        request_id = sane_request_id(metadata.get("x-request-id"))
        answer: bytes | Refusal
        with self._observer.watched(request_id, rpc.method.path, metadata) as trace:
            try:
                limit_s, left_s = self._parts.settings.deadline_s, seconds_left(context)
                deadline = Deadline.after(limit_s if left_s is None else min(limit_s, left_s), interrupt=caller)
                answer = self._worked(rpc, body, trace, metadata, deadline)
            except Exception as exc:
                answer = refusal(exc, request_id, trace.stages)
                log_failure(answer)
            self._observer.ended(
                trace,
                client=client_of(context.peer()),
                method="gRPC",
                path=rpc.method.path,
                dialect=rpc.dialect,
                status=answer.status if isinstance(answer, Refusal) else _OK,
                bytes_out=0 if isinstance(answer, Refusal) else len(answer),
            )
        return trace, answer

    def _worked(
        self, rpc: Rpc, body: bytes | None, trace: Trace, metadata: Mapping[str, str], deadline: Deadline
    ) -> bytes:
        asked = Asked(
            trace,
            deadline,
            digest=metadata.get("x-model-digest"),
            tensor_content=metadata.get(TENSOR_CONTENT_KEY) == "1",
            header=lambda name: metadata.get(name.lower()),
        )
        trace.bytes_in = len(body or b"")
        with ExitStack() as inside:
            if rpc.work:
                inside.enter_context(self._parts.admission.place())
                with trace.stage("queue"):
                    inside.enter_context(self._parts.admission.work(asked.deadline))
            with trace.stage("decode"):
                request = _parsed(rpc.method, body)
            answer: bytes = rpc.answer(request, asked).SerializeToString()
            return answer

    def _refuse(self, context: grpc.ServicerContext) -> None:
        refused = refusal(BusyError(self._parts.settings.requests), "")
        abort(context, status_of(refused), refused.detail)


def _parsed(method: Method, body: bytes | None) -> Any:
    expected = method.request.DESCRIPTOR.full_name
    if body is None:
        raise MalformedBodyError(f"no message received; expected a {expected}")
    try:
        return method.request.FromString(body)
    except DecodeError as exc:
        raise MalformedBodyError(f"expected a {expected}: {exc}") from exc


def client_of(peer: str) -> str:
    """For the access log: the address without the port, of `ipv4:1.2.3.4:5` or `ipv6:%5B::1%5D:5`."""
    return unquote(peer.partition(":")[2].rpartition(":")[0]).strip("[]")


def _told(trace: Trace) -> list[tuple[str, str]]:
    """The headers of HTTP's answers, as trailing metadata."""
    told = {"x-request-id": trace.request_id, "server-timing": trace.server_timing(), "x-model": trace.model}
    if trace.version:
        told |= {"x-model-version": str(trace.version.number), "x-model-digest": trace.version.manifest.digest}
    return [(name, value) for name, value in told.items() if value]


def _caller(context: grpc.ServicerContext) -> Interrupt:
    """Fires when the caller has left, or has no time any more."""
    caller = Interrupt()
    if not context.add_callback(caller.fire):
        caller.fire()
    return caller
