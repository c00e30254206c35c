"""What is found in a user's pictures: each fault is told of by name, and only what is sound is learnt."""

import json
import os
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from models.image_classifier import PicturesSource
from tests.support.own_pictures import SHAPES, encoded, picture, write_folder
from training.data.findings import Finding
from training.data.labelled_pictures import LabelledPictures, PictureDemands, labelled_pictures
from training.errors import DataError, MissingColumnError, UnlearnableError, UnreadableFolderError

DEMANDS = PictureDemands(fewest=3, validation=0.1, test=0.1, seed=1)


class Silence:
    def stage(self, name: str, total: int) -> None: ...

    def at(self, done: int, detail: str = "") -> None: ...


def _found(path: Path, demands: PictureDemands = DEMANDS, **source: Any) -> LabelledPictures:
    return labelled_pictures(PicturesSource(path=path, sha256="0", **source), demands, Silence())


def _findings(found: LabelledPictures) -> dict[str, Finding]:
    return {finding.kind: finding for finding in found.report.findings}


def _names(found: LabelledPictures) -> set[str]:
    return {of.name for of in found.pictures}


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "shapes", 12)


def test_sound_folders_have_nothing_to_tell(sound: Path) -> None:
    found = _found(sound)
    assert found.labels == tuple(sorted(SHAPES))
    assert found.report.findings == ()
    assert (found.report.rows_read, found.report.rows_used, found.report.leaks) == (36, 36, 0)
    assert found.report.parts["test"] == dict.fromkeys(found.labels, 1)
    assert [*found.report.lines()][-1] == "pictures that are nearly the same in two parts: 0"
    assert _found(sound).pictures == found.pictures


@pytest.mark.parametrize(
    ("content", "kind", "told"),
    [
        (b"", "broken", "no bytes"),
        (b"hello", "broken", "5 bytes that are no picture"),
        (encoded(picture("disc", 50))[:150], "broken", "do not decode"),
        (encoded(Image.new("RGB", (40, 30), "red")), "blank", "odd.png"),
    ],
)
def test_what_is_no_picture_is_told_by_name_and_left_out(sound: Path, content: bytes, kind: str, told: str) -> None:
    (sound / "disc" / "odd.png").write_bytes(content)
    finding = _findings(found := _found(sound))[kind]
    assert (finding.count, finding.rows) == (1, ())
    assert finding.names[0].startswith("disc/odd.png")
    assert told in finding.names[0]
    assert "disc/odd.png" in str(finding)
    assert found.report.rows_used == 36


def test_pictures_that_are_too_large_are_never_decoded(sound: Path) -> None:
    header = bytearray(encoded(Image.new("1", (64, 64), 1)))
    header[16:24] = (20_000).to_bytes(4, "big") * 2
    header[29:33] = zlib.crc32(bytes(header[12:29])).to_bytes(4, "big")
    (sound / "bar" / "bomb.png").write_bytes(header)
    with (sound / "bar" / "long.tif").open("wb") as file:
        file.truncate(65 * 2**20)
    finding = _findings(_found(sound))["too large"]
    assert [name.partition(":")[0] for name in finding.names] == ["bar/bomb.png", "bar/long.tif"]


def test_what_is_no_label_of_a_folder_is_told(sound: Path, tmp_path: Path) -> None:
    (sound / ".DS_Store").write_bytes(b"x")
    (sound / "disc" / "Thumbs.db").write_bytes(b"x")
    (sound / "disc" / "notes.txt").write_bytes(b"x")
    (sound / "alone.png").write_bytes(encoded(picture("disc", 60)))
    (sound / "nothing").mkdir()
    secret = tmp_path / "secret.png"
    secret.write_bytes(encoded(picture("disc", 61)))
    (sound / "disc" / "link.png").symlink_to(secret)
    (sound / "more").symlink_to(tmp_path)
    os.mkfifo(sound / "bar" / "pipe.png")
    found = _found(sound)
    assert {kind: finding.names for kind, finding in _findings(found).items()} == {
        "hidden": (".DS_Store", "disc/Thumbs.db"),
        "links": ("disc/link.png", "more"),
        "no label": ("alone.png",),
        "other files": ("bar/pipe.png", "disc/notes.txt"),
        "empty labels": ("nothing",),
    }
    assert found.report.rows_used == 36


def test_the_same_picture_is_learnt_once_whatever_it_is_saved_as(sound: Path) -> None:
    (sound / "disc" / "again.bmp").write_bytes(encoded(picture("disc", 0), "BMP"))
    found = _found(sound)
    assert _findings(found)["duplicates"].names == ("disc/again.bmp",)
    assert "disc/0.png" in _names(found)


