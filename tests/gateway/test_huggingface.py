"""`POST /models/{model}`: what is answered, in which shape, and what is refused with which status."""

import base64
import json
import struct
import urllib.request
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import InferenceClient
from PIL import Image

from gateway.trace import STAGES
from tests.support.processes import Answer, GatewayProcess
from tests.support.small_models import BREAKING_WORD, DIGITS, json_picture, picture

JSON = "application/json"


def labels(scores: list[dict[str, Any]]) -> list[str]:
    return [line["label"] for line in scores]


def refused(answer: Answer, status: int, *, says: str) -> dict[str, Any]:
    """The problem document, after looking at what every one has."""
    assert answer.status == status, answer.body
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == status
    assert says in problem["detail"]
    assert problem["error"] == problem["detail"]
    assert problem.keys() >= {"type", "title", "instance", "error_type"}
    assert problem["instance"].endswith(answer.headers["X-Request-Id"])
    return problem


def text(gateway: GatewayProcess, inputs: object, **parameters: object) -> Answer:
    return gateway.post("/models/sentiment", json.dumps({"inputs": inputs, "parameters": parameters}).encode(), JSON)


# --- Answers


def test_a_text_is_answered_nested_with_all_labels_by_falling_score(gateway: GatewayProcess) -> None:
    answer = text(gateway, "an unforgettable, wonderful film")
    assert answer.status == 200
    [scores] = answer.json()
    assert labels(scores) == ["positive", "negative"]
    assert sum(line["score"] for line in scores) == pytest.approx(1)


def test_texts_are_answered_in_order_and_as_if_alone(gateway: GatewayProcess) -> None:
    texts = ["good", "a bad, boring, awful film", "wonderful"]
    together = text(gateway, texts).json()
    assert [scores[0]["label"] for scores in together] == ["positive", "negative", "positive"]
    alone = [text(gateway, one).json()[0] for one in texts]
    assert [s[0]["score"] for s in together] == pytest.approx([s[0]["score"] for s in alone], abs=1e-6)


def test_top_k_and_function_to_apply(gateway: GatewayProcess) -> None:
    [[best]] = text(gateway, "good", top_k=1).json()
    assert best["label"] == "positive"
    [logits] = text(gateway, "good", function_to_apply="none").json()
    assert [line["score"] for line in logits] == pytest.approx([6, 0])
    [sigmoids] = text(gateway, "good", function_to_apply="sigmoid").json()
    assert [line["score"] for line in sigmoids] == pytest.approx([0.997527, 0.5], abs=1e-5)
    assert len(text(gateway, "good", top_k=99).json()[0]) == 2


def test_a_long_text_is_read_in_windows_where_that_is_asked_for(gateway: GatewayProcess) -> None:
    """Of 16 tokens, four of them those of the one before: sixteen are good; then four good and twelve bad."""
    long = "good " * 16 + "bad " * 12

    def logits(inputs: object, **parameters: object) -> list[dict[str, float]]:
        answer = text(gateway, inputs, function_to_apply="none", **parameters)
        assert answer.status == 200, answer.json()
        return [{line["label"]: line["score"] for line in scores} for scores in answer.json()]

    assert logits(long) == logits(long, windows=1) == [{"positive": 6, "negative": 0}]
    assert logits(["bad", long, "good"], windows=2) == [
        {"negative": 6, "positive": 0},
        {"positive": 3.75, "negative": 2.25},
        {"positive": 6, "negative": 0},
    ]
    [[first, second]] = text(gateway, long, windows=2).json()
    assert first["score"] + second["score"] == pytest.approx(1)
    refused(text(gateway, ["good " * 190] * 4, windows=9), 413, says="windows of text")
    for bad in (0, 33, "2", True):
        problem = refused(text(gateway, long, windows=bad), 422, says="")
        assert problem["errors"][0]["field"] == "parameters.windows"


@pytest.mark.parametrize("media_type", [None, "application/octet-stream", "application/x-www-form-urlencoded", JSON])
def test_json_is_recognised_by_its_content(gateway: GatewayProcess, media_type: str | None) -> None:
    assert gateway.post("/models/sentiment", b' {"inputs": "good"}', media_type).status == 200
    assert gateway.post("/models/digits", json_picture(picture()), media_type).status == 200


@pytest.mark.parametrize(
    "media_type", [None, "application/octet-stream", "image/png", "application/x-www-form-urlencoded"]
)
def test_a_bare_picture_is_answered_flat_with_five_labels(gateway: GatewayProcess, media_type: str | None) -> None:
    answer = gateway.post("/models/digits", picture(), media_type)
    scores = answer.json()
    assert len(scores) == 5
    assert set(labels(scores)) < set(DIGITS)
    assert [s["score"] for s in scores] == sorted((s["score"] for s in scores), reverse=True)


