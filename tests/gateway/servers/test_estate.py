"""What a worker leaves behind."""

import json
import os
import subprocess
import sys
from pathlib import Path

from gateway.servers.estate import Estate, inherited

HOLDER = ("127.0.0.1:8500", "poet", 3)


def left_by_another(folder: Path, *leases: int) -> None:
    """By a process that is gone."""
    code = (
        "from pathlib import Path\n"
        "from gateway.servers.estate import Estate\n"
        f"Estate(Path({str(folder)!r})).hold({HOLDER}, {leases})"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_a_process_held_that_is_gone_is_found_once(tmp_path: Path) -> None:
    left_by_another(tmp_path, 5, 2**62)
    [(holder, leases)] = inherited(tmp_path).items()
    assert (holder, sorted(leases)) == (HOLDER, [5, 2**62])
    assert not inherited(tmp_path)
    assert not list(tmp_path.iterdir())


def test_what_was_let_go_and_what_the_living_hold_is_nobody_s(tmp_path: Path) -> None:
    estate = Estate(tmp_path)
    estate.hold(HOLDER, [1, 2])
    estate.let_go([1, 9])
    assert not inherited(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == [f"lease-{os.getpid()}-2"]


def test_a_file_that_was_being_written_is_passed_over(tmp_path: Path) -> None:
    left_by_another(tmp_path, 5)
    [file] = tmp_path.iterdir()
    file.with_name(f"{file.name}0").write_text(json.dumps(HOLDER)[:-3])
    assert inherited(tmp_path) == {HOLDER: [5]}


def test_without_a_folder_or_room_texts_are_written_all_the_same(tmp_path: Path) -> None:
    for estate in (Estate(None), Estate(tmp_path / "none")):
        estate.hold(HOLDER, [1])
        estate.let_go([1])
