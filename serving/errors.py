"""Errors of the model server.

ServingError
├── BindError       an address the server cannot listen on
├── LoadError       a version that does not load; `code` and message are what its status shows
└── RequestError    a request that is not answered; `code` and message as TensorFlow Serving words them
"""

from enum import IntEnum


class Code(IntEnum):
    """google.rpc's status codes, shared by gRPC, TensorFlow and the version status."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


class ServingError(Exception):
    """Base of every error raised by `serving`."""


class BindError(ServingError):
    def __init__(self, protocol: str, host: str, port: int, reason: str) -> None:
        super().__init__(
            f"cannot listen on {host} port {port} for {protocol}: {reason}; "
            "stop what listens there, or choose another host or port"
        )


class LoadError(ServingError):
    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class RequestError(ServingError):
    def __init__(self, code: Code, message: str) -> None:
        super().__init__(f"{code.name}: {message}")
        self.code = code
        self.message = message
