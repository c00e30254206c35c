"""A request body as a client sends it to the model's input: the gateway's way, without the gateway."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from processing.image import FORMS, decode
from processing.spec import ImageSpec, TextSpec
from processing.text import TextEncoder

_MAX_PIXELS = 2**24


def preprocessing(spec: ImageSpec | TextSpec, tokenizer: str | None) -> Callable[[bytes], NDArray[Any]]:
    """What turns the body of one picture or text into the model's input, one row.

    Args:
        tokenizer: the document of a text model.
    """
    if isinstance(spec, ImageSpec):
        form = FORMS[spec.form]
        return lambda body: form(decode(body, max_pixels=_MAX_PIXELS))[np.newaxis]
    encoder = TextEncoder(tokenizer or "", spec)
    return lambda body: encoder.encode([json.loads(body)["inputs"]])
