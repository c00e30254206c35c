"""Pictures brought to MNIST's form by `processing.digit_form`, once for each content of data and code."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import processing.digit_form
from training.data.kept import kept
from training.progress import Progress

_REPORT_EVERY = 2000


def digit_forms(pictures: NDArray[np.uint8], cache: Path, progress: Progress) -> NDArray[np.uint8]:
    """uint8 `[n, 28, 28, 1]` of pictures `[n, h, w]`; kept in the folder `cache`, some 0.2 ms a picture if new."""
    made = kept(
        cache, "digit-forms", [pictures], [processing.digit_form], lambda: {"forms": _formed(pictures, progress)}
    )
    return made["forms"]


def _formed(pictures: NDArray[np.uint8], progress: Progress) -> NDArray[np.uint8]:
    progress.stage("bring pictures to form", len(pictures))
    forms = np.empty((len(pictures), 28, 28, 1), np.uint8)
    for position, picture in enumerate(pictures):
        forms[position] = processing.digit_form.digit_form(picture)
        if position % _REPORT_EVERY == 0:
            progress.at(position)
    return forms
