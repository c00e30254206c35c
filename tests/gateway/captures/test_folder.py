"""What is kept on the disk: bounded in bytes and in days, nobody else's to read."""

import errno
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.captures.folder import Bounds, CaptureFolder, folders

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
BOUNDS = Bounds(most=800, age=timedelta(days=8))
LINE = b"x" * 39 + b"\n"


@pytest.fixture
def folder(tmp_path: Path) -> CaptureFolder:
    return CaptureFolder.of(tmp_path / "captures", "sentiment", BOUNDS)


def files(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "captures").rglob("*.jsonl"))


def lines(tmp_path: Path) -> list[bytes]:
    return [line for path in files(tmp_path) for line in path.read_bytes().splitlines()]


def test_nobody_else_may_read_it(folder: CaptureFolder, tmp_path: Path) -> None:
    assert folder.append(LINE, NOW)
    [path] = files(tmp_path)
    assert [stat.S_IMODE(found.stat().st_mode) for found in (path, path.parent)] == [0o600, 0o700]
    assert path.read_bytes() == LINE


def test_the_oldest_go_when_there_are_too_many(folder: CaptureFolder, tmp_path: Path) -> None:
    for number in range(100):
        assert folder.append(b"%039d\n" % number, NOW + timedelta(seconds=number))
    kept = [int(line) for line in lines(tmp_path)]
    assert kept == list(range(100 - len(kept), 100))
    assert 700 <= sum(path.stat().st_size for path in files(tmp_path)) <= 800


def test_no_line_is_kept_for_longer_than_its_days(folder: CaptureFolder, tmp_path: Path) -> None:
    for day in range(4):
        folder.append(b"%d\n" % day, NOW + timedelta(days=day))
    folder.append(b"later that day\n", NOW + timedelta(days=3, hours=23))
    folder.erase_old(NOW + timedelta(days=10, hours=12))
    assert lines(tmp_path) == [b"3", b"later that day"], "what was written within a day is one file"
    folder.erase_old(NOW + timedelta(days=11, seconds=1))
    assert lines(tmp_path) == []


def test_a_clock_that_was_put_back_keeps_nothing_for_longer(folder: CaptureFolder, tmp_path: Path) -> None:
    folder.append(LINE, NOW)
    folder.append(LINE, NOW - timedelta(days=1))
    assert len(files(tmp_path)) == 2


def test_a_line_longer_than_a_file_is_not_kept(folder: CaptureFolder, tmp_path: Path) -> None:
    assert not folder.append(b"x" * 101, NOW)
    assert files(tmp_path) == []


def test_workers_write_one_after_another(folder: CaptureFolder, tmp_path: Path) -> None:
    wide = CaptureFolder.of(tmp_path / "captures", "sentiment", Bounds(10**6, BOUNDS.age))
    with ThreadPoolExecutor(8) as workers:
        assert all(workers.map(lambda number: wide.append(b"%039d\n" % number, NOW), range(200)))
    assert sorted(map(int, lines(tmp_path))) == list(range(200))


def test_what_the_disk_has_no_room_for_leaves_no_part_of_a_line(
    folder: CaptureFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.append(LINE, NOW)
    whole = os.write

    def full(opened: int, content: bytes) -> int:
        if len(content) < 20:
            raise OSError(errno.ENOSPC, "No space left on device")
        return whole(opened, content[:10])

    monkeypatch.setattr(os, "write", full)
    for line in (LINE, b"short\n"):
        with pytest.raises(OSError, match=r"10 of 40 bytes|No space left"):
            folder.append(line, NOW)
    assert files(tmp_path)[0].read_bytes() == LINE


@pytest.mark.parametrize("model", ["../../etc", "..", ".", ".hidden", "a/b", "%2E"])
def test_no_name_of_a_model_leads_elsewhere(model: str, tmp_path: Path) -> None:
    assert CaptureFolder.of(tmp_path / "captures", model, BOUNDS).append(LINE, NOW)
    [path] = files(tmp_path)
    assert path.parent.parent == tmp_path / "captures"


def test_what_others_put_there_is_left_alone(folder: CaptureFolder, tmp_path: Path) -> None:
    folder.append(LINE, NOW)
    theirs = files(tmp_path)[0].with_name("notes.jsonl")
    theirs.write_text("mine")
    [found] = folders(tmp_path / "captures", BOUNDS)
    found.erase_old(NOW + timedelta(days=100))
    assert files(tmp_path) == [theirs]


def test_without_a_folder_there_is_nothing_to_erase(tmp_path: Path) -> None:
    assert folders(tmp_path / "captures", BOUNDS) == []
