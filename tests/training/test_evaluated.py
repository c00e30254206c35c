"""The evaluation of a run: all of it or none, whenever its writer dies, and clear words for what is missing."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from models.catalog import find
from models.example import Example, HeldOutRows
from store.evaluation import Averages, Calibrated, Calibration, Classification, Evaluation, Robustness, Share
from store.held_out import HeldOut
from tests.support.killed import killed_at_each_step
from training.config import load_config
from training.errors import NotARunError, UnfinishedRunError
from training.run import Run

DIGITS = find("digits")


def evaluation(rows: int) -> Evaluation:
    """Of so many rows, all else made up."""
    calibrated = Calibrated(error=0, loss=0, bins=())
    of_all = Averages(precision=1, recall=1, f1=1)
    share = Share(rows=rows, accuracy=1, interval=(0, 1))
    return Classification(
        labels=("a", "b"),
        rows=rows,
        accuracy=1,
        accuracy_interval=(0, 1),
        micro=of_all,
        macro=of_all,
        macro_f1_interval=(0, 1),
        per_class={},
        confusion=((rows, 0), (0, 0)),
        curves={},
        calibration=Calibration(temperature=1, fitted_rows=0, rows=0, before=calibrated, after=calibrated),
        latency=(),
        robustness=Robustness(data="", undisturbed=share, trials=(), metrics=()),
        slices=(),
        references=(),
        metrics=(),
    )


def write(run: Run, rows: int) -> None:
    """An evaluation each of whose files tells of how many rows it is."""
    truth = np.zeros(rows, np.int32)
    example = Example.of(f"of-{rows}", "image/png", b"\x89PNG", "a")
    with run.evaluating() as evaluated:
        evaluated.plots.mkdir()
        (evaluated.plots / "curves.png").write_text(f"{rows}")
        evaluated.write(
            evaluation(rows),
            HeldOut("0" * 64, truth, truth),
            [example],
            truth,
            HeldOutRows(truth[:, None], truth),
            contents={"rows": f"{rows}"},
        )


def told(run: Run) -> set[int]:
    """Of how many rows each file says that the evaluation is."""
    found = run.evaluated
    return {
        found.evaluation().rows,
        len(HeldOut.read(found.held_out).truth),
        len(found.inputs()),
        len(found.sample().truth),
        int(found.examples()[0].name.removeprefix("of-")),
        int((found.plots / "curves.png").read_text()),
        int(found.contents()["rows"]),
    }


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.create(tmp_path / "runs", DIGITS, load_config(DIGITS), "f00")


def test_an_evaluation_reads_back(run: Run) -> None:
    assert not run.finished
    write(run, 3)
    assert run.finished
    assert told(run) == {3}
    assert run.evaluated.evaluation() == evaluation(3)
    assert run.evaluated.inputs().dtype == np.int32
    assert {path.name for path in run.path.iterdir()} == {"config.json", "fingerprint", "evaluation"}


def test_killed_at_each_step_of_another_evaluation(run: Run, tmp_path: Path) -> None:
    write(run, 3)
    fresh = shutil.copytree(run.path, tmp_path / "fresh")

    def renew() -> None:
        shutil.rmtree(run.path)
        shutil.copytree(fresh, run.path)

    seen, steps = set(), 0
    for step in killed_at_each_step(renew, lambda: write(run, 5)):
        assert run.finished
        assert told(run) in ({3}, {5}), f"files of two evaluations after step {step}"
        seen |= told(run)
        steps = max(step, steps)
        write(run, 7)
        assert told(run) == {7}
        assert {path.name for path in run.path.iterdir()} == {"config.json", "fingerprint", "evaluation"}
    assert seen == {3, 5}
    assert steps > 10


def test_an_evaluation_that_fails_leaves_the_one_before(run: Run) -> None:
    write(run, 3)

    def fail() -> None:
        with run.evaluating() as evaluated:
            evaluated.measured.write_text("half of")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert told(run) == {3}
    assert not list(run.path.glob(".evalua*"))


def test_what_is_damaged_or_missing_is_named_with_the_way_on(run: Run) -> None:
    with pytest.raises(UnfinishedRunError, match=r"no evaluation\.json; finish it first: kmaas train --resume"):
        run.evaluated.evaluation()
    write(run, 3)
    (run.evaluated.path / "inputs.npz").write_bytes(b"PK\x03\x04 damaged")
    with pytest.raises(NotARunError, match=r"no readable inputs\.npz; measure it again: kmaas evaluate"):
        run.evaluated.inputs()
    (run.evaluated.path / "inputs.npz").unlink()
    with pytest.raises(NotARunError, match=r"no readable inputs\.npz; measure it again: kmaas evaluate"):
        run.evaluated.inputs()
    (run.evaluated.path / "contents.json").write_text("[]")
    with pytest.raises(NotARunError, match=r"no readable contents\.json; measure it again: kmaas evaluate"):
        run.evaluated.contents()
    (run.evaluated.path / "examples.json").write_text('[{"logits": [1, 2]}]')  # as an older kmaas wrote them
    with pytest.raises(NotARunError, match=r"no readable examples\.json; measure it again: kmaas evaluate"):
        run.evaluated.examples()
    run.evaluated.measured.write_text('{"labels": ["a"], "calibration_error": 0.1}')
    with pytest.raises(NotARunError, match=r"no readable evaluation\.json; measure it again: kmaas evaluate"):
        run.evaluated.evaluation()
