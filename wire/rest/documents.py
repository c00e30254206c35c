"""The other documents of the REST interface: status, metadata, errors."""

import json
from typing import Any

from google.protobuf.json_format import MessageToDict
from grpc import StatusCode

from wire import messages
from wire.rest.json import quote

_HTTP = {
    StatusCode.INVALID_ARGUMENT: 400,
    StatusCode.FAILED_PRECONDITION: 400,
    StatusCode.OUT_OF_RANGE: 400,
    StatusCode.UNAUTHENTICATED: 401,
    StatusCode.PERMISSION_DENIED: 403,
    StatusCode.NOT_FOUND: 404,
    StatusCode.ALREADY_EXISTS: 409,
    StatusCode.ABORTED: 409,
    StatusCode.RESOURCE_EXHAUSTED: 429,
    StatusCode.CANCELLED: 499,
    StatusCode.UNIMPLEMENTED: 501,
    StatusCode.UNAVAILABLE: 503,
    StatusCode.DEADLINE_EXCEEDED: 504,
}


def http_status(code: StatusCode) -> int:
    return _HTTP.get(code, 500)


def error_text(message: str) -> str:
    return f'{{\n    "error": {quote(message)}\n}}'


def fields(message: Any) -> dict[str, Any]:
    """A message as JSON has it: protobuf's own names, defaults included, 64-bit numbers as strings."""
    return MessageToDict(
        message,
        preserving_proto_field_name=True,
        always_print_fields_with_no_presence=True,
        descriptor_pool=messages.pool(),
    )


def metadata(response: Any) -> dict[str, Any]:
    """A `GetModelMetadataResponse`."""
    document = fields(response)
    del document["metadata"]["signature_def"]["@type"]
    return document


def pretty(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=4, ensure_ascii=False)
