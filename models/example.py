"""A held-out request as a client sends it, and the label that is right."""

import base64
from typing import Self

from models.spec import Frozen


class Example(Frozen):
    """A picture, or the JSON of a text request; bytes are kept as base64."""

    name: str
    media_type: str
    body_base64: str
    label: str

    @classmethod
    def of(cls, name: str, media_type: str, body: bytes, label: str) -> Self:
        return cls(name=name, media_type=media_type, body_base64=base64.b64encode(body).decode(), label=label)

    @property
    def body(self) -> bytes:
        return base64.b64decode(self.body_base64)
