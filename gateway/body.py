"""A request body to its task's typed request. The body is recognised by its content; clients may send no type."""

import re
from collections.abc import Sequence
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from gateway import shown
from gateway.errors import Fault, InvalidRequestError, MalformedBodyError, MediaTypeError, OverLimitError
from gateway.routing.route import DISAGREEMENT
from gateway.tasks.base import TAGS, AnyTask, Request

JSON = "application/json"

_Model = TypeVar("_Model", bound=BaseModel)

# Types that say nothing: what curl and browsers send when nobody chose one.
UNSAID = ("", "application/octet-stream", "application/x-www-form-urlencoded")

# A parser makes an object of each value: a million keys in 16 MB keep it, and everybody else, busy for half a minute.
_MOST_VALUES = 10_000
_MOST_FAULTS = 100
_EXPECTED = "Input should be "  # as Pydantic begins
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)  # to the end if nothing closes it: never read twice


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
    check_media_type(media_type, accepted_types(task))
    if task.media_types and is_bare(body, media_type):
        return task.request.model_validate({"inputs": body})
    return read_json(task.request, body)


def check_media_type(media_type: str, accepted: Sequence[str]) -> None:
    """Raises `MediaTypeError` for one that says something, and nothing that is accepted."""
    if media_type not in UNSAID and media_type not in accepted:
        raise MediaTypeError(media_type, accepted)


def is_bare(body: bytes, media_type: str) -> bool:
    """Whether the body of a request that may be media is those, and not JSON with them inside."""
    return media_type != JSON and not looks_like_json(body)


def looks_like_json(body: bytes) -> bool:
    """No encoded picture begins with a brace."""
    return body[:64].lstrip().startswith(b"{")


def load_json(body: bytes, *, most_values: int = _MOST_VALUES, like: str = '{"inputs": …}') -> Any:
    """The document in a body of which nothing is known yet, but that it should be `like` this.

    Raises:
        OverLimitError: it has more values than that, counted before any is parsed.
        MalformedBodyError: it is not JSON.
    """
    if body.count(b",") >= most_values and _has_more_values(body, most_values):
        raise OverLimitError("values in the JSON", None, most_values)
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as exc:
        raise malformed(body, exc, like) from exc


def malformed(body: bytes, error: orjson.JSONDecodeError, like: str) -> MalformedBodyError:
    """Why a body is not JSON. Of bytes that are not UTF-8 orjson tells neither that nor where."""
    reason = str(error)
    try:
        body.decode()
    except UnicodeDecodeError as exc:
        reason = f"it is not UTF-8 at byte {exc.start}"
    return MalformedBodyError(f"the body is not JSON: {reason}; expected an object like {like}")


def _has_more_values(body: bytes, most: int) -> bool:
    """By the commas outside of texts, as long as there may be few; strings without a comma between are no JSON."""
    commas, at = 0, 0
    for strings, string in enumerate(_STRING.finditer(body), start=1):
        commas += body.count(b",", at, string.start())
        at = string.end()
        if commas >= most or strings > 2 * most:
            return True
    return commas + body.count(b",", at) >= most


def read_json(schema: type[_Model], body: bytes) -> _Model:
    """The document in a body.

    Raises:
        OverLimitError, MalformedBodyError: see `load_json`.
        InvalidRequestError: it is not such a document; each fault is named.
    """
    document = load_json(body, like=_like(schema))
    try:
        return schema.model_validate(document)
    except ValidationError as exc:
        raise invalid(exc) from exc


def _like(schema: type[BaseModel]) -> str:
    return '{"inputs": …}' if issubclass(schema, Request) else f"{schema.__name__} in /openapi.json"


def invalid(error: ValidationError) -> InvalidRequestError:
    """What is wrong, in our words. Of very many faults the first are looked at."""
    count = error.error_count()
    details = error.errors(include_url=False, include_context=count <= _MOST_FAULTS)[:_MOST_FAULTS]
    return InvalidRequestError([fault for one in details for fault in _told(one)], count - len(details))


def _told(error: ErrorDetails) -> list[Fault]:
    if error["type"] == DISAGREEMENT and "ctx" in error:
        found: list[Fault] = error["ctx"]["faults"]
        return found
    return [_fault(error)]


def _fault(error: ErrorDetails) -> Fault:
    """Pydantic's words, and behind them what was received; others for what only a programmer understands."""
    location = [part for part in error["loc"] if part not in TAGS]
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).removeprefix(".")
    match error["type"]:
        case "string_type" | "bytes_type" as kind if error["loc"][-1:] == TAGS[:1]:
            what = "text" if kind == "string_type" else "base64 text"
            message = f"expected a {what}, or a list of them, received {shown.value(error['input'])}"
        case "bytes_type":
            message = f"expected base64 text, received {shown.value(error['input'])}"
        case "extra_forbidden":
            message = "is not known here"
        case "model_type":
            message = f"expected an object, received {shown.value(error['input'])}"
        case _ if error["msg"].startswith(_EXPECTED):
            message = f"expected {error['msg'].removeprefix(_EXPECTED)}, received {shown.value(error['input'])}"
        case _:
            message = error["msg"].removeprefix("Value error, ")
    return Fault(path or "body", message)