def test_pictures_in_a_list_are_answered_in_a_list(gateway: GatewayProcess) -> None:
    encoded = [base64.b64encode(picture(digit)).decode() for digit in (3, 7)]
    answer = gateway.post("/models/digits", json.dumps({"inputs": encoded, "parameters": {"top_k": 1}}).encode())
    [[_], [seven]] = answer.json()
    [alone] = gateway.post("/models/digits", json_picture(picture(7), top_k=1)).json()
    assert seven["label"] == alone["label"]
    assert seven["score"] == pytest.approx(alone["score"], abs=1e-6)


@pytest.mark.parametrize("encoding", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_every_format_gives_the_same_answer(gateway: GatewayProcess, encoding: str) -> None:
    lossless: dict[str, Any] = {"lossless": True} if encoding == "WEBP" else {}
    scores = gateway.post("/models/digits", picture(encoding=encoding, **lossless)).json()
    expected = gateway.post("/models/digits", picture()).json()
    assert labels(scores)[0] == labels(expected)[0]
    assert scores[0]["score"] == pytest.approx(expected[0]["score"], abs=0.02)


def test_heic_gives_the_same_answer(gateway: GatewayProcess) -> None:
    seven = (Path(__file__).parents[1] / "processing/data/seven.heic").read_bytes()  # what `picture()` makes
    expected = gateway.post("/models/digits", picture()).json()[0]
    for answer in (
        gateway.post("/models/digits", seven, "image/heic"),
        gateway.post("/models/digits", json_picture(seven)),
    ):
        told = answer.json()[0]
        assert told["label"] == expected["label"]
        assert told["score"] == pytest.approx(expected["score"], abs=0.02)
    refused(gateway.post("/models/digits", seven[:600], "image/heic"), 400, says="HEIC")


def test_a_picture_is_turned_as_its_exif_says(gateway: GatewayProcess) -> None:
    upright = Image.open(BytesIO(picture()))
    orientation = Image.Exif()
    orientation[0x0112] = 6  # to be turned clockwise by 90°
    turned = BytesIO()
    upright.transpose(Image.Transpose.ROTATE_90).save(turned, "PNG", exif=orientation)
    without = BytesIO()
    upright.transpose(Image.Transpose.ROTATE_90).save(without, "PNG")
    expected = gateway.post("/models/digits", picture()).json()
    assert gateway.post("/models/digits", turned.getvalue()).json() == expected
    assert gateway.post("/models/digits", without.getvalue()).json() != expected


def test_the_answer_tells_its_model_version_and_the_time_of_each_stage(gateway: GatewayProcess) -> None:
    headers = gateway.post("/models/digits", picture(), **{"X-Request-Id": "mine-1"}).headers
    assert headers["X-Request-Id"] == "mine-1"
    assert (headers["X-Model"], headers["X-Model-Version"]) == ("digits", "1")
    assert headers["X-Model-Digest"] == "sha256:digits-1"
    stages = dict(part.split(";dur=") for part in headers["Server-Timing"].split(", "))
    assert tuple(stages) == STAGES
    assert all(float(milliseconds) >= 0 for milliseconds in stages.values())


def test_a_pinned_digest_answers_or_refuses(gateway: GatewayProcess) -> None:
    pin = "X-Model-Digest"
    assert gateway.post("/models/digits", picture(), **{pin: "sha256:digits-1"}).status == 200
    for other in ("sha256:digits-2", "SHA256:DIGITS-1", "", "sha256:digits-1,sha256:digits-1", "x" * 5000):
        answer = gateway.post("/models/digits", picture(), **{pin: other})
        problem = refused(answer, 412, says="sha256:digits-1")
        assert problem["type"] == "urn:kmaas:problem:digest"
        assert repr(other[:100]) in problem["detail"]
        assert len(problem["detail"]) < 400
        assert (answer.headers["X-Model-Version"], answer.headers[pin]) == ("1", "sha256:digits-1")
    assert gateway.post("/models/none", b"{}", **{pin: "sha256:digits-1"}).status == 404


def test_a_request_id_that_is_not_sane_is_replaced(gateway: GatewayProcess) -> None:
    for odd in ("<script>", "x" * 200, "a b"):
        assert gateway.post("/models/digits", picture(), **{"X-Request-Id": odd}).headers["X-Request-Id"] != odd


# --- huggingface_hub


def test_inference_client_classifies_texts(gateway: GatewayProcess) -> None:
    client = InferenceClient(model=f"{gateway.url}/models/sentiment", token="any")
    assert [line.label for line in client.text_classification("a good film")] == ["positive", "negative"]
    [best] = client.text_classification("a good film", top_k=1, function_to_apply="sigmoid")
    assert best.label == "positive"


def test_inference_client_classifies_pictures(gateway: GatewayProcess, tmp_path: Path) -> None:
    client = InferenceClient(model=f"{gateway.url}/models/digits", token="any")
    file = tmp_path / "seven.png"
    file.write_bytes(picture())
    from_bytes = client.image_classification(picture())
    assert len(from_bytes) == 5
    assert client.image_classification(file) == from_bytes
    assert client.image_classification(str(file)) == from_bytes
    assert client.image_classification(picture(), top_k=2) == from_bytes[:2]


# --- Refusals


@pytest.mark.parametrize("name", ["none", "No%20Such", "..%2f..", "%00", "x" * 300])
def test_an_unknown_model_is_404(gateway: GatewayProcess, name: str) -> None:
    assert gateway.post(f"/models/{name}", b"{}").status == 404


def test_an_unknown_model_is_named(gateway: GatewayProcess) -> None:
    refused(gateway.post("/models/none", b"{}"), 404, says="'none'")


@pytest.mark.parametrize("body", [b"{", b"", b'{"inputs": NaN}', b'{"inputs": "\xff"}', b"[" * 100_000, b"hello"])
def test_malformed_json_is_400(gateway: GatewayProcess, body: bytes) -> None:
    refused(gateway.post("/models/sentiment", body, JSON), 400, says="not JSON")
    refused(gateway.post("/models/digits", body, JSON), 400, says="not JSON")


def test_bytes_that_are_not_utf_8_are_named_by_their_place(gateway: GatewayProcess) -> None:
    body = b'{"inputs": "\xc3\xa9t\xe9"}'
    refused(gateway.post("/models/sentiment", body, JSON), 400, says="it is not UTF-8 at byte 15;")


@pytest.mark.parametrize(
    ("model", "inputs", "says"),
    [
        ("sentiment", None, "inputs: expected a text, or a list of them, received null"),
        ("digits", 7, "inputs: expected a base64 text, or a list of them, received 7"),
    ],
)
def test_inputs_of_another_type_are_told_what_may_be_there(
    gateway: GatewayProcess, model: str, inputs: Any, says: str
) -> None:
    refused(gateway.post(f"/models/{model}", json.dumps({"inputs": inputs}).encode(), JSON), 422, says=says)


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ([], "body"),
        ("good", "body"),
        ({}, "inputs"),
        ({"inputs": None}, "inputs"),
        ({"inputs": 5}, "inputs"),
        ({"inputs": {"text": "good"}}, "inputs"),
        ({"inputs": []}, "inputs"),
        ({"inputs": ["good", 5]}, "inputs[1]"),
        ({"inputs": ""}, "inputs"),
        ({"inputs": " \n"}, "inputs"),
        ({"inputs": ["good", ""]}, "inputs"),
        ({"inputs": "good", "parameters": {"top_k": 0}}, "parameters.top_k"),
        ({"inputs": "good", "parameters": {"top_k": "2"}}, "parameters.top_k"),
        ({"inputs": "good", "parameters": {"top_k": True}}, "parameters.top_k"),
        ({"inputs": "good", "parameters": {"function_to_apply": "relu"}}, "parameters.function_to_apply"),
        ({"inputs": "good", "parameters": {"threshold": 1}}, "parameters.threshold"),
        ({"inputs": "good", "parameters": 5}, "parameters"),
        ({"inputs": "good", "stream": True}, "stream"),
    ],
)
def test_a_wrong_value_is_422_and_the_field_is_named(gateway: GatewayProcess, document: object, field: str) -> None:
    problem = refused(gateway.post("/models/sentiment", json.dumps(document).encode()), 422, says="")
    assert [fault["field"] for fault in problem["errors"]] == [field]
    assert problem["error_type"] == "validation"


