"""What a language model has to beat: how often tokens followed each other in what was read."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray


class Ngrams:
    """Probabilities of a token after the `order − 1` before it, by the counts of all shorter stretches together.

    p(w|h) = (c(hw) + t(h) p(w|h′)) / (c(h) + t(h)) with c for how often, t for how many different tokens followed h,
    and h′ for h without its first token (I. H. Witten, T. C. Bell, 1991). At last all tokens are as likely.
    """

    def __init__(self, texts: Iterable[Sequence[int]], order: int, vocabulary: int) -> None:
        self._order, self._vocabulary = order, vocabulary
        self._after: dict[tuple[int, ...], Counter[int]] = defaultdict(Counter)
        for tokens in texts:
            for length in range(order):
                for place in range(length, len(tokens)):
                    self._after[tuple(tokens[place - length : place])][tokens[place]] += 1
        self._totals = {before: counts.total() for before, counts in self._after.items()}

    def bits(self, tokens: Sequence[int]) -> NDArray[np.float64]:
        """−log₂ p of each token but the first, from those before it in `tokens`."""
        places = range(1, len(tokens))
        return -np.log2([self._probability(tokens[max(0, at - self._order + 1) : at], tokens[at]) for at in places])

    def _probability(self, before: Sequence[int], token: int) -> float:
        probability = 1 / self._vocabulary
        for length in range(len(before) + 1):
            known = tuple(before[len(before) - length :])
            if known not in self._totals:
                break
            counts, total = self._after[known], self._totals[known]
            probability = (counts[token] + len(counts) * probability) / (total + len(counts))
        return probability
