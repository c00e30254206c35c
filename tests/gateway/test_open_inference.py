"""`/v2`: the Open Inference Protocol over HTTP, and what it refuses."""

import json
from typing import Any

import pytest

from gateway.open_inference.body import LENGTH_HEADER, InferAnswer, InferRequest
from gateway.open_inference.metadata import ModelMetadata
from tests.support.processes import Answer, GatewayProcess, ask
from tests.support.small_models import json_picture, picture
from tests.support.small_speech import SAMPLE_RATE, recording
from tests.support.small_text_models import CONTEXT

ONE_TEXT = {"inputs": [{"name": "token_ids", "shape": [1, 3], "datatype": "INT32", "data": [[5, 8, 9]]}]}


def infer(gateway: GatewayProcess, document: object, **headers: str) -> Answer:
    return gateway.post("/v2/models/sentiment/infer", json.dumps(document).encode(), **headers)


def refused(answer: Answer, status: int, *, says: str = "") -> None:
    assert answer.status == status, answer.body
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json().keys() == {"error"}
    assert says in answer.json()["error"]


# --- What is told


def test_the_server_is_told(gateway: GatewayProcess) -> None:
    assert gateway.get("/v2").json()["name"] == "kmaas"
    assert gateway.get("/v2").json()["version"] == gateway.get("/openapi.json").json()["info"]["version"]
    assert gateway.get("/v2/health/live").json() == {"live": True}
    assert gateway.get("/v2/health/ready").json() == {"ready": True}


@pytest.mark.parametrize("version", ["", "/versions/1"])
def test_a_model_is_told_with_all_its_signatures(gateway: GatewayProcess, version: str) -> None:
    told = gateway.get(f"/v2/models/strokes{version}")
    ModelMetadata.model_validate_json(told.body)
    document = told.json()
    assert document["inputs"] == [{"name": "image", "datatype": "UINT8", "shape": [-1, 28, 28, 1]}]
    assert document["inputs"] == document["signatures"]["serving_default"]["inputs"]
    assert document["signatures"]["raw"]["inputs"] == [{"name": "image_bytes", "datatype": "BYTES", "shape": [-1]}]
    assert "manifest" not in document["signatures"]
    assert told.headers["X-Model-Version"] == "1"
    assert gateway.get(f"/v2/models/strokes{version}/ready").json() == {"name": "strokes", "ready": True}


def test_without_a_model_server_nothing_is_ready() -> None:
    with GatewayProcess("127.0.0.1:1") as gateway:
        refused(gateway.get("/v2/health/ready"), 503, says="model server")
        refused(gateway.get("/v2/models/digits/ready"), 503)
        assert gateway.get("/v2/health/live").status == 200


# --- What is answered


def test_the_answer_tells_the_version_and_the_id(gateway: GatewayProcess) -> None:
    answer = infer(gateway, {**ONE_TEXT, "id": "42"})
    document = answer.json()
    assert (document["model_name"], document["model_version"], document["id"]) == ("sentiment", "1", "42")
    assert [output["name"] for output in document["outputs"]] == ["logits", "probabilities"]
    assert document["outputs"][0]["shape"] == [1, 2]
    assert answer.headers["X-Model-Digest"] == "sha256:sentiment"
    assert "infer;dur=" in answer.headers["Server-Timing"]


def test_outputs_are_answered_in_the_order_asked_for(gateway: GatewayProcess) -> None:
    answer = infer(gateway, {**ONE_TEXT, "outputs": [{"name": "probabilities"}, {"name": "logits"}]})
    assert [output["name"] for output in answer.json()["outputs"]] == ["probabilities", "logits"]


def test_numbers_are_those_of_the_native_dialect(gateway: GatewayProcess) -> None:
    [[first, second]] = gateway.post("/models/sentiment", b'{"inputs": "good a film"}').json()
    [output] = infer(gateway, {**ONE_TEXT, "outputs": [{"name": "probabilities"}]}).json()["outputs"]
    assert sorted(output["data"], reverse=True) == pytest.approx([first["score"], second["score"]], abs=1e-6)


