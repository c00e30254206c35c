"""Disturbances: repeatable, bounded, and counted honestly."""

import unicodedata
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from processing.errors import UnusableInputError
from training.disturbance import Disturbance, Sample, robustness
from training.disturbed_pictures import PICTURE_DISTURBANCES, brighter, noisy, turned
from training.disturbed_texts import TEXT_DISTURBANCES, accented, mistyped, without_punctuation

TEXT = "It isn't bad, but I'd rather stay at home: “never again”!"
PICTURE = np.zeros((40, 40), np.uint8)
PICTURE[10:30, 18:22] = 200


def _rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("disturbance", TEXT_DISTURBANCES, ids=lambda d: f"{d.name} {d.strength}")
def test_texts_are_changed_the_same_way_every_time(disturbance: Disturbance[str]) -> None:
    changed = disturbance.act(TEXT, _rng())
    assert changed != TEXT
    assert disturbance.act(TEXT, _rng()) == changed
    assert disturbance.act("…", _rng()) in ("…", "")


@pytest.mark.parametrize("disturbance", PICTURE_DISTURBANCES, ids=lambda d: f"{d.name} {d.strength}")
def test_pictures_are_changed_the_same_way_every_time(disturbance: Disturbance[Any]) -> None:
    before = PICTURE.copy()
    changed = disturbance.act(PICTURE, _rng())
    assert (changed.shape, changed.dtype) == (PICTURE.shape, PICTURE.dtype)
    assert (changed != PICTURE).any()
    assert (before == PICTURE).all()
    assert (disturbance.act(PICTURE, _rng()) == changed).all()


@pytest.mark.parametrize("share", [0.02, 0.1, 0.5])
def test_no_more_letters_are_mistyped_than_were_asked_for(share: float) -> None:
    text = "abcdefghij" * 10
    changed = mistyped(text, share, _rng())
    assert abs(len(changed) - len(text)) <= share * len(text)
    assert changed != text
    assert mistyped("!?", share, _rng()) == "!?"


def test_accents_stand_on_vowels_alone_and_are_composed() -> None:
    assert accented("banana sky", 1.0, _rng()) == "bánáná sky"
    assert accented("banana", 0.0, _rng()) == "banana"
    assert unicodedata.is_normalized("NFC", accented(TEXT, 0.5, _rng()))


def test_punctuation_goes_and_words_stay_apart() -> None:
    assert without_punctuation(TEXT) == "It isnt bad but Id rather stay at home never again"


def test_grey_levels_stay_within_their_range() -> None:
    assert brighter(PICTURE, 100).max() == 255
    assert brighter(PICTURE, 100).min() == 100
    assert abs(float(noisy(np.full((200, 200), 128, np.uint8), 20, _rng()).std()) - 20) < 1


def test_a_quarter_turn_lays_an_upright_stroke() -> None:
    rows, columns = np.nonzero(turned(PICTURE, 90))
    assert np.ptp(columns) > np.ptp(rows)


class _Silent:
    def stage(self, name: str, total: int) -> None: ...

    def at(self, done: int, detail: str = "") -> None: ...


def _prepare(text: str) -> Any:
    if not text:
        raise UnusableInputError("empty")
    return np.array([len(text) % 2])


def _predict(rows: Sequence[Any]) -> Any:
    return np.concatenate(rows)


def test_what_cannot_be_read_any_more_is_wrong() -> None:
    sample = Sample(["a", "bb", "ccc", "dd"], np.array([1, 0, 1, 1]), "four texts", _prepare, _predict)
    longer = Disturbance[str]("longer", "by one", "one letter more", lambda text, _rng: text + "x", told=True)
    gone = Disturbance[str]("gone", "half", "emptied", lambda text, _rng: text if len(text) > 1 else "")
    found = robustness(sample, [longer, gone], [], 1, _Silent())
    assert found.undisturbed.accuracy == 0.75
    assert [trial.accuracy for trial in found.trials] == [0.25, 0.5]
    (told,) = found.metrics
    assert (told.name, told.value, told.rows, told.data) == ("longer", 0.25, 4, "four texts: one letter more")
    assert told.low is not None
    assert told.low < 0.25
