"""Training: repeatable, resumable after a kill without losing more than an epoch, evaluated at its end."""

import json
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kmaas.config import Config
from kmaas.progress import PlainProgress
from models.catalog import find
from models.spec import TrainConfig
from processing.digit_form import digit_form
from processing.image import decode
from store.evaluation import Classification
from store.held_out import HeldOut
from tests.support.runs import LEARNT, TINY, Workplace
from training.config import load_config
from training.errors import NotARunError, OutdatedRunError
from training.fingerprint import fingerprint
from training.fit import fresh_model, load_model, train
from training.recipes import make_trial_recipe
from training.run import Run

SETTINGS = (*TINY["digits"], *LEARNT)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    return Workplace.at(tmp_path_factory.mktemp("fit"))


@pytest.fixture(scope="module")
def undisturbed(place: Workplace) -> Path:
    return place.trained("digits", *LEARNT)


def _losses(run: Path) -> list[Any]:
    return [(line.epoch, line.loss, line.held_out_loss) for line in Run.open(run).epochs()]


def _untimed(run: Path) -> Any:
    """The evaluation without the one part that is not the same every time."""
    return Run.open(run).evaluated.evaluation().model_copy(update={"latency": ()})


def _interrupted(place: Workplace, how: signal.Signals) -> tuple[Path, str]:
    """A run that got `how` when its first epoch was done, and what it said."""
    done = place.struck(how, "epoch 1/", "train", "digits", *SETTINGS)
    return Path(done.stdout.splitlines()[0]), done.stderr


def test_a_run_has_everything(undisturbed: Path) -> None:
    run = Run.open(undisturbed)
    assert run.finished
    assert [line.epoch for line in run.epochs()] == [1, 2, 3]
    names = {"curves", "confusion", "thresholds", "reliability", "robustness", "slices"}
    assert {path.name for path in run.evaluated.plots.iterdir()} == {f"{name}.png" for name in names}
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in run.evaluated.plots.iterdir())
    assert all(line.cpu_seconds and line.cpu_seconds > 0 for line in run.epochs())
    environment = run.environment()
    assert environment["data"]["training_rows"] == 300
    assert set(environment["packages"]) >= {"keras", "tensorflow"}
    assert environment["commit"]
    assert not run.checkpoint.exists()


def test_examples_have_the_answers_of_the_trained_model_and_there_are_rows_besides(undisturbed: Path) -> None:
    run = Run.open(undisturbed)
    model = load_model(run)
    for example in run.evaluated.examples()[::7]:
        row = digit_form(decode(example.body, max_pixels=10**6))[np.newaxis]
        np.testing.assert_allclose(np.array([example.answer]), model(row, training=False), rtol=1e-5, atol=1e-5)
    sample, evaluation = run.evaluated.sample(), run.evaluated.evaluation()
    assert sample.inputs.shape == (300, 28, 28, 1)
    assert sample.inputs.dtype == np.uint8
    right = model.predict(sample.inputs, verbose=0).argmax(axis=1) == sample.truth
    assert right.mean() == pytest.approx(evaluation.accuracy)


def test_a_damaged_sample_says_how_to_get_another(undisturbed: Path, tmp_path: Path) -> None:
    shutil.copytree(undisturbed, tmp_path / "run")
    (tmp_path / "run" / "evaluation" / "sample.npz").write_bytes(b"garbage")
    with pytest.raises(NotARunError, match=r"has no readable sample\.npz; measure it again: kmaas evaluate .*run"):
        Run.open(tmp_path / "run").evaluated.sample()


def test_the_evaluation_has_its_figures(undisturbed: Path) -> None:
    evaluation = json.loads((undisturbed / "evaluation" / "evaluation.json").read_bytes())
    assert evaluation["rows"] == sum(map(sum, evaluation["confusion"])) == 300
    assert evaluation["accuracy"] == sum(evaluation["confusion"][i][i] for i in range(10)) / 300
    assert evaluation["accuracy"] > 0.5
    assert evaluation["other_digits_accuracy"] > 0.3
    assert evaluation["per_class"]["7"]["support"] == sum(evaluation["confusion"][7])
    assert evaluation["micro"]["f1"] == evaluation["accuracy"]
    calibration = evaluation["calibration"]
    assert calibration["fitted_rows"] + calibration["rows"] == 300
    assert [line["rows"] for line in evaluation["latency"]] == [1, 32]
    assert {line["by"] for line in evaluation["slices"]} == {"label", "other digits", "picture"}
    tried = [trial["disturbance"] for trial in evaluation["robustness"]["trials"]]
    told = [metric["name"] for metric in evaluation["robustness"]["metrics"]]
    assert told == list(dict.fromkeys(tried)) == ["JPEG", "blur", "noise", "brightness", "rotation", "FGSM"]


