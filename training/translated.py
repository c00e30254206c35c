"""How good translations are beside those that people gave, by sacrebleu; and others, that need no model."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from store.manifest import Metric

_RESAMPLED = 300  # times, for the intervals
_PORTION = 100  # sentences that are compared with all others at once


def scores(name: str, translations: Sequence[str], references: Sequence[str], data: str) -> tuple[Metric, Metric]:
    """chrF and BLEU of a whole test set, one reference each, 0 to 100 as is usual; intervals by resampling."""
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    found = []
    for of in (CHRF(), BLEU()):
        told = of.corpus_score(list(translations), [list(references)], n_bootstrap=_RESAMPLED)
        found.append(
            Metric(
                name=f"{told.name} {name}".strip(),
                value=round(told.score, 2),
                data=f"{data}; {of.get_signature()}",
                rows=len(translations),
                low=round(max(0.0, float(told._mean - told._ci)), 2),  # noqa: SLF001 (nothing public tells them)
                high=round(min(100.0, float(told._mean + told._ci)), 2),  # noqa: SLF001
            )
        )
    chrf, bleu = found
    return chrf, bleu


def most_alike(texts: Sequence[str], known: Sequence[str], count: int) -> tuple[NDArray[np.int_], NDArray[np.float32]]:
    """For each text the places of the most alike of `known`, that first, `[texts, count]` or as many as are known; and
    how alike that one is, 0 to 1: the cosine of their strings of three and four letters, each weighed by how rare it
    is."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 4), sublinear_tf=True, dtype=np.float32)
    vectors = vectorizer.fit_transform(known).T.tocsr()
    asked = vectorizer.transform(texts)
    places, values = [], []
    for start in range(0, len(texts), _PORTION):
        likeness = (asked[start : start + _PORTION] @ vectors).toarray()
        places.append(np.argsort(-likeness, axis=1, kind="stable")[:, :count])
        values.append(likeness.max(axis=1))
    return np.concatenate(places), np.concatenate(values)
