"""A user's own classifier: from a file of rows and a Hugging Face directory to a served model, in two commands."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from huggingface_hub import InferenceClient, set_client_factory
from huggingface_hub.utils._http import default_client_factory

from bench.stack import free_port
from kmaas.config import Config
from kmaas.train import train
from store.evaluation import LabelSets, parse_evaluation
from store.layout import Store, VersionDir
from store.manifest import Manifest
from tests.support.own_texts import WORDS, rows, write_csv, write_json_lines
from tests.support.processes import GatewayProcess, ModelServerProcess
from tests.support.runs import Workplace
from tests.support.sentences import ENGLISH, FRENCH
from tests.support.tiny_bert import write_hugging_face

COLUMNS = ("--text-column", "text", "--label-column", "label")
QUICK = ("--set", "epochs=12", "--set", "learning_rate.adam=0.01", "--set", "batch_size=16", "--set", "patience=3")


@dataclass(frozen=True)
class Served:
    """Several labels a text: trained, published, and served by both processes."""

    place: Workplace
    gateway: GatewayProcess
    trained: dict[str, Any]
    told: str

    @property
    def version(self) -> VersionDir:
        return Store.at(self.place.store).version("stays", 1)

    def asked(self, path: str, **body: Any) -> Any:
        return self.gateway.post(path, json.dumps(body).encode(), "application/json")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder, port = tmp_path_factory.mktemp("own"), free_port()
    place = Workplace.before(folder, port)
    faulty: list[dict[str, Any]] = [{"text": "", "label": ["food"]}, {"text": "the soup was here", "label": None}]
    data = write_json_lines(folder / "My stays.jsonl", [*rows(300, several=True), *faulty])
    backbone = write_hugging_face(folder / "tiny-bert", WORDS)
    own = ("--data", str(data), *COLUMNS, "--name", "stays", "--backbone", str(backbone))
    trained = place.kmaas("train", "text-classifier", *own, *QUICK, "--json")
    assert trained.returncode == 0, trained.stderr
    added = place.kmaas("add", "stays")
    assert added.stdout == "stays: published as version 1\n", added.stderr
    with ModelServerProcess(place.store, port) as server, GatewayProcess(server.target, deadline_s=120) as gateway:
        gateway.wait_ready()
        yield Served(place, gateway, json.loads(trained.stdout), trained.stderr)


def test_its_rows_are_told_of_in_words_as_json_and_in_the_run(served: Served) -> None:
    report = served.trained["data"]
    assert (report["rows_read"], report["rows_used"], report["multi_label"], report["leaks"]) == (302, 300, True, 0)
    assert [finding["kind"] for finding in report["findings"]] == ["empty", "no label"]
    assert "empty: 1 × no word in the text: left out (row 301)" in served.told
    assert "My stays.jsonl, utf-8: 300 of 302 rows are used" in served.told
    assert json.loads((Path(served.trained["run"]) / "data.json").read_text()) == report
    assert served.trained["next"] == "kmaas add stays"


def test_it_is_measured_label_by_label(served: Served) -> None:
    evaluation = parse_evaluation(served.version.evaluation.read_bytes())
    assert isinstance(evaluation, LabelSets)
    assert evaluation.labels == ("food", "price", "room")
    assert evaluation.accuracy > 0.8  # all labels of a row right, and no other
    assert evaluation.macro.f1 > 0.9
    for label, of in evaluation.decisions.items():
        assert of.right + of.wrong + of.missed + of.absent == evaluation.rows
        assert evaluation.per_class[label].recall == of.right / (of.right + of.missed)
    assert evaluation.references[0].name == "TF-IDF with logistic regression"
    assert {path.stem for path in served.version.plots.iterdir()} >= {"curves", "thresholds", "reliability"}
    card = served.place.kmaas("card", "stays").stdout
    assert "Probabilities are sigmoid(logits / " in card
    assert "rightly given" in card
    assert str(served.place.folder) not in card.replace("\\", "")


def test_the_version_has_all_that_a_classifier_has(served: Served) -> None:
    manifest = Manifest.read(served.version.manifest)
    assert (manifest.model, manifest.task, manifest.multi_label) == ("stays", "text-classification", True)
    assert manifest.signatures.keys() == {"serving_default", "raw", "explain", "manifest"}
    assert {parity.largest for parity in manifest.parity} == {0.0}
    assert manifest.goldens.keys() == {"food", "price", "room"}
    assert [origin.source for origin in manifest.origins] == [
        "My stays.jsonl, rows of whoever trained it",
        "pretrained weights: tiny-bert",
    ]


def test_a_text_has_the_labels_above_a_half(served: Served) -> None:
    client = InferenceClient(model=f"{served.gateway.url}/models/stays")
    for text, expected in (
        ("the soup was costly and bread cheap today 7", {"food", "price"}),
        ("they said noise and window again 12", {"room"}),
        ("they said never again here 31", set()),
    ):
        scores = {answer.label: answer.score for answer in client.text_classification(text)}
        assert {label for label, score in scores.items() if score >= 0.5} == expected, scores


def test_functions_that_are_asked_for(served: Served) -> None:
    text = "the soup was very costly"

    def scores(**parameters: Any) -> dict[str, float]:
        answer = served.asked("/models/stays", inputs=text, parameters=parameters).json()[0]
        return {element["label"]: element["score"] for element in answer}

    plain = scores()
    assert scores(function_to_apply="sigmoid") == plain
    assert sum(plain.values()) > 1.2
    assert sum(scores(function_to_apply="softmax").values()) == pytest.approx(1, abs=1e-5)
    assert max(scores(function_to_apply="none").values()) > 1


def test_it_is_explained_by_the_probability_that_it_answers(served: Served) -> None:
    text = "the soup was very costly"
    explained = served.asked("/models/stays/explain", inputs=text, parameters={"label": "food"}).json()
    [answer] = [of for of in served.asked("/models/stays", inputs=text).json()[0] if of["label"] == "food"]
    assert explained["score"] == pytest.approx(answer["score"], abs=1e-5)
    assert max(explained["tokens"], key=lambda token: token["weight"])["token"] == "soup"


def test_texts_are_cleaned_alike_wherever_they_are_read(served: Served) -> None:
    plain, marked_up = (
        "the soup was very costly",
        "<p>the&nbsp;<b>so</b>up \u200bwas<br/>very cost\u00adly</p><!-- bed -->",
    )
    answers = [served.asked("/models/stays", inputs=text).json() for text in (plain, marked_up)]
    assert answers[0] == answers[1]
    raw = [
        served.asked("/v1/models/stays:predict", signature_name="raw", instances=[text]).json()["predictions"]
        for text in (plain, marked_up)
    ]
    assert raw[0] == raw[1]
    tokens = served.asked("/models/stays/explain", inputs=marked_up).json()["tokens"]
    assert [marked_up[token["start"] : token["end"]] for token in tokens if token["start"] < token["end"]] == [
        "the",
        "so</b>up",
        "was",
        "very",
        "cost\u00adly",
    ]


def test_a_language_that_was_not_in_its_rows_is_warned_of(served: Served) -> None:
    """By an unmodified client, whose connections say which headers came."""
    assert Manifest.read(served.version.manifest).languages == ("en",)
    assert served.trained["data"]["languages"] == ["en"]
    seen: list[str | None] = []

    def client() -> Any:
        made = default_client_factory()
        noted = [lambda response: seen.append(response.headers.get("X-Model-Warning"))]
        made.event_hooks = {**made.event_hooks, "response": noted}
        return made

    set_client_factory(client)
    try:
        asked = InferenceClient(model=f"{served.gateway.url}/models/stays")
        for text in (FRENCH, ENGLISH):
            assert len(asked.text_classification(text)) == 3
    finally:
        set_client_factory(default_client_factory)
    assert seen == ['unknown-language;language="fr";items="0";known="en"', None]


def test_what_cannot_be_trained_is_said_in_a_line_and_leaves_no_run(tmp_path: Path) -> None:
    data = write_csv(tmp_path / "stays.csv", rows(60, several=False))
    config = Config(runs=tmp_path / "runs")
    backbone = str(write_hugging_face(tmp_path / "tiny-bert"))
    own = ["text-classifier", "--backbone", backbone, "--data", str(data), *COLUMNS]
    for arguments, said in (
        ([*own, "--text-column", "texts"], "columns are 'text', 'label'"),
        ([*own, "--name", "sentiment"], "the catalogue has a model 'sentiment'"),
        ([*own, "--name", "My Stays"], "name: String should match pattern"),
        ([*own, "--backbone", str(tmp_path / "bert")], "there is no such folder"),
        ([*own, "--set", "fewest_rows=50"], "60 labelled texts have 0 labels of 50 rows or more"),
        (own[:5], "--text-column, --label-column must say where your rows are"),
        (["digits", "--data", str(data)], "--data is for a model that begins with your own data"),
        (["sentiment", "--json"], "--json is for a model of your own data"),
    ):
        done = CliRunner().invoke(train, arguments, obj=config)
        told = f"{done.output} {done.exception}"
        assert done.exit_code != 0
        assert said in told, told
        assert ("rare labels: 60 ×" in done.stderr) == ("fewest_rows" in arguments[-1])
    assert not (tmp_path / "runs").exists()
