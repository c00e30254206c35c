"""Photographs to the size of a model's input."""

from typing import Literal

import numpy as np
import pytest
from PIL import Image

from processing.image import Pixels
from processing.photo_form import photo_form, photo_window
from processing.spec import ImageSpec, Resize
from processing.window import Window

LITE0 = ImageSpec(form="photo", height=224, width=224, channels=3, resize=Resize(crop=0.875, interpolation="bicubic"))


def _spec(height: int, width: int, crop: float = 1.0) -> ImageSpec:
    resize = Resize(crop=crop, interpolation="bilinear")
    return ImageSpec(form="photo", height=height, width=width, channels=3, resize=resize)


def _noise(height: int, width: int) -> Pixels:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize(("height", "width"), [(300, 451), (451, 300), (256, 256), (427, 640), (90, 70)])
def test_the_form_is_that_of_efficientnets_evaluation(height: int, width: int) -> None:
    """Its `_decode_and_center_crop`, in its own words; but Pillow's bicubic, which looks at every pixel."""
    picture = _noise(height, width)
    image_size, crop_padding = 224, 32
    side = int((image_size / (image_size + crop_padding)) * min(height, width))
    top, left = ((height - side) + 1) // 2, ((width - side) + 1) // 2
    part = Image.fromarray(picture).crop((left, top, left + side, top + side))
    expected = np.asarray(part.resize((image_size, image_size), Image.Resampling.BICUBIC))
    np.testing.assert_array_equal(photo_form(picture, LITE0), expected)
    assert photo_window(picture, LITE0) == Window(left, top, side, side)


def test_an_input_that_is_no_square_keeps_its_shape() -> None:
    picture = _noise(100, 400)
    assert photo_window(picture, _spec(50, 100)) == Window(100, 0, 200, 100)
    np.testing.assert_array_equal(
        photo_form(picture, _spec(50, 100)),
        np.asarray(Image.fromarray(picture[:, 100:300]).resize((100, 50), Image.Resampling.BILINEAR)),
    )
    assert photo_window(_noise(400, 100), _spec(50, 100)) == Window(0, 175, 100, 50)


def test_all_of_a_picture_is_stretched_to_the_shape_of_the_input() -> None:
    picture = _noise(100, 400)
    spec = _spec(50, 60).model_copy(update={"resize": Resize(crop=1, interpolation="bicubic", fit="stretch")})
    assert photo_window(picture, spec) == Window(0, 0, 400, 100)
    np.testing.assert_array_equal(
        photo_form(picture, spec), np.asarray(Image.fromarray(picture).resize((60, 50), Image.Resampling.BICUBIC))
    )


@pytest.mark.parametrize(("height", "width"), [(300, 451), (451, 300), (256, 256), (90, 70)])
def test_all_of_a_picture_is_made_smaller_before_it_is_cut(height: int, width: int) -> None:
    """As torchvision and transformers do it: `Resize(256)`, `CenterCrop(224)`."""
    picture = _noise(height, width)
    spec = LITE0.model_copy(update={"resize": Resize(crop=0.875, interpolation="bicubic", fit="shorter")})
    size = (256, int(256 * height / width)) if width <= height else (int(256 * width / height), 256)
    smaller = np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC))
    top, left = (smaller.shape[0] - 224) // 2, (smaller.shape[1] - 224) // 2
    np.testing.assert_array_equal(photo_form(picture, spec), smaller[top : top + 224, left : left + 224])
    seen, crop = photo_window(picture, spec), photo_window(picture, LITE0)
    np.testing.assert_allclose(
        [seen.left, seen.top, seen.width, seen.height], [crop.left, crop.top, crop.width, crop.height], atol=1.5
    )


def test_a_picture_of_the_size_of_the_input_stays_as_it_is() -> None:
    picture = _noise(60, 80)
    np.testing.assert_array_equal(photo_form(picture, _spec(60, 80)), picture)


@pytest.mark.parametrize("fit", ["crop", "stretch", "shorter"])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 20_000), (20_000, 1), (2, 3)])
def test_the_smallest_pictures_have_a_form_and_a_window_inside(
    height: int, width: int, fit: Literal["crop", "stretch", "shorter"]
) -> None:
    picture = _noise(height, width)
    spec = LITE0.model_copy(update={"resize": Resize(crop=0.875, interpolation="bicubic", fit=fit)})
    assert photo_form(picture, spec).shape == (224, 224, 3)
    window = photo_window(picture, spec)
    assert window.width >= 0.875
    assert window.height >= 0.875
    assert 0 <= window.left <= window.left + window.width <= width
    assert 0 <= window.top <= window.top + window.height <= height
