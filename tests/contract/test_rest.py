"""The REST interface against the server, as any HTTP client sees it."""

import json
from typing import Any

import pytest

from tests.contract.conftest import LABEL, MODELS, VERSION, Server
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


def test_a_single_string(server: Server) -> None:
    """A scalar: the session that runs the graph gives it as bytes, not as an array."""
    joined = {"signature_name": "joined", "inputs": ["a", "b"]}
    assert predict(server, "many", joined).json() == {"outputs": {"all": "ab", "text": ["a", "b"]}}
    assert predict(server, "many", joined | {"inputs": "a"}).json() == {"outputs": {"all": "a", "text": "a"}}


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


EXAMPLES = {"examples": [{"x": 2.0}, {"x": 20.0}]}


def post(server: Server, path: str, body: Any) -> Answer:
    return ask(f"{server.rest}/v1/models/{path}", json.dumps(body).encode(), {})


def test_classify_and_regress(server: Server) -> None:
    classified = post(server, f"half/labels/{LABEL}:classify", {"signature_name": "classify_x_to_y", **EXAMPLES})
    assert classified.json() == {"results": [[["", 3.0]], [["", 12.0]]]}
    regressed = post(server, f"half/versions/{VERSION}:regress", {"signature_name": "regress_x_to_y", **EXAMPLES})
    assert regressed.json() == {"results": [3.0, 12.0]}
    context = {"signature_name": "regress_x_to_y", "context": {"x": 6.0}, "examples": [{}]}
    assert post(server, "half:regress", context).json() == {"results": [5.0]}


@pytest.mark.parametrize(
    ("path", "body", "status", "message"),
    [
        ("half:regress", {}, 400,
         "JSON Value: {} When method is classify, key 'examples' is expected and was not found"),
        ("half:classify", {"examples": 1}, 400,
         'JSON Value: {\n    "examples": 1\n} Expecting \'examples\' value to be an list/array'),
        ("half:classify", {"examples": []}, 400,
         'JSON Value: {\n    "examples": []\n} \'examples\' value is an empty array'),
        ("half:classify", {"examples": [1]}, 400, "Example must be JSON object but got JSON Number"),
        ("half:classify", {"examples": [{"x": [1.0, "a"]}]}, 400,
         "Unexpected element type in feature: x expecting type: float"),
        ("half:classify", {"examples": [{"x": None}]}, 400, "Feature: x has element with unexpected JSON type: Null"),
        ("half:classify", {"examples": [{"x": 2**63}]}, 400,
         "Feature: x has uint64_t element. Only int64_t is supported."),
        ("half:regress", {"signature_name": "none", **EXAMPLES}, 400, "No signature was found with the name: none"),
        ("none:regress", EXAMPLES, 404, "Servable not found for request: Latest(none)"),
        ("half/labels/none:regress", EXAMPLES, 400, "Unrecognized servable version label: none"),
        ("half:explain", {}, 400, "Malformed request: POST /v1/models/half:explain"),
        ("half:predict?x=1", {}, 400, "Malformed request: POST /v1/models/half:predict?x=1"),
    ],
)  # fmt: skip
def test_failures_of_examples_and_paths(server: Server, path: str, body: Any, status: int, message: str) -> None:
    answer = post(server, path, body)
    assert (answer.status, answer.json()) == (status, {"error": message})


def test_a_version_too_big_is_refused_without_a_word(server: Server) -> None:
    answer = post(server, f"half/versions/{2**63}:predict", {})
    assert (answer.status, answer.body) == (400, b"")


def test_numbers_that_are_not_legal_json_both_ways(server: Server) -> None:
    answer = ask(f"{server.rest}/v1/models/plus:predict", b'{"inputs": [NaN, Infinity, -Infinity, 0, 1e7]}', {})
    assert answer.body.split() == b'{ "outputs": [NaN, Infinity, -Infinity, 2.0, 5000002.0] }'.split()


def test_types_that_json_does_not_have(server: Server) -> None:
    half = {"signature_name": "half", "inputs": [1]}
    assert predict(server, "many", half).status == 501
    assert predict(server, "many", {"signature_name": "half", "instances": [1]}).status == 400
    assert predict(server, "ragged", {"inputs": [[1.0]]}).json() == {
        "error": "JSON Value: 1.0 Type: Number is not of expected type: int64"
    }
    assert predict(server, "ragged", {"inputs": [[2**63 - 1]]}).json()["outputs"]["flat"] == [2**63 - 1]


@pytest.mark.ours
def test_the_list_of_models(server: Server) -> None:
    assert [model["name"] for model in ask(f"{server.rest}/v1/models").json()["models"]] == sorted(MODELS)


def test_status_and_metadata(server: Server) -> None:
    status = ask(f"{server.rest}/v1/models/plus").json()
    line = {"version": str(VERSION), "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    assert status == {"model_version_status": [line]}
    metadata = ask(f"{server.rest}/v1/models/plus/metadata").json()
    assert metadata["model_spec"] == {"name": "plus", "signature_name": "", "version": str(VERSION)}
    assert set(metadata["metadata"]["signature_def"]["signature_def"]) == {"serving_default", "__saved_model_init_op"}
