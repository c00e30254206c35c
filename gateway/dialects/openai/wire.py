"""OpenAI's requests, typed: what is not known is passed over with a log line, what is not done is refused."""

import logging
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema

from gateway.body import invalid, load_json
from gateway.errors import Fault, InvalidRequestError, UnsupportedError

_log = logging.getLogger(__name__)

_NOTHING: tuple[Any, ...] = (None, False, "", [], {})


class Wire(BaseModel):
    """Base of OpenAI's requests.

    `unsupported` names fields that would change the answer and that we have nothing for, each with the values that ask
    for nothing. Other fields that are not known are passed over: new clients send new ones all the time.
    """

    model_config = ConfigDict(frozen=True, extra="allow", strict=True)

    unsupported: ClassVar[Mapping[str, tuple[Any, ...]]] = {}

    model: Annotated[str, Field(min_length=1)] | None = None

    @classmethod
    def read(cls, body: bytes, request_id: str) -> Self:
        """Raises `MalformedBodyError`, `OverLimitError`, `UnsupportedError`, `InvalidRequestError`."""
        return cls.of(load_json(body, like='{"model": …}'), request_id)

    @classmethod
    def of(cls, document: object, request_id: str) -> Self:
        """Raises `UnsupportedError`, `InvalidRequestError`."""
        if isinstance(document, dict):
            refused = [
                field
                for field, harmless in cls.unsupported.items()
                if (value := document.get(field)) not in _NOTHING and value not in harmless
            ]
            if refused:
                raise UnsupportedError(refused)
        try:
            request = cls.model_validate(document)
        except ValidationError as exc:
            raise invalid(exc) from exc
        unknown = request.model_extra.keys() - cls.unsupported.keys() if request.model_extra else ()
        if unknown:  # their names are the caller's words, which no log has
            _log.info("request %s: passed over %d fields that are not known", request_id, len(unknown))
        return request

    @property
    def named_model(self) -> str:
        """Raises `InvalidRequestError` when the request names none."""
        if self.model is None:
            raise InvalidRequestError([Fault("model", "Field required")])
        return self.model


Prompts = tuple[str | tuple[int, ...], ...]


def _prompts(value: object) -> object:
    """One text or several, the token ids of one or of several."""
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list) and value:
        if all(isinstance(item, str) for item in value):
            return tuple(value)
        if _are_ids(value):
            return (tuple(value),)
        if all(isinstance(item, list) and item and _are_ids(item) for item in value):
            return tuple(map(tuple, value))
    raise ValueError("expected a text, a list of texts, a list of token ids, or a list of such lists")


def _are_ids(value: list[Any]) -> bool:
    return all(type(item) is int for item in value)


_IDS = {"type": "array", "items": {"type": "integer"}, "minItems": 1}
_TEXTS = {"type": "array", "items": {"type": "string"}, "minItems": 1}
ManyPrompts = Annotated[
    Prompts,
    BeforeValidator(_prompts),
    WithJsonSchema({"anyOf": [{"type": "string"}, _TEXTS, _IDS, {"type": "array", "items": _IDS, "minItems": 1}]}),
]
