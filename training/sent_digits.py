"""Digits as clients send them, in MNIST's form: what an evaluation asks of any network, so it is kept for the next."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import processing.digit_form
import processing.image
import training.disturbance
import training.disturbed_pictures
import training.pictures
from processing.digit_form import digit_form
from processing.image import decode
from training.data.kept import Arrays, kept
from training.disturbance import Prepared
from training.pictures import ENLARGED_SIDE, Pictures, enlarged, png, sized

_CODE = (processing.digit_form, processing.image, training.pictures, sys.modules[__name__])


class OtherDigits(NamedTuple):
    """In MNIST's form, `[n, 28, 28, 1]`, their labels, and which of them are bright on dark."""

    forms: Pictures
    labels: NDArray[np.int32]
    bright: NDArray[np.bool_]


def other_digits(rows: int | None, cache: Path) -> OtherDigits:
    """Scikit-learn's digits: of each of the 8×8 pictures with values 0…16 the enlarged one, sent as PNG, bright on dark
    and dark on bright."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    pictures, labels = digits.images[:rows], digits.target[:rows]
    made = kept(cache, "other-digits", [pictures], _CODE, lambda: {"forms": _both_polarities(pictures)})
    return OtherDigits(made["forms"], np.repeat(labels, 2).astype(np.int32), np.arange(2 * len(labels)) % 2 == 0)


def _both_polarities(pictures: Iterable[NDArray[np.float64]]) -> Pictures:
    forms = []
    for picture in pictures:
        bright = enlarged(np.rint(picture * (255 / 16)).astype(np.uint8))
        forms += [digit_form(decode(png(sent), max_pixels=ENLARGED_SIDE**2)) for sent in (bright, 255 - bright)]
    return np.stack(forms)


def sized_digits(pictures: Pictures, sides: Sequence[int], cache: Path) -> Iterator[tuple[str, Pictures]]:
    """As `sized` has them."""
    data = [pictures, np.array(sides)]
    made = kept(cache, "sized-digits", data, _CODE, lambda: dict(sized(digit_form, pictures, sides)))
    return iter(made.items())


def kept_disturbed(prepared: Iterable[Prepared], pictures: Pictures, seed: int, cache: Path) -> Iterator[Prepared]:
    """The same as last time, if `pictures`, `[n, h, w]`, were disturbed then."""
    code = [*_CODE, training.disturbance, training.disturbed_pictures]
    made = kept(cache, "disturbed-digits", [pictures, seed], code, lambda: _named(prepared))
    return (Prepared(list(made[f"rows {n}"]), made[f"places {n}"]) for n in range(len(made) // 2))


def _named(prepared: Iterable[Prepared]) -> Arrays:
    arrays: dict[str, NDArray[Any]] = {}
    for number, one in enumerate(prepared):
        arrays |= {f"rows {number}": np.array(one.rows), f"places {number}": one.places}
    return arrays
