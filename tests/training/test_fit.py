"""Training: repeatable, resumable after a kill without losing more than an epoch, evaluated at its end."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.support.runs import TINY, Workplace
from training.run import Run

EPOCHS = 3
# Many short batches: between two checkpoints there is time to be killed.
SETTINGS = (*TINY["digits"], "--set", "batch_size=2")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    return Workplace.at(tmp_path_factory.mktemp("fit"))


@pytest.fixture(scope="module")
def undisturbed(place: Workplace) -> Path:
    return place.train("digits", "--set", "batch_size=2", "--epochs", str(EPOCHS))


def _losses(run: Path) -> list[Any]:
    return [(line.epoch, line.loss, line.held_out_loss) for line in Run.open(run).epochs()]


def _interrupted(place: Workplace, how: signal.Signals) -> tuple[Path, str]:
    """A run that got `how` once its first epoch was done, and what it said."""
    with place.start("train", "digits", "--epochs", str(EPOCHS), *SETTINGS) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        run = Path(process.stdout.readline().strip())
        for line in process.stderr:
            if "epoch 1/" in line:
                process.send_signal(how)
                break
        said = process.stderr.read()
    return run, said


def test_a_run_has_everything(undisturbed: Path) -> None:
    run = Run.open(undisturbed)
    assert run.finished
    assert [line.epoch for line in run.epochs()] == [1, 2, 3]
    for picture in ("curves.png", "confusion.png"):
        assert (undisturbed / picture).read_bytes().startswith(b"\x89PNG")
    environment = run.environment()
    assert environment["data"]["training_rows"] == 300
    assert set(environment["packages"]) >= {"keras", "tensorflow"}
    assert environment["commit"]
    assert not run.checkpoint.exists()


def test_the_evaluation_has_its_figures(undisturbed: Path) -> None:
    evaluation = json.loads((undisturbed / "evaluation.json").read_bytes())
    assert evaluation["rows"] == sum(map(sum, evaluation["confusion"])) == 300
    assert evaluation["accuracy"] == sum(evaluation["confusion"][i][i] for i in range(10)) / 300
    assert evaluation["accuracy"] > 0.5
    assert evaluation["other_digits_accuracy"] > 0.3
    assert evaluation["per_class"]["7"].keys() == {"precision", "recall", "f1", "support"}


def test_a_killed_run_continues_to_the_very_same_end(place: Workplace, undisturbed: Path) -> None:
    run, _ = _interrupted(place, signal.SIGKILL)
    done = len(Run.open(run).epochs())
    assert 1 <= done < EPOCHS
    resumed = place.kmaas("train", "digits", "--resume", str(run))
    assert resumed.returncode == 0, resumed.stderr
    assert f"epoch {done}/{EPOCHS}" not in resumed.stderr
    assert _losses(run) == _losses(undisturbed)
    assert Run.open(run).evaluation() == Run.open(undisturbed).evaluation()


def test_ctrl_c_says_how_to_continue(place: Workplace) -> None:
    run, said = _interrupted(place, signal.SIGINT)
    assert f"continue with: kmaas train digits --resume {run}" in said
    assert "Traceback" not in said
