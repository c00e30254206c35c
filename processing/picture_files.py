"""What a picture's file announces beside the size of the picture, and what decoders take memory and time for."""

import struct
from collections.abc import Iterator

_TILE_WIDTH, _TILE_LENGTH = 322, 323  # tags of a TIFF
_NUMBERS = {3: "H", 4: "L", 16: "Q"}  # types of a tag's value

_SCREEN = 13  # bytes of a GIF before its table of colours
_IMAGE, _EXTENSION = 0x2C, 0x21


def tile_pixels(tiff: bytes) -> int:
    """How many pixels a tile of the first picture has; 0 where it has none, or where that cannot be read. Of a tag that
    stands twice the larger value counts: which one a decoder takes is its own matter.
    """
    sides = {_TILE_WIDTH: 0, _TILE_LENGTH: 0}
    try:
        for tag, value in _tags(tiff):
            if tag in sides:
                sides[tag] = max(sides[tag], value)
    except struct.error:  # it ends too early: those before count
        pass
    return sides[_TILE_WIDTH] * sides[_TILE_LENGTH]


def frame_pixels(gif: bytes) -> int:
    """How many pixels all frames have that are there, each in its own size, and in that of the largest if that is more:
    so some decoders keep them."""
    sizes = list(_frames(gif))
    width, height = (max((size[side] for size in sizes), default=0) for side in (0, 1))
    return max(sum(wide * high for wide, high in sizes), len(sizes) * width * height)


def _tags(tiff: bytes) -> Iterator[tuple[int, int]]:
    """The numbers among the tags of the first picture. Raises `struct.error` where the file ends too early."""
    order = "<" if tiff.startswith(b"II") else ">"
    is_big = struct.unpack_from(f"{order}H", tiff, 2)[0] == 43
    count_form, entry_bytes, value_at = ("Q", 20, 12) if is_big else ("H", 12, 8)
    (at,) = struct.unpack_from(f"{order}{'Q' if is_big else 'L'}", tiff, 8 if is_big else 4)
    (count,) = struct.unpack_from(f"{order}{count_form}", tiff, at)
    at += struct.calcsize(count_form)
    for entry in range(at, at + count * entry_bytes, entry_bytes):
        tag, kind = struct.unpack_from(f"{order}HH", tiff, entry)
        if form := _NUMBERS.get(kind):
            yield tag, struct.unpack_from(f"{order}{form}", tiff, entry + value_at)[0]


def _frames(gif: bytes) -> Iterator[tuple[int, int]]:
    """Width and height of each frame, up to where the file cannot be followed any more."""
    at = _SCREEN + _table_bytes(gif[10]) if len(gif) > _SCREEN else len(gif)
    while at + 10 < len(gif):
        if gif[at] == _IMAGE:
            yield struct.unpack_from("<HH", gif, at + 5)
            at = _behind_blocks(gif, at + 10 + _table_bytes(gif[at + 9]) + 1)
        elif gif[at] == _EXTENSION:
            at = _behind_blocks(gif, at + 2)
        else:
            return


def _table_bytes(flags: int) -> int:
    """Of the table of colours that these announce."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _behind_blocks(gif: bytes, at: int) -> int:
    while at < len(gif) and gif[at]:
        at += gif[at] + 1
    return at + 1
