"""A request body to its task's typed request. The body is recognised by its content; clients may send no type."""

import orjson
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from gateway.errors import Fault, InvalidRequestError, MalformedBodyError, MediaTypeError
from gateway.tasks.base import TAGS, AnyTask, Request

JSON = "application/json"

# Types that say nothing: what curl and browsers send when nobody chose one.
_UNSAID = ("", "application/octet-stream", "application/x-www-form-urlencoded")


def accepted_types(task: type[AnyTask] | AnyTask) -> tuple[str, ...]:
    return (JSON, *task.media_types)


def read_request(task: AnyTask, body: bytes, media_type: str) -> Request:
    """The request in `body`: JSON, or for tasks that take media also the bare bytes.

    Args:
        media_type: lower case, without parameters; "" if there was none.

    Raises:
        MediaTypeError: the type is neither unsaid nor one the task takes.
        MalformedBodyError: not JSON where it must be.
        InvalidRequestError: JSON that is not a request of the task.
    """
    if media_type not in _UNSAID and media_type not in accepted_types(task):
        raise MediaTypeError(media_type, accepted_types(task))
    if task.media_types and media_type != JSON and not _looks_like_json(body):
        return task.request.model_validate({"inputs": body})
    return _from_json(task.request, body)


def _looks_like_json(body: bytes) -> bool:
    """No encoded picture begins with a brace."""
    return body[:64].lstrip().startswith(b"{")


def _from_json(request: type[Request], body: bytes) -> Request:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as exc:
        raise MalformedBodyError(f'the body is not JSON: {exc}; expected an object like {{"inputs": …}}') from exc
    try:
        return request.model_validate(document)
    except ValidationError as exc:
        raise InvalidRequestError([_fault(error) for error in exc.errors()]) from exc


def _fault(error: ErrorDetails) -> Fault:
    """Pydantic's words, but for those that only a programmer understands."""
    location = [part for part in error["loc"] if part not in TAGS]
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).removeprefix(".")
    match error["type"]:
        case "extra_forbidden":
            message = "is not known here"
        case "model_type":
            message = f"expected an object, received {type(error['input']).__name__}"
        case _:
            message = error["msg"].removeprefix("Value error, ")
    return Fault(path or "body", message)
