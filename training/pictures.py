"""What the recipes of pictures share: as clients send them, and what a model answers."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from processing.image import decode
from store.evaluation import Slice
from training.measure import BATCH, slices

if TYPE_CHECKING:
    import keras

ENLARGED_SIDE = 160

Pictures = NDArray[np.uint8]


def enlarged(picture: Pictures, side: int = ENLARGED_SIDE) -> Pictures:
    """Square `[h, w]` to `[side, side]`."""
    return np.asarray(cv2.resize(picture, (side, side), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)


def half_red_half_blue(picture: Pictures) -> Pictures:
    """Grey `[h, w]` to RGB `[h, w, 3]` in which swapped channels would show."""
    coloured = np.zeros((*picture.shape, 3), np.uint8)
    middle = picture.shape[1] // 2
    coloured[:, :middle, 0] = picture[:, :middle]
    coloured[:, middle:, 2] = picture[:, middle:]
    return coloured


def png(picture: Pictures) -> bytes:
    """Grey `[h, w]`, or RGB `[h, w, 3]`."""
    _, encoded = cv2.imencode(".png", picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    return encoded.tobytes()


def predicted_labels(model: "keras.Model", inputs: Pictures) -> NDArray[np.int64]:
    return np.asarray(model.predict(inputs, batch_size=BATCH, verbose=0).argmax(axis=1))


def sized(
    form: Callable[[Pictures], Pictures], pictures: Pictures, sides: Sequence[int]
) -> Iterator[tuple[str, Pictures]]:
    """Square pictures `[n, h, w]`, bright on dark, as clients of different screens and papers send them: which, and
    what `form` makes of them."""
    for side in sides:
        bright = [enlarged(picture, side) for picture in pictures]
        for polarity, drawn in (("bright on dark", bright), ("dark on bright", [255 - picture for picture in bright])):
            forms = [form(decode(png(picture), max_pixels=side**2)) for picture in drawn]
            yield f"{side} px, {polarity}", np.stack(forms)


def slices_by_size(
    model: "keras.Model", by_size: Iterable[tuple[str, Pictures]], truth: NDArray[np.int32], data: str
) -> Iterator[Slice]:
    """Of the pictures with that `truth`, as `sized` has them."""
    data = f"{len(truth)} of the {data}, as PNG"
    for which, forms in by_size:
        right = predicted_labels(model, forms) == truth
        yield from slices(right, "picture", {which: np.ones_like(right)}, data)


def sha256_of(*arrays: NDArray[Any]) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
