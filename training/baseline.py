"""The baselines that models have to beat: of texts TF-IDF, with logistic regression where there are labels; of pictures
the nearest by their pixels."""

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


def baseline_sets(texts: Sequence[str], sets: NDArray[np.bool_], held_out: Sequence[str]) -> NDArray[np.bool_]:
    """As `baseline_predictions`, where a text may have several labels: `[held_out, labels]`, each label by itself."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    vectorizer = TfidfVectorizer(ngram_range=(1, 2))
    known, asked = vectorizer.fit_transform(texts), vectorizer.transform(held_out)
    columns = [
        LogisticRegression(max_iter=1000).fit(known, has).predict(asked)
        if has.any() and not has.all()
        else np.full(len(held_out), has[0])
        for has in sets.T
    ]
    return np.stack(columns, axis=1).astype(np.bool_)


def tfidf_similarities(texts: Sequence[str], others: Sequence[str]) -> NDArray[np.float64]:
    """`[texts, others]`: the cosine of their words, each weighed by how rare it is among all of them."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer().fit([*texts, *others])
    return np.asarray((vectorizer.transform(texts) @ vectorizer.transform(others).T).toarray())


def neighbours(pictures: NDArray[np.uint8], labels: Labels, held_out: NDArray[np.uint8], count: int) -> Labels:
    """Labels for `held_out` `[n, …]`, each by the vote of its `count` nearest among `pictures` `[m, …]`."""
    from sklearn.neighbors import KNeighborsClassifier

    model = KNeighborsClassifier(count, algorithm="brute").fit(_flat(pictures), labels)
    return np.asarray(model.predict(_flat(held_out)))


def _flat(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    return pictures.reshape(len(pictures), -1).astype(np.float32)
