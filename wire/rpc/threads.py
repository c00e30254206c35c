"""The threads that gRPC's calls run on, and how a call is refused that would only wait for one.

A call has a thread from its first bytes, whether its message ever comes or not.
"""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import grpc

Refuse = Callable[[grpc.ServicerContext], None]
"""Aborts the call."""


class Workers(ThreadPoolExecutor):
    """A pool that knows whether it has a thread left."""

    def __init__(self, threads: int) -> None:
        super().__init__(threads, thread_name_prefix="grpc")
        self._limit = threads
        self._begun = 0
        self._lock = threading.Lock()

    @property
    def full(self) -> bool:
        """What is submitted now would wait."""
        return self._begun >= self._limit

    def submit(self, fn: Callable[..., Any], /, *arguments: Any, **keywords: Any) -> Future[Any]:
        with self._lock:
            self._begun += 1
        future = super().submit(fn, *arguments, **keywords)
        future.add_done_callback(self._ended)
        return future

    def _ended(self, _future: Future[Any]) -> None:
        with self._lock:
            self._begun -= 1


class Apart:
    """A behaviour that grpc runs on `threads` instead of the server's; the attributes' names are grpc's."""

    def __init__(
        self, behaviour: Callable[..., Any], threads: ThreadPoolExecutor, *, non_blocking: bool = False
    ) -> None:
        self._behaviour = behaviour
        self.experimental_thread_pool = threads
        self.experimental_non_blocking = non_blocking

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        return self._behaviour(*arguments, **keywords)


class Gate(grpc.GenericRpcHandler):
    """Methods that are refused at once while `workers` are full: silent calls must not keep the others waiting."""

    def __init__(
        self, methods: "Mapping[str, tuple[grpc.RpcMethodHandler[bytes, bytes], Refuse]]", workers: Workers
    ) -> None:
        """`methods` by path."""
        threads = ThreadPoolExecutor(1, thread_name_prefix="grpc-refused")
        self._workers = workers
        self._served = {path: handler for path, (handler, _) in methods.items()}
        self._refused = {path: _refusal(refuse, threads) for path, (_, refuse) in methods.items()}

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[bytes, bytes] | None":
        """Asked by grpc from one thread, before it submits the call."""
        table = self._refused if self._workers.full else self._served
        return table.get(handler_call_details.method)


def _refusal(refuse: Refuse, threads: ThreadPoolExecutor) -> "grpc.RpcMethodHandler[bytes, bytes]":
    """Of streams, because grpc calls those without waiting for a message."""
    behaviour: Any = Apart(lambda _messages, context: refuse(context), threads)
    return grpc.stream_unary_rpc_method_handler(behaviour)
