"""A user's own recordings: what can be learnt from, and what is told of."""

import time
from pathlib import Path
from typing import Any

import pytest

from kmaas.progress import PlainProgress
from models.audio_classifier import SoundsSource
from tests.support.own_sounds import KINDS, sound, write_folder
from training.data.labelled_sounds import LabelledSounds, SoundDemands, labelled_sounds
from training.errors import UnlearnableError, UnreadableFolderError

PROGRESS = PlainProgress(lambda _: None, time.monotonic)


def read(folder: Path, **demands: Any) -> LabelledSounds:
    wanted: dict[str, Any] = {"fewest": 8, "validation": 0.2, "test": 0.2, "seed": 1, **demands}
    return labelled_sounds(SoundsSource(path=folder, sha256=""), SoundDemands(**wanted), PROGRESS)


def test_every_recording_is_in_one_part_and_labelled_by_its_folder(tmp_path: Path) -> None:
    found = read(write_folder(tmp_path / "sounds", 10))
    assert found.labels == KINDS
    assert {part: len(found.part(part)) for part in ("train", "validation", "test")} == {
        "train": 12,
        "validation": 4,
        "test": 4,
    }
    assert all(file.name.startswith(f"{file.labels[0]}/") for file in found.files)
    assert (found.report.rows_read, found.report.rows_used, found.report.findings) == (20, 20, ())


def test_what_cannot_be_heard_is_told_of_and_never_fatal(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "sounds", 10)
    for name, body in (
        ("empty.wav", b""),
        ("cut.wav", sound("hum", 0)[:400]),
        ("again.wav", sound("hum", 3)),
        ("notes.txt", b"to do"),
        (".hidden.wav", b""),
    ):
        (folder / "hum" / name).write_bytes(body)
    (folder / "loose.wav").write_bytes(sound("hum", 99))
    (folder / "rest").mkdir()
    (folder / "rest" / "one.wav").write_bytes(sound("hum", 100))
    found = read(folder)
    assert found.report.rows_used == 20
    told = "\n".join(found.report.lines())
    for said in (
        "20 of 24 recordings are used",
        "hum/empty.wav",
        "hum/cut.wav: the recording is cut off",
        "a recording that was there before: left out (hum/again.wav)",
        "left out (hum/notes.txt)",
        "left out (loose.wav)",
        "a label of fewer than 8 rows, which is not learnt: rest 1",
    ):
        assert said in told, told


def test_the_digest_is_of_all_that_is_there(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "sounds", 10)
    before = read(folder).report.sha256
    assert read(folder).report.sha256 == before
    (folder / "hum" / "empty.wav").write_bytes(b"")
    assert read(folder).report.sha256 != before


def test_too_little_to_learn_from_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFolderError):
        read(tmp_path / "nowhere")
    with pytest.raises(UnlearnableError, match="20 recordings that can be learnt from, with 0 labels of 11 or more"):
        read(write_folder(tmp_path / "sounds", 10), fewest=11)
