"""Encoded pictures to uint8 arrays."""

import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from processing import heif
from processing.errors import TooLargeError, UnreadableInputError
from processing.picture_files import frame_pixels, tile_pixels

Pixels = NDArray[np.uint8]

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
MEDIA_TYPES = (
    *("image/jpeg", "image/jpg", "image/png", "image/webp", "image/gif", "image/bmp", "image/tiff"),
    *(heif.MEDIA_TYPES if heif.is_readable() else ()),
)
_EXPECTED = ", ".join((*FORMATS, *(("HEIC",) if heif.is_readable() else ())))

MAX_SCANS = 32  # of a progressive JPEG: encoders write about ten, and each costs as much as the whole picture
_SCAN = b"\xff\xda"
_MARKER = re.compile(rb"\xff+([\x01-\xcf\xd8-\xfe])")  # neither an escaped byte nor a restart within a scan
_BAND = 2**20  # pixels: so many are converted together, for what that needs of memory beside the picture itself

_ORIENTATION = 0x0112  # EXIF's tag, whose values say how the picture was turned or mirrored
_TURNS: Mapping[object, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# Pillow only warns at its own limit, and only for some formats; `decode` checks every header against ours instead.
Image.MAX_IMAGE_PIXELS = None
# What Pillow says of odd metadata would come with every such request, and helps nobody.
warnings.filterwarnings("ignore", module=r"PIL\.")


def decode(data: bytes, *, max_pixels: int) -> Pixels:
    """The picture as RGB uint8 `[height, width, 3]`, upright as its EXIF orientation says, transparency on white.

    Of an animation the first frame. The header is checked against `max_pixels` before a pixel is decoded, and so are
    the tiles of a TIFF, each of which is decoded whole, however little of it is in the picture. HEIC is read where
    `processing.heif` can.

    Raises:
        UnreadableInputError: not a picture, of another format, truncated or corrupt.
        TooLargeError: more pixels than `max_pixels`, a JPEG that would draw them over and over, or a HEIC that takes
            too long.
    """
    if heif.is_heif(data):
        return _pixels(heif.decoded(data, max_pixels=max_pixels))
    with _opened(data) as picture:
        width, height = picture.size
        if width * height > max_pixels:
            raise TooLargeError(f"the picture has {width}×{height} pixels; at most {max_pixels} are accepted")
        if picture.format == "TIFF" and (tile := tile_pixels(data)) > max_pixels:
            raise TooLargeError(f"the picture has tiles of {tile} pixels; at most {max_pixels} are accepted")
        return _pixels(_upright(picture))


def pixels_of(data: bytes) -> int:
    """How many pixels the header announces; nothing is decoded.

    Raises:
        UnreadableInputError: as `decode` does.
        TooLargeError: a JPEG that would draw them over and over.
    """
    if heif.is_heif(data):
        return heif.pixels_of(data)
    with _opened(data) as picture:
        return picture.width * picture.height


def all_pixels_of(data: bytes) -> int:
    """The same, of all frames of an animation: as many as a decoder reads that does not stop at the first one."""
    if heif.is_heif(data):
        return heif.pixels_of(data)
    with _opened(data) as picture:
        return max(picture.width * picture.height, frame_pixels(data) if picture.format == "GIF" else 0)


def _scans(jpeg: bytes) -> int:
    """How many there are, those of previews in other segments not counted."""
    scans, at = 0, 2
    while marker := _MARKER.search(jpeg, at):
        at = marker.end()
        kind = marker[1][0]
        if kind == 0xD9:  # the end
            break
        scans += kind == _SCAN[1]
        if kind > 0x01 and kind != 0xD8:  # all others begin with their length
            at += int.from_bytes(jpeg[at : at + 2], "big")
    return scans


@contextmanager
def _opened(data: bytes) -> Iterator[Image.Image]:
    """The picture after its header was read; what its decoder raises in the block is ours. Raises `TooLargeError` for a
    JPEG of too many scans."""
    if not data:
        raise UnreadableInputError(f"no bytes; expected a picture as {_EXPECTED}")
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as picture:
            if picture.format == "JPEG" and data.count(_SCAN) > MAX_SCANS and _scans(data) > MAX_SCANS:
                raise TooLargeError(f"the picture is drawn in more than {MAX_SCANS} scans; no more are accepted")
            yield picture
    except (TooLargeError, MemoryError):
        raise
    except UnidentifiedImageError as exc:
        raise UnreadableInputError(f"{len(data)} bytes that are no picture; expected {_EXPECTED}") from exc
    except Exception as exc:  # Pillow's decoders raise a dozen types on hostile bytes
        raise UnreadableInputError(f"{len(data)} bytes that do not decode as a picture: {exc}") from exc


def _upright(picture: Image.Image) -> Image.Image:
    """As its orientation says; without Pillow's `exif_transpose`, which writes all of the EXIF anew, and fails on odd
    values."""
    picture.load()  # a TIFF is upright after that, and says so
    try:
        turn = _TURNS.get(picture.getexif().get(_ORIENTATION))
    except Exception:  # of EXIF that cannot be read Pillow's parsers raise a dozen types: it says nothing
        return picture
    if turn is None:
        return picture
    turned = picture.transpose(turn)
    picture.close()  # and its memory is free
    return turned


def _pixels(picture: Image.Image) -> Pixels:
    """Band by band: of 50 million pixels each copy is 150 MB and more."""
    if picture.mode == "F":
        picture = _to_eight_bits(picture)  # by its largest value
    width, height = picture.size
    pixels = np.empty((height, width, 3), np.uint8)
    rows = max(1, _BAND // width)
    for top in range(0, height, rows):
        band = picture if rows >= height else picture.crop((0, top, width, min(top + rows, height)))
        pixels[top : top + rows] = np.asarray(_flattened(band))
    return pixels


def _flattened(picture: Image.Image) -> Image.Image:
    """RGB without transparency. Pictures of 16 bits are scaled, not clipped."""
    if picture.mode in ("I;16", "I;16B", "I;16L", "I"):
        picture = _to_eight_bits(picture)
    if picture.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info:
        coloured = (picture.convert("LA") if picture.mode == "La" else picture).convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", coloured.size, "white"), coloured)
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def _to_eight_bits(picture: Image.Image) -> Image.Image:
    values = np.nan_to_num(np.asarray(picture, dtype=np.float32))
    top = 65535.0 if picture.mode.startswith("I") else max(float(values.max()), 1e-9)
    return Image.fromarray(np.clip(values * (255.0 / top), 0, 255).astype(np.uint8))
