"""The application: unknown failures tell nothing, and it is light."""

import logging
import subprocess
import sys
from collections.abc import Iterator

import pytest
from flask import Flask

from gateway.app import create_app
from gateway.dialects.exchange import trace
from gateway.errors import DeadlineError
from gateway.settings import GatewaySettings


@pytest.fixture
def app() -> Iterator[Flask]:
    """Its model server is nowhere."""
    app = create_app(GatewaySettings(model_server="127.0.0.1:1"))
    yield app
    app.extensions["close"]()


def test_an_unknown_failure_is_500_with_an_id_and_no_internals(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    @app.get("/fails")
    def fails() -> str:
        raise RuntimeError("secret of the inside")

    with caplog.at_level(logging.ERROR):
        answer = app.test_client().get("/fails", headers={"X-Request-Id": "id-7"})
    assert answer.status_code == 500
    assert answer.mimetype == "application/problem+json"
    assert "secret" not in answer.text
    assert "id-7" in answer.get_json()["detail"]
    [record] = [record for record in caplog.records if "id-7" in record.getMessage()]
    assert record.exc_info
    assert "secret of the inside" in caplog.text


@pytest.mark.parametrize(
    ("stages", "says"),
    [
        (
            {"receive": 0.1, "preprocess": 9.8},
            "there was no answer within 10 s, of which the stage preprocess took 9.8 s",
        ),
        ({"preprocess": 4.0, "infer": 6.0}, "the model did not answer within 10 s"),
        ({"receive": 0.1, "queue": 0.2}, "the model did not answer within 10 s"),
        ({}, "the model did not answer within 10 s"),
    ],
)
def test_a_late_answer_is_blamed_on_the_stage_that_took_the_time(stages: dict[str, float], says: str) -> None:
    assert DeadlineError(10).told(stages) == says


def test_a_late_answer_is_told_with_its_stages(app: Flask) -> None:
    @app.get("/late")
    def late() -> str:
        trace().stages["preprocess"] = 9.8
        raise DeadlineError(10)

    answer = app.test_client().get("/late")
    assert answer.status_code == 504
    assert "the stage preprocess took 9.8 s" in answer.get_json()["detail"]


def test_a_gateway_without_a_model_server_tells_so(app: Flask) -> None:
    client = app.test_client()
    assert client.get("/healthz").status_code == 200
    unready = client.get("/readyz")
    assert unready.status_code == 503
    assert "model server" in unready.get_json()["reasons"]
    asked = client.post("/models/digits", data=b"x")
    assert (asked.status_code, asked.headers["Retry-After"]) == (503, "1")
    assert client.get("/models").get_json() == {"models": []}


def test_neither_the_application_nor_what_it_serves_imports_tensorflow_or_keras_or_what_galleries_alone_need() -> None:
    code = """
import sys
from gateway.app import create_app
from gateway.settings import GatewaySettings
app = create_app(GatewaySettings(model_server="127.0.0.1:1"))
for path in ("/models", "/readyz", "/metrics", "/openapi.json", "/"):
    app.test_client().get(path)
app.extensions["close"]()
assert not {"tensorflow", "keras", "tensorflow_serving", "sqlalchemy", "cryptography"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
