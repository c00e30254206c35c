"""What browsers are told: safe headers on every answer, and no other origin's pages unless they are listed."""

import urllib.request
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pydantic import ValidationError

from gateway.app import create_app
from gateway.settings import GatewaySettings
from tests.support.processes import GatewayProcess, ask

OURS = "https://lab.example"
ASKING = {
    "Origin": OURS,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "Authorization, content-type,x-evil",
}


@pytest.fixture
def closed() -> Iterator[FlaskClient]:
    yield from _client(GatewaySettings(model_server="127.0.0.1:1"))


@pytest.fixture
def opened() -> Iterator[FlaskClient]:
    yield from _client(GatewaySettings(model_server="127.0.0.1:1", cors_origins=(OURS,)))


def _client(settings: GatewaySettings) -> Iterator[FlaskClient]:
    app: Flask = create_app(settings)
    yield app.test_client()
    app.extensions["close"]()


@pytest.mark.parametrize(
    "path",
    ["/", "/docs", "/web/app.js", "/models", "/models/none", "/healthz", "/metrics", "/nothing", "/models/digits"],
)
def test_every_answer_has_safe_headers(gateway: GatewayProcess, path: str) -> None:
    headers = gateway.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["Server"] == "kmaas"
    assert not {"X-Powered-By", "Access-Control-Allow-Origin", "Set-Cookie"} & headers.keys()


def test_only_pages_may_load_anything(gateway: GatewayProcess) -> None:
    assert "default-src 'self'; media-src blob:;" in gateway.get("/").headers["Content-Security-Policy"]
    assert "default-src 'none'" in gateway.get("/models").headers["Content-Security-Policy"]
    card = gateway.get("/models/digits/card").headers["Content-Security-Policy"]
    assert "style-src 'unsafe-inline'" in card
    assert "frame-ancestors 'none'" in card


def test_refusals_and_failures_have_them_too(gateway: GatewayProcess) -> None:
    for answer in (gateway.post("/models/digits", b"x"), ask(f"{gateway.url}/healthz", method="DELETE")):
        assert answer.status >= 400
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_no_origin_is_let_in_by_default(closed: FlaskClient) -> None:
    for answer in (closed.options("/models/digits", headers=ASKING), closed.get("/models", headers={"Origin": OURS})):
        assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]


def test_a_listed_origin_may_ask(opened: FlaskClient) -> None:
    preflight = opened.options("/models/digits", headers=ASKING)
    assert preflight.status_code == 204
    assert preflight.headers["Access-Control-Allow-Origin"] == OURS
    assert preflight.headers["Access-Control-Allow-Methods"] == "DELETE, GET, HEAD, POST, PUT"
    assert preflight.headers["Access-Control-Allow-Headers"] == "authorization, content-type"
    assert "Origin" in preflight.headers["Vary"]
    answer = opened.get("/models", headers={"Origin": OURS})
    assert answer.headers["Access-Control-Allow-Origin"] == OURS
    assert "X-Model-Version" in answer.headers["Access-Control-Expose-Headers"]
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize(
    "origin", ["null", "http://lab.example", f"{OURS}.evil.example", f"{OURS}:443", f"{OURS}/", OURS.upper(), "*"]
)
def test_an_origin_is_compared_exactly(opened: FlaskClient, origin: str) -> None:
    for answer in (
        opened.options("/models/digits", headers={**ASKING, "Origin": origin}),
        opened.get("/models", headers={"Origin": origin}),
    ):
        assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]
        assert "Origin" in answer.headers["Vary"]


@pytest.mark.parametrize("origin", ["*", "lab.example", "https://lab.example/", "https://lab.example/a", ""])
def test_a_setting_that_is_no_origin_is_refused(origin: str) -> None:
    with pytest.raises(ValidationError, match="cors_origins"):
        GatewaySettings(cors_origins=(origin,))


def test_a_callers_request_id_comes_back_and_others_are_made(gateway: GatewayProcess) -> None:
    request = urllib.request.Request(f"{gateway.url}/models", headers={"X-Request-Id": "mine.1:2-3_"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.headers["X-Request-Id"] == "mine.1:2-3_"
    first, second = (gateway.get("/models").headers["X-Request-Id"] for _ in range(2))
    assert first != second
