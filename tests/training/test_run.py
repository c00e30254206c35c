"""Run folders: opened only when they are runs, named apart, held by one process."""

import json
import os
from pathlib import Path

import pytest

from models.catalog import find
from training.config import load_config
from training.errors import ChangedRunError, NotARunError, RunBusyError, UnfinishedRunError, UnwritableError
from training.run import Run, runs_of, settle

DIGITS = find("digits")
CONFIG = load_config(DIGITS)


def test_a_run_is_what_was_created(tmp_path: Path) -> None:
    run = Run.create(tmp_path, DIGITS, CONFIG, "f00")
    assert Run.open(run.path) == run
    assert not run.finished
    assert run.epochs() == []


def test_runs_of_one_second_have_names_of_their_own_and_the_newest_is_first(tmp_path: Path) -> None:
    created = [Run.create(tmp_path, DIGITS, CONFIG, str(n)) for n in range(3)]
    assert len({run.path for run in created}) == 3
    (tmp_path / "digits-nothing").mkdir()
    assert {run.fingerprint for run in runs_of(tmp_path, "digits")} == {"0", "1", "2"}
    assert runs_of(tmp_path, "sentiment") == []


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotARunError, match=r"no readable config\.json; expected a run of `kmaas train`"):
        Run.open(tmp_path)
    for document in (
        '{"model": "digits", "epoch": 1}',
        '{"model": "horses"}',
        '{"model_type": "bert"}',
        "[]",
        "7",
        "{",
    ):
        (tmp_path / "config.json").write_text(document)
        with pytest.raises(NotARunError, match=r"no readable config\.json"):
            Run.open(tmp_path)


def test_a_file_has_its_name_only_once_the_disk_has_its_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    partial, target = tmp_path / "partial", tmp_path / "weights"
    partial.write_text("all of it")
    inode, synced = partial.stat().st_ino, []
    monkeypatch.setattr(os, "fsync", lambda file: synced.append((os.fstat(file).st_ino, target.exists())))
    settle(partial, target)
    assert synced == [(inode, False)]
    assert target.read_text() == "all of it"
    assert not partial.exists()


def test_what_an_unfinished_run_lacks_is_named_with_the_way_on(tmp_path: Path) -> None:
    run = Run.create(tmp_path, DIGITS, CONFIG, "f00")
    with pytest.raises(UnfinishedRunError, match=r"no model\.weights\.h5; finish it first: kmaas train --resume"):
        run.require_weights()


@pytest.mark.parametrize(
    ("changed", "names"),
    [({"model.weights.h5": "2"}, r"model\.weights\.h5"), ({"tokenizer.json": ""}, r"tokenizer\.json")],
)
def test_a_run_whose_files_are_not_those_that_were_measured(
    tmp_path: Path, changed: dict[str, str], names: str
) -> None:
    run = Run.create(tmp_path, DIGITS, CONFIG, "f00")
    run.weights.write_text("1")
    (run.path / "evaluation").mkdir()
    (run.evaluated.path / "contents.json").write_text(json.dumps(run.contents()))
    run.require_as_evaluated()
    for name, text in changed.items():
        (run.path / name).write_text(text)
    with pytest.raises(ChangedRunError, match=f"^{names} of .* changed since the run was evaluated; `kmaas evaluate"):
        run.require_as_evaluated()


def test_one_process_at_a_time_works_on_a_run_and_others_may_read_it_together(tmp_path: Path) -> None:
    run = Run.create(tmp_path, DIGITS, CONFIG, "f00")
    busy = r"another process is at work on .*: it trains, measures, exports or publishes it; wait until it has ended"
    for held, asked in ((run.exclusive, run.exclusive), (run.exclusive, run.unchanged), (run.unchanged, run.exclusive)):
        with held(), pytest.raises(RunBusyError, match=busy), asked():
            pass
    with run.unchanged(), run.unchanged():
        pass
    with run.exclusive():
        pass


def test_runs_that_cannot_be_written_are_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UnwritableError, match=r"cannot write .*runs"):
        Run.create(tmp_path / "file" / "runs", DIGITS, CONFIG, "f00")
