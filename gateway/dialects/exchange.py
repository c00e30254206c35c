"""What every dialect does with Flask: the body within its limit, JSON out, the trace of the request."""

from typing import Any

import orjson
from flask import Response, g, request

from gateway.errors import OverLimitError
from gateway.trace import Trace


def trace() -> Trace:
    """The trace of the request being answered, begun by `gateway.app`."""
    found: Trace = g.trace
    return found


def body(limit_bytes: int) -> bytes:
    """The request's body. One that announces too much is refused unread; one that does not is read up to the limit.

    Raises:
        OverLimitError: more bytes than `limit_bytes`.
    """
    announced = request.content_length
    if announced is not None and announced > limit_bytes:
        raise OverLimitError("bytes of body", announced, limit_bytes)
    request.max_content_length = limit_bytes + 1  # werkzeug cuts there without a word
    received = request.get_data(cache=False)
    if len(received) > limit_bytes:
        raise OverLimitError("bytes of body", None, limit_bytes)
    return received


def json(document: Any, *, status: int = 200, media_type: str = "application/json") -> Response:
    """Numbers that JSON does not have (NaN, infinities) go as null."""
    return Response(orjson.dumps(document), status=status, content_type=media_type)
