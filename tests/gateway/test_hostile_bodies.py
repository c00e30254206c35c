"""Bodies made to harm: deep, huge, encoded, ambiguous, or pointing elsewhere. Each is refused, others are answered."""

import gzip
import json
import socket
import zlib
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPConnection
from io import BytesIO
from typing import Any

import pytest
from PIL import Image, PngImagePlugin

from tests.support.processes import Answer, GatewayProcess
from tests.support.small_models import json_picture, picture


@pytest.fixture(autouse=True)
def _lives(gateway: GatewayProcess) -> object:
    yield
    assert text(gateway, b'{"inputs": "good"}').status == 200
    assert gateway.post("/models/digits", picture()).status == 200


def text(gateway: GatewayProcess, body: bytes, **headers: str) -> Answer:
    return gateway.post("/models/sentiment", body, "application/json", **headers)


# --- JSON


@pytest.mark.parametrize("depth", [100, 1_000, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_deep_json(gateway: GatewayProcess, depth: int, opening: str, closing: str) -> None:
    deep = f"{opening * depth}1{closing * depth}"
    for body in (deep, f'{{"inputs": {deep}}}', f'{{"inputs": "good", "parameters": {deep}}}'):
        for model in ("sentiment", "digits"):
            answer = gateway.post(f"/models/{model}", body.encode(), "application/json")
            assert answer.status in (400, 422)
            assert len(answer.body) < 2_000


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"inputs": "good", "parameters": {"top_k": 1%s}}' % (b"0" * 400), 400),
        (b'{"inputs": "good", "parameters": {"top_k": 1e400}}', 400),
        (b'{"inputs": "good", "parameters": {"top_k": 18446744073709551615}}', 200),
        (b'{"inputs": "good", "parameters": {"top_k": 9223372036854775807}}', 200),
        (b'{"inputs": "good", "parameters": {"top_k": 18446744073709551616}}', 422),
        (b'{"inputs": "good", "parameters": {"top_k": -0}}', 422),
        (b'{"inputs": "good", "parameters": {"top_k": 1.0}}', 422),
        (b'{"inputs": Infinity}', 400),
        (b'{"inputs": "\\ud800"}', 400),
        (b'{"inputs": "good\\u0000"}', 200),
        (b'{"inputs": "\xc0\xae"}', 400),
        (b'\xef\xbb\xbf{"inputs": "good"}', 400),
        ('{"inputs": "good"}'.encode("utf-16"), 400),
        (b'{"inputs": "good"} {"inputs": "bad"}', 400),
        (b'{"inputs": "good",}', 400),
        (b'{"inputs": "good" /* x */}', 400),
        (b"{'inputs': 'good'}", 400),
        (b'{"__proto__": {}, "inputs": "good"}', 422),
        (b'{"inputs": "good", "\\u0000": 1}', 422),
    ],
)
def test_odd_json(gateway: GatewayProcess, body: bytes, status: int) -> None:
    assert text(gateway, body).status == status


def test_of_a_key_that_stands_twice_the_last_counts(gateway: GatewayProcess) -> None:
    [[best, _]] = text(gateway, b'{"inputs": "bad", "inputs": "good"}').json()
    assert best["label"] == "positive"
    assert text(gateway, b'{"inputs": "good", "inputs": 5}').status == 422


def test_a_refusal_does_not_repeat_what_was_sent(gateway: GatewayProcess) -> None:
    """Else a body of megabytes would come back, and with it whatever secret it holds."""
    canary = "canary" * 10_000
    bodies: list[Any] = [
        {"inputs": {"a": canary}},
        {"inputs": ["good", {"a": canary}]},
        {"inputs": "good", "parameters": {"top_k": canary}},
        {"inputs": "good", "parameters": {"function_to_apply": canary}},
        [canary] * 10,
    ]
    for body in bodies:
        answer = text(gateway, json.dumps(body).encode())
        assert answer.status == 422
        assert b"canary" not in answer.body
    for body in ({canary: 1}, {"inputs": "good", canary: 1}, {"inputs": "good", "parameters": {canary: 1}}):
        answer = text(gateway, json.dumps(body).encode())
        assert answer.status == 422
        assert len(answer.body) < 2_000


def test_of_many_faults_some_are_told(gateway: GatewayProcess) -> None:
    for body in ({"inputs": "good", **{f"field{number}": 1 for number in range(5_000)}}, {"inputs": [5] * 5_000}):
        answer = text(gateway, json.dumps(body).encode())
        assert answer.status == 422
        assert len(answer.json()["errors"]) == 21
        assert "and 4980 more" in answer.json()["detail"]


def keys() -> str:
    return ",".join(f'"{number:x}":1' for number in range(1_000_000))


MILLIONS: dict[str, Callable[[], str]] = {
    "fields": lambda: '{"inputs": "good", ' + keys() + "}",
    "parameters": lambda: '{"inputs": "good", "parameters": {' + keys() + "}}",
    "texts": lambda: '{"inputs": [' + '"",' * 5_000_000 + '""]}',
    "numbers": lambda: '{"inputs": [' + "5," * 7_000_000 + "5]}",
    "lists": lambda: '{"inputs": [' + "[]," * 5_000_000 + "[]]}",
    "unclosed": lambda: '{"inputs": [' + '"",' * 3_000_000 + '"' + '\\"' * 3_000_000,
}


@pytest.mark.parametrize("body", MILLIONS)
def test_a_million_values_are_refused_before_they_are_parsed(gateway: GatewayProcess, body: str) -> None:
    """Parsing them would take a second for each megabyte, in which nobody else is answered."""
    for model in ("sentiment", "digits"):
        answer = gateway.post(f"/models/{model}", MILLIONS[body]().encode(), "application/json")
        assert answer.status == 413
        assert "10000 values" in answer.json()["detail"]