@pytest.mark.parametrize("inputs", ["not base64!", 5, [], None])
def test_a_picture_that_is_not_base64_is_422(gateway: GatewayProcess, inputs: object) -> None:
    problem = refused(gateway.post("/models/digits", json.dumps({"inputs": inputs}).encode(), JSON), 422, says="")
    assert [fault["field"] for fault in problem["errors"]] == ["inputs"]


def test_bytes_that_are_no_picture_are_400(gateway: GatewayProcess) -> None:
    refused(gateway.post("/models/digits", b"hello"), 400, says="no picture")
    refused(gateway.post("/models/digits", b""), 400, says="no bytes")
    refused(gateway.post("/models/digits", json_picture(b"hello")), 400, says="no picture")
    refused(gateway.post("/models/digits", b"<svg/>", "image/png"), 400, says="no picture")


@pytest.mark.parametrize("encoding", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_a_truncated_picture_is_400(gateway: GatewayProcess, encoding: str) -> None:
    whole = picture(encoding=encoding)
    refused(gateway.post("/models/digits", whole[: len(whole) * 2 // 3]), 400, says="picture")


def test_one_bad_picture_of_a_list_is_named(gateway: GatewayProcess) -> None:
    encoded = [base64.b64encode(data).decode() for data in (picture(), b"hello")]
    refused(gateway.post("/models/digits", json.dumps({"inputs": encoded}).encode()), 400, says="picture 1")


def test_a_blank_picture_is_422(gateway: GatewayProcess) -> None:
    blank = BytesIO()
    Image.new("RGB", (50, 50), "white").save(blank, "PNG")
    problem = refused(gateway.post("/models/digits", blank.getvalue()), 422, says="blank")
    assert [fault["field"] for fault in problem["errors"]] == ["inputs"]


def png_claiming(width: int, height: int, pixels: bytes = b"") -> bytes:
    """A PNG whose header says `width` and `height`, whatever follows."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")


def test_a_hundred_megapixel_header_is_413(gateway: GatewayProcess) -> None:
    refused(gateway.post("/models/digits", png_claiming(10_000, 10_000)), 413, says="25000000")
    refused(gateway.post("/models/digits", png_claiming(2**31 - 1, 2**31 - 1)), 413, says="25000000")


def test_a_decompression_bomb_is_413(gateway: GatewayProcess) -> None:
    bomb = png_claiming(8_000, 8_000, bytes(8_001 * 8_000))
    assert len(bomb) < 100_000
    refused(gateway.post("/models/digits", bomb), 413, says="8000×8000 pixels")


def test_the_pixels_of_all_pictures_together_are_limited(gateway: GatewayProcess) -> None:
    encoded = [base64.b64encode(png_claiming(3_000, 5_000)).decode()] * 2
    refused(gateway.post("/models/digits", json.dumps({"inputs": encoded}).encode()), 413, says="30000000 pixels")


def test_a_body_of_fifty_megabytes_is_413(gateway: GatewayProcess) -> None:
    says = f"{16 * 2**20} are accepted (limits.body_bytes of the gateway"
    refused(gateway.post("/models/digits", bytes(50_000_000)), 413, says=says)


def test_a_body_of_unsaid_length_is_413_all_the_same(gateway: GatewayProcess) -> None:
    pieces = (bytes(2**20) for _ in range(20))
    request = urllib.request.Request(
        f"{gateway.url}/models/digits", data=pieces, headers={"Transfer-Encoding": "chunked"}
    )
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=60)
    with caught.value as answer:
        assert answer.code == 413
        assert str(16 * 2**20) in json.loads(answer.read())["detail"]


def test_too_many_items_and_too_long_a_text_are_413(gateway: GatewayProcess) -> None:
    refused(text(gateway, ["good"] * 5), 413, says="at most 4 are accepted (limits.items of the gateway")
    refused(text(gateway, "good " * 201), 413, says="at most 1000 are accepted (limits.text_chars of the gateway")
    encoded = [base64.b64encode(picture()).decode()] * 5
    refused(gateway.post("/models/digits", json.dumps({"inputs": encoded}).encode()), 413, says="at most 4")


@pytest.mark.parametrize("media_type", ["multipart/form-data; boundary=x", "text/plain", "audio/wav", "image/avif"])
def test_another_media_type_is_415_and_the_accepted_are_listed(gateway: GatewayProcess, media_type: str) -> None:
    problem = refused(gateway.post("/models/digits", picture(), media_type), 415, says="image/png")
    assert {JSON, "image/png", "image/jpeg"} <= set(problem["accepted"])
    assert refused(gateway.post("/models/sentiment", b"{}", "image/png"), 415, says=JSON)["accepted"] == [JSON]


def test_an_answer_that_is_not_finite_is_502(gateway: GatewayProcess) -> None:
    refused(text(gateway, f"a {BREAKING_WORD} film"), 502, says="not finite")
    assert text(gateway, "good").status == 200
