"""Encoded pictures to pixels."""

import struct
import subprocess
import sys
import zlib
from io import BytesIO
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

import processing.image
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


def test_fractions_are_scaled_to_the_largest_and_what_is_no_number_is_black() -> None:
    levels = np.array([[0, 0.5, 1], [2, np.nan, -1]], np.float32)
    pixels = decode(encoded(Image.fromarray(levels), "TIFF"), max_pixels=10_000)
    np.testing.assert_array_equal(pixels[..., 0], [[0, 63, 127], [255, 0, 0]])


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


# Hostile pictures


def exif_of(*entries: tuple[int, int, int, int], tail: bytes = b"") -> bytes:
    """A segment of EXIF with such entries: tag, type, count, and the value or where it is."""
    directory = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + directory + bytes(4) + tail


def with_exif(exif: bytes) -> bytes:
    jpeg, segment = encoded(flag(), "JPEG"), b"Exif\0\0" + exif
    return jpeg[:2] + b"\xff\xe1" + (len(segment) + 2).to_bytes(2, "big") + segment + jpeg[2:]


UPRIGHT = (0x0112, 3, 1, 6)  # to be turned to the right


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's; outside of tests they are switched off
@pytest.mark.parametrize(
    ("exif", "shape"),
    [
        pytest.param(exif_of((0x0112, 3, 1, 0)), (40, 60, 3), id="orientation 0"),
        pytest.param(exif_of((0x0112, 3, 1, 9)), (40, 60, 3), id="orientation 9"),
        pytest.param(exif_of((0x0112, 3, 1, 65535)), (40, 60, 3), id="orientation 65535"),
        pytest.param(exif_of((0x0112, 2, 4, 0x41414141)), (40, 60, 3), id="a word as orientation"),
        pytest.param(exif_of((0x0112, 3, 2**32 - 1, 6)), (40, 60, 3), id="four billion orientations"),
        pytest.param(b"II*\0\x08\0\0\0\xff\xff", (40, 60, 3), id="65,535 entries that are not there"),
        pytest.param(b"not a TIFF", (40, 60, 3), id="no directory"),
        pytest.param(exif_of((0x010F, 2, 400, 2**32 - 16), UPRIGHT), (60, 40, 3), id="a value beyond the end"),
        pytest.param(exif_of((0x010F, 99, 4, 0), UPRIGHT), (60, 40, 3), id="an unknown type"),
        pytest.param(exif_of((0x8769, 4, 1, 8), UPRIGHT), (60, 40, 3), id="a directory in itself"),
        pytest.param(exif_of((0x8825, 4, 1, 2**32 - 16), UPRIGHT), (60, 40, 3), id="a directory beyond the end"),
        pytest.param(exif_of((0x011A, 5, 1, 38), UPRIGHT, tail=bytes(8)), (60, 40, 3), id="zero divided by zero"),
        pytest.param(exif_of((0x010F, 2, 4, 2**32 - 1), UPRIGHT), (60, 40, 3), id="a name that is no text"),
        pytest.param(exif_of((0x0132, 12, 1, 8), UPRIGHT), (60, 40, 3), id="a fraction as date"),
        pytest.param(exif_of((0x0103, 11, 1, 0), UPRIGHT), (60, 40, 3), id="a fraction as number"),
    ],
)
def test_hostile_exif_hides_no_picture(exif: bytes, shape: tuple[int, ...]) -> None:
    assert decode(with_exif(exif), max_pixels=10_000).shape == shape


def test_colours_for_print_are_those_of_the_picture() -> None:
    """Adobe's, and so everybody's, CMYK in JPEG is inverted."""
    jpeg = encoded(flag().convert("CMYK"), "JPEG", quality=100)
    assert b"Adobe" in jpeg
    pixels = decode(jpeg, max_pixels=10_000).astype(int)
    np.testing.assert_allclose(pixels[2, 2], RED, atol=3)
    np.testing.assert_allclose(pixels[-3, -3], BLUE, atol=3)


@pytest.mark.parametrize("encoding", [".png", ".tiff"])
@pytest.mark.parametrize("channels", [3, 4])
def test_sixteen_bits_of_colours_are_scaled_too(encoding: str, channels: int) -> None:
    levels = np.repeat(np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16, 1), channels, axis=2)
    if channels == 4:
        levels[..., 3] = 65535
    written, data = cv2.imencode(encoding, levels)
    assert written
    np.testing.assert_allclose(decode(data.tobytes(), max_pixels=10_000)[..., 0].ravel(), np.arange(256), atol=1)


