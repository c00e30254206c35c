"""Base64 objects, `{"b64": "…"}`: how JSON carries bytes."""

import base64
import binascii
from typing import Any

from grpc import StatusCode

from wire.errors import RestError

B64 = "b64"


def is_b64(value: Any) -> bool:
    """Whether this is a base64 object; a broken one is, too."""
    return isinstance(value, dict) and value.keys() == {B64} and isinstance(value[B64], str)


def b64_bytes(value: Any) -> bytes:
    """The bytes of a base64 object. Padding may be missing, and white space is skipped, as in TensorFlow Serving.

    Raises:
        RestError: INVALID_ARGUMENT, it is not base64.
    """
    text = "".join(value[B64].split())
    if "=" not in text:
        text += "=" * (-len(text) % 4)
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise RestError(StatusCode.INVALID_ARGUMENT, "Unable to base64 decode") from None


def b64_text(item: bytes) -> str:
    """A base64 object as JSON."""
    return f'{{"{B64}": "{base64.b64encode(item).decode()}"}}'
