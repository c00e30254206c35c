"""How a call ends: in time, and with a status whose text fits."""

import math
from typing import NoReturn

import grpc

_DETAILS_LIMIT = 1024  # bytes; gRPC's own limit on headers is not far above
_NO_DEADLINE_S = 1e6  # gRPC reports "none" as a number beyond this


def seconds_left(context: grpc.ServicerContext) -> float | None:
    """Until the client's deadline, None if it has none."""
    left = context.time_remaining()
    return None if left is None or not math.isfinite(left) or left > _NO_DEADLINE_S else left


def abort(context: grpc.ServicerContext, code: grpc.StatusCode, message: str) -> NoReturn:
    """Ends the call with a status. Long texts are cut, as TensorFlow Serving does it."""
    details = message.encode(errors="replace")
    if len(details) > _DETAILS_LIMIT:
        message = details[:_DETAILS_LIMIT].decode(errors="ignore") + "...TRUNCATED"
    context.abort(code, message)
