"""The parameters of a request, of its inputs and of its outputs: those that are known, and those that are refused."""

from collections.abc import Container, Mapping

from gateway.errors import InvalidTensorsError

SIGNATURE = "signature"

_DIGITS = 19  # of the largest number of a version, 2**63 - 1

# What would change the answer and is not offered here. Other parameters that are not known are not looked at.
_REFUSED = (
    "sequence_id",
    "sequence_start",
    "sequence_end",
    "shared_memory_region",
    "shared_memory_byte_size",
    "shared_memory_offset",
    "classification",
)


def check_parameters(parameters: Container[str]) -> None:
    """Raises `InvalidTensorsError` for one that is not offered."""
    for name in _REFUSED:
        if name in parameters:
            raise InvalidTensorsError(f"the parameter {name!r} is not offered here; send the request without it")


def wanted_signature(parameters: Mapping[str, object]) -> str | None:
    """The one that the request names. Raises `InvalidTensorsError` for a name that is no text."""
    signature = parameters.get(SIGNATURE)
    if signature is not None and not isinstance(signature, str):
        raise InvalidTensorsError(f"the parameter {SIGNATURE!r} is no text; expected the name of a signature")
    return signature


def flag(parameters: Mapping[str, object], name: str, *, default: bool) -> bool:
    """Raises `InvalidTensorsError` for something else than true and false."""
    value = parameters.get(name, default)
    if not isinstance(value, bool):
        raise InvalidTensorsError(f"the parameter {name!r} is neither true nor false")
    return value


def version_of(text: str) -> int | str | None:
    """What a version means in a path or a message: a number, else a label; nothing: the gateway's choice."""
    if text.isascii() and text.isdigit() and len(text) < _DIGITS:
        return int(text)
    return text or None
