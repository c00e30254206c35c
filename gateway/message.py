"""A caller's own message to the model server, forwarded as it is but for whom it asks."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from wire.methods import Method


@dataclass(frozen=True)
class Message:
    """Belongs to one call: the model and the version are written into it.

    Attributes:
        specs: the `ModelSpec`s in the request, all of one model.
        told: the `ModelSpec` of a response.
        tensor_content: whether numbers are wanted as memory instead of as typed values.
    """

    method: Method
    request: Any
    specs: tuple[Any, ...]
    told: Callable[[Any], Any]
    tensor_content: bool = False
