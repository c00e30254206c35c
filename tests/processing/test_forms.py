"""Forms of pictures, by their names in manifests."""

from typing import get_args

import numpy as np
import pytest
from pydantic import JsonValue, ValidationError

from processing.forms import FORMS, form_of
from processing.spec import ImageSpec, Resize, parse_spec
from processing.window import Window

DIGIT = ImageSpec(form="digit", height=28, width=28, channels=1)
RESIZE = Resize(crop=0.5, interpolation="bilinear")
PHOTO = ImageSpec(form="photo", height=10, width=20, channels=3, resize=RESIZE)


def test_every_form_of_a_manifest_has_its_function() -> None:
    assert set(FORMS) == set(get_args(ImageSpec.model_fields["form"].annotation))


def test_a_digit_has_mnists_form_and_its_window() -> None:
    form = form_of(DIGIT)
    picture = np.zeros((40, 60, 3), np.uint8)
    picture[10:30, 20:24] = 255
    assert form.tensor(picture).shape == (28, 28, 1)
    window = form.window(picture)
    assert window.left < 20
    assert window.left + window.width > 24
    assert window.top < 10
    assert window.top + window.height > 30


def test_a_photograph_has_its_specs_form_and_window() -> None:
    form = form_of(PHOTO)
    picture = np.zeros((40, 60, 3), np.uint8)
    assert form.tensor(picture).shape == (10, 20, 3)
    assert form.window(picture) == Window(15, 13, 30, 15)


def test_documents_of_versions_are_read_as_they_were_written() -> None:
    assert parse_spec(PHOTO.model_dump(mode="json")) == PHOTO
    of_before: JsonValue = {
        "kind": "image",
        "input": "image",
        "form": "digit",
        "height": 28,
        "width": 28,
        "channels": 1,
    }
    assert parse_spec(of_before) == DIGIT


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (PHOTO.model_dump() | {"resize": None}, "the form photo needs resize"),
        (DIGIT.model_dump() | {"resize": RESIZE.model_dump()}, "no other has it"),
        (PHOTO.model_dump() | {"channels": 1}, "has 3 channels, received 1"),
        (PHOTO.model_dump() | {"resize": {"crop": 0, "interpolation": "bicubic"}}, "greater than 0"),
        (PHOTO.model_dump() | {"resize": {"crop": 1.1, "interpolation": "bicubic"}}, "less than or equal to 1"),
        (PHOTO.model_dump() | {"resize": {"crop": 1, "interpolation": "nearest"}}, "'bilinear' or 'bicubic'"),
    ],
)
def test_a_spec_has_what_its_form_needs(document: object, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ImageSpec.model_validate(document)


def test_a_digit_is_not_resized() -> None:
    with pytest.raises(ValueError, match="the form digit has no resize"):
        _ = DIGIT.resized
