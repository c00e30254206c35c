"""The body of a refusal in RFC 9457's words (problem details), with what Hugging Face's clients read."""

from dataclasses import asdict
from http import HTTPStatus
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

from gateway import errors
from gateway.refusals import Refusal

MEDIA_TYPE = "application/problem+json"


class FieldFault(BaseModel):
    """What is wrong with one field."""

    field: str
    message: str


_TOLD = "expected greater than or equal to 1, received 0"


class Problem(BaseModel):
    """RFC 9457 problem details, with `error` and `error_type` for Hugging Face's clients."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:kmaas:problem:invalid-request",
                    "title": "Unprocessable Entity",
                    "status": 422,
                    "detail": f"parameters.top_k: {_TOLD}",
                    "instance": "urn:kmaas:request:4f0c2f3b9d6e4a7f8f6f0b1c2d3e4f50",
                    "error": f"parameters.top_k: {_TOLD}",
                    "error_type": "validation",
                    "errors": [{"field": "parameters.top_k", "message": _TOLD}],
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
    facts: dict[str, int | float] | None = (
        None  # 422 of a face: the picture's position, what was measured, what is needed
    )
    accepted: list[str] | None = None  # 415: media types, or encodings
    reasons: dict[str, str] | None = None  # 503 of /readyz: why, by model
    estimated_time: float | None = None  # 503: seconds

    @classmethod
    def of(cls, refusal: Refusal) -> Self:
        return cls(
            type=f"urn:kmaas:problem:{refusal.slug}",
            title=HTTPStatus(refusal.status).phrase,
            status=refusal.status,
            detail=refusal.detail,
            instance=f"urn:kmaas:request:{refusal.request_id}",
            error=refusal.detail,
            error_type=refusal.error_type,
            errors=[FieldFault(**asdict(fault)) for fault in refusal.faults] or None,
            **_members(refusal.error),
        )


def _members(error: Exception) -> dict[str, Any]:
    """What the body of some errors has besides."""
    match error:
        case errors.MediaTypeError() | errors.EncodedBodyError():
            return {"accepted": list(error.accepted)}
        case errors.FaceError():
            return {"facts": error.facts}
        case errors.NotReadyError():
            return {"reasons": error.reasons, "estimated_time": error.retry_after_s}
        case errors.UnavailableError():
            return {"estimated_time": error.retry_after_s}
        case _:
            return {}
