"""`sentiment` by words, then by MiniLM: the second is the next version of the same model, compared with the first on
the same rows. A tiny training of one layer: how good it is at full size is no matter of tests."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from huggingface_hub import InferenceClient

from bench.stack import free_port
from kmaas.config import Config
from models.sentiment_minilm import SentimentMinilmConfig
from store.evaluation import parse_evaluation
from store.held_out import HeldOut
from store.layout import Store, VersionDir
from store.manifest import Manifest
from tests.support.processes import GatewayProcess, ModelServerProcess
from tests.support.runs import TINY, Workplace
from training.data import minilm
from training.run import Run, runs_of

ROWS = ("--set", "rows=300")
SMALL = ("--preset", "minilm", *ROWS, "--set", "layers=1", "--set", "epochs=1")


@dataclass(frozen=True)
class Served:
    """Both versions, the first promoted, and what the promotion of the second said."""

    place: Workplace
    gateway: GatewayProcess
    promoted: str

    def version(self, number: int) -> VersionDir:
        return Store.at(self.place.store).version("sentiment", number)

    @property
    def run(self) -> Run:
        return next(run for run in runs_of(self.place.runs, "sentiment") if run.spec.network == "minilm")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder, port = tmp_path_factory.mktemp("sentiment"), free_port()
    place = Workplace.before(folder, port)
    place.trained("sentiment")
    for number, options in enumerate(((*TINY["sentiment"], "--set", "epochs=1"), SMALL), 1):
        added = place.kmaas("add", "sentiment", *options)
        assert added.stdout == f"sentiment: published as version {number}\n", added.stderr
        assert "too little evidence" not in added.stderr
        assert ("epoch" in added.stderr) == (number == 2), "the finished run is used again"
    with ModelServerProcess(place.store, port) as server:
        first = place.kmaas("promote", "sentiment", "1")
        assert first.returncode == 0, first.stdout + first.stderr
        second = place.kmaas("promote", "sentiment", "newest", "--force", "--reason", "however good it is")
        assert second.returncode == 0, second.stdout + second.stderr
        with GatewayProcess(server.target) as gateway:
            gateway.wait_ready()
            yield Served(place, gateway, second.stdout)


def test_the_run_knows_its_network(served: Served) -> None:
    assert isinstance(served.run.config, SentimentMinilmConfig)
    assert served.run.config.layers == 1
    assert served.run.tokenizer() == minilm.load(Config().cache).tokenizer
    refused = served.place.kmaas("train", "digits", "--resume", str(served.run.path))
    assert "is a run of sentiment, not of digits" in refused.stderr


def test_both_are_measured_on_the_same_rows_and_compared_by_them(served: Served) -> None:
    first, second = (HeldOut.read(served.version(number).held_out) for number in (1, 2))
    assert first.rows == second.rows
    assert first.truth.tolist() == second.truth.tolist()
    assert first.predicted.tolist() != second.predicted.tolist()
    assert "mcnemar" in served.promoted
    assert "unpaired" not in served.promoted


def test_the_second_has_all_that_the_first_has(served: Served) -> None:
    first, second = (Manifest.read(served.version(number).manifest) for number in (1, 2))
    assert (first.task, first.labels) == (second.task, second.labels)
    assert second.signatures.keys() == first.signatures.keys() == {"serving_default", "raw", "explain", "manifest"}
    assert {origin.licence for origin in second.origins} == {"MIT", "Apache-2.0"}
    told = [{metric.name for metric in manifest.robustness} for manifest in (first, second)]
    assert told[0] - told[1] == {"FGSM on 33 numbers a token"}  # attacks on unlike vectors are not compared
    assert told[1] - told[0] == {"FGSM on 384 numbers a token"}
    assert second.batching is not None
    assert {parity.largest for parity in second.parity} == {0.0}
    card = served.place.kmaas("card", "sentiment", "2").stdout
    assert "all-MiniLM-L6-v2" in card
    assert "three before each" not in card  # of the other network
    assert "TF-IDF with logistic regression" in card
    evaluation = parse_evaluation(served.run.evaluated.measured.read_bytes())
    assert evaluation.slices


def test_it_answers_and_explains(served: Served) -> None:
    client = InferenceClient(model=f"{served.gateway.url}/models/sentiment")
    answers = client.text_classification("a wonderful film")
    assert {answer.label for answer in answers} == {"negative", "positive"}
    assert sum(answer.score for answer in answers) == pytest.approx(1, abs=1e-5)
    body = json.dumps({"inputs": "an unforgettable film"}).encode()
    explained = served.gateway.post("/models/sentiment/explain", body, "application/json")
    assert explained.status == 200, explained.json()
    tokens = [token["token"] for token in explained.json()["tokens"]]
    assert tokens == ["[CLS]", "an", "un", "##for", "##get", "##table", "film", "[SEP]"]
