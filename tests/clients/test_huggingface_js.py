"""npm's `@huggingface/inference`, unmodified, against the gateway, beside Python's `huggingface_hub`."""

import base64
import json
from typing import Any

import pytest
from huggingface_hub import InferenceClient
from huggingface_hub.errors import HfHubHTTPError

from tests.support.node import run_node
from tests.support.processes import GatewayProcess
from tests.support.small_detector import drawn
from tests.support.small_models import BREAKING_WORD, DIGITS, picture

TEXTS = ["an unforgettable, wonderful film", "bad"]


def call(method: str, *, options: dict[str, Any] | None = None, **args: Any) -> dict[str, Any]:
    return {"method": method, "args": args, "options": options or {}}


def blob(data: bytes, media_type: str = "") -> dict[str, str]:
    return {"base64": base64.b64encode(data).decode(), "type": media_type}


def ask(gateway: GatewayProcess, model: str, *calls: dict[str, Any]) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = run_node("huggingface.mjs", f"{gateway.url}/models/{model}", json.dumps(calls))
    assert len(results) == len(calls)
    return results


def returned(result: dict[str, Any]) -> Any:
    assert "returned" in result, result
    return result["returned"]


def as_json(elements: list[Any]) -> list[dict[str, Any]]:
    """What `huggingface_hub` returns, as it was sent."""
    return [{"label": element.label, "score": element.score} for element in elements]


def alike(scores: list[dict[str, Any]], others: list[dict[str, Any]]) -> bool:
    """The same labels in order, and the same scores but for a rounding of the batch."""
    return [s["label"] for s in scores] == [s["label"] for s in others] and [
        s["score"] for s in scores
    ] == pytest.approx([s["score"] for s in others], abs=1e-6)


# --- Answers


def test_texts_are_continued(texts: GatewayProcess) -> None:
    """At OpenAI's completions, where this client sends them."""
    client = InferenceClient(model=f"{texts.url}/models/writer", token="any")
    [text] = map(
        returned,
        ask(texts, "writer", call("textGeneration", inputs="ab", parameters={"max_new_tokens": 4, "temperature": 0})),
    )
    assert text == {"generated_text": client.text_generation("ab", max_new_tokens=4, do_sample=False)}


def test_a_conversation_goes_on(texts: GatewayProcess) -> None:
    asked: dict[str, Any] = {"messages": [{"role": "user", "content": "ab"}], "max_tokens": 4, "temperature": 0}
    [said] = map(returned, ask(texts, "writer", call("chatCompletion", **asked)))
    client = InferenceClient(model=f"{texts.url}/models/writer", token="any")
    assert said["choices"][0]["message"]["content"] == client.chat_completion(**asked).choices[0].message.content


def test_texts_with_and_without_parameters(gateway: GatewayProcess) -> None:
    parameters = {"top_k": 1, "function_to_apply": "none"}
    whole, best, batch = map(
        returned,
        ask(
            gateway,
            "sentiment",
            call("textClassification", inputs=TEXTS[0]),
            call("textClassification", inputs=TEXTS[0], parameters=parameters),
            call("request", inputs=TEXTS),  # of a batch, textClassification would return the first answer only
        ),
    )
    client = InferenceClient(model=f"{gateway.url}/models/sentiment", token="any")
    assert whole == as_json(client.text_classification(TEXTS[0]))
    assert best == as_json(client.text_classification(TEXTS[0], top_k=1, function_to_apply="none"))
    assert [scores[0]["label"] for scores in batch] == ["positive", "negative"]
    assert alike(batch[0], whole)


def test_labels_that_a_caller_thinks_of(texts: GatewayProcess) -> None:
    labels = ["bad", "good", "film"]
    [told] = ask(
        texts,
        "embeddings",
        call("zeroShotClassification", inputs="wonderful", parameters={"candidate_labels": labels}),
    )
    client = InferenceClient(model=f"{texts.url}/models/embeddings", token="any")
    assert returned(told) == as_json(client.zero_shot_classification("wonderful", labels))
    assert returned(told)[0]["label"] == "good"


@pytest.mark.parametrize("media_type", ["", "image/png"])
def test_pictures_as_they_are(gateway: GatewayProcess, media_type: str) -> None:
    """`inputs` and the older `data`; with a type of the file's own, or none."""
    sent = blob(picture(), media_type)
    inputs, data = ask(
        gateway, "digits", call("imageClassification", inputs=sent), call("imageClassification", data=sent)
    )
    client = InferenceClient(model=f"{gateway.url}/models/digits", token="any")
    assert returned(inputs) == returned(data) == as_json(client.image_classification(picture()))
    assert {line["label"] for line in returned(inputs)} < set(DIGITS)


