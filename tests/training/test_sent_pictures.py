"""Photographs as clients send them: what the gateway makes of each is what is in it."""

from io import BytesIO

import cv2
import numpy as np
import pytest
from PIL import Image

from processing.image import decode
from training.sent_pictures import WAYS, Sent, reduced

FORMATS = {
    "as it is": ("PNG", "RGB", (451, 300)),
    "mirrored": ("JPEG", "RGB", (320, 213)),
    "lying on its side": ("JPEG", "RGB", (213, 320)),
    "small": ("PNG", "RGB", (160, 106)),
    "grey": ("JPEG", "L", (320, 213)),
    "for print": ("JPEG", "CMYK", (320, 213)),
    "in 256 colours": ("GIF", "P", (320, 213)),
    "in a transparent frame": ("PNG", "RGBA", (352, 245)),
}


def _body() -> bytes:
    """Smooth, and no two corners alike."""
    row, column = np.mgrid[:300, :451]
    picture = np.stack([row * 255 // 300, column * 255 // 451, 255 - row * 255 // 300], axis=2).astype(np.uint8)
    buffer = BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def sent() -> dict[str, Sent]:
    return {way: act(_body()) for way, act in WAYS.items()}


def test_every_way_has_its_format(sent: dict[str, Sent]) -> None:
    found = {}
    for way, one in sent.items():
        with Image.open(BytesIO(one.body)) as picture:
            found[way] = (picture.format, picture.mode, picture.size)
            assert one.media_type == f"image/{str(picture.format).lower()}"
            assert one.way == way
    assert found == FORMATS


@pytest.mark.parametrize("way", FORMATS)
def test_what_is_seen_is_what_the_gateway_decodes(sent: dict[str, Sent], way: str) -> None:
    seen, decoded = sent[way].pixels, decode(sent[way].body, max_pixels=10**6)
    assert seen.shape == decoded.shape
    assert np.abs(seen.astype(int) - decoded).max() <= 2


def test_only_the_mirrored_one_is_mirrored_and_all_are_upright(sent: dict[str, Sent]) -> None:
    for way, one in sent.items():
        inside = one.pixels[30:-30, 30:-30].astype(int)
        if way != "grey":
            assert inside[-1, :, 0].mean() > inside[0, :, 0].mean() + 80
            across = inside[:, -1, 1].mean() - inside[:, 0, 1].mean()
            assert across < -80 if way == "mirrored" else across > 80


def test_a_picture_is_reduced_and_never_enlarged() -> None:
    picture = np.zeros((30, 60, 3), np.uint8)
    assert reduced(picture, 60) is picture
    assert reduced(picture, 20).shape == (10, 20, 3)
    assert reduced(np.zeros((1, 500, 3), np.uint8), 20).shape == (1, 20, 3)
    np.testing.assert_array_equal(reduced(picture, 20), cv2.resize(picture, (20, 10), interpolation=cv2.INTER_AREA))
