"""Texts that are nearly the same, found without comparing each with each.

Of a text the runs of three words are compared, as sets (Broder 1997, On the resemblance and containment of documents).
Their smallest hashes agree as often as the sets do; texts that agree in a band of them are compared in full.
"""

import re
import unicodedata
import zlib
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

ALIKE = 0.8  # of the runs of both texts together: so many are in both

_RUN = 3  # words
_BANDS, _ROWS = 20, 5  # texts that share 0.8 meet in one of the bands 9,996 times in 10,000
_PRIME = np.uint64(2**31 - 1)
_MOST = 20  # of one band: a formula that thousands of texts have would compare each with each


def words_of(text: str) -> list[str]:
    """Words alone, without case: what two spellings of a text have in common."""
    return re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold())


def alike(texts: Sequence[str]) -> NDArray[np.int64]:
    """For each text the number of its group: the place of the group's first text. Of nearly the same texts that are
    also nearly the same as others, all are in one group."""
    shingles = [_shingles(words_of(text)) for text in texts]
    leaders = [*range(len(texts))]
    same: dict[bytes, int] = {}
    met: dict[tuple[int, bytes], list[int]] = defaultdict(list)
    for place, hashes in enumerate(shingles):
        first = same.setdefault(hashes.tobytes(), place)
        if first != place and len(hashes):
            leaders[place] = first
        if first != place or not len(hashes):
            continue
        for band, key in enumerate(_bands(hashes)):
            others = met[band, key]
            for other in others:
                one, two = leader(leaders, other), leader(leaders, place)
                if one != two and _share(shingles[other], hashes) >= ALIKE:
                    leaders[max(one, two)] = min(one, two)
            if len(others) < _MOST:
                others.append(place)
    return np.array([leader(leaders, place) for place in range(len(texts))], np.int64)


def _shingles(words: Sequence[str]) -> NDArray[np.uint64]:
    """Hashes of the runs of words, each once, ascending. A text shorter than a run is one."""
    runs = range(max(1, len(words) - _RUN + 1)) if words else ()
    return np.unique(np.array([zlib.crc32(" ".join(words[at : at + _RUN]).encode()) for at in runs], np.uint64))


def _permutations() -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    rng = np.random.default_rng(0)
    count = _BANDS * _ROWS
    return rng.integers(1, _PRIME, count, np.uint64), rng.integers(0, _PRIME, count, np.uint64)


_FACTORS, _SHIFTS = _permutations()


def _bands(hashes: NDArray[np.uint64]) -> list[bytes]:
    """The smallest hash by each permutation, `_ROWS` of them in a band."""
    least = ((hashes % _PRIME)[:, np.newaxis] * _FACTORS + _SHIFTS) % _PRIME
    smallest = least.min(axis=0).astype(np.uint32).reshape(_BANDS, _ROWS)
    return [band.tobytes() for band in smallest]


def _share(one: NDArray[np.uint64], other: NDArray[np.uint64]) -> float:
    both = len(np.intersect1d(one, other, assume_unique=True))
    return both / (len(one) + len(other) - both)


def leader(leaders: list[int], place: int) -> int:
    """The first of the group of `place`: who has none above is its own leader."""
    while leaders[place] != place:
        leaders[place] = leaders[leaders[place]]
        place = leaders[place]
    return place
