"""Pictures brought to MNIST's form by `processing.digit_form`, once for each content of data and code."""

import hashlib
import tempfile
from pathlib import Path

import numpy as np
import PIL
from numpy.typing import NDArray

import processing.digit_form
from training.data.lock import locked
from training.progress import Progress

_REPORT_EVERY = 2000


def digit_forms(pictures: NDArray[np.uint8], cache: Path, progress: Progress) -> NDArray[np.uint8]:
    """uint8 `[n, 28, 28, 1]` of pictures `[n, h, w]`; kept in the folder `cache`, some 0.2 ms a picture if new."""
    digest = hashlib.sha256(pictures.tobytes())
    digest.update(Path(processing.digit_form.__file__).read_bytes())
    digest.update(PIL.__version__.encode())
    cached = cache / "data" / f"digit-forms-{digest.hexdigest()[:24]}.npy"
    with locked(cached):
        if not cached.exists():
            _keep(_formed(pictures, progress), cached)
        return np.asarray(np.load(cached), dtype=np.uint8)


def _formed(pictures: NDArray[np.uint8], progress: Progress) -> NDArray[np.uint8]:
    progress.stage("bring pictures to form", len(pictures))
    forms = np.empty((len(pictures), 28, 28, 1), np.uint8)
    for position, picture in enumerate(pictures):
        forms[position] = processing.digit_form.digit_form(picture)
        if position % _REPORT_EVERY == 0:
            progress.at(position)
    return forms


def _keep(forms: NDArray[np.uint8], cached: Path) -> None:
    with tempfile.NamedTemporaryFile(dir=cached.parent, prefix=".forms-", delete=False) as file:
        np.save(file, forms)
    Path(file.name).replace(cached)