def test_a_picture_under_two_labels_is_learnt_as_neither(sound: Path) -> None:
    (sound / "bar" / "disc.png").write_bytes((sound / "disc" / "0.png").read_bytes())
    found = _found(sound)
    assert _findings(found)["conflicting labels"].names == ("bar/disc.png", "disc/0.png")
    assert not {"bar/disc.png", "disc/0.png"} & _names(found)


def test_nearly_the_same_pictures_are_in_one_part(sound: Path) -> None:
    for number in range(6):
        (sound / "frame" / f"{number}.jpg").write_bytes(encoded(picture("frame", number).resize((80, 80)), "JPEG"))
    found = _found(sound)
    assert _findings(found)["near duplicates"].count == 12
    parts = {of.name: of.part for of in found.pictures}
    for number in range(6):
        assert parts[f"frame/{number}.jpg"] == parts[f"frame/{number}.png"]
    assert found.report.leaks == 0


def test_given_parts_are_kept_but_for_what_leaks(tmp_path: Path) -> None:
    root = tmp_path / "shapes"
    write_folder(root / "Train", 10)
    write_folder(root / "test", 4, first=20)
    (root / "labels").mkdir()
    (root / "Train" / "disc" / "copy.png").write_bytes((root / "test" / "disc" / "20.png").read_bytes())
    (root / "Train" / "disc" / "near.jpg").write_bytes(encoded(picture("disc", 21).resize((80, 80)), "JPEG"))
    found = _found(root)
    leaks = [finding.names for finding in found.report.findings if finding.kind == "leakage"]
    assert leaks == [("Train/disc/copy.png",), ("Train/disc/near.jpg",)]
    assert _findings(found)["other folders"].names == ("labels",)
    assert {of.name for of in found.part("test")} == {
        f"test/{shape}/{n}.png" for shape in SHAPES for n in range(20, 24)
    }
    assert len(found.part("validation")) == 3


def test_a_label_may_be_called_train(sound: Path) -> None:
    (sound / "bar").rename(sound / "train")
    assert _found(sound).labels == ("disc", "frame", "train")


def test_a_label_that_is_only_in_the_test_cannot_be_learnt(tmp_path: Path) -> None:
    root = tmp_path / "shapes"
    write_folder(root / "train", 6)
    write_folder(root / "test", 4, first=20)
    for path in (root / "train" / "bar").iterdir():
        path.unlink()
    with pytest.raises(DataError, match="the part train has nothing of bar"):
        _found(root)


def test_labels_of_few_pictures_and_unequal_ones_are_told(sound: Path) -> None:
    (sound / "star").mkdir()
    (sound / "star" / "0.png").write_bytes(encoded(picture("disc", 70)))
    for number in range(100, 220):
        (sound / "bar" / f"{number}.png").write_bytes(encoded(picture("bar", number)))
    found = _found(sound)
    assert found.labels == tuple(sorted(SHAPES))
    assert _findings(found)["rare labels"].names == ("star/0.png",)
    assert "11 times as many" in _findings(found)["imbalance"].what


def test_rows_of_a_file_name_pictures_beside_it(sound: Path) -> None:
    rows = [{"file": f"{shape}/{number}.png", "kind": shape} for shape in SHAPES for number in range(12)]
    odd = [
        {"file": "disc/0.png", "kind": None},
        {"file": "../secret.png", "kind": "disc"},
        {"file": "disc/99.png", "kind": "disc"},
    ]
    file = sound / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in [*rows, *odd]))
    found = _found(file, image_column="file", label_column="kind")
    findings = _findings(found)
    assert (findings["no label"].rows, findings["links"].rows) == ((37,), (38,))
    assert findings["missing"].names[0].startswith("disc/99.png")
    assert found.report.rows_used == 36
    with pytest.raises(MissingColumnError, match="'path'"):
        _found(file, image_column="path", label_column="kind")
    file.write_text('{"file": 3, "kind": "disc"}\n')
    with pytest.raises(DataError, match="row 1 has '3' in the column 'file', expected a path"):
        _found(file, image_column="file", label_column="kind")


def test_other_content_or_names_have_another_digest(sound: Path) -> None:
    before = _found(sound).report.sha256
    (sound / "disc" / "0.png").rename(sound / "disc" / "first.png")
    renamed = _found(sound).report.sha256
    (sound / "disc" / "first.png").write_bytes(encoded(picture("disc", 80)))
    assert len({before, renamed, _found(sound).report.sha256}) == 3


def test_what_cannot_be_learnt_from_is_said(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFolderError, match="it is no folder"):
        _found(tmp_path / "nowhere")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(UnreadableFolderError, match="no folder for each label"):
        _found(empty)
    (empty / "disc").mkdir()
    (empty / "disc" / "odd.png").write_bytes(b"hello")
    with pytest.raises(UnlearnableError, match=r"0 pictures .* expected a folder for each of two labels") as raised:
        _found(empty)
    assert raised.value.findings[0].startswith("broken: 1 ×")
