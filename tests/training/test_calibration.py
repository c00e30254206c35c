"""Calibration: the error by hand, and a temperature that finds what was made overconfident."""

import numpy as np
import pytest

from processing.classification import softmax
from training.calibration import calibrate, calibrated, fit_temperature


def _drawn(rows: int, temperature: float, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Labels drawn from softmax(logits), and the logits as a model has them that is overconfident by `temperature`."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (rows, 4))
    truth = (softmax(logits).cumsum(axis=1) > rng.random((rows, 1))).argmax(axis=1)
    return (temperature * logits).astype(np.float32), truth


def test_the_error_is_the_gap_between_confidence_and_accuracy() -> None:
    probabilities = np.tile(np.array([0.8, 0.2], np.float32), (10, 1))
    honest, boasting = (calibrated(np.array(truth), probabilities) for truth in ([0] * 8 + [1] * 2, [0] * 5 + [1] * 5))
    assert honest.error == pytest.approx(0, abs=1e-6)
    assert boasting.error == pytest.approx(0.3, abs=1e-6)
    assert [bin_.rows for bin_ in boasting.bins] == [0, 0, 0, 0, 0, 0, 0, 0, 10, 0]
    assert boasting.bins[8].accuracy == 0.5
    assert boasting.loss == pytest.approx(-(np.log(0.8) + np.log(0.2)) / 2, rel=1e-6)


def test_a_probability_of_zero_for_the_truth_has_a_finite_loss() -> None:
    assert np.isfinite(calibrated(np.array([1]), np.array([[1, 0]], np.float32)).loss)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_that_was_made_is_found(temperature: float) -> None:
    assert fit_temperature(*_drawn(20_000, temperature)) == pytest.approx(temperature, rel=0.03)


def test_scaling_lowers_loss_and_error_on_rows_it_was_not_fitted_on() -> None:
    found = calibrate(*_drawn(6000, 3.0), seed=1)
    assert found.fitted_rows == 2000
    assert found.rows == 4000
    assert found.after.loss < found.before.loss - 0.1
    assert found.after.error < found.before.error / 3
    assert calibrate(*_drawn(6000, 3.0), seed=1) == found


def test_a_gain_that_may_be_chance_changes_nothing() -> None:
    found = [fit_temperature(*_drawn(300, 1.0, seed)) for seed in range(20)]
    assert found.count(1.0) >= 17
    assert fit_temperature(*_drawn(300, 3.0)) > 2


@pytest.mark.parametrize("right", [True, False])
def test_rows_that_are_all_right_or_all_wrong_say_nothing_of_it(right: bool) -> None:
    logits = np.tile(np.array([2, 0], np.float32), (50, 1))
    assert fit_temperature(logits, np.full(50, 0 if right else 1)) == 1.0
    assert fit_temperature(logits[:0], np.zeros(0, int)) == 1.0


def test_few_rows_that_are_all_right_say_nothing_of_it() -> None:
    """By far the coldest temperature would be no better than the coldest but one."""
    logits = np.array([[6.0, -1.0, -2.0], [-1.5, 5.0, -1.0], [-2.0, -1.0, 7.0]], np.float32)
    assert fit_temperature(logits, np.arange(3)) == 1.0