NO_JSON: dict[str, Callable[[], str]] = {
    "strings": lambda: '""' * 7_000_000,
    "escapes": lambda: '"' + '\\"' * 7_000_000,
    "digits": lambda: "1" * 15_000_000,
    "signs": lambda: "-" * 15_000_000,
    "commas": lambda: '{"inputs": "' + "," * 15_000_000,
}


@pytest.mark.parametrize("body", NO_JSON)
def test_megabytes_that_are_no_json_are_400(gateway: GatewayProcess, body: str) -> None:
    assert gateway.post("/models/sentiment", NO_JSON[body]().encode(), "application/json").status == 400


def test_commas_in_a_text_are_no_values(gateway: GatewayProcess) -> None:
    answer = text(gateway, json.dumps({"inputs": '"\\,' * 20_000}).encode())
    assert "characters of text" in answer.json()["detail"]


# --- Encodings


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, gzip", "x-gzip", "GZIP"])
def test_an_encoded_body_is_415(gateway: GatewayProcess, encoding: str) -> None:
    bomb = gzip.compress(bytes(200 * 2**20), 9) if encoding == "gzip" else zlib.compress(b'{"inputs": "good"}')
    for path in ("/models/sentiment", "/models/digits", "/models/sentiment/explain"):
        answer = gateway.post(path, bomb, "application/json", **{"Content-Encoding": encoding})
        assert answer.status == 415
        assert answer.headers["Accept-Encoding"] == "identity"
        assert answer.json()["type"] == "urn:kmaas:problem:content-encoding"


def test_identity_is_no_encoding(gateway: GatewayProcess) -> None:
    assert text(gateway, b'{"inputs": "good"}', **{"Content-Encoding": "identity"}).status == 200


# --- Nothing is fetched


@pytest.mark.parametrize("scheme", ["http", "HTTPS", " http", "ftp", "file", "gopher"])
def test_a_url_is_422_and_nobody_is_asked(gateway: GatewayProcess, scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as bait:
        bait.settimeout(0.2)
        url = f"{scheme}://127.0.0.1:{bait.getsockname()[1]}/picture.png"
        for path in ("/models/digits", "/models/digits/explain", "/models/strokes/explain"):
            for inputs in (url, [url], {"url": url}, {"image_url": {"url": url}}):
                answer = gateway.post(path, json.dumps({"inputs": inputs}).encode(), "application/json")
                assert answer.status in (422, 501)
                if path == "/models/digits" and inputs in (url, [url]):
                    assert "nothing is fetched" in answer.json()["detail"]
        assert gateway.post("/models/digits", url.encode()).status == 400
        assert text(gateway, json.dumps({"inputs": url}).encode()).status == 200  # a text like any other
        with pytest.raises(TimeoutError):
            bait.accept()


def test_a_data_url_is_not_taken_for_base64(gateway: GatewayProcess) -> None:
    inputs = "data:image/png;base64," + json.loads(json_picture(picture()))["inputs"]
    answer = gateway.post("/models/digits", json.dumps({"inputs": inputs}).encode())
    assert answer.status == 422
    assert "base64" in answer.json()["detail"]


# --- Pictures


def test_a_picture_with_a_bomb_in_its_text(gateway: GatewayProcess) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "a" * (80 * 2**20), zip=True)
    bomb = BytesIO()
    Image.open(BytesIO(picture())).save(bomb, "PNG", pnginfo=info)
    assert len(bomb.getvalue()) < 2**20
    assert gateway.post("/models/digits", bomb.getvalue()).status == 400


def test_a_jpeg_that_is_drawn_over_and_over(gateway: GatewayProcess) -> None:
    """Each of its thousands of scans would cost as much as the whole picture: minutes of work in 100 kB."""
    whole = BytesIO()
    Image.new("L", (4_000, 4_000), 255).save(whole, "JPEG", progressive=True)
    jpeg = whole.getvalue()
    at, end = jpeg.rindex(b"\xff\xda"), jpeg.rindex(b"\xff\xd9")
    answer = gateway.post("/models/digits", jpeg[:end] + jpeg[at:end] * 2_000 + jpeg[end:])
    assert answer.status == 413
    assert "scans" in answer.json()["detail"]


def test_a_tiff_that_refers_to_itself(gateway: GatewayProcess) -> None:
    header = b"II*\x00\x08\x00\x00\x00"
    directory = b"\x01\x00" + b"\x00\x01\x04\x00\x01\x00\x00\x00\xff\xff\xff\x7f" + b"\x08\x00\x00\x00"
    assert gateway.post("/models/digits", header + directory).status == 400


def test_animations_are_not_decoded_beyond_their_first_picture(gateway: GatewayProcess) -> None:
    frames = [Image.open(BytesIO(picture(digit % 10, side=400))).convert("P") for digit in range(2)] * 300
    animation = BytesIO()
    frames[0].save(animation, "GIF", save_all=True, append_images=frames[1:], loop=0)
    assert gateway.post("/models/digits", animation.getvalue()).status == 200


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("POST", "/nope", {}, 404),
        ("POST", "/v1/chat/completions/", {}, 404),
        ("POST", "/healthz", {}, 405),
        ("PUT", "/models/sentiment", {}, 405),
        ("POST", "/v1/galleries", {"Origin": "https://evil.example"}, 403),
    ],
)
def test_a_refusal_reaches_who_sends_a_large_body(
    gateway: GatewayProcess, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    address = gateway.url.removeprefix("http://")
    for body in (bytes(10 * 2**20), (bytes(2**20) for _ in range(10))):
        with closing(HTTPConnection(address, timeout=60)) as connection:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == status
            connection.request("GET", "/healthz")
            assert connection.getresponse().status == 200
