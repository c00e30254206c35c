"""The gateway's own routes."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.processes import GatewayProcess, ask
from tests.support.small_models import DIGITS, picture


def test_models_are_listed(gateway: GatewayProcess) -> None:
    digits, sentiment, _ = gateway.get("/models").json()["models"]
    assert (digits["name"], digits["task"], digits["version"]) == ("digits", "image-classification", 1)
    assert (sentiment["name"], sentiment["task"], sentiment["ready"]) == ("sentiment", "text-classification", True)
    line = {"version": 1, "state": "AVAILABLE", "current": True, "reason": None, "servers": 1, "left_out": []}
    assert digits["versions"] == [line]


def test_a_model_is_told_with_the_public_part_of_its_manifest(gateway: GatewayProcess) -> None:
    answer = gateway.get("/models/digits")
    manifest = answer.json()["manifest"]
    assert manifest["labels"] == list(DIGITS)
    assert manifest["version"] == 1
    assert manifest["signatures"]["serving_default"]["inputs"]["image"]["shape"] == [-1, 28, 28, 1]
    assert b"/somewhere/private" not in answer.body
    assert b"c0ffee" not in answer.body


def test_all_that_a_model_can_be_asked_for_is_told(texts: GatewayProcess) -> None:
    told = {model["name"]: model["tasks"] for model in texts.get("/models").json()["models"]}
    assert told["digits"] == ["image-classification"]
    assert told["embeddings"] == ["feature-extraction", "sentence-similarity", "zero-shot-classification"]
    assert told["writer"] == ["text-generation", "chat-completion"]
    assert told["poet"] == ["text-generation"], "it has no chat template"
    assert told["faces"] == ["object-detection", "faces"]
    assert told["squares"] == ["object-detection"]
    several = {name: texts.get(f"/models/{name}").json()["manifest"]["multi_label"] for name in ("moods", "digits")}
    assert several == {"moods": True, "digits": False}


def test_an_unknown_model_is_404(gateway: GatewayProcess) -> None:
    assert gateway.get("/models/none").status == 404


@pytest.mark.parametrize(
    "path", ["/nothing", "/models/digits/nothing", "/web/nothing", "/web/../settings.py", "/models/"]
)
def test_an_unknown_path_is_404(gateway: GatewayProcess, path: str) -> None:
    answer = gateway.get(path)
    assert (answer.status, answer.headers["Content-Type"]) == (404, "application/problem+json")


def test_a_wrong_method_is_405_and_the_right_ones_are_told(gateway: GatewayProcess) -> None:
    answer = ask(f"{gateway.url}/models/digits", method="DELETE")
    assert answer.status == 405
    assert {"GET", "POST"} <= set(answer.headers["Allow"].split(", "))
    assert answer.json()["title"] == "Method Not Allowed"


def test_it_is_alive_and_ready(gateway: GatewayProcess) -> None:
    assert gateway.get("/healthz").json() == {"alive": True}
    assert gateway.get("/readyz").json() == {"ready": True}


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_pages_are_html(gateway: GatewayProcess, path: str) -> None:
    answer = gateway.get(path)
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/html")


def metrics(gateway: GatewayProcess) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    exposition = gateway.get("/metrics").body.decode()
    samples = (sample for family in text_string_to_metric_families(exposition) for sample in family.samples)
    return {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}


def labelled(name: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    return name, frozenset(labels.items())


def test_requests_stages_and_readiness_are_counted(gateway: GatewayProcess) -> None:
    told = {"model": "digits", "version": "1", "task": "image-classification", "dialect": "huggingface"}
    answered = labelled("kmaas_requests_total", **told, status="200")
    refused = labelled("kmaas_requests_total", **told, status="400")
    inferred = labelled("kmaas_stage_seconds_count", model="digits", version="1", stage="infer")
    timed = labelled("kmaas_request_seconds_count", model="digits", version="1", dialect="huggingface")
    gateway.post("/models/digits", picture())
    gateway.post("/models/digits", b"hello")
    before = metrics(gateway)
    gateway.post("/models/digits", picture())
    gateway.post("/models/digits", b"hello")
    after = metrics(gateway)
    assert [after[key] - before[key] for key in (answered, refused, inferred, timed)] == [1, 1, 1, 2]
    assert after[labelled("kmaas_model_ready", model="digits")] == 1
    assert after[labelled("kmaas_requests_in_flight")] == 1  # the one that asks for the metrics
    assert after[labelled("kmaas_requests_inside")] == after[labelled("kmaas_requests_waiting")] == 0


def test_names_that_are_no_models_become_no_labels(gateway: GatewayProcess) -> None:
    for number in range(20):
        gateway.post(f"/models/made-up-{number}", b"{}")
        gateway.get(f"/models/made-up-{number}")
    named = {dict(labels).get("model", "") for _, labels in metrics(gateway)}
    assert named == {"", "digits", "sentiment", "strokes"}


def test_a_doubled_slash_redirects_nowhere(gateway: GatewayProcess) -> None:
    """A redirect would name the host that the caller claimed."""
    answer = ask(gateway.url + "/web//app.js", headers={"Host": "elsewhere.example"})
    assert answer.status == 404
    assert "Location" not in answer.headers
