"""Calls of a gateway's gRPC, and what they end with."""

from collections.abc import Callable
from typing import Any

import grpc

from wire.methods import Method

OK = grpc.StatusCode.OK


def failure(call: Callable[[], object]) -> tuple[grpc.StatusCode, str]:
    """The status and the text of a call that must fail."""
    try:
        answer = call()
    except grpc.RpcError as exc:
        return exc.code(), exc.details() or ""
    raise AssertionError(f"answered: {answer}")


def ask(channel: grpc.Channel, method: Method, request: Any, **options: Any) -> Any:
    """The response; `metadata` and `timeout` as grpc has them."""
    call = channel.unary_unary(method.path, method.request.SerializeToString, method.response.FromString)
    return call(request, **{"timeout": 60, **options})


def ask_bytes(channel: grpc.Channel, path: str, body: bytes) -> tuple[grpc.StatusCode, str]:
    """The status of a call of any bytes, and its text."""
    call: Any = channel.unary_unary(path)  # bytes in, bytes out; the type stubs know it with serializers only
    try:
        call(body, timeout=60)
    except grpc.RpcError as exc:
        return exc.code(), exc.details() or ""
    return OK, ""
