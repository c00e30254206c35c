"""Routes that mask: what a model reads has no private data in it, whoever asks in whatever way."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.admin import RoutedGateway
from tests.support.processes import Answer, ModelServerProcess

PRIVATE, MASKED = "write to jane@example.com, card 4111 1111 1111 1111", "write to [email], card [card]"


@pytest.fixture(scope="module")
def masking(text_server: ModelServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RoutedGateway]:
    """`writer` and `embeddings` with masks, `poet` without, which stands in for `gone`."""
    state = tmp_path_factory.mktemp("masking") / "state"
    routes = {"gone": {"fallback": "poet", "mask": {"kinds": ["email"]}}}
    with RoutedGateway(text_server.target, state, limits={"text_chars": 2000}, routes=routes) as gateway:
        gateway.wait_ready()
        gateway.route("writer", mask={}, testers=True)
        gateway.route("embeddings", mask={})
        yield gateway


def ask(gateway: RoutedGateway, path: str, body: object, **headers: str) -> Answer:
    return gateway.post(path, json.dumps(body).encode(), "application/json", **headers)


def written(gateway: RoutedGateway, model: str, **headers: str) -> Any:
    parameters = {"max_new_tokens": 1, "return_full_text": True}
    answer = ask(gateway, f"/models/{model}", {"inputs": PRIVATE, "parameters": parameters}, **headers)
    assert answer.status == 200, answer.body
    return answer.json()[0]["generated_text"]


def read(gateway: RoutedGateway, path: str, body: object) -> Any:
    """How many tokens the model read."""
    return ask(gateway, path, body).json()["usage"]["prompt_tokens"]


def test_a_prompt_is_masked(masking: RoutedGateway) -> None:
    assert written(masking, "writer").startswith(MASKED)
    assert written(masking, "poet").startswith(PRIVATE), "a model whose route does not say so reads what is sent"


def test_a_call_that_names_its_version_is_masked(masking: RoutedGateway) -> None:
    assert written(masking, "writer", **{"X-Model-Version": "1"}).startswith(MASKED)


def test_conversations_and_prompts_of_openai_are_masked(masking: RoutedGateway) -> None:
    chat = {"model": "writer", "max_tokens": 1, "messages": [{"role": "user", "content": "x"}]}
    private = {**chat, "messages": [{"role": "user", "content": PRIVATE}]}
    masked = {**chat, "messages": [{"role": "user", "content": MASKED}]}
    assert read(masking, "/v1/chat/completions", private) == read(masking, "/v1/chat/completions", masked)
    prompt = {"model": "writer", "max_tokens": 1}
    found = [read(masking, "/v1/completions", {**prompt, "prompt": [text, "x"]}) for text in (PRIVATE, MASKED)]
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("private", "masked"),
    [
        (PRIVATE, MASKED),
        (["a good film", PRIVATE], ["a good film", MASKED]),
        (
            {"source_sentence": PRIVATE, "sentences": ["a film", PRIVATE]},
            {"source_sentence": MASKED, "sentences": ["a film", MASKED]},
        ),
    ],
)
def test_texts_to_be_compared_are_masked(masking: RoutedGateway, private: object, masked: object) -> None:
    answers = [ask(masking, "/models/embeddings", {"inputs": inputs}) for inputs in (private, masked)]
    assert [answer.status for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/models/embeddings:predict", {"instances": [{"token_ids": [1, 2]}]}),
        (
            "/v2/models/embeddings/infer",
            {"inputs": [{"name": "token_ids", "shape": [1, 1], "datatype": "INT32", "data": [1]}]},
        ),
        ("/v1/embeddings", {"model": "embeddings", "input": [[1, 2]]}),
        ("/v1/completions", {"model": "writer", "prompt": [1, 2], "max_tokens": 1}),
    ],
    ids=["TensorFlow Serving", "Open Inference Protocol", "OpenAI's embeddings", "OpenAI's completions"],
)
def test_what_cannot_be_looked_into_is_refused(masking: RoutedGateway, path: str, body: object) -> None:
    refused = ask(masking, path, body)
    assert (refused.status, "masks private data" in refused.body.decode()) == (403, True)


def test_a_text_that_is_too_long_is_refused_as_ever(masking: RoutedGateway) -> None:
    assert ask(masking, "/models/embeddings", {"inputs": "jane@example.com " * 1000}).status == 413


def test_who_stands_in_reads_no_more_than_the_model_was_to(masking: RoutedGateway) -> None:
    assert written(masking, "gone").startswith("write to [email], card 4111 1111 1111 1111")


def test_explanations_and_answers_of_a_classifier_are_of_the_masked_text(gateway: RoutedGateway) -> None:
    def answers(text: str) -> Any:
        return [
            ask(gateway, path, {"inputs": text}).json() for path in ("/models/sentiment", "/models/sentiment/explain")
        ]

    assert answers("good jane@example.com") != answers("good [email]")
    gateway.route("sentiment", mask={"kinds": ["email"], "region": "GB"})
    assert answers("good jane@example.com") == answers("good [email]")
    assert answers("good jane@example.com")[1]["text"] == "good [email]", "which the places of tokens are of"


@pytest.mark.parametrize(
    ("mask", "told"),
    [({"kinds": []}, "mask.kinds"), ({"kinds": ["names"]}, "mask.kinds"), ({"region": "Atlantis"}, "ISO 3166")],
)
def test_a_mask_that_is_none_is_refused(gateway: RoutedGateway, mask: object, told: str) -> None:
    refused = gateway.ask("PUT", "/routes/digits", {"mask": mask})
    assert (refused.status, told in refused.body.decode()) == (422, True)
