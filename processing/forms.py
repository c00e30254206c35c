"""Forms of pictures: how a decoded one becomes the input of a model, by the name in `ImageSpec.form`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from processing.digit_form import digit_form, digit_window
from processing.garment_form import garment_form, garment_window
from processing.image import Pixels
from processing.letterbox import letterbox_window, letterboxed
from processing.photo_form import photo_form, photo_window
from processing.spec import ImageSpec
from processing.window import Window


@dataclass(frozen=True)
class Form:
    """Both take a picture as it was decoded, and raise `ProcessingError` for one that is of no use.

    Attributes:
        tensor: to the model's input without the batch dimension, uint8 `[height, width, channels]`.
        window: to the part of the picture that this tensor shows.
    """

    tensor: Callable[[Pixels], Pixels]
    window: Callable[[Pixels], Window]


FORMS: Mapping[str, Callable[[ImageSpec], Form]] = {
    "digit": lambda _: Form(digit_form, digit_window),
    "garment": lambda _: Form(garment_form, garment_window),
    "letterbox": lambda spec: Form(
        lambda picture: letterboxed(picture, spec.height, spec.width),
        lambda picture: letterbox_window(picture, spec.height, spec.width),
    ),
    "photo": lambda spec: Form(partial(photo_form, spec=spec), partial(photo_window, spec=spec)),
}


def form_of(spec: ImageSpec) -> Form:
    return FORMS[spec.form](spec)
