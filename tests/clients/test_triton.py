"""tritonclient, unmodified, over HTTP and gRPC, against a real gateway in front of real models."""

import json
from typing import Any

import numpy as np
import pytest

from tests.support.client_programs import ROOT, run_program
from tests.support.processes import GatewayProcess

SEVEN = ROOT / "docs" / "seven.png"


@pytest.fixture(scope="module")
def http(gateway: GatewayProcess) -> Any:
    return run_program("triton", "http", gateway.url.removeprefix("http://"), str(SEVEN))


@pytest.fixture(scope="module")
def grpc(gateway: GatewayProcess) -> Any:
    return run_program("triton", "grpc", gateway.grpc, str(SEVEN))


@pytest.fixture(params=["http", "grpc"])
def seen(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)


def scores(gateway: GatewayProcess, model: str, body: bytes) -> list[float]:
    """What the native dialect says of one item, in the order of the model's labels."""
    answer = gateway.post(f"/models/{model}", body).json()
    answer = answer[0] if isinstance(answer[0], list) else answer  # of texts a list of one
    labels = gateway.get(f"/models/{model}").json()["manifest"]["labels"]
    told = {line["label"]: line["score"] for line in answer}
    return [told[label] for label in labels]


def close(answer: Any, expected: Any) -> None:
    np.testing.assert_allclose(answer, expected, atol=1e-6, rtol=0)


def test_health(seen: Any) -> None:
    assert (seen["live"], seen["ready"], seen["models_ready"]) == (True, True, [True, True])


def test_the_server_and_a_model_are_told(seen: Any) -> None:
    assert seen["server"] == {"name": "kmaas", "version": "1", "extensions": ["binary_tensor_data"]}
    model = seen["model"]
    assert (model["name"], model["versions"], model["platform"]) == ("strokes", ["1"], "tensorflow_savedmodel")
    [image] = model["inputs"]
    assert (image["name"], image["datatype"], [int(side) for side in image["shape"]]) == (
        "image",
        "UINT8",
        [-1, 28, 28, 1],
    )
    assert {output["name"] for output in model["outputs"]} == {"logits", "probabilities"}


def test_encoded_pictures_are_answered_as_by_the_native_dialect(seen: Any, gateway: GatewayProcess) -> None:
    [probabilities] = seen["bytes"]["probabilities"]
    close(probabilities, scores(gateway, "strokes", SEVEN.read_bytes()))


def test_token_ids_are_answered_as_by_the_native_dialect(seen: Any, gateway: GatewayProcess) -> None:
    [probabilities] = seen["tokens"]["probabilities"]
    close(probabilities, scores(gateway, "sentiment", json.dumps({"inputs": "good a film"}).encode()))


def test_every_form_has_the_same_numbers(http: Any, grpc: Any) -> None:
    forms = [http[name] for name in ("version", "async", "json_in", "json_out", "json_both", "mixed")]
    for form in (*forms, grpc["image"], grpc["version"], grpc["async"]):
        for name in ("logits", "probabilities"):
            close(form[name], http["image"][name])
    close(http["json_tokens"]["logits"], http["tokens"]["logits"])


def test_pictures_are_answered_in_order(seen: Any) -> None:
    probabilities = np.array(seen["image"]["probabilities"])
    logits = np.array(seen["image"]["logits"])
    assert probabilities.shape == (2, 2)
    powers = np.exp(logits)
    close(probabilities, powers / powers.sum(axis=1, keepdims=True))


def test_only_the_outputs_asked_for_are_answered(seen: Any) -> None:
    assert seen["one_output"].keys() == {"probabilities"}
    close(seen["one_output"]["probabilities"], seen["image"]["probabilities"])


def test_the_request_s_id_comes_back(seen: Any) -> None:
    assert seen["id"] == "mine"


def test_a_signature_is_chosen_by_its_name(seen: Any) -> None:
    assert seen["explained"] == [2, 28, 28]


REFUSED = {
    "unknown_model": ("404", "NOT_FOUND", "no model 'none'"),
    "unknown_version": ("404", "NOT_FOUND", "no version 9"),
    "unknown_input": ("400", "INVALID_ARGUMENT", "'nope'"),
    "unknown_output": ("400", "INVALID_ARGUMENT", "no output 'nope'"),
    "wrong_type": ("400", "INVALID_ARGUMENT", "data type"),
    "wrong_shape": ("400", "INVALID_ARGUMENT", "shape [2, 5, 28, 1]; expected [-1, 28, 28, 1]"),
    "too_many": ("413", "RESOURCE_EXHAUSTED", "at most 4"),
    "not_in_the_graph": ("400", "INVALID_ARGUMENT", "is not in [0, 12)"),
    "no_picture": ("400", "INVALID_ARGUMENT", "no picture"),
    "sequence": ("400", "INVALID_ARGUMENT", "sequence_id"),
    "statistics": ("501", "UNIMPLEMENTED", "not offered"),
    "configuration": ("501", "UNIMPLEMENTED", "not offered"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals_are_the_client_s_exceptions(case: str, http: Any, grpc: Any) -> None:
    status, code, says = REFUSED[case]
    assert (http[case]["status"], grpc[case]["status"]) == (status, f"StatusCode.{code}")
    assert says in http[case]["says"]
    assert says in grpc[case]["says"]


def test_grpc_s_compression_is_understood(grpc: Any) -> None:
    close(grpc["compressed"]["logits"], grpc["image"]["logits"])


def test_a_stream_goes_on_behind_a_refusal(grpc: Any) -> None:
    first, second, third = grpc["stream"]
    close(first["1"]["probabilities"], grpc["image"]["probabilities"])
    assert "no model 'none'" in second
    close(third["3"]["probabilities"], grpc["tokens"]["probabilities"])
