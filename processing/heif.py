"""Pictures in HEIC, where the package that reads them is installed. Each is decoded by a process of its own."""

import importlib.util
import logging
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from processing import heif_decoder
from processing.errors import DecoderError, TooLargeError, UnreadableInputError

if TYPE_CHECKING:
    from PIL import Image

PACKAGE = "pi-heif"
MEDIA_TYPES = ("image/heic", "image/heif")

_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"})
_SECONDS = 8  # of a processor: 3 million pixels of noise take half of one
_PATIENCE_S = 10  # for its turn, and for as long again on a machine that does other things
_TURNS = threading.Semaphore(2)  # decoders at once: each may take half a gigabyte
_KEPT = ("LD_LIBRARY_PATH",)  # of the environment, in which there are secrets
_BYTES, _BYTES_A_PIXEL = 2**27, 16  # of memory; with transparency the program takes 40 MB and 8 a pixel

_log = logging.getLogger(__name__)


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
        TooLargeError: more pixels than `max_pixels`, or what takes too much work.
        DecoderError: others are decoded, the machine is busy, or the package does not work.
    """
    if not is_readable():
        raise UnreadableInputError(f"{len(data)} bytes in HEIC; {missing()}")
    limits = (max_pixels, _SECONDS, _BYTES + _BYTES_A_PIXEL * max_pixels)
    command = [sys.executable, "-I", "-S", heif_decoder.__file__, *_folders(), *map(str, limits)]
    done = _run(command, data)
    reason = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
    match done.returncode:
        case 0:
            return _picture(done.stdout)
        case heif_decoder.TOO_LARGE:
            raise TooLargeError(reason)
        case heif_decoder.UNREADABLE:
            raise _unreadable(data, reason)
        case heif_decoder.NOT_STARTED:
            _log.error("the decoder of HEIC does not start: %s", reason)
            raise DecoderError("pictures in HEIC cannot be decoded now; the gateway's log tells more")
        case status if status == -signal.SIGXCPU:
            raise TooLargeError(f"the picture takes more than {_SECONDS} s of work to decode; no more are accepted")
        case status:
            raise _unreadable(data, f"the decoder ended with {status}")


def _run(command: list[str], data: bytes) -> "subprocess.CompletedProcess[bytes]":
    busy = "pictures in HEIC are decoded two at a time, and others are before this one; try again in a moment"
    if not _TURNS.acquire(timeout=_PATIENCE_S):
        raise DecoderError(busy)
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    try:
        return subprocess.run(
            command, input=data, capture_output=True, check=False, timeout=_PATIENCE_S, env=environment, cwd="/"
        )
    except (subprocess.TimeoutExpired, OSError) as exc:
        _log.warning("a picture in HEIC was not decoded: %s", exc)
        raise DecoderError(busy) from exc
    finally:
        _TURNS.release()


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
