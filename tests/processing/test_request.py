"""A request's body becomes one row of the model's input."""

import json
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from processing.audio import decode as decode_audio
from processing.digit_form import digit_form
from processing.errors import TooLargeError, UnusableInputError
from processing.image import decode
from processing.request import preprocessing
from processing.spec import AudioSpec, ImageSpec, LanguageSpec, TextSpec
from tests.support.recordings import wav
from tests.support.small_text_models import END, byte_tokenizer


def test_a_picture() -> None:
    drawn = np.zeros((40, 40), np.uint8)
    drawn[8:30, 18:22] = 255
    buffer = BytesIO()
    Image.fromarray(drawn).save(buffer, "PNG")
    row = preprocessing(ImageSpec(form="digit", height=28, width=28, channels=1), None)(buffer.getvalue())
    assert row.shape == (1, 28, 28, 1)
    np.testing.assert_array_equal(row[0], digit_form(decode(buffer.getvalue(), max_pixels=1600)))


def test_a_text() -> None:
    tokenizer = Tokenizer(WordLevel({"[UNK]": 1, "good": 2}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    encode = preprocessing(TextSpec(max_tokens=3, pad_id=0), tokenizer.to_str())
    assert encode(json.dumps({"inputs": "good film good good"}).encode()).tolist() == [[2, 1, 2]]


def test_a_prompt() -> None:
    tokenizer = byte_tokenizer()
    encode = preprocessing(LanguageSpec(context_tokens=4), tokenizer.to_str())
    assert encode(json.dumps({"inputs": f" a{END}"}).encode()).tolist() == [tokenizer.encode(f" a{END}").ids]
    for unusable, tokens in (("", 0), ("four", 4)):
        with pytest.raises(UnusableInputError, match=f"has {tokens} tokens; expected from 1 to 3"):
            encode(json.dumps({"inputs": unusable}).encode())


def test_a_recording() -> None:
    body = wav(np.array([[0.5, -0.25], [1.0, 0.5]]), 8000)
    preprocess = preprocessing(AudioSpec(sample_rate=8000), None)
    assert preprocess(body).shape == (1, 2)
    np.testing.assert_array_equal(preprocess(body)[0], decode_audio(body, sample_rate=8000, max_seconds=1))
    with pytest.raises(TooLargeError, match=r"lasts 600.5 s; at most 600 s"):
        preprocess(wav(np.zeros((600 * 8000 + 4000, 1)), 8000, width=1))
