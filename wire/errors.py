"""Errors of the wire.

WireError
├── TensorError             bytes that are not the tensor they claim to be, or an array that has no wire form
├── RecordError             a file that is not the TFRecord file it should be
├── RestError               a REST body that asks for nothing there is, or an answer without a JSON form
│   └── InflationError      a gzip body that holds more than is accepted
└── ModelServerError        an RPC that failed; `code` is its gRPC status
    ├── UnreachableError    nobody answers (UNAVAILABLE)
    ├── QueueFullError      the server is there, its batching queue is full (UNAVAILABLE as well)
    ├── StillOpeningError   the server is there, what answers the signature is being opened (UNAVAILABLE as well)
    ├── TimedOutError       the deadline passed (DEADLINE_EXCEEDED)
    ├── NotServedError      the model or version is not loaded (NOT_FOUND)
    └── InterruptedCallError    this side ended the call (CANCELLED)
"""

from pathlib import Path
from typing import ClassVar

import grpc

BEING_OPENED = "The version's SavedModel is being opened"
"""So our model server's answer begins where only the twin of a version is open yet."""


class WireError(Exception):
    """Base of every error raised by `wire`."""


class TensorError(WireError):
    pass


class RecordError(WireError):
    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} is not a whole TFRecord file: {reason}")


class RestError(WireError):
    """`code` and message are TensorFlow Serving's."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(f"{code.name}: {message}")
        self.code = code
        self.message = message


class InflationError(RestError):
    def __init__(self, limit: int) -> None:
        super().__init__(
            grpc.StatusCode.INVALID_ARGUMENT,
            f"the body inflates to more than {limit} bytes, which is the most accepted",
        )


class ModelServerError(WireError):
    """An RPC to a model server failed."""

    kinds: ClassVar[dict[grpc.StatusCode, type["ModelServerError"]]] = {}
    there: ClassVar[dict[str, type["ModelServerError"]]] = {}  # by how the words of one begin that is UNAVAILABLE

    def __init__(self, code: grpc.StatusCode, details: str) -> None:
        super().__init__(f"{code.name}: {details}")
        self.code = code
        self.details = details

    @staticmethod
    def of(error: grpc.RpcError) -> "ModelServerError":
        return ModelServerError.named(error.code(), error.details() or "")

    @staticmethod
    def named(code: grpc.StatusCode, details: str) -> "ModelServerError":
        """Of the kind that the status, and a server's words, stand for."""
        kind = ModelServerError.kinds.get(code, ModelServerError)
        if kind is UnreachableError:
            kind = next((of for words, of in ModelServerError.there.items() if details.startswith(words)), kind)
        return kind(code, details)


class UnreachableError(ModelServerError):
    pass


class QueueFullError(ModelServerError):
    pass


class StillOpeningError(ModelServerError):
    pass


class TimedOutError(ModelServerError):
    pass


class NotServedError(ModelServerError):
    pass


class InterruptedCallError(ModelServerError):
    pass


ModelServerError.kinds.update(
    {
        grpc.StatusCode.UNAVAILABLE: UnreachableError,
        grpc.StatusCode.DEADLINE_EXCEEDED: TimedOutError,
        grpc.StatusCode.NOT_FOUND: NotServedError,
    }
)
ModelServerError.there.update(
    {
        "The batch scheduling queue to which this task was submitted is full": QueueFullError,  # TF Serving's words
        BEING_OPENED: StillOpeningError,
    }
)
