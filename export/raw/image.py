"""Decoded pictures to a model's input inside the graph: the twin of `processing.forms`."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from export.errors import NotInGraphError
from export.raw.decoding import decoded
from export.raw.digit_form import digit_form
from export.raw.garment_form import garment_form
from export.raw.letterbox import letterboxed
from export.raw.photo_form import photo_form
from processing.spec import ImageSpec

if TYPE_CHECKING:
    import tensorflow as tf

    Step = Callable[[tf.Tensor], tf.Tensor]


class ImageGraph:
    """`tf.string [rows]`, encoded pictures of any sizes, to uint8 `[rows, height, width, channels]`.

    In the graph INVALID_ARGUMENT is the answer to what `decoded` refuses and to a blank picture.
    """

    def __init__(self, spec: ImageSpec) -> None:
        """Raises `NotInGraphError` for a form that has no twin here."""
        if spec.form not in FORMS:
            raise NotInGraphError(f"the form {spec.form!r}")
        self._spec = spec

    def __call__(self, pictures: "tf.Tensor") -> "tf.Tensor":
        import tensorflow as tf

        spec, form = self._spec, FORMS[self._spec.form](self._spec)
        shape = tf.TensorSpec([spec.height, spec.width, spec.channels], tf.uint8)
        return tf.map_fn(lambda data: form(decoded(data)), pictures, fn_output_signature=shape)


# As in `processing.forms`, by the same names.
FORMS: Mapping[str, "Callable[[ImageSpec], Step]"] = {
    "digit": lambda _: digit_form,
    "garment": lambda _: garment_form,
    "letterbox": lambda spec: lambda picture: letterboxed(picture, spec.height, spec.width),
    "photo": lambda spec: partial(photo_form, spec=spec),
}
