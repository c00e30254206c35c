"""The graph brings encoded pictures to a model's input as the gateway does."""

import numpy as np
import pytest

from export.errors import NotInGraphError
from export.raw.image import FORMS, ImageGraph
from processing import forms
from processing.image import decode
from processing.spec import ImageSpec, Resize
from tests.support.small_models import picture

SPEC = ImageSpec(form="digit", height=28, width=28, channels=1)


def test_a_batch_holds_pictures_of_different_sizes_and_kinds() -> None:
    import tensorflow as tf

    bodies = [
        picture(3, side=40),
        picture(4, side=300, encoding="JPEG", quality=90),
        picture(5, encoding="GIF"),
        picture(6, side=97, encoding="BMP"),
    ]
    received = ImageGraph(SPEC)(tf.constant(bodies)).numpy()
    expected = [forms.form_of(SPEC).tensor(decode(body, max_pixels=10**6)) for body in bodies]
    assert received.dtype == np.uint8
    np.testing.assert_allclose(received.astype(int), np.stack(expected).astype(int), atol=2)
    assert ImageGraph(SPEC)(tf.constant([], tf.string)).shape == (0, 28, 28, 1)


def test_photographs_of_different_sizes_and_kinds_are_a_batch() -> None:
    import tensorflow as tf

    spec = ImageSpec(form="photo", height=32, width=32, channels=3, resize=Resize(crop=0.875, interpolation="bicubic"))
    bodies = [picture(3, side=40), picture(4, side=300, encoding="JPEG", quality=90), picture(5, encoding="GIF")]
    received = ImageGraph(spec)(tf.constant(bodies)).numpy()
    expected = [forms.form_of(spec).tensor(decode(body, max_pixels=10**6)) for body in bodies]
    np.testing.assert_allclose(received.astype(int), np.stack(expected).astype(int), atol=2)


def test_every_form_of_the_gateway_has_its_twin() -> None:
    assert FORMS.keys() == forms.FORMS.keys()
    with pytest.raises(NotInGraphError, match="the form 'other' has no twin"):
        ImageGraph(SPEC.model_copy(update={"form": "other"}))
