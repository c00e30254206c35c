"""What callers send stays out of the log: neither bodies nor keys, whether a request is answered or fails."""

import base64
import json

import pytest

from tests.support.processes import GatewayProcess, ModelServerProcess
from tests.support.raw_http import get, post, send
from tests.support.small_models import BREAKING_WORD, picture

CANARY = "kanarienvogel"
KEYS = {
    "Authorization": f"Bearer {CANARY}",
    "Api-Key": CANARY,
    "X-Api-Key": CANARY,
    "Cookie": f"session={CANARY}",
}


def test_no_payload_and_no_key_is_logged(model_server: ModelServerProcess, capfd: pytest.CaptureFixture[str]) -> None:
    spoken = json.dumps({"inputs": CANARY}).encode()
    texts = [
        spoken,
        json.dumps({"inputs": f"{CANARY} {BREAKING_WORD}"}).encode(),  # 502
        json.dumps({"inputs": {CANARY: CANARY}}).encode(),
        json.dumps({"inputs": "good", "parameters": {CANARY: CANARY}}).encode(),
        json.dumps({"inputs": [CANARY] * 1000}).encode(),
        spoken[:-1],
        CANARY.encode() * 2**18,
    ]
    pictures = [
        picture() + CANARY.encode(),
        CANARY.encode(),
        json.dumps({"inputs": CANARY}).encode(),
        json.dumps({"inputs": base64.b64encode(CANARY.encode()).decode()}).encode(),
    ]
    statuses = set()
    with GatewayProcess(model_server.target, limits={"body_bytes": 2**20}) as gateway:
        gateway.wait_ready()
        for path, bodies in (("sentiment", texts), ("digits", pictures), ("none", [spoken]), ("strokes", pictures)):
            for body in bodies:
                for route in (f"/models/{path}?key={CANARY}", f"/models/{path}/explain"):
                    statuses.add(gateway.post(route, body, **KEYS).status)
        statuses.add(gateway.post("/models/sentiment", spoken, f"text/{CANARY}", **KEYS).status)
        statuses.add(send(gateway, get(b"/healthz", b"Authorization: \x00" + CANARY.encode())).status)
        statuses.add(send(gateway, post(b"/models/sentiment", spoken, b"Content-Encoding: " + CANARY.encode())).status)
    assert statuses >= {200, 400, 404, 413, 415, 422, 502}
    out, err = capfd.readouterr()
    assert "502" in out + err or "not finite" in out + err  # the log was there
    assert CANARY not in out + err
    assert base64.b64encode(CANARY.encode()).decode().rstrip("=") not in out + err


def test_a_gateway_without_a_model_server_logs_none_either(capfd: pytest.CaptureFixture[str]) -> None:
    with GatewayProcess("127.0.0.1:1") as gateway:
        assert gateway.post("/models/sentiment", json.dumps({"inputs": CANARY}).encode(), **KEYS).status == 503
    out, err = capfd.readouterr()
    assert "model server" in out + err
    assert CANARY not in out + err
