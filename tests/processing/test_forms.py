"""Forms of pictures, by their names in manifests."""

from typing import get_args

import numpy as np

from processing.forms import FORMS, form_of
from processing.spec import ImageSpec


def test_every_form_of_a_manifest_has_its_function() -> None:
    assert set(FORMS) == set(get_args(ImageSpec.model_fields["form"].annotation))


def test_a_digit_has_mnists_form_and_its_window() -> None:
    form = form_of(ImageSpec(form="digit", height=28, width=28, channels=1))
    picture = np.zeros((40, 60, 3), np.uint8)
    picture[10:30, 20:24] = 255
    assert form.tensor(picture).shape == (28, 28, 1)
    window = form.window(picture)
    assert window.left < 20
    assert window.left + window.width > 24
    assert window.top < 10
    assert window.top + window.height > 30
