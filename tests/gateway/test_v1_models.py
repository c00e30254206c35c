"""`GET /v1/models` and `GET /v1/models/{model}`: one body for OpenAI's clients and TensorFlow Serving's."""

import openai
import pytest

from tests.support.processes import GatewayProcess, ask

AVAILABLE = {"version": "1", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
OPENAI = {"User-Agent": "OpenAI/Python 3.54.0"}


def client(gateway: GatewayProcess) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="none", max_retries=0)


def test_openais_client_lists_and_finds_models(gateway: GatewayProcess) -> None:
    with client(gateway) as asking:
        assert [model.id for model in asking.models.list()] == ["digits", "sentiment", "strokes"]
        found = asking.models.retrieve("digits")
    assert (found.id, found.object, found.created, found.owned_by) == ("digits", "model", 1767225600, "kmaas")


def test_tensorflow_servings_status_is_in_the_same_body(gateway: GatewayProcess) -> None:
    document = gateway.get("/v1/models/digits").json()
    assert document == {
        "id": "digits",
        "object": "model",
        "created": 1767225600,
        "owned_by": "kmaas",
        "model_version_status": [AVAILABLE],
    }
    assert gateway.get("/v1/models").json()["data"][0] == document


def test_the_user_agent_decides_on_the_shape_of_a_refusal(gateway: GatewayProcess) -> None:
    with client(gateway) as asking, pytest.raises(openai.NotFoundError) as caught:
        asking.models.retrieve("none")
    error = caught.value.body
    assert isinstance(error, dict)
    assert "'none'" in error["message"]
    assert (error["type"], error["param"], error["code"]) == ("invalid_request_error", "model", "model_not_found")
    other = gateway.get("/v1/models/none")
    assert (other.status, other.json()) == (404, {"error": "Could not find any versions of model none"})


@pytest.mark.parametrize(
    ("method", "path", "status", "text"),
    [
        ("GET", "/v1/models/digits:predict", 400, "Malformed request: GET /v1/models/digits:predict"),
        ("DELETE", "/v1/models/digits", 400, "Malformed request: DELETE /v1/models/digits"),
        ("POST", "/v1/models/digits:explain", 400, "Malformed request: POST /v1/models/digits:explain"),
        ("GET", "/v1/models/digits/nothing", 400, "Malformed request: GET /v1/models/digits/nothing"),
        ("GET", "/v1/models/%00%22", 404, 'Could not find any versions of model \x00"'),
    ],
)
def test_paths_that_are_none(gateway: GatewayProcess, method: str, path: str, status: int, text: str) -> None:
    answer = ask(gateway.url + path, method=method)
    assert (answer.status, answer.json()) == (status, {"error": text})
    assert answer.headers["Content-Type"] == "application/json"
    for_openai = ask(gateway.url + path, headers=OPENAI, method=method)
    assert for_openai.status in {404, 405}
    assert for_openai.json()["error"]["type"] == "invalid_request_error"
