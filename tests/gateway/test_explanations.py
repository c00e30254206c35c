"""`POST /models/{model}/explain`: through a real model server, what is answered and what is refused."""

import base64
import json
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from gateway.trace import STAGES
from tests.gateway.test_huggingface import png_claiming, refused
from tests.support.processes import Answer, GatewayProcess
from tests.support.small_models import BREAKING_WORD, json_picture, picture
from wire.client import ModelServerClient

JSON = "application/json"


def explain(gateway: GatewayProcess, text: object, **parameters: object) -> Answer:
    body = json.dumps({"inputs": text, "parameters": parameters}).encode()
    return gateway.post("/models/sentiment/explain", body, JSON)


def cross(encoding: str = "PNG", **options: Any) -> bytes:
    """An upright stroke on the left and a level one on the right, dark on bright, in a picture that is not square."""
    canvas = Image.new("RGB", (220, 140), "white")
    draw = ImageDraw.Draw(canvas)
    draw.rectangle((40, 40, 50, 110), fill="black")
    draw.rectangle((90, 70, 180, 80), fill="black")
    buffer = BytesIO()
    canvas.save(buffer, encoding, **options)
    return buffer.getvalue()


# --- Texts


def test_each_token_has_its_weight_and_they_add_up(gateway: GatewayProcess) -> None:
    answer = explain(gateway, "a good film").json()
    assert answer["label"] == "positive"
    assert [token["token"] for token in answer["tokens"]] == ["a", "good", "film"]
    weights = [token["weight"] for token in answer["tokens"]]
    assert weights == pytest.approx([0, 2, 0], abs=1e-4)  # the logit is the mean over the tokens
    assert sum(weights) == pytest.approx(answer["logit"] - answer["baseline_logit"], abs=1e-4)


def test_the_score_is_the_one_of_the_plain_answer(gateway: GatewayProcess) -> None:
    body = json.dumps({"inputs": "a good, boring, awful film"}).encode()
    [[best, other]] = gateway.post("/models/sentiment", body).json()
    for expected in (best, other):
        answer = explain(gateway, "a good, boring, awful film", label=expected["label"]).json()
        assert (answer["label"], answer["score"]) == (expected["label"], pytest.approx(expected["score"], abs=1e-6))


def test_a_label_that_was_not_predicted_is_explained_when_asked(gateway: GatewayProcess) -> None:
    answer = explain(gateway, "good but boring", label="negative").json()
    assert answer["label"] == "negative"
    assert [token["weight"] for token in answer["tokens"]] == pytest.approx([0, 0, 2], abs=1e-4)


@pytest.mark.parametrize(
    "text",
    [
        "A GOOD film",
        "un café, good",
        "un cafe\u0301, good",
        "😀👍🏽 good \U0001f468\u200d\U0001f469 film",
        " \n good",
        "\u00df\u1e9e good",
    ],
)
def test_offsets_point_at_the_characters_of_the_text_that_was_sent(gateway: GatewayProcess, text: str) -> None:
    tokens = explain(gateway, text).json()["tokens"]
    found = [text[token["start"] : token["end"]] for token in tokens]
    assert "".join(found) == "".join(text.split())
    [heaviest] = [part for part, token in zip(found, tokens, strict=True) if token["weight"] > 0.1]
    assert heaviest.lower() == "good"


def test_what_is_cut_off_has_no_weight(gateway: GatewayProcess) -> None:
    tokens = explain(gateway, "good " * 20).json()["tokens"]
    assert (len(tokens), tokens[-1]["end"]) == (16, 79)


# --- Pictures


def opened(answer: Answer) -> Any:
    assert answer.status == 200, answer.body
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.body.startswith(b"\x89PNG\r\n\x1a\n")
    return np.asarray(Image.open(BytesIO(answer.body)).convert("RGB")).astype(int)


def test_the_heat_map_lies_over_the_picture_where_the_label_is_seen(gateway: GatewayProcess) -> None:
    plain = np.asarray(Image.open(BytesIO(cross()))).astype(int)
    for label, here, there in (("upright", np.s_[35:115, 30:60], np.s_[60:90, 100:170]),
                               ("level", np.s_[60:90, 100:170], np.s_[50:105, 30:60])):  # fmt: skip
        heated = opened(gateway.post("/models/strokes/explain", json_picture(cross(), label=label)))
        assert heated.shape == plain.shape
        changed = np.abs(heated - plain).sum(axis=2)
        assert changed[here].max() > 100
        assert changed[here].max() > 3 * changed[there].max()
        assert not changed[:10].any()


@pytest.mark.parametrize("accept", [None, "*/*", "image/png", "image/*", "text/html"])
def test_a_bare_picture_is_answered_with_a_picture(gateway: GatewayProcess, accept: str | None) -> None:
    headers = {"Accept": accept} if accept else {}
    answer = gateway.post("/models/strokes/explain", cross(), "image/png", **headers)
    assert opened(answer).shape == (140, 220, 3)
    assert answer.headers["Vary"] == "Accept"


