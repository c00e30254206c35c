"""Twin against SavedModel: both are timed in a fresh process, and a twin that does not win is not kept."""

from pathlib import Path

import pytest

from export.errors import TwinError
from export.race import race, winner
from store.twin import Speed
from tests.support import twins


def test_both_are_timed_on_the_version_s_own_requests() -> None:
    speed = race(twins.version(), "model.tflite")
    assert speed.ratio == speed.us_saved_model / speed.us_twin
    assert 1 < speed.us_twin < 1e6


def test_a_twin_that_does_not_run_says_why(tmp_path: Path) -> None:
    version = twins.put(tmp_path / "1")
    (version.twin / "model.tflite").write_bytes(b"garbage" * 99)
    with pytest.raises(TwinError, match="its speed cannot be measured: ValueError: "):
        race(version, "model.tflite")


def test_the_verdict() -> None:
    fast = Speed(us_saved_model=120, us_twin=60)
    assert winner(fast) is fast
    slow = r"it is 0\.50 times as fast as the SavedModel \(120 against 60 µs\), expected at least 1\.1"
    with pytest.raises(TwinError, match=slow):
        winner(Speed(us_saved_model=60, us_twin=120))
    with pytest.raises(TwinError, match=r"1\.00 times"):
        winner(Speed(us_saved_model=100, us_twin=100))
