"""`embeddings` from its published weights to real clients, whose vectors are those of PyTorch."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from huggingface_hub import InferenceClient
from openai import OpenAI

from bench.stack import free_port
from store.layout import Store, VersionDir
from store.manifest import Manifest
from store.twin import Twin
from tests.support.processes import GatewayProcess, ModelServerProcess, until
from tests.support.runs import Workplace
from wire.client import ModelServerClient
from wire.errors import ModelServerError

EXPECTED = Path(__file__).parents[1] / "models" / "data" / "minilm.json"
CLOSE = 1e-5


@dataclass(frozen=True)
class Served:
    """Published by `kmaas add`, promoted, and served by both processes."""

    place: Workplace
    gateway: GatewayProcess
    model_server: ModelServerProcess
    promoted: str

    @property
    def version(self) -> VersionDir:
        return Store.at(self.place.store).version("embeddings", 1)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder, port = tmp_path_factory.mktemp("embeddings"), free_port()
    place = Workplace.before(folder, port)
    added = place.kmaas("add", "embeddings", "--set", "rows=80")
    assert added.returncode == 0, added.stderr
    assert added.stdout == "embeddings: published as version 1\n"
    assert "too little evidence" not in added.stderr
    with ModelServerProcess(place.store, port) as server:
        until(lambda: _serves(server), "the model server answers", timeout_s=300)
        promoted = place.kmaas("promote", "embeddings", "1")
        assert promoted.returncode == 0, promoted.stdout + promoted.stderr
        with GatewayProcess(server.target) as gateway:
            gateway.wait_ready()
            yield Served(place, gateway, server, promoted.stdout)


def _serves(server: ModelServerProcess) -> bool:
    with ModelServerClient(server.target) as client:
        try:
            return [line.state for line in client.status("embeddings", timeout_s=5)] == ["AVAILABLE"]
        except ModelServerError:
            return False


@pytest.fixture(scope="module")
def expected() -> list[tuple[str, Any]]:
    """Texts and their vectors."""
    rows = json.loads(EXPECTED.read_text())
    return [(row["text"], np.frombuffer(base64.b64decode(row["embedding"]), "<f4")) for row in rows]


@pytest.fixture
def client(served: Served) -> InferenceClient:
    return InferenceClient(model=f"{served.gateway.url}/models/embeddings")


@pytest.fixture
def openai(served: Served) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{served.gateway.url}/v1", api_key="any", max_retries=0) as client:
        yield client


def test_the_version_says_what_it_is_and_what_it_lacks(served: Served) -> None:
    manifest = Manifest.read(served.version.manifest)
    assert (manifest.task, manifest.labels, manifest.temperature) == ("feature-extraction", (), 1.0)
    assert manifest.signatures["serving_default"].outputs["embedding"].shape == (-1, 384)
    assert manifest.signatures.keys() == {"serving_default", "raw", "manifest"}
    assert manifest.absent == {"explain": "a vector has no label that could be explained"}
    ways = [("training", "gateway"), ("gateway", "raw")]
    assert [(parity.between, parity.inputs, parity.largest) for parity in manifest.parity] == [
        (w, 64, 0.0) for w in ways
    ]
    assert (manifest.goldens, manifest.recorded) == ({"": 16}, 24)
    assert manifest.batching is not None
    assert manifest.batching.sizes[-1] == 64
    metrics = {metric.name: metric for metric in manifest.metrics}
    assert metrics.keys() == {"accuracy", "mean reciprocal rank", "zero-shot accuracy"}
    assert metrics["accuracy"].value > 0.9
    assert metrics["zero-shot accuracy"].rows == 80
    assert metrics["zero-shot accuracy"].value > 0.3  # of six labels; 28 % are of the most frequent one
    if served.version.twin.is_dir():  # it may have lost the race
        assert Twin.read(served.version.twin).agreement is None


def test_its_card_tells_of_no_labels(served: Served) -> None:
    card = served.place.kmaas("card", "embeddings").stdout
    assert "Not here: the weights are as they were published" in card
    assert "mean reciprocal rank" in card
    assert "TF-IDF of words" in card
    assert "CC-BY-2.0-FR" in card
    assert "Labels:" not in card
    assert "FGSM" not in card
    assert "by label" not in card
    assert {path.stem for path in served.version.plots.iterdir()} == {"robustness", "slices"}


def test_it_is_measured_again_and_told_without_labels(served: Served) -> None:
    [run] = served.place.runs.glob("embeddings-*")
    done = served.place.kmaas("evaluate", str(run))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("accuracy ")
    assert "TF-IDF of words" in done.stdout
    assert "precision" not in done.stdout


def test_vectors_are_those_of_pytorch(client: InferenceClient, expected: list[tuple[str, Any]]) -> None:
    for text, vector in expected:
        np.testing.assert_allclose(client.feature_extraction(text)[0], vector, atol=CLOSE, rtol=0)


def test_in_one_request_as_alone(served: Served, expected: list[tuple[str, Any]]) -> None:
    body = json.dumps({"inputs": [text for text, _ in expected]}).encode()
    answer = served.gateway.post("/models/embeddings", body, "application/json")
    np.testing.assert_allclose(answer.json(), [vector for _, vector in expected], atol=CLOSE, rtol=0)


def test_similarities_are_the_published_ones(client: InferenceClient) -> None:
    weather = ["It's so sunny outside!", "He drove to the stadium."]
    similar = client.sentence_similarity("The weather is lovely today.", weather)
    assert [round(value, 4) for value in similar] == [0.666, 0.1046]
    [eating] = client.sentence_similarity("A man is eating food.", ["A man is eating a piece of bread."])
    assert round(eating, 4) == 0.7553


def test_labels_that_nobody_trained(client: InferenceClient, served: Served) -> None:
    labels = ["sports", "politics", "medicine", "space"]
    texts = {
        "The goalkeeper saved two penalties in the final.": "sports",
        "Parliament votes on the new budget tomorrow.": "politics",
        "The vaccine protects children against measles.": "medicine",
        "The telescope has found a planet around another star.": "space",
    }
    for text, label in texts.items():
        told = client.zero_shot_classification(text, labels)
        assert [told[0].label, len(told)] == [label, 4]
        assert told[0].score > 0.5
        assert sum(element.score for element in told) == pytest.approx(1)
        [most, *_] = client.zero_shot_classification(text, labels, multi_label=True)
        [alone] = client.zero_shot_classification(text, [label], multi_label=True)
        assert most.label == label
        assert most.score == pytest.approx(alone.score, abs=CLOSE)
    for bad in ("\u200b", "very " * 300):
        body = {"inputs": "a", "parameters": {"candidate_labels": ["sports", bad]}}
        refused = served.gateway.post("/models/embeddings", json.dumps(body).encode(), "application/json")
        assert refused.status == 422
        assert [fault["field"] for fault in refused.json()["errors"]] == ["parameters.candidate_labels[1]"]


def test_openai_s_client_gets_the_same(openai: OpenAI, expected: list[tuple[str, Any]]) -> None:
    texts = [text for text, _ in expected]
    in_base64 = openai.embeddings.create(model="embeddings", input=texts)  # which is what the client asks for
    as_numbers = openai.embeddings.create(model="embeddings", input=texts, encoding_format="float")
    for answer in (in_base64, as_numbers):
        vectors = [item.embedding for item in answer.data]
        np.testing.assert_allclose(vectors, [vector for _, vector in expected], atol=CLOSE, rtol=0)
    tokens = sum(len(row["token_ids"]) for row in json.loads(EXPECTED.read_text()))
    assert in_base64.usage.prompt_tokens == tokens
    [short] = openai.embeddings.create(model="embeddings", input="A man is eating food.", dimensions=8).data
    assert np.linalg.norm(short.embedding) == pytest.approx(1)


def test_a_long_text_is_cut_unless_it_must_not_be(served: Served) -> None:
    def asked(inputs: str, **more: Any) -> Any:
        body = json.dumps({"inputs": inputs, **more}).encode()
        return served.gateway.post("/models/embeddings", body, "application/json")

    long = "lazy dog " * 400
    np.testing.assert_allclose(asked(long).json(), asked(long + "and a cat").json(), atol=CLOSE)
    refused = asked(long, truncate=False)
    assert refused.status == 422
    assert "more than 256 tokens" in refused.json()["detail"]


@pytest.mark.parametrize("text", ["", " ", "\u200b", "\u0000"])
def test_a_text_without_a_word_is_refused_and_its_neighbours_are_answered(served: Served, text: str) -> None:
    refused = served.gateway.post("/models/embeddings", json.dumps({"inputs": text}).encode(), "application/json")
    assert refused.status == 422
    answered = served.gateway.post("/models/embeddings", json.dumps({"inputs": "a"}).encode(), "application/json")
    assert answered.status == 200


def test_raw_answers_over_grpc_what_the_gateway_answers(served: Served, expected: list[tuple[str, Any]]) -> None:
    texts = [text for text, _ in expected] + [
        "Ｃafé\u0301 [SEP] 中文 👩‍👩‍👧 \x00\u200bשָׁלוֹם",
        "lazy dog " * 400,
        "a" * 101,
    ]
    body = json.dumps({"inputs": texts}).encode()
    asked = served.gateway.post("/models/embeddings", body, "application/json").json()
    with ModelServerClient(served.model_server.target) as client:

        def raw(*texts: bytes) -> Any:
            answer = client.predict("embeddings", {"text": np.array(texts, object)}, signature="raw", timeout_s=60)
            return answer.outputs["embedding"]

        received = raw(*(text.encode() for text in texts))
        np.testing.assert_allclose(received, asked, atol=CLOSE, rtol=0)
        for bad in (b"\xff", b"a\x80", b"\xed\xa0\x80", b"", b"\xe2\x80\x8b"):
            with pytest.raises(ModelServerError, match="INVALID_ARGUMENT"):
                raw(b"a", bad)
        endless = b"a" * 1_000_000  # more than the gateway takes, and one word that is unknown, too
        np.testing.assert_allclose(raw(endless)[0], asked[-1], atol=CLOSE, rtol=0)


def test_more_tokens_than_it_has_positions_are_refused_by_the_model_server(served: Served) -> None:
    with ModelServerClient(served.model_server.target) as client:
        with pytest.raises(ModelServerError):
            client.predict("embeddings", {"token_ids": np.ones((1, 600), np.int32)}, timeout_s=30)
        answer = client.predict("embeddings", {"token_ids": np.array([[101, 1037, 102]], np.int32)}, timeout_s=30)
    assert np.linalg.norm(answer.outputs["embedding"]) == pytest.approx(1, abs=1e-5)
