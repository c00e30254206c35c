"""train, evaluate, export, publish, models, add: through real processes on tiny trainings."""

import json
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from kmaas.add import add
from kmaas.config import Config
from kmaas.train import train
from models.catalog import CATALOG, NETWORKS
from models.errors import LicenceNotAcceptedError
from store.layout import Store
from tests.support.manifests import export_folder
from tests.support.runs import TINY, Workplace
from training.run import Run


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    return Workplace.at(tmp_path_factory.mktemp("verbs"))


@pytest.fixture(scope="module")
def run(place: Workplace) -> Path:
    """Trained by plain gradient descent."""
    return place.train("digits", "--optimizer", "sgd", "--set", "epochs=3", "--set", "batch_size=8")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("train", "digit"), "the catalogue has no 'digit'; it has digits, fashion-resnet, fashion-vgg, sent"),
        (("train", "digits", "--set", "epoch=1"), "unknown key 'epoch'; the keys of digits are seed, rows, epochs"),
        (("train", "digits", "--epochs", "0"), "epochs: Input should be greater than or equal to 1"),
        (("train", "digits", "--preset", "none.toml"), "none.toml cannot be read"),
        (
            ("train", "embeddings", "--epochs", "1"),
            "unknown key 'epochs'; the keys of embeddings are seed, rows",
        ),
        (("train", "embeddings", "--set", "max_tokens=513"), "max_tokens: Input should be less than or equal to 512"),
        (("tune", "embeddings"), "embeddings is imported with its weights and not trained here, so there is nothing"),
        (("train", "--resume", "nowhere"), "nowhere has no readable config.json"),
        (("evaluate", "nowhere"), "nowhere has no readable config.json"),
        (("export", "nowhere"), "nowhere has no readable config.json"),
        (("publish", "nowhere"), "nowhere is neither an export nor a run with one"),
        (
            ("add", "digits", "sentimental"),
            "the catalogue has no 'sentimental'; it has digits, fashion-resnet, fashion-vgg, sent",
        ),
        (("add", "all", "--set", "vocabulary=100"), "unknown key 'vocabulary'; the keys of digits"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(place: Workplace, arguments: tuple[str, ...], message: str) -> None:
    done = place.kmaas(*arguments)
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_run_is_resumed_only_as_it_was_begun(place: Workplace, run: Path) -> None:
    for arguments, message in (
        (("--resume", str(run), "--epochs", "2"), "--resume continues"),
        (("sentiment", "--resume", str(run)), "is a run of digits"),
        ((), "expected a MODEL to train, or --resume RUN"),
    ):
        done = place.kmaas("train", *arguments)
        assert done.returncode == 2
        assert message in done.stderr


def test_from_run_to_store(place: Workplace, run: Path) -> None:
    evaluated = place.kmaas("evaluate", str(run), "--json")
    assert json.loads(evaluated.stdout) == json.loads((run / "evaluation" / "evaluation.json").read_bytes())
    assert json.loads(evaluated.stdout)["accuracy"] > 0.25  # of ten labels: plain gradient descent learns, too

    assert "kmaas export RUN" in place.kmaas("publish", str(run)).stderr
    content = {**place.environment, "KMAAS_PROMOTION__MINIMUM__FEW_LABELS": "0"}  # so short a training knows not all
    exported = replace(place, environment=content).kmaas("export", str(run))
    assert exported.stdout.strip() == str(run / "export")
    [line] = exported.stderr.splitlines()  # nor do TensorFlow and LiteRT speak of themselves
    assert line.startswith("LiteRT twin: ")
    assert "held-out rows the same label for 100.00%" in line
    assert place.kmaas("publish", str(run), "--version", "7").returncode == 0
    assert place.kmaas("publish", str(run / "export")).stdout.strip().endswith("digits/8")
    assert "exists already" in place.kmaas("publish", str(run), "--version", "7").stderr

    listed = {model["name"]: model for model in json.loads(place.kmaas("models", "--json").stdout)}
    assert list(listed) == list(CATALOG)
    assert listed["digits"]["versions"] == [7, 8]
    assert listed["digits"]["accuracy"] == json.loads(evaluated.stdout)["accuracy"]
    assert all(model["versions"] == [] for name, model in listed.items() if name != "digits")
    assert {listed[name]["task"] for name in ("chat", "writer")} == {"text-generation"}
    assert listed["topics"]["licence"].startswith("unclear")
    assert "digits" in place.kmaas("models").stdout


def test_nothing_is_published_of_a_run_that_is_exported_meanwhile_nor_the_other_way_round(
    place: Workplace, run: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(run, tmp_path / "run", ignore=shutil.ignore_patterns("export")))
    export = export_folder(copy / "export", "another")
    busy = f"is at work on {copy}: it trains, measures, exports or publishes it; wait until it has ended"
    with Run.open(copy).exclusive():
        refused = [place.kmaas("publish", str(folder)) for folder in (copy, export)]
    with Run.open(copy).unchanged():
        refused.append(place.kmaas("export", str(copy)))
        assert place.kmaas("publish", str(copy)).returncode == 0
    assert [(done.returncode, busy in done.stderr) for done in refused] == [(1, True)] * 3, refused
    assert Store.at(place.store).versions("another") == [1]


def test_an_export_without_a_twin(place: Workplace, run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "run")
    demanding = {**place.environment, "KMAAS_PROMOTION__MINIMUM__PARITY_INPUTS": "100"}
    done = replace(place, environment=demanding).kmaas("export", str(tmp_path / "run"), "--runtime", "saved_model")
    assert done.stdout.strip() == str(tmp_path / "run" / "export"), done.stderr
    assert "LiteRT" not in done.stderr
    assert "too little evidence to be promoted without --force: 70 parity inputs, at least 100 needed" in done.stderr
    assert not (tmp_path / "run" / "export" / "assets.extra" / "runtime").exists()
    assert "'litert', 'saved_model'" in place.kmaas("export", str(run), "--runtime", "tpu").stderr


def test_a_run_of_which_no_answers_were_kept_says_how_to_get_them(place: Workplace, run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "old")
    path = tmp_path / "old" / "evaluation" / "examples.json"
    path.write_text(json.dumps([{**example, "answer": None} for example in json.loads(path.read_bytes())]))
    done = place.kmaas("export", str(tmp_path / "old"))
    assert f"has no answers in its examples.json; `kmaas evaluate {tmp_path / 'old'}` writes them" in done.stderr


def test_an_unfinished_run_is_not_exported(place: Workplace, run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "unfinished")
    (tmp_path / "unfinished" / "model.weights.h5").unlink()
    done = place.kmaas("export", str(tmp_path / "unfinished"))
    assert "has no model.weights.h5; finish it first: kmaas train --resume" in done.stderr


def test_add_continues_what_was_killed(tmp_path: Path) -> None:
    place = Workplace.at(tmp_path)
    command = ("add", "digits", *TINY["digits"], "--set", "epochs=2")
    killed = place.struck(signal.SIGKILL, "epoch 1/2", *command)
    assert killed.returncode == -signal.SIGKILL
    assert Store.at(place.store).models() == []
    (run,) = place.runs.glob("digits-*")
    other = Path(shutil.copytree(run, place.runs / "digits-other"))  # the newer, by its name
    (other / "fingerprint").write_text("of other code")

    continued = place.kmaas(*command)
    assert "digits: published as version 1" in continued.stdout, continued.stderr
    assert "epoch 1/2" not in continued.stderr
    assert "epoch 2/2" in continued.stderr
    assert set(place.runs.glob("digits-*")) == {run, other}
    assert not (other / "evaluation").exists()

    skipped = place.kmaas(*command, "--if-missing")
    assert skipped.stdout.strip() == "digits: the store has it"
    assert Store.at(place.store).versions("digits") == [1]


def test_an_unclear_licence_must_be_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    unclear = replace(NETWORKS["digits"], licence_unclear=True)
    monkeypatch.setitem(NETWORKS, "digits", unclear)
    for verb, model in ((add, "digits"), (add, "topics"), (train, "topics")):
        result = CliRunner().invoke(verb, [model], obj=Config())
        assert isinstance(result.exception, LicenceNotAcceptedError)
        assert "--accept-licence" in str(result.exception)
