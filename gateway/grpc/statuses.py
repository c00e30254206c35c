"""Refusals to gRPC's status codes."""

from grpc import StatusCode

from gateway.errors import RejectedError
from gateway.refusals import Refusal

_BY_STATUS = {
    400: StatusCode.INVALID_ARGUMENT,
    403: StatusCode.PERMISSION_DENIED,
    404: StatusCode.NOT_FOUND,
    412: StatusCode.FAILED_PRECONDITION,
    413: StatusCode.RESOURCE_EXHAUSTED,  # as gRPC itself has it for messages that are too large
    415: StatusCode.INVALID_ARGUMENT,
    422: StatusCode.INVALID_ARGUMENT,
    429: StatusCode.RESOURCE_EXHAUSTED,
    499: StatusCode.CANCELLED,
    501: StatusCode.UNIMPLEMENTED,
    503: StatusCode.UNAVAILABLE,
    504: StatusCode.DEADLINE_EXCEEDED,
}


def status_of(refusal: Refusal) -> StatusCode:
    """What a model server rejects keeps its own code."""
    if isinstance(refusal.error, RejectedError):
        return refusal.error.code
    return _BY_STATUS.get(refusal.status, StatusCode.INTERNAL)
