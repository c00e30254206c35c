"""How a call ends: in time, and with a status whose text fits."""

import math
from collections.abc import Sequence
from typing import NoReturn, Protocol

import grpc

_DETAILS_LIMIT = 1024  # bytes; gRPC's own limit on headers is not far above
_NO_DEADLINE_S = 1e6  # gRPC reports "none" as a number beyond this


class CallContext(Protocol):
    """Of gRPC's context of a call, what is needed to answer it."""

    def time_remaining(self) -> float | None: ...

    def invocation_metadata(self) -> Sequence[tuple[str, str | bytes]]: ...

    def abort(self, code: grpc.StatusCode, details: str) -> NoReturn: ...


def seconds_left(context: CallContext) -> float | None:
    """Until the client's deadline, None if it has none."""
    left = context.time_remaining()
    return None if left is None or not math.isfinite(left) or left > _NO_DEADLINE_S else left


def abort(context: CallContext, code: grpc.StatusCode, message: str) -> NoReturn:
    """Ends the call with a status. Long texts are cut, as TensorFlow Serving does it."""
    details = message.encode(errors="replace")
    if len(details) > _DETAILS_LIMIT:
        message = details[:_DETAILS_LIMIT].decode(errors="ignore") + "...TRUNCATED"
    context.abort(code, message)
