"""The network of `chat` with its published weights, beside what PyTorch makes of them.

`data/smollm2.json` was recorded with `transformers` 5.24 and PyTorch 2.14 on the same GGUF file (`gguf_file=…`, in
float32): prompts, those of chats as `apply_chat_template` makes them, their token ids, every 512th logit of the token
that follows, and the greedy continuation. `transformers` reads the pre-tokenizer of a GGUF file as GPT-2's; for the ids
it was given the one that llama.cpp has for this model, which parts digits.
"""

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gateway.generation.chat import ChatTemplate
from kmaas.config import Config
from models.chat import END_IDS, SIZE, SPEC, ChatConfig, build, processing
from models.llama import fill_llama
from models.traced import Traced, traced
from processing.tokens import TokenCodec
from training.config import load_config
from training.data import smollm2
from training.data.smollm2 import SmolLM2

RECORDED = json.loads((Path(__file__).parent / "data" / "smollm2.json").read_text())
PROMPTS: list[dict[str, Any]] = RECORDED["prompts"]


def _config() -> ChatConfig:
    config = load_config(SPEC)
    assert isinstance(config, ChatConfig)
    return config


@pytest.fixture(scope="module")
def pretrained() -> SmolLM2:
    return smollm2.load(Config().cache)


@pytest.fixture(scope="module")
def codec(pretrained: SmolLM2) -> TokenCodec:
    return TokenCodec(pretrained.tokenizer)


@pytest.fixture(scope="module")
def logits_of(pretrained: SmolLM2) -> Traced:
    model = build(_config())
    fill_llama(model, pretrained.weights())
    return traced(model)


def test_the_package_has_what_the_catalogue_says(pretrained: SmolLM2, codec: TokenCodec) -> None:
    assert pretrained.size == SIZE
    assert codec.vocabulary == SIZE.vocabulary
    assert [codec.name(token) for token in END_IDS] == ["<|im_end|>", "<|endoftext|>"]
    assert len(codec.special_tokens) == 17
    assert processing(_config()).end_ids == END_IDS


@pytest.mark.parametrize(("text", "token_ids"), RECORDED["tokens"])
def test_token_ids_are_those_of_hugging_face(codec: TokenCodec, text: str, token_ids: list[int]) -> None:
    assert codec.encode(text) == token_ids


def test_prompts_of_chats_are_those_of_hugging_face(pretrained: SmolLM2, codec: TokenCodec) -> None:
    template = ChatTemplate(pretrained.chat_template, {"eos_token": "<|im_end|>"})
    for recorded in PROMPTS:
        if "messages" in recorded:
            assert template.prompt(recorded["messages"]) == recorded["prompt"]
        assert codec.encode(recorded["prompt"]) == recorded["token_ids"]


@pytest.mark.parametrize("recorded", PROMPTS, ids=[f"{recorded['prompt'][-20:]!r}" for recorded in PROMPTS])
def test_logits_and_greedy_text_are_those_of_pytorch(
    logits_of: Traced, codec: TokenCodec, recorded: dict[str, Any]
) -> None:
    token_ids, written = recorded["token_ids"], recorded["continuation"]
    logits = logits_of(np.array([token_ids], np.int32))[0]
    expected = np.frombuffer(base64.b64decode(recorded["logits"]), "<f4")
    np.testing.assert_allclose(logits[::512], expected, atol=1e-3, rtol=0)
    assert _greedy(logits_of, token_ids, len(written)) == written
    assert codec.decode(written) == recorded["text"]


def _greedy(logits_of: Traced, token_ids: list[int], count: int) -> list[int]:
    written: list[int] = []
    while len(written) < count:
        written.append(int(logits_of(np.array([token_ids + written], np.int32))[0].argmax()))
    return written
