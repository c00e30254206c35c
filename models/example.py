"""Held-out data of a run: requests as a client sends them, and rows as the model takes them."""

import base64
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict

from models.spec import Frozen

_KEPT = 1000  # numbers


class Example(Frozen):
    """A picture, a recording, or the JSON of a text request, and the label that is right; bytes are kept as base64.

    `label` is empty where a model has none. `answer` is what the model answered when it was evaluated, logits or a
    vector, see `kept_of`; None if it was not.
    """

    model_config = ConfigDict(ser_json_inf_nan="constants")  # a training may end in NaN, which is told at export

    name: str
    media_type: str
    body_base64: str
    label: str
    answer: tuple[float, ...] | None = None

    @classmethod
    def of(cls, name: str, media_type: str, body: bytes, label: str) -> Self:
        return cls(name=name, media_type=media_type, body_base64=base64.b64encode(body).decode(), label=label)

    @property
    def body(self) -> bytes:
        return base64.b64decode(self.body_base64)


def kept_of(answer: NDArray[Any]) -> NDArray[Any]:
    """What is kept of an answer, `[numbers]`: of many, as a whole vocabulary has logits, some, evenly from all. Other
    weights change each of them."""
    return answer.ravel()[:: -(-answer.size // _KEPT)]


@dataclass(frozen=True)
class HeldOutRows:
    """Inputs `[rows, …]` and the positions of their labels, int32 `[rows]`."""

    inputs: NDArray[Any]
    truth: NDArray[np.int32]

    def thinned(self, most: int) -> Self:
        """At most so many of them, evenly from all."""
        rows = len(self.truth)
        kept = np.arange(min(most, rows)) * rows // min(most, rows) if rows else np.arange(0)
        return type(self)(self.inputs[kept], self.truth[kept])
