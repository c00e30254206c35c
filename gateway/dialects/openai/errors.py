"""OpenAI's error object, and the event that ends a stream with it."""

from http import HTTPStatus
from typing import Any

from flask import Response, request
from pydantic import BaseModel, ConfigDict

from gateway import sse
from gateway.dialects import exchange
from gateway.refusals import Refusal

_CODES = {"unknown-model": "model_not_found", "context-length": "context_length_exceeded"}
_INPUTS = {
    "embeddings": "input",
    "transcriptions": "file",
    "translations": "file",
    "chat/completions": "messages",
    "completions": "prompt",
}


class ErrorObject(BaseModel):
    """What was wrong, with which field of the request, if with one."""

    message: str
    type: str
    param: str | None
    code: str | None


class OpenAIError(BaseModel):
    """OpenAI's error object."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "error": {
                        "message": "tools: is not supported here; ask without it",
                        "type": "invalid_request_error",
                        "param": "tools",
                        "code": "unsupported_parameter",
                    }
                }
            ]
        }
    )

    error: ErrorObject


def refuse(refused: Refusal) -> Response:
    return exchange.json(_document(refused, request.path), status=_status(refused.status))


def failing(path: str) -> Any:
    """What makes the last event of a stream of a refusal; `path` is the request's."""
    return lambda refused: sse.event(_document(refused, path))


def _status(status: int) -> int:
    """A wrong value is 400 here: what these clients expect of it."""
    return HTTPStatus.BAD_REQUEST if status == HTTPStatus.UNPROCESSABLE_ENTITY else status


def _document(refused: Refusal, path: str) -> dict[str, Any]:
    code = _CODES.get(refused.slug, refused.slug.replace("-", "_"))
    param = refused.faults[0].field if refused.faults else _PARAMS.get(refused.slug)
    if param == "inputs":  # the task's own name of what a request is about
        param = next((name for end, name in _INPUTS.items() if path.endswith(end)), param)
    error = ErrorObject(message=refused.detail, type=_type(refused.status), param=param, code=code)
    return OpenAIError(error=error).model_dump()


_PARAMS = {
    "unknown-model": "model",
    "wrong-task": "model",
    "context-length": "inputs",
    "unreadable-input": "inputs",
}


def _type(status: int) -> str:
    match status:
        case 401:
            return "authentication_error"
        case 403:
            return "permission_error"
        case 429:
            return "rate_limit_error"
        case _:
            return "invalid_request_error" if status < 500 else "server_error"