def test_json_has_label_score_and_picture(gateway: GatewayProcess) -> None:
    answer = gateway.post("/models/strokes/explain", cross(), Accept=JSON).json()
    [best, _] = gateway.post("/models/strokes", cross()).json()
    assert (answer["label"], answer["score"]) == (best["label"], pytest.approx(best["score"], abs=1e-6))
    assert base64.b64decode(answer["image"]) == gateway.post("/models/strokes/explain", cross()).body


def test_the_heat_map_is_as_upright_as_the_picture_is_meant(gateway: GatewayProcess) -> None:
    orientation = Image.Exif()
    orientation[0x0112] = 6  # to be turned by 90°
    turned = opened(gateway.post("/models/strokes/explain", cross(exif=orientation)))
    assert turned.shape == (220, 140, 3)


# --- As every answer


def test_the_answer_tells_its_model_version_and_the_time_of_each_stage(gateway: GatewayProcess) -> None:
    headers = explain(gateway, "good").headers
    assert (headers["X-Model"], headers["X-Model-Version"]) == ("sentiment", "1")
    assert headers["X-Model-Digest"] == "sha256:sentiment"
    stages = [part.partition(";")[0] for part in headers["Server-Timing"].split(", ")]
    assert tuple(stages) == STAGES


def test_the_model_server_answers_it_over_grpc_too(gateway: GatewayProcess, model_server: Any) -> None:
    with ModelServerClient(model_server.target) as client:
        inputs = {"token_ids": np.array([[5, 2, 0]], np.int32), "label": np.array([1], np.int32)}
        outputs = client.predict("sentiment", inputs, signature="explain", timeout_s=60).outputs
    np.testing.assert_allclose(outputs["weights"], [[3, 0, 0]], atol=1e-4)


# --- Refusals


def test_a_version_that_cannot_explain_says_why(gateway: GatewayProcess) -> None:
    problem = refused(gateway.post("/models/digits/explain", picture()), 501, says="it has no convolution")
    assert problem["type"] == "urn:kmaas:problem:unexplained"


@pytest.mark.parametrize(
    ("document", "field", "says"),
    [
        ({"inputs": ["good", "bad"]}, "inputs", "received a list: explanations are given one at a time"),
        ({"inputs": 5}, "inputs", "string"),
        ({"inputs": " "}, "inputs", "empty"),
        (
            {"inputs": "good", "parameters": {"label": "mixed"}},
            "parameters.label",
            "negative, positive, received 'mixed'",
        ),
        ({"inputs": "good", "parameters": {"label": 1}}, "parameters.label", "string"),
        ({"inputs": "good", "parameters": {"top_k": 1}}, "parameters.top_k", "not known"),
        ({"inputs": "good", "label": "negative"}, "label", "not known"),
    ],
)
def test_a_wrong_value_is_422_and_the_field_is_named(
    gateway: GatewayProcess, document: object, field: str, says: str
) -> None:
    answer = gateway.post("/models/sentiment/explain", json.dumps(document).encode())
    assert [fault["field"] for fault in refused(answer, 422, says=says)["errors"]] == [field]


def test_pictures_in_a_list_are_422(gateway: GatewayProcess) -> None:
    encoded = base64.b64encode(picture()).decode()
    answer = gateway.post("/models/strokes/explain", json.dumps({"inputs": [encoded, encoded]}).encode())
    refused(answer, 422, says="one at a time")


def test_the_limits_are_those_of_every_request(gateway: GatewayProcess) -> None:
    refused(explain(gateway, "good " * 201), 413, says="at most 1000")
    refused(gateway.post("/models/strokes/explain", png_claiming(10_000, 10_000)), 413, says="25000000")
    refused(gateway.post("/models/strokes/explain", b"hello"), 400, says="no picture")
    refused(gateway.post("/models/strokes/explain", picture(), "text/plain"), 415, says="image/png")
    refused(gateway.post("/models/none/explain", b"{}"), 404, says="'none'")
    assert gateway.get("/models/sentiment/explain").status == 405


def test_an_answer_that_is_not_finite_is_502(gateway: GatewayProcess) -> None:
    refused(explain(gateway, f"a {BREAKING_WORD} film"), 502, says="not finite")


def test_a_pinned_digest_holds_for_explanations_too(gateway: GatewayProcess) -> None:
    body = json.dumps({"inputs": "good"}).encode()
    answer = gateway.post("/models/sentiment/explain", body, **{"X-Model-Digest": "sha256:another"})
    assert answer.status == 412
    told = {"X-Model-Digest": answer.headers["X-Model-Digest"]}
    assert gateway.post("/models/sentiment/explain", body, **told).status == 200
