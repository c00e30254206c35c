"""Calls over gRPC to a model server."""

from typing import Any

import grpc
from grpc.experimental import ChannelOptions

from wire.errors import ModelServerError, UnreachableError
from wire.interrupt import Interrupt
from wire.methods import (
    CLASSIFY,
    GET_MODEL_METADATA,
    GET_MODEL_STATUS,
    LIST_MODELS,
    MULTI_INFERENCE,
    PREDICT,
    REGRESS,
    Method,
)
from wire.tracing import Metadata

_UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
# Reconnect within a second: a restarted model server must not wait for gRPC's default backoff of up to two minutes.
_RECONNECT = [("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 1000)]

# A stream's events are taken by the thread that reads it, not handed over by another one.
_BY_ITS_CALLER = (ChannelOptions.SingleThreadedUnaryStream, 1)

_METHODS = (PREDICT, CLASSIFY, REGRESS, MULTI_INFERENCE, GET_MODEL_METADATA, GET_MODEL_STATUS, LIST_MODELS)


class GrpcChannel:
    """Safe to share between threads."""

    def __init__(self, target: str) -> None:
        self._channel = grpc.insecure_channel(target, options=[*_UNLIMITED, *_RECONNECT, _BY_ITS_CALLER])
        self._calls = {
            method: self._channel.unary_unary(
                method.path,
                request_serializer=method.request.SerializeToString,
                response_deserializer=method.response.FromString,
            )
            for method in _METHODS
        }
        # The same calls as streams of one message: a tenth slower, and they can be ended; a future is twice as slow.
        self._streams = {
            method: self._channel.unary_stream(
                method.path,
                request_serializer=method.request.SerializeToString,
                response_deserializer=method.response.FromString,
            )
            for method in _METHODS
        }
        self._closed = False

    def ask(
        self, method: Method, request: Any, *, timeout_s: float, metadata: Metadata, interrupt: Interrupt | None
    ) -> Any:
        """The response message. Raises `ModelServerError`."""
        try:
            if interrupt is None:
                return self._calls[method](request, timeout=timeout_s, metadata=metadata)
            stream = self._streams[method](request, timeout=timeout_s, metadata=metadata)
            with interrupt.ending(stream.cancel):
                received = list(stream)
        except (grpc.RpcError, ValueError) as exc:  # the latter of a closed channel
            if self._closed:
                raise UnreachableError(grpc.StatusCode.UNAVAILABLE, "the channel was closed") from exc
            if isinstance(exc, grpc.RpcError):
                raise ModelServerError.of(exc) from exc
            raise
        if len(received) != 1:
            raise ModelServerError(grpc.StatusCode.INTERNAL, f"{len(received)} messages, expected one")
        return received[0]

    def close(self) -> None:
        """Ends all calls."""
        self._closed = True
        self._channel.close()