def test_a_content_type_says_nothing(gateway: GatewayProcess) -> None:
    for media_type in ("application/json", "application/octet-stream", "text/plain"):
        assert infer(gateway, ONE_TEXT, **{"Content-Type": media_type}).status == 200


def test_the_described_example_is_answered_in_the_described_shape(gateway: GatewayProcess) -> None:
    for example in InferRequest.model_json_schema()["examples"]:
        answer = infer(gateway, example)
        assert answer.status == 200, answer.body
        InferAnswer.model_validate_json(answer.body)


# --- What is refused


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v2/models/none", 404),
        ("GET", "/v2/models/sentiment/versions/7", 404),
        ("GET", "/v2/models/sentiment/versions/nolabel/ready", 404),
        ("GET", "/v2/models/sentiment/versions/" + "9" * 40, 404),
        ("GET", "/v2/models/sentiment/versions/-1", 404),
        ("GET", "/v2/models/sentiment/versions/%00", 404),
        ("GET", "/v2/models/%2e%2e", 404),
        ("GET", "/v2/models/sentiment/stats", 501),
        ("GET", "/v2/models/sentiment/versions/1/stats", 501),
        ("GET", "/v2/models/stats", 501),
        ("GET", "/v2/models/sentiment/config", 501),
        ("GET", "/v2/models/sentiment/versions/1/config", 501),
        ("POST", "/v2/models/sentiment/generate_stream", 501),
        ("POST", "/v2/models/sentiment/trace/setting", 501),
        ("GET", "/v2/trace/setting", 501),
        ("GET", "/v2/logging", 501),
        ("GET", "/v2/systemsharedmemory/status", 501),
        ("POST", "/v2/cudasharedmemory/region/one/register", 501),
        ("POST", "/v2/repository/models/sentiment/unload", 501),
        ("GET", "/v2/nothing", 404),
        ("POST", "/v2/repository/index", 501),
        ("GET", "/v2/models/sentiment/infer", 405),
        ("POST", "/v2/models/none/infer", 404),
        ("POST", "/v2/models/sentiment/versions/7/infer", 404),
    ],
)
def test_refusals_say_error(gateway: GatewayProcess, method: str, path: str, status: int) -> None:
    body = json.dumps(ONE_TEXT).encode() if method == "POST" else None
    refused(ask(gateway.url + path, body, method=method), status)


def with_input(**changes: Any) -> dict[str, Any]:
    return {"inputs": [{**ONE_TEXT["inputs"][0], **changes}]}


