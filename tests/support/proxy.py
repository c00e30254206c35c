"""A gRPC proxy in front of real model servers: it cannot list models, as a stock TensorFlow Serving cannot."""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self

import grpc

from wire.messages import GetModelStatusResponse
from wire.methods import GET_MODEL_METADATA, GET_MODEL_STATUS, PREDICT, Method


class Proxy:
    """Serves the versions of all its `targets` together, like a TensorFlow Serving told to keep several.

    `distort` changes every answer of Predict on its way. `seconds_left` are those of the last Predict when it came in;
    it goes on its way once `open` is set, `slow_s` seconds later, or at once if it is not one of those that are `held`.
    `asked` counts them, `cancelled` those that the caller ended; a `refusal` and its `words` are what they are answered
    with instead.
    """

    def __init__(self, *targets: str) -> None:
        self.targets = list(targets)
        self.distort: Callable[[Any], Any] = lambda response: response
        self.seconds_left: float | None = None
        self.held: Callable[[Any], bool] = lambda request: True
        self.open = threading.Event()
        self.open.set()
        self.slow_s = 0.0
        self.refusal: grpc.StatusCode | None = None
        self.words = "no"
        self.asked = 0
        self.cancelled = 0
        self._counting = threading.Lock()
        self._server = grpc.server(ThreadPoolExecutor(32))
        for method, answer in (
            (PREDICT, self._predict),
            (GET_MODEL_STATUS, self._status),
            (GET_MODEL_METADATA, self._metadata),
        ):
            handler = grpc.unary_unary_rpc_method_handler(
                answer, method.request.FromString, method.response.SerializeToString
            )
            self._server.add_generic_rpc_handlers(
                [grpc.method_handlers_generic_handler(method.service, {method.name: handler})]
            )
        self.target = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop(None).wait()

    def _predict(self, request: Any, context: grpc.ServicerContext) -> Any:
        """The first target's answer that has the version."""
        self.seconds_left = context.time_remaining()
        over = threading.Event()
        context.add_callback(over.set)
        with self._counting:
            self.asked += 1
        if self.held(request):
            self.open.wait(30)
        over.wait(self.slow_s)
        if not context.is_active():
            with self._counting:
                self.cancelled += 1
        if self.refusal:
            context.abort(self.refusal, self.words)
        for response in self._asked(PREDICT, request, context):
            return self.distort(response)
        return context.abort(grpc.StatusCode.NOT_FOUND, "no target has it")

    def _metadata(self, request: Any, context: grpc.ServicerContext) -> Any:
        for response in self._asked(GET_MODEL_METADATA, request, context):
            return response
        return context.abort(grpc.StatusCode.NOT_FOUND, "no target has it")

    def _status(self, request: Any, context: grpc.ServicerContext) -> Any:
        merged = GetModelStatusResponse()
        for response in self._asked(GET_MODEL_STATUS, request, context):
            merged.model_version_status.extend(response.model_version_status)
        return merged if merged.model_version_status else context.abort(grpc.StatusCode.NOT_FOUND, "no such model")

    def _asked(self, method: Method, request: Any, context: grpc.ServicerContext) -> Iterable[Any]:
        """The answers of all targets but those that have not what was asked for."""
        for target in self.targets:
            with grpc.insecure_channel(target) as channel:
                call = channel.unary_unary(method.path, method.request.SerializeToString, method.response.FromString)
                try:
                    yield call(request, timeout=30)
                except grpc.RpcError as exc:
                    if exc.code() is not grpc.StatusCode.NOT_FOUND:
                        context.abort(exc.code(), exc.details() or "")
