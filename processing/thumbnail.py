"""A small picture of a picture."""

from io import BytesIO

from PIL import Image

from processing.image import Pixels

MEDIA_TYPE = "image/jpeg"
SIDE = 128  # pixels: the longer side, at most

_QUALITY = 80


def thumbnail(picture: Pixels) -> bytes:
    """A JPEG of some kilobytes. It has nothing but pixels: no EXIF, no place where it was taken."""
    small = Image.fromarray(picture)
    small.thumbnail((SIDE, SIDE), Image.Resampling.BICUBIC, reducing_gap=2.0)
    buffer = BytesIO()
    small.save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()
