"""Errors to answers: one table of status codes, one body (RFC 9457 problem details, and what Hugging Face reads)."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, ConfigDict

from gateway import errors
from processing.errors import TooLargeError, UnreadableInputError, UnusableInputError

MEDIA_TYPE = "application/problem+json"


class FieldFault(BaseModel):
    """What is wrong with one field."""

    field: str
    message: str


class Problem(BaseModel):
    """RFC 9457 problem details, with `error` and `error_type` for Hugging Face's clients."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:kmaas:problem:invalid-request",
                    "title": "Unprocessable Entity",
                    "status": 422,
                    "detail": "parameters.top_k: Input should be greater than or equal to 1",
                    "instance": "urn:kmaas:request:4f0c2f3b9d6e4a7f8f6f0b1c2d3e4f50",
                    "error": "parameters.top_k: Input should be greater than or equal to 1",
                    "error_type": "validation",
                    "errors": [{"field": "parameters.top_k", "message": "Input should be greater than or equal to 1"}],
                }
            ]
        }
    )

    type: str
    title: str
    status: int
    detail: str
    instance: str
    error: str
    error_type: str
    errors: list[FieldFault] | None = None  # 422: each wrong field
    accepted: list[str] | None = None  # 415: media types
    reasons: dict[str, str] | None = None  # 503 of /readyz: why, by model
    estimated_time: float | None = None  # 503: seconds


@dataclass(frozen=True)
class _Kind:
    status: int
    slug: str
    error_type: str  # the names Hugging Face's clients know where they have one


_INTERNAL = _Kind(500, "internal", "generation")

_TABLE: dict[type[Exception], _Kind] = {
    UnreadableInputError: _Kind(400, "unreadable-input", "validation"),
    errors.MalformedBodyError: _Kind(400, "malformed-body", "validation"),
    errors.UnknownModelError: _Kind(404, "unknown-model", "not_found"),
    errors.NoCardError: _Kind(404, "no-card", "not_found"),
    errors.UnknownRouteError: _Kind(404, "unknown-route", "not_found"),
    errors.MethodError: _Kind(405, "method", "not_found"),
    errors.DigestError: _Kind(412, "digest", "validation"),
    TooLargeError: _Kind(413, "over-limit", "validation"),
    errors.OverLimitError: _Kind(413, "over-limit", "validation"),
    errors.MediaTypeError: _Kind(415, "media-type", "validation"),
    UnusableInputError: _Kind(422, "invalid-request", "validation"),
    errors.InvalidRequestError: _Kind(422, "invalid-request", "validation"),
    errors.UnexplainedError: _Kind(501, "unexplained", "validation"),
    errors.BrokenAnswerError: _Kind(502, "broken-answer", "generation"),
    errors.BusyError: _Kind(503, "busy", "overloaded"),
    errors.ModelServerDownError: _Kind(503, "model-server-down", "overloaded"),
    errors.ModelServerBusyError: _Kind(503, "model-server-busy", "overloaded"),
    errors.ModelNotReadyError: _Kind(503, "model-not-ready", "overloaded"),
    errors.NotReadyError: _Kind(503, "not-ready", "overloaded"),
    errors.DeadlineError: _Kind(504, "deadline", "timeout"),
}


@dataclass(frozen=True)
class Refusal:
    """The answer to an error: its body, whose status is the answer's, and its headers."""

    problem: Problem
    headers: Mapping[str, str]

    @property
    def internal(self) -> bool:
        """True if the error is none we know: the log must tell what the body does not."""
        return self.problem.status == _INTERNAL.status


def refusal(error: Exception, request_id: str) -> Refusal:
    """The answer to an error. Of an unknown one nothing is told but the request's id."""
    kind = next((_TABLE[cls] for cls in type(error).__mro__ if cls in _TABLE), _INTERNAL)
    unknown = f"something went wrong inside; the gateway's log tells more under the id {request_id}"
    detail = unknown if kind is _INTERNAL else str(error)
    problem = Problem(
        type=f"urn:kmaas:problem:{kind.slug}",
        title=HTTPStatus(kind.status).phrase,
        status=kind.status,
        detail=detail,
        instance=f"urn:kmaas:request:{request_id}",
        error=detail,
        error_type=kind.error_type,
        **_members(error),
    )
    return Refusal(problem, _headers(error))


def _members(error: Exception) -> dict[str, Any]:
    """What the body of some errors has besides."""
    match error:
        case errors.InvalidRequestError():
            return {"errors": [FieldFault(**asdict(fault)) for fault in error.faults]}
        case UnusableInputError():
            return {"errors": [FieldFault(field="inputs", message=str(error))]}
        case errors.MediaTypeError():
            return {"accepted": list(error.accepted)}
        case errors.NotReadyError():
            return {"reasons": error.reasons, "estimated_time": error.retry_after_s}
        case errors.UnavailableError():
            return {"estimated_time": error.retry_after_s}
        case _:
            return {}


def _headers(error: Exception) -> dict[str, str]:
    match error:
        case errors.UnavailableError():
            return {"Retry-After": str(error.retry_after_s)}
        case errors.MethodError():
            return {"Allow": ", ".join(error.allowed)}
        case _:
            return {}
