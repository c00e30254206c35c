"""Weights in the safetensors format, from the bytes of a file."""

from typing import Any

from numpy.typing import NDArray

from training.errors import DataError


def read_safetensors(content: bytes) -> dict[str, NDArray[Any]]:
    """Every tensor by its name.

    Raises:
        DataError: not of this format, cut short, or with numbers of a type that NumPy does not have.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        found: dict[str, NDArray[Any]] = load(content)
    except (SafetensorError, KeyError, ValueError) as exc:
        raise DataError(f"not a whole safetensors file: {exc}") from exc
    return found
