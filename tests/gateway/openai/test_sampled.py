"""How OpenAI's requests draw tokens: as the version recommends, unless they say otherwise."""

from typing import Any

import pytest

from gateway.dialects.openai.completions import CompletionsRequest
from gateway.generation.language_model import LanguageModel
from gateway.settings import Limits
from processing.spec import Drawing, LanguageSpec
from processing.tokens import TokenCodec
from tests.support.small_text_models import byte_tokenizer


def _drawn(drawing: Drawing | None, **asked: Any) -> tuple[float, float | None]:
    spec = LanguageSpec(context_tokens=16, drawing=drawing)
    model = LanguageModel(spec, TokenCodec(byte_tokenizer().to_str()), 10, None, Limits())
    sampling = CompletionsRequest.of({"model": "m", "prompt": "a", **asked}, "id").generation(model).sampling
    return sampling.temperature, sampling.top_p


@pytest.mark.parametrize(
    ("drawing", "asked", "drawn"),
    [
        (None, {}, (1.0, None)),
        (Drawing(temperature=0.2, top_p=0.9), {}, (0.2, 0.9)),
        (Drawing(temperature=0.2), {"top_p": 0.5}, (0.2, 0.5)),
        (Drawing(temperature=0.2, top_p=0.9), {"temperature": 0, "top_p": 1}, (0, 1)),
    ],
)
def test_what_nobody_says_is_as_the_version_recommends(drawing: Drawing | None, asked: Any, drawn: Any) -> None:
    assert _drawn(drawing, **asked) == drawn