def test_things_in_a_picture(texts: GatewayProcess) -> None:
    """The client sends no parameters beside a Blob, and reads each box."""
    squares = drawn(("red", 1, 2), ("#8080ff", 3, 4))
    found, more = map(
        returned,
        ask(
            texts,
            "squares",
            call("objectDetection", inputs=blob(squares, "image/png")),
            call("request", inputs=base64.b64encode(squares).decode(), parameters={"threshold": 0.2}),
        ),
    )
    client = InferenceClient(model=f"{texts.url}/models/squares", token="any")
    [red] = client.object_detection(squares)
    assert found == [{"label": "red", "score": red.score, "box": {"xmin": 8, "ymin": 16, "xmax": 16, "ymax": 24}}]
    assert [one["label"] for one in more] == ["red", "blue"]


def test_pictures_as_json(gateway: GatewayProcess) -> None:
    """The client sends no parameters beside a Blob; its `request` sends whatever is wanted."""
    encoded = [base64.b64encode(picture(digit)).decode() for digit in (7, 3)]
    one, two = map(
        returned,
        ask(
            gateway,
            "digits",
            call("request", inputs=encoded[0], parameters={"top_k": 2}),
            call("request", inputs=encoded, parameters={"top_k": 2}),
        ),
    )
    client = InferenceClient(model=f"{gateway.url}/models/digits", token="any")
    assert one == as_json(client.image_classification(picture(7), top_k=2))
    assert [len(scores) for scores in two] == [2, 2]
    assert alike(two[0], one)


# --- Refusals


REFUSED: list[tuple[str, dict[str, Any], int, str]] = [
    ("none", {"inputs": "good"}, 404, "not_found"),
    ("sentiment", {"inputs": ""}, 422, "validation"),
    ("sentiment", {"inputs": "good", "parameters": {"top_k": 0}}, 422, "validation"),
    ("sentiment", {"inputs": "good", "parameters": {"no_such": 1}}, 422, "validation"),
    ("sentiment", {"inputs": ["good"] * 5}, 413, "validation"),
    ("sentiment", {"inputs": BREAKING_WORD}, 502, "generation"),
]


@pytest.mark.parametrize(("model", "args", "status", "error_type"), REFUSED)
def test_a_refusal_is_an_api_error_with_its_reason(
    gateway: GatewayProcess, model: str, args: dict[str, Any], status: int, error_type: str
) -> None:
    [result] = ask(gateway, model, call("textClassification", **args))
    thrown = result["thrown"]
    assert (thrown["type"], thrown["status"]) == ("InferenceClientProviderApiError", status)
    assert thrown["body"]["error_type"] == error_type
    assert thrown["message"] == f"Failed to perform inference: {thrown['body']['error']}"
    assert thrown["body"]["instance"].endswith(thrown["requestId"])


def test_pythons_client_tells_the_same_reason(gateway: GatewayProcess) -> None:
    client = InferenceClient(model=f"{gateway.url}/models/sentiment", token="any")
    with pytest.raises(HfHubHTTPError, match=r"parameters\.top_k") as caught:
        client.text_classification("good", top_k=0)
    assert caught.value.response.status_code == 422


def test_bytes_that_are_no_picture(gateway: GatewayProcess) -> None:
    for sent, status in ((blob(b"hello"), 400), (blob(picture(), "image/avif"), 415)):
        [result] = ask(gateway, "digits", call("imageClassification", inputs=sent))
        assert (result["thrown"]["type"], result["thrown"]["status"]) == ("InferenceClientProviderApiError", status)


def test_without_a_model_server_the_time_to_wait_is_told() -> None:
    """By default the client asks again at once and for ever after a 503; whoever does not want that says so."""
    with GatewayProcess("127.0.0.1:1") as gateway:
        asked = call("textClassification", inputs="good", options={"retry_on_error": False})
        [result] = ask(gateway, "sentiment", asked)
    assert (result["thrown"]["type"], result["thrown"]["status"]) == ("InferenceClientProviderApiError", 503)
    assert result["thrown"]["body"]["error_type"] == "overloaded"
    assert result["thrown"]["body"]["estimated_time"] == 1
