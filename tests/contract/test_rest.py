"""The REST interface against the server, as any HTTP client sees it."""

import json
from typing import Any

import pytest

from tests.contract.conftest import VERSION, Server
from tests.support.processes import Answer, ask


def predict(server: Server, model: str, body: Any) -> Answer:
    return ask(f"{server.rest}/v1/models/{model}:predict", json.dumps(body).encode(), {})


def test_rows_and_columns(server: Server) -> None:
    assert predict(server, "plus", {"instances": [1.0, 2.0]}).json() == {"predictions": [2.5, 3.0]}
    assert predict(server, "plus", {"inputs": [[1.0]]}).json() == {"outputs": [[2.5]]}
    assert predict(server, "many", {"instances": [{"a": 1.0, "b": 2.0}]}).json() == {
        "predictions": [{"sum": 3.0, "difference": -1.0}]
    }
    strings = {"signature_name": "strings", "instances": [{"b64": "QQ=="}]}
    both = {"text": "A", "text_bytes": {"b64": "QQ=="}}
    assert predict(server, f"many/versions/{VERSION}", strings).json() == {"predictions": [both]}


@pytest.mark.parametrize(
    ("model", "body", "status", "message"),
    [
        ("none", {"instances": [1]}, 404, "Servable not found for request: Latest(none)"),
        ("plus/versions/3", {"instances": [1]}, 404, "Servable not found for request: Specific(plus, 3)"),
        ("plus", {}, 400, "Missing 'inputs' or 'instances' key"),
        ("plus", {"signature_name": "s"}, 400, 'Serving signature name: "s" not found in signature def'),
        ("plus", {"inputs": ["a"]}, 400, 'JSON Value: "a" Type: String is not of expected type: float'),
        ("plus", {"inputs": [[1], [1, 2]]}, 400, "Encountered list at unexpected size: 2 at level: 1 expected size: 1"),
        ("many", {"inputs": {"a": [1]}}, 400, "Missing named input: b in 'inputs' object."),
    ],
)
def test_failures(server: Server, model: str, body: Any, status: int, message: str) -> None:
    answer = predict(server, model, body)
    assert (answer.status, answer.json()) == (status, {"error": message})


def test_status_and_metadata(server: Server) -> None:
    status = ask(f"{server.rest}/v1/models/plus").json()
    line = {"version": str(VERSION), "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    assert status == {"model_version_status": [line]}
    metadata = ask(f"{server.rest}/v1/models/plus/metadata").json()
    assert metadata["model_spec"] == {"name": "plus", "signature_name": "", "version": str(VERSION)}
    assert set(metadata["metadata"]["signature_def"]["signature_def"]) == {"serving_default", "__saved_model_init_op"}
