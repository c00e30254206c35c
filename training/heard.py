"""Which words of a text were heard, as Whisper's authors compare them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from store.evaluation import Interval


def normalised(text: str) -> list[str]:
    """Words as Whisper's authors compare them."""
    from whisper_normalizer.english import EnglishTextNormalizer

    words: list[str] = EnglishTextNormalizer()(text).split()
    return words


def compared(words: Sequence[str], heard: Sequence[str]) -> tuple[NDArray[np.bool_], int]:
    """Which of the words were heard, and how many errors there are: words that are wrong, missing or too many."""
    import jiwer

    right = np.zeros(len(words), np.bool_)
    if not heard:
        return right, len(words)
    found = jiwer.process_words(" ".join(words), " ".join(heard))
    for part in found.alignments[0]:
        right[part.ref_start_idx : part.ref_end_idx] = part.type == "equal"
    return right, found.substitutions + found.deletions + found.insertions


def rate_interval(errors: NDArray[np.integer], words: NDArray[np.integer], seed: int, draws: int = 2000) -> Interval:
    """95 % bootstrap interval of all errors by all words, over texts: words of one text err together."""
    drawn = np.random.default_rng(seed).integers(0, len(words), (draws, len(words)))
    low, high = np.percentile(errors[drawn].sum(axis=1) / words[drawn].sum(axis=1), (2.5, 97.5))
    return float(low), float(high)
