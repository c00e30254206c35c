"""The lines about texts that are written at once, and a short run with a real stack and a real peer."""

from pathlib import Path

import pytest

from bench.conversations import Rates, lines, measure


def test_ratios_are_taken_within_a_round() -> None:
    one, sixteen = lines([Rates(1, 10, 20), Rates(16, 90, 10), Rates(1, 30, 10), Rates(16, 60, 20), Rates(1, 5, 5)])
    assert "1 texts at once   kmaas up    10.0 tokens/s   keras-hub generate    10.0 tokens/s   ratio  1.00" in one
    assert "ratio  6.00   budget ≥ 4" in sixteen


def test_texts_are_written_by_both(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    measure(tmp_path, 1, conversations=(2,), tokens=4)
    told = capfd.readouterr().out
    assert "  2 texts at once   kmaas up" in told
    assert "first token of one text" in told
