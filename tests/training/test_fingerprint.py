"""Fingerprints: equal for equal trainings, and telling what has changed."""

from models.catalog import find
from training.config import load_config
from training.fingerprint import changed, fingerprint

DIGITS = find("digits")
PRINT = fingerprint(DIGITS, load_config(DIGITS))


def test_equal_trainings_have_equal_ones() -> None:
    assert fingerprint(DIGITS, load_config(DIGITS)) == PRINT
    assert changed(PRINT, PRINT) == []


def test_another_setting_is_another_configuration() -> None:
    other = fingerprint(DIGITS, load_config(DIGITS, None, ["seed=8"]))
    assert changed(PRINT, other) == ["configuration"]


def test_another_model_has_other_data_too() -> None:
    sentiment = find("sentiment")
    assert changed(PRINT, fingerprint(sentiment, load_config(sentiment))) == ["configuration", "data"]
