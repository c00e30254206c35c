"""Disturbances of texts: what hurried people, keyboards and copying do to them."""

import unicodedata

import numpy as np

from training.disturbance import Disturbance

_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")  # of a keyboard
_NEIGHBOURS = {
    key: row[max(0, place - 1) : place] + row[place + 1 : place + 2] for row in _ROWS for place, key in enumerate(row)
}
_ACUTE = "\N{COMBINING ACUTE ACCENT}"


def mistyped(text: str, share: float, rng: np.random.Generator) -> str:
    """That share of the letters, at least one, is left out, doubled, swapped with the next, or the key beside it."""
    letters = [place for place, sign in enumerate(text) if sign.isalpha()]
    if not letters:
        return text
    wrong = rng.choice(letters, min(len(letters), max(1, round(share * len(letters)))), replace=False)
    signs = list(text)
    for place in sorted(map(int, wrong), reverse=True):
        signs[place : place + 2] = _slip(signs[place : place + 2], rng)
    return "".join(signs)


def _slip(pair: list[str], rng: np.random.Generator) -> list[str]:
    """A letter and the sign after it, if there is one, as a hurried hand types them."""
    letter, *after = pair
    match rng.integers(4):
        case 0:
            return after
        case 1:
            return [letter, letter, *after]
        case 2:
            return [*after, letter]
        case _:
            keys = _NEIGHBOURS.get(letter.lower(), letter)
            return [keys[rng.integers(len(keys))], *after]


def accented(text: str, share: float, rng: np.random.Generator) -> str:
    """That share of the vowels, drawn one by one, with an acute accent."""
    drawn = (sign + _ACUTE if sign in "aeiouAEIOU" and rng.random() < share else sign for sign in text)
    return unicodedata.normalize("NFC", "".join(drawn))


def without_punctuation(text: str) -> str:
    """Signs of punctuation become spaces, apostrophes within words vanish."""
    kept = (" " if unicodedata.category(sign)[0] == "P" else sign for sign in text.replace("'", "").replace("’", ""))
    return " ".join("".join(kept).split())


def mixed_case(text: str, rng: np.random.Generator) -> str:
    """Each letter upper or lower case, by lot."""
    return "".join(sign.upper() if rng.random() < 0.5 else sign.lower() for sign in text)


def _typos(percent: int, *, told: bool = False) -> Disturbance[str]:
    what = f"{percent} % of the letters mistyped"
    return Disturbance("typos", f"{percent} %", what, lambda text, rng: mistyped(text, percent / 100, rng), told)


def _accents(percent: int, *, told: bool = False) -> Disturbance[str]:
    what = f"{percent} % of the vowels with an acute accent"
    return Disturbance("accents", f"{percent} %", what, lambda text, rng: accented(text, percent / 100, rng), told)


TEXT_DISTURBANCES = (
    _typos(2),
    _typos(5, told=True),
    _typos(10),
    Disturbance("case", "lower", "all in lower case", lambda text, _rng: text.lower()),
    Disturbance("case", "upper", "all in upper case", lambda text, _rng: text.upper()),
    Disturbance("case", "mixed", "each letter's case drawn by lot", mixed_case, told=True),
    _accents(10, told=True),
    _accents(50),
    Disturbance(
        "punctuation",
        "removed",
        "without punctuation",
        lambda text, _rng: without_punctuation(text),
        told=True,
    ),
)
