"""The `processing` document of a manifest: how raw input becomes the tensors of `serving_default`."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ImageSpec(_Frozen):
    """An encoded picture becomes uint8 `[height, width, channels]` under the input name `input`.

    `form` names the function of `processing.image` that brings a decoded picture to that shape.
    """

    kind: Literal["image"] = "image"
    input: str = "image"
    form: Literal["digit"]
    height: int
    width: int
    channels: Literal[1, 3]


class TextSpec(_Frozen):
    """A text becomes int32 `[tokens]` under the input name `input`, by the version's own `tokenizer.json`.

    Texts longer than `max_tokens` are cut there; shorter ones of a batch are padded with `pad_id`.
    """

    kind: Literal["text"] = "text"
    input: str = "token_ids"
    max_tokens: int
    pad_id: int


ProcessingSpec = Annotated[ImageSpec | TextSpec, Field(discriminator="kind")]

_SPEC: TypeAdapter[ImageSpec | TextSpec] = TypeAdapter(ProcessingSpec)


def parse_spec(document: JsonValue) -> ImageSpec | TextSpec:
    """Raises `pydantic.ValidationError` for a document of another shape or kind."""
    return _SPEC.validate_python(document)
