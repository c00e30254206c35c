"""Errors of the model server.

ServingError
├── BindError               an address the server cannot listen on
├── ChannelArgumentError    an argument for gRPC that is no `k=v`
├── ConfigFileError         a file that a setting names, and that is not what it should be
├── ProofError              a version that answers a recorded request otherwise than recorded
├── TwinError               a twin that is not to be trusted: the SavedModel runs instead
├── LoadError               a version that does not load; `code` and message are what its status shows
├── StartError              a server that cannot start; the text is what TensorFlow Serving prints after "Error: "
└── RequestError            a request that is not answered; `code` and message as TensorFlow Serving words them
    └── ModelConfigError  a configuration of models that is refused (INVALID_ARGUMENT)
"""

from enum import IntEnum
from pathlib import Path


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
    def __init__(self, protocol: str, where: str, reason: str) -> None:
        super().__init__(
            f"cannot listen on {where} for {protocol}: {reason}; stop what listens there, or choose another place"
        )


class ChannelArgumentError(ServingError):
    def __init__(self, argument: str) -> None:
        super().__init__(f"grpc_channel_arguments: expected k=v,k=v, received {argument!r}")


class ConfigFileError(ServingError):
    def __init__(self, path: Path, expected: str, reason: str) -> None:
        super().__init__(f"Invalid protobuf file: '{path}': expected a text {expected}: {reason}")


class ProofError(ServingError):
    pass


class TwinError(ServingError):
    pass


class LoadError(ServingError):
    """`final`: another try would end like this one, as long as the files are what they are."""

    def __init__(self, code: Code, message: str, *, final: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.final = final


class RequestError(ServingError):
    def __init__(self, code: Code, message: str) -> None:
        super().__init__(f"{code.name}: {message}")
        self.code = code
        self.message = message


class ModelConfigError(RequestError):
    def __init__(self, message: str) -> None:
        super().__init__(Code.INVALID_ARGUMENT, message)


class StartError(ServingError):
    pass
