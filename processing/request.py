"""A request body as a client sends it to the model's input: the gateway's way, without the gateway."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from processing.audio import decode as decode_audio
from processing.image import FORMS, decode
from processing.spec import AudioSpec, ExportedSpec, ImageSpec
from processing.text import TextEncoder

_MAX_PIXELS = 2**24
_MAX_SECONDS = 600


def preprocessing(spec: ExportedSpec, tokenizer: str | None) -> Callable[[bytes], NDArray[Any]]:
    """What turns the body of one picture, text or recording into the model's input, one row.

    Args:
        tokenizer: the document of a text model.
    """
    if isinstance(spec, ImageSpec):
        form = FORMS[spec.form]
        return lambda body: form(decode(body, max_pixels=_MAX_PIXELS))[np.newaxis]
    if isinstance(spec, AudioSpec):
        rate = spec.sample_rate
        return lambda body: decode_audio(body, sample_rate=rate, max_seconds=_MAX_SECONDS)[np.newaxis]
    encoder = TextEncoder(tokenizer or "", spec)
    return lambda body: encoder.encode([json.loads(body)["inputs"]])
