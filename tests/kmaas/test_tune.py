"""`kmaas tune`: through real processes on tiny trainings, with an end by force in the middle."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from models.catalog import find
from tests.support.runs import TINY, Workplace
from training.config import load_train_config

SPACE = """
[dropout]
low = 0.0
high = 0.5

[learning_rate.adam]
low = 0.001
high = 0.01
scale = "log"
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    place = Workplace.at(tmp_path_factory.mktemp("tune"))
    (place.folder / "space.toml").write_text(SPACE)
    return place


def _command(place: Workplace, model: str, *options: str) -> tuple[str, ...]:
    space = ("--space", str(place.folder / "space.toml"))
    return ("tune", model, "--trials", "2", *space, *TINY[model], *(options or ("--max-epochs", "1")))


@pytest.fixture(scope="module")
def killed(place: Workplace) -> tuple[Path, str]:
    """A search that was killed in its second trial, and what it said."""
    done = place.struck(signal.SIGKILL, "trial 2/2", *_command(place, "digits"))
    assert done.returncode == -signal.SIGKILL
    return Path(done.stdout.splitlines()[0]), done.stderr


@pytest.fixture(scope="module")
def resumed(place: Workplace, killed: tuple[Path, str]) -> tuple[Any, str]:
    """The JSON that it ended with when it was continued, and what it said."""
    done = place.kmaas("tune", "--resume", str(killed[0]), "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


def test_a_killed_search_loses_only_the_trial_it_was_in(
    killed: tuple[Path, str], resumed: tuple[Any, str], place: Workplace
) -> None:
    document, said = resumed
    first, second = document["trials"]
    assert (first["number"], second["number"]) == (1, 2)
    assert f"trial 1: accuracy {first['score']:.4f}" in killed[1]
    assert "trial 2: accuracy" not in killed[1]
    assert "trial 1/2" not in said
    assert "trial 2/2" in said
    assert first["settings"] != second["settings"]
    for trial in document["trials"]:
        assert 0 <= trial["settings"]["dropout"] <= 0.5
        assert 0.001 <= trial["settings"]["learning_rate.adam"] <= 0.01


def test_the_preset_of_the_best_trial_trains(place: Workplace, resumed: tuple[Any, str]) -> None:
    document, _ = resumed
    assert document["preset"] == str(place.folder / "presets" / "digits.toml")
    assert document["best"] == max(document["trials"], key=lambda trial: (trial["score"], -trial["number"]))
    command = ("train", "digits", "--epochs", "1", *TINY["digits"], "--preset", document["preset"])
    trained = place.struck(signal.SIGKILL, "epoch 1/1", *command)  # its evaluation would tell nothing more
    assert trained.returncode == -signal.SIGKILL, trained.stderr
    config = json.loads((Path(trained.stdout.splitlines()[0]) / "config.json").read_bytes())
    assert config["dropout"] == document["best"]["settings"]["dropout"]
    assert config["learning_rate"]["adam"] == document["best"]["settings"]["learning_rate.adam"]
    assert "rows" not in Path(document["preset"]).read_text().split("\n", 3)[3]


@pytest.mark.parametrize(
    ("model", "method", "epochs"), [("digits", "hyperband", ("3", [1, 1])), ("sentiment", "bayesian", ("2", [2, 2]))]
)
def test_every_method_searches(place: Workplace, model: str, method: str, epochs: tuple[str, list[int]]) -> None:
    most, expected = epochs
    done = place.kmaas(*_command(place, model, "--max-epochs", most, "--method", method, "--json"))
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert (document["model"], document["method"]) == (model, method)
    assert [trial["epochs"] for trial in document["trials"]] == expected
    spec = find(model)
    assert load_train_config(spec, Path(document["preset"])).epochs == load_train_config(spec).epochs
    assert f"after epoch {expected[0]} on" in Path(document["preset"]).read_text().replace("\n# ", " ")


def test_ctrl_c_says_how_to_continue(place: Workplace) -> None:
    done = place.struck(signal.SIGINT, "trial 1/2", *_command(place, "digits"))
    assert done.returncode == 130
    assert f"interrupted; continue with: kmaas tune --resume {done.stdout.strip()}" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("tune",), "expected a MODEL to tune, or --resume FOLDER"),
        (("tune", "digit"), "the catalogue has no 'digit'"),
        (("tune", "en-es"), "en-es cannot be tuned: nothing of its training data is set apart for trials"),
        (("tune", "digits", "--max-epochs", "0"), "0 is not in the range x>=1"),
        (("tune", "digits", "--method", "grid"), "'grid' is not one of 'random', 'hyperband', 'bayesian'"),
        (("tune", "digits", "--space", "none.toml"), "none.toml cannot be used: No such file"),
        (("tune", "--resume", "nowhere"), "nowhere is no search that can be continued"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(place: Workplace, arguments: tuple[str, ...], message: str) -> None:
    done = place.kmaas(*arguments)
    assert done.returncode in {1, 2}
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_search_is_resumed_only_as_it_was_begun(place: Workplace, killed: tuple[Path, str]) -> None:
    for arguments, message in (
        (("--resume", str(killed[0]), "--trials", "3"), "leave the other options away"),
        (("sentiment", "--resume", str(killed[0])), "is a search of digits"),
    ):
        done = place.kmaas("tune", *arguments)
        assert done.returncode == 2
        assert message in done.stderr
