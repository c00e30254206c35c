"""OpenAI's embeddings."""

import base64

import numpy as np
import openai
import pytest
from openai import OpenAI

from tests.gateway.openai.asking import post
from tests.support.processes import GatewayProcess


def test_embeddings(client: OpenAI) -> None:
    answer = client.embeddings.create(model="embeddings", input=["good film", "bad"])
    assert [item.index for item in answer.data] == [0, 1]
    assert np.array([item.embedding for item in answer.data]) == pytest.approx(np.array([[1, 0, 1.5], [-2, 0, 0]]))
    assert (answer.usage.prompt_tokens, answer.usage.total_tokens, answer.model) == (3, 3, "embeddings")
    one = client.embeddings.create(model="embeddings", input="good film", encoding_format="float")
    assert one.data[0].embedding == answer.data[0].embedding


def test_embeddings_of_token_ids_are_those_of_the_text(client: OpenAI) -> None:
    expected = client.embeddings.create(model="embeddings", input="good film").data[0].embedding
    assert client.embeddings.create(model="embeddings", input=[2, 7]).data[0].embedding == expected
    several = client.embeddings.create(model="embeddings", input=[[4], [2, 7]])
    assert several.data[1].embedding == expected
    assert several.usage.prompt_tokens == 3


def test_base64_is_little_endian_float32(texts: GatewayProcess) -> None:
    body = {"model": "embeddings", "input": "good film", "encoding_format": "base64"}
    encoded = post(texts, "/v1/embeddings", body).json()["data"][0]["embedding"]
    assert np.frombuffer(base64.b64decode(encoded), "<f4").tolist() == [1.0, 0.0, 1.5]


def test_fewer_dimensions_are_of_length_one(client: OpenAI) -> None:
    answer = client.embeddings.create(model="embeddings", input="wonderful", dimensions=2)
    assert answer.data[0].embedding == pytest.approx([0.894427, 0.447214])
    with pytest.raises(openai.BadRequestError, match="3 numbers") as caught:
        client.embeddings.create(model="embeddings", input="good", dimensions=4)
    assert caught.value.param == "dimensions"
