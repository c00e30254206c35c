"""The OpenAPI document: complete, and its examples are true."""

import json
from typing import Any

import pytest
from flask import Flask
from jsonschema import Draft202012Validator

from gateway import errors
from gateway.app import create_app
from gateway.dialects.openai.errors import OpenAIError
from gateway.dialects.tensorflow_serving_api import (
    ServingFailure,
    ServingMetadata,
    ServingOutputs,
    ServingPredictBody,
    ServingPredictions,
    ServingStatus,
)
from gateway.dialects.v1_models import V1Model, V1ModelList
from gateway.refusals import refusal
from gateway.settings import GatewaySettings
from gateway.tasks.table import EXPLANATIONS, TASKS
from tests.support.processes import GatewayProcess, ask


@pytest.fixture(scope="module")
def document(gateway: GatewayProcess) -> Any:
    return gateway.get("/openapi.json").json()


@pytest.fixture
def app() -> Any:
    app = create_app(GatewaySettings(model_server="127.0.0.1:1"))
    yield app
    app.extensions["close"]()


def test_every_route_is_in_it(document: Any, app: Flask) -> None:
    routes = {
        (str(rule).replace("<path:", "<").replace("<", "{").replace(">", "}"), method.lower())
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    described = {
        (path, method) for path, item in document["paths"].items() for method in item if method != "parameters"
    }
    assert described == routes


# What may become of a request before its model is known, and of its version before it is asked: on every route that
# receives a body.
RECEIVING: tuple[Exception, ...] = (
    errors.MalformedBodyError("not JSON"),
    errors.TruncatedBodyError(1, 2),
    errors.SlowBodyError(1, 2.0),
    errors.EncodedBodyError("br", ["identity"]),
    errors.OverLimitError("bytes of body", 2, 1),
    errors.BusyError(1),
    errors.LongQueueError(1, 1.0),
    errors.DeadlineError(1.0),
    errors.UnknownModelError("x"),
    errors.UnknownVersionError("x", 1),
    errors.ChoiceError("x"),
    errors.DigestError("x", 1, "a", "b"),
    errors.ModelServerDownError(),
    errors.ModelServerBusyError(),
    errors.ModelNotReadyError("x", "it loads"),
    errors.BrokenAnswerError("no answer"),
    errors.GatewayError("anything else"),
)


def test_every_refusal_of_a_route_that_receives_a_body_is_described(document: Any) -> None:
    possible = {str(refusal(error, "").status) for error in RECEIVING}
    missing = {
        (path, status)
        for path, item in document["paths"].items()
        if "post" in item
        for status in possible - item["post"]["responses"].keys()
    }
    assert missing == set()


def test_every_reference_leads_somewhere(document: Any) -> None:
    text = json.dumps(document)
    for reference in {part.split('"')[0] for part in text.split('"$ref": "#/')[1:]}:
        target = document
        for step in reference.split("/"):
            target = target[step]


MODELS = {
    "text-classification": "sentiment",
    "image-classification": "digits",
    "feature-extraction": "embeddings",
    "text-generation": "writer",
    "automatic-speech-recognition": "speech",
    "audio-classification": "pitch",
    "translation": "shout",
    "object-detection": "squares",
    "image-feature-extraction": "hues",
}


@pytest.mark.parametrize("task", TASKS)
def test_the_examples_are_answered_in_the_described_shape(
    task: str, gateway: GatewayProcess, texts: GatewayProcess
) -> None:
    asked = gateway if MODELS[task] in ("sentiment", "digits") else texts
    for example in TASKS[task].request.model_json_schema()["examples"]:
        answer = asked.post(f"/models/{MODELS[task]}", json.dumps(example).encode(), "application/json")
        assert answer.status == 200, answer.body
        TASKS[task].response.model_validate_json(answer.body)


@pytest.mark.parametrize("path", ["/v1/embeddings", "/v1/chat/completions", "/v1/completions"])
def test_the_examples_of_openai_are_answered_in_the_described_shape(
    path: str, document: Any, texts: GatewayProcess
) -> None:
    described = document["paths"][path]["post"]
    [request] = described["requestBody"]["content"]["application/json"]["schema"]["anyOf"]
    examples = document["components"]["schemas"][request["$ref"].rpartition("/")[2]]["examples"]
    for example in examples:
        asked = {**example, "model": "embeddings" if path == "/v1/embeddings" else "writer"}
        if "messages" in asked:  # the small model's template takes no system messages
            asked["messages"] = asked["messages"][-1:]
        answer = texts.post(path, json.dumps(asked).encode(), "application/json")
        assert answer.status == 200, answer.body
        content = described["responses"]["200"]["content"][answer.headers["Content-Type"].partition(";")[0]]
        if not asked.get("stream"):
            validator = Draft202012Validator({**content["schema"], "components": document["components"]})
            validator.validate(answer.json())
            continue
        *events, done = answer.body.decode().split("\n\n")[:-1]
        assert done == "data: [DONE]"
        name = {"/v1/chat/completions": "ChatChunk", "/v1/completions": "CompletionChunk"}[path]
        chunk = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        for event in events:
            Draft202012Validator(chunk).validate(json.loads(event.removeprefix("data: ")))


def test_refusals_of_openai_have_the_described_shape(document: Any, texts: GatewayProcess) -> None:
    schema = {"$ref": "#/components/schemas/OpenAIError", "components": document["components"]}
    for path, body, status in (
        ("/v1/embeddings", b"{}", 400),
        ("/v1/completions", b'{"model": "none", "prompt": "a"}', 404),
        ("/v1/audio/transcriptions", b"", 415),
    ):
        answer = texts.post(path, body)
        assert answer.status == status
        assert str(status) in document["paths"][path]["post"]["responses"]
        Draft202012Validator(schema).validate(answer.json())


def test_the_pin_and_the_choice_are_described_with_their_refusals(document: Any) -> None:
    paths = {path: item for path, item in document["paths"].items() if path.startswith("/models/{model}")}
    pinned = {(path, method): of for path, item in paths.items() for method, of in item.items() if "412" in str(of)}
    assert pinned.keys() == {
        ("/models/{model}", "post"),
        ("/models/{model}/explain", "post"),
        ("/models/{model}/v1/chat/completions", "post"),
        ("/models/{model}/v1/completions", "post"),
        ("/models/{model}/card", "get"),
    }
    for route in pinned.values():
        assert [parameter["name"] for parameter in route["parameters"]] == ["X-Model-Digest", "X-Model-Version"]
        assert {"403", "412"} <= route["responses"].keys()


@pytest.mark.parametrize(("task", "model"), [("text-classification", "sentiment"), ("image-classification", "strokes")])
def test_the_examples_are_explained_in_the_described_shape(task: str, model: str, gateway: GatewayProcess) -> None:
    for example in EXPLANATIONS[task].request.model_json_schema()["examples"]:
        body, path = json.dumps(example).encode(), f"/models/{model}/explain"
        answer = gateway.post(path, body, "application/json", Accept="application/json")
        assert answer.status == 200, answer.body
        EXPLANATIONS[task].response.model_validate_json(answer.body)


def test_the_examples_of_tensorflow_servings_api_are_answered_in_the_described_shape(gateway: GatewayProcess) -> None:
    for example in ServingPredictBody.model_json_schema()["examples"]:
        answer = gateway.post("/v1/models/sentiment:predict", json.dumps(example).encode())
        assert answer.status == 200, answer.body
        shape = ServingPredictions if "instances" in example else ServingOutputs
        shape.model_validate_json(answer.body, extra="forbid")
    ServingMetadata.model_validate_json(gateway.get("/v1/models/digits/metadata").body, extra="forbid")
    ServingStatus.model_validate_json(gateway.get("/v1/models/digits/versions/1").body, extra="forbid")
    ServingFailure.model_validate_json(gateway.get("/v1/models/none/versions/1").body, extra="forbid")
    V1Model.model_validate_json(gateway.get("/v1/models/digits").body, extra="forbid")
    V1ModelList.model_validate_json(gateway.get("/v1/models").body, extra="forbid")
    OpenAIError.model_validate_json(ask(f"{gateway.url}/v1/models/none", None, {"User-Agent": "OpenAI/"}).body)


def test_refusals_have_the_described_shape(document: Any, gateway: GatewayProcess) -> None:
    described = document["components"]["schemas"]["Problem"]
    for answer in (
        gateway.get("/nothing"),
        gateway.post("/models/digits", b"x"),
        gateway.post("/models/sentiment", b"{}"),
    ):
        problem = answer.json()
        assert problem.keys() <= described["properties"].keys()
        assert set(described["required"]) <= problem.keys()
