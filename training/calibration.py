"""Calibration: does a classifier that says 0.8 answer eight of ten rightly? And the temperature that makes it so."""

import numpy as np
from numpy.typing import NDArray

from processing.classification import softmax
from store.evaluation import Bin, Calibrated, Calibration
from training.metrics import Labels

_BINS = 10
_FITTED_OF = 3  # one held-out row in so many fits the temperature; the others judge it
_EXTREME = 10.0  # temperatures from a tenth to ten are tried
_ERRORS = 2  # standard errors that a gain must have to count
_DIGITS = 4  # of a temperature; more would differ from machine to machine and mean nothing

Scores = NDArray[np.floating]


def calibrate(logits: Scores, truth: Labels, seed: int) -> Calibration:
    """Fits a temperature on a third of the rows, drawn by `seed`, and measures it on the others."""
    order = np.random.default_rng(seed).permutation(len(truth))
    fitted, judged = np.split(order, [len(truth) // _FITTED_OF])
    temperature = fit_temperature(logits[fitted], truth[fitted])
    before, after = (calibrated(truth[judged], softmax(logits[judged], by)) for by in (1.0, temperature))
    return Calibration(temperature=temperature, fitted_rows=len(fitted), rows=len(judged), before=before, after=after)


def fit_temperature(logits: Scores, truth: Labels) -> float:
    """The temperature with the least mean negative log-likelihood of softmax(logits / temperature).

    It is convex in 1 / temperature. Where it has no minimum (every row is right, so the colder the better; or none is
    better than chance), and where what is gained may be chance, the temperature is 1: such rows say nothing of it.
    Guo et al. 2017, On Calibration of Modern Neural Networks.
    """
    from scipy.optimize import minimize_scalar

    if (logits.argmax(axis=1) == truth).all():  # so are those of none
        return 1.0
    wide = logits.astype(np.float64)
    found = minimize_scalar(
        lambda inverse: _losses(truth, wide * inverse).mean(), bounds=(1 / _EXTREME, _EXTREME), options={"xatol": 1e-6}
    ).x
    gained = _losses(truth, wide) - _losses(truth, wide * found)
    clear = gained.mean() > _ERRORS * gained.std() / np.sqrt(len(gained))
    inside = 1.01 / _EXTREME < found < 0.99 * _EXTREME
    return round(float(1 / found), _DIGITS) if inside and clear else 1.0


def calibrated(truth: Labels, probabilities: Scores) -> Calibrated:
    """Ten bins of equal width; the error is the mean gap of confidence and accuracy, weighted by the rows of a bin."""
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == truth
    number = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    bins = [_bin(confidence[rows], right[rows]) for rows in (number == b for b in range(_BINS))]
    error = sum(bin_.rows * abs(bin_.confidence - bin_.accuracy) for bin_ in bins) / len(truth)
    with np.errstate(divide="ignore"):  # a probability may be 0 in float32
        loss = -np.log(probabilities[np.arange(len(truth)), truth], dtype=np.float64)
    return Calibrated(error=error, loss=float(np.minimum(loss, _WORST_LOSS).mean()), bins=tuple(bins))


_WORST_LOSS = float(-np.log(np.finfo(np.float32).tiny))


def _bin(confidence: Scores, right: NDArray[np.bool_]) -> Bin:
    if not len(right):
        return Bin(rows=0, confidence=0.0, accuracy=0.0)
    return Bin(rows=len(right), confidence=float(confidence.mean(dtype=np.float64)), accuracy=float(right.mean()))


def _losses(truth: Labels, logits: Scores) -> Scores:
    """Of each row the negative log-likelihood of its label."""
    from scipy.special import log_softmax

    return np.asarray(-log_softmax(logits, axis=1)[np.arange(len(truth)), truth])
