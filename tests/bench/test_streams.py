"""The lines about streams, and a short run with a real stack, which texts are compared on as well."""

from pathlib import Path

import pytest

from bench import comparison
from bench.contestants import contestants
from bench.models import prepared
from bench.streams import Beside, Plan, lines, measure
from bench.transport import Workload


def test_ratios_are_taken_within_a_round() -> None:
    quiet, slow = Beside([1.0] * 99 + [3.0], [2.0] * 98 + [9.0] * 2), Beside([10.0] * 100, [20.0] * 100)
    half, tail = lines("digits", [quiet, slow, quiet])
    assert "p50" in half
    assert "alone    1.00 ms   beside the streams    2.00 ms   ratio  2.00   budget ≤ 2" in half
    assert "p99" in tail
    assert "ratio  9.00" in tail


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bench")


def test_short_requests_are_measured_beside_streams(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    measure(work, Plan(1, 5, streams=4, short=("sentiment",), writers=("writer", "dreamer")))
    told = capsys.readouterr().out
    for words in ("4 streams writing\n", "4 streams waiting\n", "tokens", "sentiment  p50", "sentiment  p99"):
        assert words in told
    assert "failed" not in told


def test_the_stack_answers_texts_as_keras_does(work: Path, tmp_path: Path) -> None:
    texts = Workload("sentiment-text", prepared("sentiment", work), "text")
    ours = [contestant for contestant in contestants() if contestant.short == "kmaas-up"]
    (result,) = comparison.compare(ours, [texts], comparison.Plan((2,), 1, 0.05), tmp_path, lambda _: None)
    assert result.absent is None
    assert not result.failures, result.failures[2]
    assert result.rates
