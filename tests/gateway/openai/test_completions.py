"""OpenAI's completions."""

from typing import Any

import openai
import pytest
from openai import OpenAI

from tests.gateway.openai.asking import post, refused
from tests.support.processes import GatewayProcess


def test_completions_of_several_prompts_and_choices(client: OpenAI) -> None:
    answer = client.completions.create(model="writer", prompt=["ab", "x"], n=2, temperature=0, max_tokens=3, echo=True)
    assert [(choice.index, choice.text, choice.finish_reason) for choice in answer.choices] == [
        (0, "abcde", "length"),
        (1, "abcde", "length"),
        (2, "xyz", "stop"),
        (3, "xyz", "stop"),
    ]
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (3, 12)


def test_prompts_of_token_ids(client: OpenAI, texts: GatewayProcess) -> None:
    told = client.completions.create(model="writer", prompt="a", temperature=0, max_tokens=1, logprobs=1)
    assert told.choices[0].text == "b"
    ids = [64, 65]  # "a" and "b" in the model's vocabulary
    for prompt in (ids, [ids]):
        answer = client.completions.create(model="writer", prompt=prompt, temperature=0, max_tokens=2, echo=True)
        assert answer.choices[0].text == "abcd"
    for wrong in ([64, 10_000], [-1]):
        refused(post(texts, "/v1/completions", {"model": "writer", "prompt": wrong}), 400, param="prompt", says="token")


def test_completions_are_streamed(client: OpenAI) -> None:
    asked: Any = {"model": "writer", "prompt": ["ab", "w"], "n": 2, "seed": 1, "max_tokens": 6}
    whole = client.completions.create(**asked, echo=True)
    grown = dict.fromkeys(range(4), "")
    finishes = {}
    for event in client.completions.create(**asked, echo=True, stream=True):
        for choice in event.choices:
            grown[choice.index] += choice.text
            finishes[choice.index] = choice.finish_reason
    assert grown == {choice.index: choice.text for choice in whole.choices}
    assert finishes == {choice.index: choice.finish_reason for choice in whole.choices}
    assert grown[0] != grown[1], "choices draw numbers of their own"


def test_logprobs_of_completions(client: OpenAI) -> None:
    asked: Any = {"model": "writer", "prompt": "y", "temperature": 0, "logprobs": 2}
    logprobs = client.completions.create(**asked).choices[0].logprobs
    assert logprobs is not None
    assert (logprobs.tokens, logprobs.text_offset) == (["z"], [0])
    [best] = logprobs.top_logprobs or []
    assert list(best) == ["z", "Z"]
    streamed = [event.choices[0].logprobs for event in client.completions.create(**asked, stream=True)]
    assert [token for told in streamed if told for token in told.tokens or ()] == ["z"]


@pytest.mark.parametrize("stop", ["e", ["x", "de"], ["cdefg", "def"]])
def test_stop_strings_end_the_text_before_them(client: OpenAI, stop: Any) -> None:
    asked: Any = {"model": "writer", "prompt": "ab", "temperature": 0, "max_tokens": 9, "stop": stop}
    whole = client.completions.create(**asked).choices[0]
    text = "".join(event.choices[0].text for event in client.completions.create(**asked, stream=True))
    assert text == whole.text == {"e": "cd", "x": "c", "cdefg": "c"}[stop if isinstance(stop, str) else stop[0]]
    assert whole.finish_reason == "stop"


def test_a_seed_gives_the_same_again(client: OpenAI) -> None:
    def text(seed: int) -> str:
        return client.completions.create(model="writer", prompt="a", seed=seed, max_tokens=20).choices[0].text

    drawn = [text(seed) for seed in (-1, 0, 1, 2, 3)]
    assert drawn == [text(seed) for seed in (-1, 0, 1, 2, 3)]
    assert len(set(drawn)) > 1


def test_penalties_and_top_p_change_what_is_taken(client: OpenAI) -> None:
    asked: Any = {"model": "writer", "prompt": "0", "max_tokens": 12, "temperature": 0}
    assert client.completions.create(**asked).choices[0].text == "123456789012"
    text = client.completions.create(**asked, presence_penalty=2, frequency_penalty=2).choices[0].text
    assert text == "123456789012", "8 less 4 is still the most likely"
    longer = {**asked, "max_tokens": 40}
    penalised = client.completions.create(**longer, presence_penalty=2, frequency_penalty=2).choices[0]
    assert penalised.finish_reason == "stop", "after the second round the end of the text is more likely"
    certain = {**asked, "temperature": 1, "top_p": 0.0, "prompt": "a"}
    assert client.completions.create(**certain).choices[0].text == "bcdefghijklm"


def test_the_context_ends_a_text_and_refuses_a_prompt_without_room(client: OpenAI) -> None:
    answer = client.completions.create(model="writer", prompt="0" * 60, temperature=0, max_tokens=100)
    assert answer.usage is not None
    assert (answer.usage.completion_tokens, answer.choices[0].finish_reason) == (4, "length")
    with pytest.raises(openai.BadRequestError, match="at most 63") as caught:
        client.completions.create(model="writer", prompt="0" * 64)
    assert (caught.value.code, caught.value.param) == ("context_length_exceeded", "prompt")
