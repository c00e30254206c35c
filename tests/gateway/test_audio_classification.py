"""`POST /models/{model}` of a model that tells what is heard."""

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from huggingface_hub import InferenceClient

from tests.support.processes import GatewayProcess
from tests.support.recordings import encoded, wav
from tests.support.small_sounds import LABELS, tone


def asked(gateway: GatewayProcess, body: bytes, media_type: str = "", **parameters: object) -> Any:
    """The answer to the bare bytes; with parameters to JSON."""
    if parameters:
        document = {"inputs": base64.b64encode(body).decode(), "parameters": parameters}
        body, media_type = json.dumps(document).encode(), "application/json"
    answer = gateway.post("/models/pitch", body, media_type)
    return answer.json() if answer.status == 200 else (answer.status, answer.json()["detail"])


@pytest.mark.parametrize("hz", [100, 2000])
def test_a_recording_is_answered_by_falling_score(texts: GatewayProcess, hz: int) -> None:
    best, worst = asked(texts, tone(hz), "audio/wav")
    assert [best["label"], worst["label"]] == (["high", "low"] if hz == 2000 else ["low", "high"])
    assert best["score"] > 0.99
    assert best["score"] + worst["score"] == pytest.approx(1)


def test_any_rate_channels_and_container_is_the_same_recording(texts: GatewayProcess) -> None:
    expected = asked(texts, tone(2000))
    assert asked(texts, tone(2000, rate=44_100, channels=8, width=3)) == expected
    samples = 0.5 * np.sin(2 * np.pi * 2000 * np.arange(4800) / 16_000)
    assert asked(texts, encoded(samples, 16_000, "flac", "flac"), "audio/flac") == expected
    assert asked(texts, encoded(samples, 16_000, "wav", "pcm_mulaw"), "audio/wav") == expected


def test_top_k_and_function_to_apply(texts: GatewayProcess) -> None:
    assert asked(texts, tone(2000), top_k=1, function_to_apply="none") == [{"label": "high", "score": 8.0}]
    sigmoids = asked(texts, tone(2000), function_to_apply="sigmoid")
    assert [line["score"] for line in sigmoids] == pytest.approx([0.99966, 0.5], abs=1e-5)
    assert len(asked(texts, tone(2000), top_k=99)) == len(LABELS)


def test_inference_client_classifies_recordings(texts: GatewayProcess, tmp_path: Path) -> None:
    client = InferenceClient(model=f"{texts.url}/models/pitch", token="any")
    file = tmp_path / "high.wav"
    file.write_bytes(tone(2000))
    heard = client.audio_classification(file)
    assert [line.label for line in heard] == ["high", "low"]
    assert client.audio_classification(tone(2000)) == heard
    [logit] = client.audio_classification(tone(2000), top_k=1, function_to_apply="none")
    assert (logit.label, logit.score) == ("high", 8.0)


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (tone(2000, seconds=5.1), 413, "at most 5 s"),
        (tone(2000)[:200], 400, "cut off"),
        (tone(2000, seconds=0), 422, "empty"),
        (wav(np.zeros((4, 1)), 1), 422, "1 samples per second"),
        (b"RIFF", 400, "begins as none"),
    ],
)
def test_what_is_no_recording_is_refused(texts: GatewayProcess, body: bytes, status: int, says: str) -> None:
    received, detail = asked(texts, body, "audio/wav")
    assert (received, says in detail) == (status, True), detail


@pytest.mark.parametrize(
    ("inputs", "received"), [([base64.b64encode(tone(2000)).decode()], "a list of 1"), (5, "5"), ({}, "an object")]
)
def test_what_is_no_text_is_refused_where_one_recording_is_meant(
    texts: GatewayProcess, inputs: object, received: str
) -> None:
    answer = texts.post("/models/pitch", json.dumps({"inputs": inputs}).encode(), "application/json")
    assert answer.status == 422
    assert answer.json()["errors"] == [{"field": "inputs", "message": f"expected base64 text, received {received}"}]
