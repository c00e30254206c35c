"""The baseline that a text classifier has to beat: TF-IDF of words and pairs with logistic regression."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.integer]


def baseline_predictions(texts: Sequence[str], labels: Labels, held_out: Sequence[str]) -> Labels:
    """Labels for `held_out` by a model trained on `texts` with scikit-learn's own defaults."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    model = make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression(max_iter=1000))
    model.fit(texts, labels)
    return np.asarray(model.predict(held_out))
