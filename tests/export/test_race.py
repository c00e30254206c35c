"""Twin against SavedModel: both are timed in a fresh process, and a twin that does not win is not kept."""

from pathlib import Path

import pytest

from export.errors import TwinError
from export.race import Race
from export.reload import check_reload
from export.twin import keep_winner
from store.layout import VersionDir
from store.twin import Speed, Twin
from tests.support import twins


def _raced(version: VersionDir, work: Path) -> Race:
    work.mkdir()
    race = check_reload(version.path, work, [], version.twin / "model.tflite")
    assert race
    return race


def test_both_are_timed_on_the_version_s_own_requests(tmp_path: Path) -> None:
    speed = _raced(twins.version(), tmp_path / "work").speed
    assert speed
    assert speed.ratio == speed.us_saved_model / speed.us_twin
    assert 1 < speed.us_twin < 1e6


def test_a_twin_that_does_not_run_says_why(tmp_path: Path) -> None:
    version = twins.put(tmp_path / "1")
    (version.twin / "model.tflite").write_bytes(b"garbage" * 99)
    with pytest.raises(TwinError, match="its speed cannot be measured: ValueError: "):
        _raced(version, tmp_path / "work").won()


def test_the_verdict(tmp_path: Path) -> None:
    version = twins.put(tmp_path / "1")
    fast = Speed(us_saved_model=120, us_twin=60)
    keep_winner(version, Race(speed=fast))
    assert Twin.read(version.twin).speed == fast
    slow = r"it is 0\.50 times as fast as the SavedModel \(120 against 60 µs\), expected at least 1\.1"
    with pytest.raises(TwinError, match=slow):
        keep_winner(version, Race(speed=Speed(us_saved_model=60, us_twin=120)))
    assert not version.twin.exists()
    with pytest.raises(TwinError, match=r"1\.00 times"):
        Race(speed=Speed(us_saved_model=100, us_twin=100)).won()
