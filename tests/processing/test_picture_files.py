"""What files announce beside the size of the picture."""

import struct
import zlib
from io import BytesIO

import pytest
from PIL import Image

from processing.errors import TooLargeError
from processing.image import all_pixels_of, decode, pixels_of
from processing.picture_files import frame_pixels, tile_pixels

_SIZE_TAGS = [(256, 4, 16), (257, 4, 16), (258, 3, 8), (259, 3, 8), (262, 3, 1), (277, 3, 1)]


def _tiled(*sides: tuple[int, int], pixels: bytes, order: str = "<") -> bytes:
    """A grey picture of 16×16 in one tile; `sides` are tags and values, in the order of the file."""
    tags = [*_SIZE_TAGS, *((tag, 4, value) for tag, value in sides), (324, 4, 0), (325, 4, len(pixels))]
    start = 8 + 2 + 12 * len(tags) + 4
    entries = [
        struct.pack(f"{order}HHL", tag, kind, 1)
        + (
            struct.pack(f"{order}HH", value, 0)
            if kind == 3
            else struct.pack(f"{order}L", start if tag == 324 else value)
        )
        for tag, kind, value in tags
    ]
    begin = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}LH", 8, len(tags))
    return begin + b"".join(entries) + bytes(4) + pixels


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_tile_of_a_tiff_counts_whole(order: str) -> None:
    small = _tiled((322, 16), (323, 16), pixels=zlib.compress(bytes(16 * 16)), order=order)
    assert tile_pixels(small) == 256
    assert decode(small, max_pixels=1000).shape == (16, 16, 3)
    bomb = _tiled((322, 26_000), (323, 26_000), pixels=zlib.compress(bytes(10**6)), order=order)
    assert pixels_of(bomb) == 256
    with pytest.raises(TooLargeError, match="tiles of 676000000 pixels; at most 25000000"):
        decode(bomb, max_pixels=25_000_000)


def test_of_a_tag_that_stands_twice_the_larger_counts() -> None:
    twice = _tiled((322, 16), (322, 26_000), (323, 26_000), (323, 16), pixels=b"")
    assert tile_pixels(twice) == 26_000**2


@pytest.mark.parametrize("options", [{"big_tiff": True}, {"compression": "tiff_lzw"}, {}])
def test_a_tiff_in_strips_has_no_tiles(options: dict[str, object]) -> None:
    buffer = BytesIO()
    Image.new("RGB", (60, 40)).save(buffer, "TIFF", **options)
    assert tile_pixels(buffer.getvalue()) == 0
    assert decode(buffer.getvalue(), max_pixels=2400).shape == (40, 60, 3)


def test_tiles_of_a_large_tiff_are_found_in_its_own_form() -> None:
    tags = ((322, 16, 2**33), (323, 4, 32), (324, 13, 7))
    entries = b"".join(struct.pack("<HHQQ", tag, kind, 1, value) for tag, kind, value in tags)
    assert tile_pixels(b"II+\0" + struct.pack("<HHQQ", 8, 0, 16, len(tags)) + entries) == 2**33 * 32


@pytest.mark.parametrize("cut", [3, 8, 12, 40])
def test_a_tiff_that_ends_too_early_has_no_tiles(cut: int) -> None:
    assert tile_pixels(_tiled((322, 16), (323, 16), pixels=b"")[:cut]) == 0


def _animation(*sizes: tuple[int, int]) -> bytes:
    """Frames of these sizes on a screen of the first, with a table of colours and a comment."""
    wide, high = sizes[0]
    frames = b"".join(
        b"\x21\xfe\x02ab\x00" + struct.pack("<BHHHHB", 0x2C, 0, 0, w, h, 0x80) + bytes(6) + b"\x02\x02\x4c\x01\x00"
        for w, h in sizes
    )
    return b"GIF89a" + struct.pack("<HHBBB", wide, high, 0x80, 0, 0) + bytes(6) + frames + b";"


def test_all_frames_of_a_gif_count_as_large_as_its_largest() -> None:
    assert frame_pixels(_animation((20, 10))) == 200
    assert frame_pixels(_animation((20, 10), (1, 1), (1, 1))) == 3 * 200
    assert frame_pixels(_animation((10, 10), (8000, 8000))) == 2 * 8000**2
    assert frame_pixels(_animation((20, 10), (1, 1))[:40]) == 200
    assert frame_pixels(b"GIF89a") == 0
    frames = [Image.new("RGB", (50, 40), (80 * number, 0, 0)) for number in range(3)]
    buffer = BytesIO()
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:])
    assert all_pixels_of(buffer.getvalue()) == 3 * 50 * 40
    assert pixels_of(buffer.getvalue()) == 50 * 40
