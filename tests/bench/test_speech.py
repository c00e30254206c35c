"""The table of what servers hear, and the long recording that they are asked to hear."""

import numpy as np
import pytest

from bench.recorded import joined, seconds
from bench.speech import OURS, Heard, table
from tests.support.recordings import wav

HEARD = [
    Heard(OURS, "short", 2.0, 1.0, 10, 1),
    Heard("other", "short", 2.0, 0.5, 10, 0),
    Heard(OURS, "short", 6.0, 1.0, 10, 0),
    Heard("other", "short", 6.0, 0.5, 10, 0),
    Heard(OURS, "short", 2.0, 9.0, 10, 1),
    Heard(OURS, "short", 2.0, 1.0, 10, 2),
    Heard(OURS, "long", 50.0, 5.0, 100, 0),
]


def test_each_recording_counts_with_its_median_and_each_server_has_a_line() -> None:
    lines = table(HEARD).splitlines()
    assert "| short | kmaas up | 0.250 | 1.00 | 10.0% |" in lines
    assert "| short | other | 0.125 | 0.50 | 0.0% |" in lines
    assert "| long | kmaas up | 0.100 | 1.00 | 0.0% |" in lines
    assert lines[-1].endswith("0.5 at most.")


def test_recordings_are_joined_with_pauses() -> None:
    short, long = wav(np.zeros((4_000, 1)), 8_000), wav(np.zeros((8_000, 1)), 8_000)
    assert seconds(joined([short, long, short])) == pytest.approx(0.5 + 1.0 + 0.5 + 3 * 0.5)
