"""What frozen layers make of pictures, computed once; and a head on it, which is solved rather than trained."""

import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from processing.image import Pixels
from training.errors import DataError
from training.progress import Progress
from training.recipe import Array

if TYPE_CHECKING:
    import keras

MOST_BYTES = 2 * 2**30  # of maps that are kept

_STRENGTHS = (0.001, 0.003, 0.01, 0.03)  # scikit-learn's C for rows that each count once
_STEPS, _TOLERANCE = 100, 1e-3
_BATCH = 32
_FLAT = 1e-3  # is added to the spread of each feature, some of which have none
_ITEM = np.dtype(np.float16)


def views_that_fit(rows: int, numbers: int, wanted: int) -> int:
    """Of `rows` pictures, of each of whose views `numbers` are kept, so many views as there is room for.

    Raises:
        DataError: not even one.
    """
    most = MOST_BYTES // (rows * numbers * _ITEM.itemsize)
    if not most:
        fits = MOST_BYTES // (numbers * _ITEM.itemsize)
        raise DataError(
            f"{rows:,} pictures are too many to be trained on together: there is room for what the frozen layers make "
            f"of {fits:,}; take fewer (--set rows={fits}), or unfreeze fewer blocks"
        )
    return min(wanted, most)


def maps_of(
    trunk: "keras.Model",
    read: Callable[[int], Pixels],
    rows: int,
    progress: Progress,
    *,
    views: Sequence[Callable[[int, Pixels], Pixels]],
) -> NDArray[np.float16]:
    """What `trunk` makes of each view of each picture, `[views, rows, …]`. `read` takes a row to its picture; a view
    takes the row and its picture to what is seen."""
    made = np.empty((len(views), rows, *trunk.output.shape[1:]), _ITEM)
    progress.stage("see pictures through the frozen layers", rows)
    with ThreadPoolExecutor() as threads:
        for start in range(0, rows, _BATCH):
            numbers = range(start, min(start + _BATCH, rows))
            pictures = list(threads.map(read, numbers))
            for number, seen in enumerate(views):
                batch = np.stack([seen(row, picture) for row, picture in zip(numbers, pictures, strict=True)])
                made[number, start : start + len(batch)] = np.asarray(trunk.predict_on_batch(batch), np.float32)
            progress.at(numbers.stop)
    return made


def solve_head(
    features: Array,
    truth: NDArray[np.int32],
    views: int,
    loss: Callable[[Array], float],
) -> tuple[Array, Array]:
    """Kernel `[width, labels]` and bias `[labels]` of a logistic regression of `features` `[views · rows, width]`, of
    which each label has some. Its ridge is the one whose head has the least `loss`, which takes kernel and bias in one,
    `[width + 1, labels]`."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    heads = []
    middle, spread = features.mean(axis=0), features.std(axis=0) + _FLAT
    scaled = (features - middle) / spread  # a fifth of the time, and every feature is as dear as others
    for strength in _STRENGTHS:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # where it stands then is judged as all others are
            solved = LogisticRegression(C=strength / views, max_iter=_STEPS, tol=_TOLERANCE).fit(scaled, truth)
        kernel = solved.coef_.T / spread[:, np.newaxis]
        head = np.vstack([kernel, solved.intercept_ - middle @ kernel]).astype(np.float32)
        heads.append(head if head.shape[1] > 1 else np.hstack([np.zeros_like(head), head]))  # of two only the second's
    best = min(heads, key=loss)
    return best[:-1], best[-1]
