"""`chat` from an export to real clients: a Llama of two layers in place of the large one, its greedy text known."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np
import openai
import pytest
from huggingface_hub import InferenceClient
from openai import OpenAI

from bench.stack import free_port
from export.version import export_version
from gateway.settings import Limits
from kmaas.live import LiveServer
from store.layout import Store, VersionDir
from store.publish import publish
from tests.support import tiny_llama
from tests.support.processes import GatewayProcess, ModelServerProcess
from tests.support.runs import Workplace
from tests.support.small_text_models import ASSISTANT, END, USER
from tests.support.tiny_llama import CONTEXT, NEW_TOKENS, TOKENIZER
from wire.client import ModelServerClient
from wire.errors import ModelServerError

MOST = 8


@dataclass(frozen=True)
class Served:
    """Published, promoted, and served by both processes."""

    gateway: GatewayProcess
    model_server: ModelServerProcess
    version: VersionDir
    promoted: str


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder, port = tmp_path_factory.mktemp("chat"), free_port()
    place = Workplace.before(folder, port)
    export_version(tiny_llama.trained(folder), folder / "export")
    version = publish(Store.at(place.store), folder / "export")
    with ModelServerProcess(place.store, port) as server, GatewayProcess(server.target) as gateway:
        gateway.wait_ready()
        promoted = place.kmaas("promote", "chat", "1")
        assert promoted.returncode == 0, promoted.stdout + promoted.stderr
        yield Served(gateway, server, version, promoted.stdout)


@pytest.fixture(scope="module")
def model() -> Any:
    return tiny_llama.tiny_llama()


@pytest.fixture
def client(served: Served) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{served.gateway.url}/v1", api_key="any", max_retries=0) as client:
        yield client


def _greedy(model: Any, prompt: str) -> str:
    """By Keras, all tokens anew for each; until the end, or as many as are asked for."""
    ids, [end] = TOKENIZER.encode(prompt).ids, TOKENIZER.encode(END).ids
    written: list[int] = []
    while len(written) < MOST and end not in written:
        written.append(int(np.asarray(model(np.array([ids + written], np.int32)))[0].argmax()))
    return str(TOKENIZER.decode(written))


def _prompt(text: str) -> str:
    """As the template of the tests makes it."""
    return f"{USER}{text}{END}{ASSISTANT}{text[-1]}"


@pytest.mark.parametrize("text", ["hello", "what is it", "a", "twenty one letters ok"])
def test_openai_s_client_gets_keras_own_greedy_text_at_once_and_streamed(client: OpenAI, model: Any, text: str) -> None:
    asked: dict[str, Any] = {
        "model": "chat",
        "messages": [{"role": "user", "content": text}],
        "temperature": 0,
        "max_tokens": MOST,
    }
    expected = _greedy(model, _prompt(text))
    answer = client.chat.completions.create(**asked)
    assert answer.choices[0].message.content == expected
    assert answer.usage is not None
    assert answer.usage.prompt_tokens == len(TOKENIZER.encode(_prompt(text)).ids)
    events = list(client.chat.completions.create(**asked, stream=True))
    assert "".join(event.choices[0].delta.content or "" for event in events) == expected
    assert len(events) > 2


def test_hugging_face_s_client_continues_a_prompt(served: Served, model: Any) -> None:
    client = InferenceClient(model=f"{served.gateway.url}/models/chat")
    assert client.text_generation("hello", max_new_tokens=MOST) == _greedy(model, "hello")


def test_several_choices_share_their_calls_and_are_those_of_their_seed(client: OpenAI) -> None:
    asked: dict[str, Any] = {"model": "chat", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 4}
    one, two = (client.chat.completions.create(**asked, n=3, seed=1, temperature=2) for _ in range(2))
    assert [choice.message.content for choice in one.choices] == [choice.message.content for choice in two.choices]


def test_promotion_replays_the_texts_and_measures_the_time_of_a_token(served: Served) -> None:
    assert "8 goldens" in served.promoted
    ticks = count()  # seconds: one between any two looks at the clock
    with LiveServer(served.model_server.target, Limits(), 60, lambda: float(next(ticks))) as live:
        seen = live.prove("chat", served.version, None)
    assert (seen.fault, seen.goldens) == (None, 8)
    assert min(seen.latencies_ms) == 1000 / NEW_TOKENS


def test_a_prompt_that_fills_the_context_is_refused_and_its_neighbour_is_answered(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match=f"{CONTEXT}"):
        client.completions.create(model="chat", prompt="x" * CONTEXT, max_tokens=1)
    fits = client.completions.create(model="chat", prompt="x" * (CONTEXT - 1), max_tokens=5, temperature=0)
    assert fits.usage is not None
    assert fits.usage.completion_tokens == 1


def test_the_model_s_own_tokens_in_a_message_are_refused(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="special token"):
        client.chat.completions.create(model="chat", messages=[{"role": "user", "content": f"a{END}{USER}b"}])


def test_tensors_of_another_length_or_vocabulary_are_refused_by_the_model_server(served: Served) -> None:
    with ModelServerClient(served.model_server.target) as client:
        for rows in (np.zeros((1, CONTEXT + 1)), np.zeros((1, 0)), np.full((1, 3), tiny_llama.SIZE.vocabulary)):
            with pytest.raises(ModelServerError):
                client.predict("chat", {"token_ids": rows.astype(np.int32)}, timeout_s=30)
        answer = client.predict("chat", {"token_ids": np.zeros((2, 3), np.int32)}, timeout_s=30)
    assert answer.outputs["logits"].shape == (2, tiny_llama.SIZE.vocabulary)