BAD = {
    "another type": (with_input(datatype="INT64"), 400),
    "another shape": (with_input(shape=[3], data=[5, 8, 9]), 400),
    "ragged": (with_input(data=[[5, 8], [9]]), 400),
    "negative": (with_input(shape=[-1, 3]), 400),
    "huge": (with_input(shape=[1, 2**60]), 400),
    "another name": (with_input(name="ids"), 400),
    "an unknown output": ({**ONE_TEXT, "outputs": [{"name": "scores"}]}, 400),
    "an unknown signature": ({**ONE_TEXT, "parameters": {"signature": "x"}}, 400),
    "the gateway's signature": (
        {
            "inputs": [{"name": "section", "shape": [1], "datatype": "BYTES", "data": ["manifest"]}],
            "parameters": {"signature": "manifest"},
        },
        400,
    ),
    "the gateway's signature by its input": (
        {"inputs": [{"name": "section", "shape": [1], "datatype": "BYTES", "data": ["manifest"]}]},
        400,
    ),
    "too many rows": (with_input(shape=[5, 1], data=[5] * 5), 413),
    "too many tokens": (with_input(shape=[1, 17], data=[5] * 17), 413),
    "not in the graph": (with_input(shape=[1, 1], data=[900]), 400),
    "no inputs": ({"inputs": []}, 400),
    "no request": ([], 400),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_request_is_refused_and_the_next_is_answered(gateway: GatewayProcess, case: str) -> None:
    document, status = BAD[case]
    refused(infer(gateway, document), status)
    assert infer(gateway, ONE_TEXT).status == 200


@pytest.mark.parametrize(
    ("model", "tensor", "most", "says"),
    [
        ("writer", {"name": "token_ids", "datatype": "INT32"}, CONTEXT, "tokens"),
        ("speech", {"name": "samples", "datatype": "FP32"}, 5 * SAMPLE_RATE, "seconds of sound"),
    ],
)
def test_what_is_longer_than_its_task_accepts(
    texts: GatewayProcess, model: str, tensor: dict[str, str], most: int, says: str
) -> None:
    for length, status in ((most, 200), (most + 1, 413)):
        document = {"inputs": [{**tensor, "shape": [1, length], "data": [1] * length}]}
        answer = texts.post(f"/v2/models/{model}/infer", json.dumps(document).encode())
        assert answer.status == status, answer.body
    refused(answer, 413, says=says)


@pytest.mark.parametrize("body", [b"", b"\xff\xfe\x00", b"{", b"[" * 10_000 + b"]" * 10_000, b'{"inputs": 1}'])
def test_a_body_that_is_no_request_is_refused(gateway: GatewayProcess, body: bytes) -> None:
    refused(gateway.post("/v2/models/sentiment/infer", body), 400)


@pytest.mark.parametrize("length", ["x", "-5", "999999", ""])
def test_a_length_that_lies_is_refused(gateway: GatewayProcess, length: str) -> None:
    refused(infer(gateway, ONE_TEXT, **{LENGTH_HEADER: length}), 400, says=LENGTH_HEADER)


def test_a_body_beyond_the_limit_is_refused(gateway: GatewayProcess) -> None:
    refused(gateway.post("/v2/models/sentiment/infer", b"{" + b" " * 17 * 2**20), 413, says="bytes of body")


def _infer_encoded(gateway: GatewayProcess, model: str, name: str, content: bytes) -> Answer:
    element = len(content).to_bytes(4, "little") + content
    size = {"binary_data_size": len(element)}
    given = {"name": name, "shape": [1], "datatype": "BYTES", "parameters": size}
    head = json.dumps({"inputs": [given]}).encode()
    return gateway.post(f"/v2/models/{model}/infer", head + element, **{LENGTH_HEADER: str(len(head))})


def test_an_encoded_picture_is_held_to_the_limits(gateway: GatewayProcess) -> None:
    for content, status in ((picture(), 200), (b"hello", 400), (picture(side=6000), 413)):
        answer = _infer_encoded(gateway, "strokes", "image_bytes", content)
        assert answer.status == status, answer.body


def test_an_encoded_recording_is_held_to_the_limits(texts: GatewayProcess) -> None:
    answer = _infer_encoded(texts, "speech", "audio_bytes", recording([0.5, 0.0]))
    [tokens] = [output["data"] for output in answer.json()["outputs"] if output["name"] == "tokens"]
    assert tokens[:3] == [1, 2, 0]  # loud, quiet, the end
    refused(_infer_encoded(texts, "speech", "audio_bytes", b"hello"), 400, says="recording 0 of 'audio_bytes': no")
    refused(_infer_encoded(texts, "speech", "audio_bytes", recording([0.1] * 11)), 413, says="6 seconds of sound")


def test_a_pinned_digest_holds(gateway: GatewayProcess) -> None:
    refused(infer(gateway, ONE_TEXT, **{"X-Model-Digest": "sha256:other"}), 412, says="sha256:sentiment")
    assert infer(gateway, ONE_TEXT, **{"X-Model-Digest": "sha256:sentiment"}).status == 200


def test_the_other_dialects_refuse_in_their_own_words(gateway: GatewayProcess) -> None:
    assert gateway.get("/v2x").headers["Content-Type"] == "application/problem+json"
    assert gateway.post("/models/digits", json_picture(b"x")).headers["Content-Type"] == "application/problem+json"