@pytest.mark.parametrize("encoding", ["PNG", "WEBP", "TIFF"])
def test_of_every_kind_of_animation_the_first_frame_counts(encoding: str) -> None:
    frames = [Image.new("RGB", (10, 10), colour) for colour in ("red", "blue")]
    animation = encoded(frames[0], encoding, save_all=True, append_images=frames[1:])
    np.testing.assert_allclose(decode(animation, max_pixels=1000)[5, 5].astype(int), RED, atol=2)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (20_000, 1), (1, 20_000)])
@pytest.mark.parametrize("encoding", ["PNG", "JPEG", "GIF", "BMP", "TIFF"])
def test_thin_pictures_are_pictures(encoding: str, width: int, height: int) -> None:
    data = encoded(Image.new("RGB", (width, height), "red"), encoding)
    assert decode(data, max_pixels=20_000).shape == (height, width, 3)


@pytest.mark.parametrize("encoding", FORMATS)
def test_what_follows_a_picture_is_not_looked_at(encoding: str) -> None:
    whole = encoded(flag(), encoding)
    for tail in (b"PK\x03\x04" + bytes(50), b"<script>alert(1)</script>"):
        np.testing.assert_array_equal(decode(whole + tail, max_pixels=10_000), decode(whole, max_pixels=10_000))


@pytest.mark.parametrize("before", [b"<html>", b"%PDF-1.7\n", b"PK\x03\x04", b"MZ"])
def test_a_picture_behind_something_else_is_none(before: bytes) -> None:
    with pytest.raises(UnreadableInputError, match="no picture"):
        decode(before + encoded(flag(), "JPEG"), max_pixels=10_000)


@pytest.mark.parametrize(("width", "height"), [(2**31 - 1, 2**31 - 1), (0, 40), (100_000, 100_000)])
def test_a_header_that_promises_too_much_costs_nothing(width: int, height: int) -> None:
    png = bytearray(encoded(flag()))
    png[16:24] = struct.pack(">II", width, height)
    png[29:33] = zlib.crc32(png[12:29]).to_bytes(4, "big")
    with pytest.raises((TooLargeError, UnreadableInputError)):
        decode(bytes(png), max_pixels=10**7)


@pytest.mark.parametrize("kind", ["RGB", "P", "RGBA", "LA", "CMYK", "I;16", "F", "transparent"])
def test_bands_of_a_large_picture_are_the_picture(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (70, 90, 4), dtype=np.uint8))
    options: dict[str, Any] = {"transparency": 3} if kind == "transparent" else {}
    grey = noise.convert("RGB").convert("L")
    match kind:
        case "transparent" | "P":
            picture = noise.convert("RGB").quantize(16)
        case "I;16":
            picture = Image.fromarray(np.asarray(grey).astype(np.uint16) * 201)
        case "F" | "LA":
            picture = grey.convert(kind)
        case _:
            picture = noise if kind == "RGBA" else noise.convert("RGB").convert(kind)
    data = encoded(picture, "PNG" if kind in ("transparent", "I;16") else "TIFF", **options)
    whole = decode(data, max_pixels=10_000)
    monkeypatch.setattr(processing.image, "_BAND", 1000)  # 11 lines; the last band has fewer
    np.testing.assert_array_equal(decode(data, max_pixels=10_000), whole)


@pytest.mark.parametrize(("orientation", "most"), [(1, 8), (6, 9)])
def test_fifty_million_pixels_need_little_more_memory_than_they_are(orientation: int, most: int) -> None:
    """Pillow's own copy has four bytes for each, ours three; turned, there are two of Pillow's for a moment."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(Image.new("RGB", (8660, 5774), "red"), "JPEG", exif=exif)
    pixels = 8660 * 5774
    code = (
        "import re, sys\n"
        "from pathlib import Path\n"
        "from processing.image import decode\n"
        "def most(): return int(re.search(r'VmHWM:\\s+(\\d+) kB', Path('/proc/self/status').read_text())[1])\n"
        "data = sys.stdin.buffer.read()\n"
        "before = most()\n"
        f"assert decode(data, max_pixels={pixels}).size == {3 * pixels}\n"
        "print(most() - before)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], input=data, capture_output=True, check=True)
    assert 6 * pixels < 1024 * int(done.stdout) < most * pixels
