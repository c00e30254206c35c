"""Pictures in HEIC, where the package that reads them is installed. Each is decoded by a process of its own."""

import importlib.util
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from processing import heif_decoder
from processing.errors import TooLargeError, UnreadableInputError

if TYPE_CHECKING:
    from PIL import Image

PACKAGE = "pi-heif"
MEDIA_TYPES = ("image/heic", "image/heif")

_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"})
_SECONDS = 10  # of a processor: 3 million pixels of noise take half of one
_PATIENCE = 3  # times as long on a machine that does other things, and for a decoder that waits for itself
_BYTES, _BYTES_A_PIXEL = 2**27, 16  # of memory; with transparency the program takes 40 MB and 8 a pixel


@cache
def is_readable() -> bool:
    """Whether the package is installed. It is looked for and not imported."""
    return importlib.util.find_spec("pi_heif") is not None


def is_heif(data: bytes) -> bool:
    """By its first bytes."""
    return data[4:8] == b"ftyp" and data[8:12] in _BRANDS


def missing() -> str:
    """What to do where they cannot be read."""
    return f"pictures in HEIC are read where the package {PACKAGE} is installed"


def pixels_of(data: bytes) -> int:
    """How many the largest picture in the file is said to have; nothing is decoded.

    Raises:
        UnreadableInputError: it tells none.
    """
    sizes = [width * height for width, height in _sizes(data)]
    if not sizes:
        raise _unreadable(data, "it tells no size")
    return max(sizes)


def decoded(data: bytes, *, max_pixels: int) -> "Image.Image":
    """The file's first picture, 8 bits a channel, turned as its own properties say. What its EXIF says of that does not
    count, by ISO 23008-12.

    Raises:
        UnreadableInputError: the package is not installed, or this is no picture.
        TooLargeError: more pixels than `max_pixels`, or what takes too long.
    """
    if not is_readable():
        raise UnreadableInputError(f"{len(data)} bytes in HEIC; {missing()}")
    limits = (max_pixels, _SECONDS, _BYTES + _BYTES_A_PIXEL * max_pixels)
    command = [sys.executable, "-I", "-S", heif_decoder.__file__, *_folders(), *map(str, limits)]
    try:
        done = subprocess.run(command, input=data, capture_output=True, check=False, timeout=_PATIENCE * _SECONDS)
    except subprocess.TimeoutExpired as exc:
        raise _too_long() from exc
    reason = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
    match done.returncode:
        case 0:
            return _picture(done.stdout)
        case heif_decoder.TOO_LARGE:
            raise TooLargeError(reason)
        case heif_decoder.UNREADABLE:
            raise _unreadable(data, reason)
        case status if status == -signal.SIGXCPU:
            raise _too_long()
        case status:
            raise _unreadable(data, f"the decoder ended with {status}")


def _picture(answer: bytes) -> "Image.Image":
    from PIL import Image

    head, _, _ = answer.partition(b"\n")
    mode, width, height = head.decode().split()
    levels = np.frombuffer(answer, np.uint8, offset=len(head) + 1)
    return Image.frombuffer(mode, (int(width), int(height)), levels, "raw", mode, 0, 1)


def _folders() -> list[str]:
    """Where the packages are that the decoder imports."""
    found = (importlib.util.find_spec(name) for name in ("pi_heif", "PIL"))
    return [str(Path(spec.origin).parents[1]) for spec in found if spec and spec.origin]


def _sizes(data: bytes) -> Iterator[tuple[int, int]]:
    """Width and height in each property `ispe`. They are looked for and not reached through the boxes around them: what
    looks like one and is none counts as well."""
    for found in re.finditer(rb"\x00\x00\x00\x14ispe\x00{4}(.{4})(.{4})", data, re.DOTALL):
        yield int.from_bytes(found[1]), int.from_bytes(found[2])


def _unreadable(data: bytes, reason: str) -> UnreadableInputError:
    return UnreadableInputError(f"{len(data)} bytes that do not decode as a picture in HEIC: {reason}")


def _too_long() -> TooLargeError:
    return TooLargeError(f"the picture takes more than {_SECONDS} s to decode; no more are accepted")
