"""Encoded pictures to pixels."""

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from processing.errors import TooLargeError, UnreadableInputError
from processing.image import FORMATS, MAX_SCANS, decode

RED, BLUE, WHITE = [255, 0, 0], [0, 0, 255], [255, 255, 255]


def encoded(picture: Image.Image, encoding: str = "PNG", **options: Any) -> bytes:
    buffer = BytesIO()
    picture.save(buffer, encoding, **options)
    return buffer.getvalue()


def redrawn(jpeg: bytes, scans: int) -> bytes:
    """With its last scan so many times again, which decoders draw."""
    at = jpeg.rindex(b"\xff\xda")
    end = jpeg.rindex(b"\xff\xd9")
    return jpeg[:end] + jpeg[at:end] * scans + jpeg[end:]


def flag(width: int = 60, height: int = 40) -> Image.Image:
    """Blue with a red upper left quarter, so that every turn shows."""
    picture = Image.new("RGB", (width, height), "blue")
    picture.paste("red", (0, 0, width // 2, height // 2))
    return picture


@pytest.mark.parametrize("encoding", FORMATS)
def test_every_format_becomes_rgb(encoding: str) -> None:
    pixels = decode(encoded(flag(), encoding), max_pixels=10_000)
    assert pixels.shape == (40, 60, 3)
    assert pixels.dtype == np.uint8
    np.testing.assert_allclose(pixels[2, 2].astype(int), RED, atol=3)
    np.testing.assert_allclose(pixels[-3, -3].astype(int), BLUE, atol=3)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "CMYK", "I", "I;16", "F"])
def test_every_mode_becomes_rgb(mode: str) -> None:
    picture = flag().convert("L").convert(mode) if mode in ("I", "I;16", "F", "LA") else flag().convert(mode)
    assert decode(encoded(picture, "TIFF"), max_pixels=10_000).shape == (40, 60, 3)


def test_sixteen_bits_are_scaled_and_not_clipped() -> None:
    levels = np.linspace(0, 65535, 256, dtype=np.uint16).reshape(16, 16)
    pixels = decode(encoded(Image.fromarray(levels)), max_pixels=10_000)
    np.testing.assert_array_equal(pixels[..., 0].ravel(), np.arange(256))


@pytest.mark.parametrize("encoding", ["PNG", "JPEG", "WEBP", "TIFF"])
@pytest.mark.parametrize(
    ("orientation", "red_at"),
    [(1, "00"), (2, "01"), (3, "11"), (4, "10"), (5, "00"), (6, "01"), (7, "11"), (8, "10")],
)
def test_exif_orientation_is_respected(encoding: str, orientation: int, red_at: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    pixels = decode(encoded(flag(), encoding, exif=exif), max_pixels=10_000)
    assert pixels.shape == ((40, 60, 3) if orientation < 5 else (60, 40, 3))
    row, column = (2 if side == "0" else -3 for side in red_at)
    np.testing.assert_allclose(pixels[row, column].astype(int), RED, atol=6)


def test_transparency_is_white() -> None:
    clear = Image.new("RGBA", (10, 10), (0, 0, 0, 0))
    assert decode(encoded(clear), max_pixels=1000).min() == 255
    palette = Image.new("P", (10, 10), 0)
    assert decode(encoded(palette, "GIF", transparency=0), max_pixels=1000).min() == 255


def test_of_an_animation_the_first_frame_counts() -> None:
    frames = [Image.new("RGB", (10, 10), colour) for colour in ("red", "blue")]
    animation = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert decode(animation, max_pixels=1000)[5, 5].tolist() == RED


@pytest.mark.parametrize("data", [b"", b"hello", b"<svg/>", b"%PDF-1.7", bytes(1000), b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_picture_is_unreadable(data: bytes) -> None:
    with pytest.raises(UnreadableInputError, match="picture"):
        decode(data, max_pixels=10_000)


def test_a_format_that_is_not_offered_is_unreadable() -> None:
    with pytest.raises(UnreadableInputError, match="JPEG, PNG"):
        decode(encoded(flag(), "ICO"), max_pixels=10_000)


@pytest.mark.parametrize("encoding", FORMATS)
@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
def test_a_truncated_picture_is_unreadable(encoding: str, part: float) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (80, 80, 3), dtype=np.uint8)
    whole = encoded(Image.fromarray(noise), encoding)
    with pytest.raises(UnreadableInputError):
        decode(whole[: int(len(whole) * part)], max_pixels=10_000)


@pytest.mark.parametrize("encoding", FORMATS)
def test_too_many_pixels_are_refused_by_the_header(encoding: str) -> None:
    with pytest.raises(TooLargeError, match=r"60×40.*2399"):
        decode(encoded(flag(), encoding), max_pixels=2399)


def test_a_jpeg_that_is_drawn_over_and_over_is_refused() -> None:
    progressive = encoded(flag(), "JPEG", progressive=True)
    assert decode(progressive, max_pixels=10_000).shape == (40, 60, 3)
    assert decode(redrawn(progressive, MAX_SCANS - 10), max_pixels=10_000).shape == (40, 60, 3)
    with pytest.raises(TooLargeError, match="32 scans"):
        decode(redrawn(progressive, MAX_SCANS), max_pixels=10_000)


def test_previews_in_a_jpegs_other_segments_are_no_scans() -> None:
    preview = b"\xff\xd8" + b"\xff\xda" * MAX_SCANS * 2
    segment = b"\xff\xed" + (len(preview) + 2).to_bytes(2, "big") + preview
    jpeg = encoded(flag(), "JPEG", progressive=True)
    assert decode(jpeg[:2] + segment + jpeg[2:], max_pixels=10_000).shape == (40, 60, 3)
