"""A request body as a client sends it to the model's input: the gateway's way, without the gateway."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from processing.audio import decode as decode_audio
from processing.errors import UnusableInputError
from processing.forms import form_of
from processing.image import decode
from processing.spec import ExportedSpec, ImageSpec, LanguageSpec, RecordingSpec, TranslationSpec
from processing.text import TextEncoder
from processing.tokens import TokenCodec
from processing.translation import Translator

_MAX_PIXELS = 2**24
_MAX_SECONDS = 600


def preprocessing(spec: ExportedSpec, tokenizer: str | None) -> Callable[[bytes], NDArray[Any]]:
    """What turns the body of one picture, text, prompt or recording into the model's input, one row; of a text to be
    translated a row for each sentence.

    Args:
        tokenizer: the document of a text model.
    """
    if isinstance(spec, ImageSpec):
        tensor = form_of(spec).tensor
        return lambda body: tensor(decode(body, max_pixels=_MAX_PIXELS))[np.newaxis]
    if isinstance(spec, RecordingSpec):
        rate = spec.sample_rate
        return lambda body: decode_audio(body, sample_rate=rate, max_seconds=_MAX_SECONDS)[np.newaxis]
    if isinstance(spec, LanguageSpec):
        codec, most = TokenCodec(tokenizer or ""), spec.context_tokens - 1
        return lambda body: _prompt(codec, json.loads(body)["inputs"], most)
    if isinstance(spec, TranslationSpec):
        translator = Translator(tokenizer or "", spec)
        return lambda body: translator.encode(translator.read([json.loads(body)["inputs"]]).sentences)
    encoder = TextEncoder(tokenizer or "", spec)
    return lambda body: encoder.encode([json.loads(body)["inputs"]])


def _prompt(codec: TokenCodec, text: str, most: int) -> NDArray[np.int32]:
    """int32 `[1, tokens]`; at most so many, that there is room for another."""
    token_ids = codec.encode(text)
    if not 1 <= len(token_ids) <= most:
        raise UnusableInputError(f"the prompt has {len(token_ids)} tokens; expected from 1 to {most}")
    return np.array([token_ids], np.int32)
