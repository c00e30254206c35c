"""Settings of galleries, section `[gateway.galleries]`: how much they hold, and how people in them are protected."""

import base64
import binascii
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr
from pydantic_core import PydanticCustomError

KEY_BYTES = 32

Count = Annotated[int, Field(ge=1)]


def key_of(text: str) -> bytes | None:
    """A key written in base64, None if it is none."""
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if len(key) == KEY_BYTES else None


def _is_key(given: SecretStr) -> SecretStr:
    if key_of(given.get_secret_value()) is None:
        raise PydanticCustomError("key", f"expected {KEY_BYTES} random bytes in base64: openssl rand -base64 32")
    return given


class GallerySettings(BaseModel):
    """Frozen; unknown keys are refused.

    So many `galleries` there may be, and so many `pictures` or `people` in each, with `faces` of each person. What a
    caller wants to be kept with a picture or a person has `metadata_bytes` at most, as JSON. A person is kept for
    `retention_days` at most; every `sweep_s` those whose time is over are erased. `keys` seal what is known of people,
    the first one what is new; without any, one is made in the folder `state`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    galleries: Count = 1000
    pictures: Count = 100_000
    people: Count = 10_000
    faces: Count = 10
    metadata_bytes: Count = 4096
    retention_days: Annotated[int, Field(ge=1, le=36_500)] = 365
    sweep_s: Annotated[float, Field(gt=0)] = 60.0
    keys: tuple[Annotated[SecretStr, AfterValidator(_is_key)], ...] = ()