def test_the_answers_to_the_held_out_rows_are_those_of_the_evaluation(undisturbed: Path) -> None:
    run = Run.open(undisturbed)
    held_out = HeldOut.read(run.evaluated.held_out)
    assert len(held_out.rows) == 64
    assert held_out.right.mean() == run.evaluated.evaluation().accuracy
    evaluation = run.evaluated.evaluation()
    assert isinstance(evaluation, Classification)
    assert np.bincount(held_out.truth).tolist() == [sum(row) for row in evaluation.confusion]


def test_a_killed_run_continues_to_the_very_same_end(place: Workplace, undisturbed: Path) -> None:
    run, _ = _interrupted(place, signal.SIGKILL)
    assert [line.epoch for line in Run.open(run).epochs()] == [1]
    environment = (run / "environment.json").read_text()
    (run / "environment.json").write_text(environment.replace('"commit": "', '"commit": "first-'))
    resumed = place.kmaas("train", "--resume", str(run))
    assert resumed.returncode == 0, resumed.stderr
    assert "epoch 1/3" not in resumed.stderr
    assert "epoch 2/3" in resumed.stderr
    assert _losses(run) == _losses(undisturbed)
    assert _untimed(run) == _untimed(undisturbed)
    assert Run.open(run).environment()["commit"].startswith("first-")  # of the code that began it


def test_a_run_killed_between_its_weights_and_its_evaluation_is_only_measured(
    place: Workplace, undisturbed: Path, tmp_path: Path
) -> None:
    """Also by other code than trained it, which its environment does not name."""
    run = Run.open(Path(shutil.copytree(undisturbed, tmp_path / "run")))
    shutil.rmtree(run.path / "evaluation")
    (run.path / "environment.json").write_text("{}")
    (run.path / "fingerprint").write_text("code 0\n")
    run.checkpoint.mkdir()
    (run.checkpoint / "3.weights.h5").touch()
    resumed = place.kmaas("train", "--resume", str(run.path))
    assert resumed.returncode == 0, resumed.stderr
    assert "epoch" not in resumed.stderr
    assert _untimed(run.path) == _untimed(undisturbed)
    assert run.environment() == {}
    assert not run.checkpoint.exists()


@pytest.mark.parametrize(
    ("settings", "code", "message"),
    [
        (["seed=8"], "code ", "was begun with other configuration and"),
        ([], "code 0", "was begun with other code and"),
        (["seed=8"], "code 0", "was begun with other configuration and code and"),
    ],
)
def test_a_run_of_another_training_is_not_continued(
    tmp_path: Path, settings: list[str], code: str, message: str
) -> None:
    spec = find("digits")
    begun = fingerprint(spec, load_config(spec, None, settings)).replace("code ", code)
    run = Run.create(tmp_path, spec, load_config(spec), begun)
    with pytest.raises(OutdatedRunError, match=rf"{message} cannot be continued .* train anew: kmaas train digits$"):
        train(run, tmp_path, PlainProgress(print, time.monotonic))
    assert not (run.path / "environment.json").exists()


def test_ctrl_c_says_how_to_continue(place: Workplace) -> None:
    run, said = _interrupted(place, signal.SIGINT)
    assert f"continue with: kmaas train --resume {run}" in said
    assert "Traceback" not in said


def test_the_rate_climbs_for_its_share_of_the_steps_and_falls_to_zero() -> None:
    spec = find("digits")
    config = load_config(spec, None, ["rows=320", "batch_size=32", "epochs=2", "warm_up=0.2", "learning_rate.adam=0.1"])
    assert isinstance(config, TrainConfig)
    recipe = make_trial_recipe(spec, config, Config().cache, PlainProgress(print, time.monotonic))
    model, steps = fresh_model(spec, config, recipe)
    assert steps == 8
    rates = []
    for step in range(2 * steps + 1):
        model.optimizer.iterations.assign(step)
        rates.append(float(model.optimizer.learning_rate))
    np.testing.assert_allclose(rates[:4], [0, 0.1 / 3, 0.2 / 3, 0.1], atol=1e-6)
    assert rates[3:] == sorted(rates[3:], reverse=True)
    np.testing.assert_allclose(rates[-1], 0, atol=1e-6)
