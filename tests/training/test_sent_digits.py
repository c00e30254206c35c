"""Digits as clients send them: the same when they are kept from another time, at whatever answer of the network."""

from pathlib import Path

import numpy as np
import pytest

from processing.digit_form import digit_form
from training import sent_digits
from training.disturbance import Prepared
from training.pictures import enlarged
from training.sent_digits import kept_disturbed, other_digits, sized_digits


def test_other_digits_are_of_both_polarities_and_have_one_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = other_digits(3, tmp_path)
    assert made.labels.tolist() == [0, 0, 1, 1, 2, 2]
    assert made.bright.tolist() == [True, False] * 3
    assert (made.forms[::2].astype(int) - made.forms[1::2]).max() < 32
    monkeypatch.delattr(sent_digits, "digit_form")
    assert (other_digits(3, tmp_path).forms == made.forms).all()
    with pytest.raises(NameError):
        other_digits(4, tmp_path)


def test_sizes_are_told_apart(tmp_path: Path) -> None:
    pictures = _pictures()
    first, again = (dict(sized_digits(pictures, (28, 64), tmp_path)) for _ in range(2))
    assert [*first] == [f"{side} px, {what}" for side in (28, 64) for what in ("bright on dark", "dark on bright")]
    assert first.keys() == again.keys()
    assert all((first[name] == again[name]).all() for name in first)
    assert (first["64 px, bright on dark"][0] == digit_form(enlarged(pictures[0], 64))).all()
    assert [*dict(sized_digits(pictures, (40,), tmp_path))] == ["40 px, bright on dark", "40 px, dark on bright"]


def test_a_disturbed_sample_is_kept_with_its_places(tmp_path: Path) -> None:
    form = np.ones((28, 28, 1), np.uint8)
    prepared = [Prepared([form, 2 * form], np.array([0, 2])), Prepared([], np.array([], np.int64))]
    first = [*kept_disturbed(prepared, _pictures(), 1, tmp_path)]
    again = [*kept_disturbed([], _pictures(), 1, tmp_path)]
    for made in (first, again):
        assert [len(one.rows) for one in made] == [2, 0]
        assert [one.places.tolist() for one in made] == [[0, 2], []]
        assert (np.asarray(made[0].rows) == np.stack([form, 2 * form])).all()
    assert [*kept_disturbed([], _pictures(), 2, tmp_path)] == []


def _pictures() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    pictures = np.zeros((2, 28, 28), np.uint8)
    pictures[0, 4:24, 12:15] = 255
    pictures[1, 4:24, 8:10] = pictures[1, 4:24, 18:20] = 255
    return pictures
