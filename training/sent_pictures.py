"""Photographs as clients send them: in several formats and modes, turned, mirrored, small."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageOps

from processing.image import Pixels

_SIDE, _SMALL = 320, 160  # pixels: the longer side
_QUALITY = 90
_ORIENTATION, _LEFT_IS_TOP = 0x0112, 6  # of EXIF: the picture is turned to the right before it is shown
_FRAME = 16  # pixels


@dataclass(frozen=True)
class Sent:
    """One encoded picture and what is to be seen in it, RGB uint8 `[h, w, 3]`; decoded by OpenCV where it is lossy, so
    that it is not what the gateway itself makes of it."""

    way: str
    media_type: str
    body: bytes
    pixels: Pixels


def reduced(picture: Pixels, side: int) -> Pixels:
    """So that its longer side has `side` pixels at most."""
    longer = max(picture.shape[:2])
    if longer <= side:
        return picture
    height, width = (max(1, round(length * side / longer)) for length in picture.shape[:2])
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _as_it_is(body: bytes) -> Sent:
    media_type = "image/png" if body.startswith(b"\x89PNG") else "image/jpeg"
    return Sent("as it is", media_type, body, _seen(body))


def _mirrored(body: bytes) -> Sent:
    return _jpeg("mirrored", ImageOps.mirror(_small(body, _SIDE)))


def _on_its_side(body: bytes) -> Sent:
    """As cameras do that were held upright."""
    exif = Image.Exif()
    exif[_ORIENTATION] = _LEFT_IS_TOP
    return _jpeg("lying on its side", _small(body, _SIDE).transpose(Image.Transpose.ROTATE_90), exif=exif)


def _tiny(body: bytes) -> Sent:
    return _lossless("small", "PNG", _small(body, _SMALL))


def _grey(body: bytes) -> Sent:
    return _jpeg("grey", _small(body, _SIDE).convert("L"))


def _printed(body: bytes) -> Sent:
    return _jpeg("for print", _small(body, _SIDE).convert("CMYK"))


def _palette(body: bytes) -> Sent:
    return _lossless("in 256 colours", "GIF", _small(body, _SIDE).quantize(256))


def _framed(body: bytes) -> Sent:
    """In a frame of nothing, which is white."""
    picture = ImageOps.expand(_small(body, _SIDE).convert("RGBA"), _FRAME, (0, 0, 0, 0))
    white = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    return Sent("in a transparent frame", "image/png", _encoded(picture, "PNG"), np.asarray(white.convert("RGB")))


WAYS: Mapping[str, Callable[[bytes], Sent]] = {
    "as it is": _as_it_is,
    "mirrored": _mirrored,
    "lying on its side": _on_its_side,
    "small": _tiny,
    "grey": _grey,
    "for print": _printed,
    "in 256 colours": _palette,
    "in a transparent frame": _framed,
}
"""Each takes a PNG or JPEG file."""


def _small(body: bytes, side: int) -> Image.Image:
    return Image.fromarray(reduced(_seen(body), side))


def _jpeg(way: str, picture: Image.Image, **options: Any) -> Sent:
    body = _encoded(picture, "JPEG", quality=_QUALITY, **options)
    return Sent(way, "image/jpeg", body, _seen(body))


def _lossless(way: str, encoding: str, picture: Image.Image) -> Sent:
    body = _encoded(picture, encoding)
    return Sent(way, f"image/{encoding.lower()}", body, np.asarray(picture.convert("RGB")))


def _encoded(picture: Image.Image, encoding: str, **options: Any) -> bytes:
    buffer = BytesIO()
    picture.save(buffer, encoding, **options)
    return buffer.getvalue()


def _seen(body: bytes) -> Pixels:
    """By OpenCV, upright."""
    pixels = cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_COLOR_RGB)
    return np.asarray(pixels, np.uint8)
