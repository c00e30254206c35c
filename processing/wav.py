"""WAV files with PCM to samples."""

import struct
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from processing.errors import TooLargeError, UnreadableInputError

MOST_CHUNKS = 64  # before the samples: a file of nothing but empty ones would take seconds
UNKNOWN_SIZE = 0x7FF0_0000  # from here on it stands for one that is not known, as programs write into a pipe

Samples = NDArray[np.float32]

_FIRST_CHUNK = 12
_CHUNK = struct.Struct("<4sL")  # its name, and how many bytes come behind this, to an even number
_FORMAT = struct.Struct("<HHLLHH")  # encoding, channels, rate, bytes per second, bytes per frame, bits
_PCM = 1


class _Recording(NamedTuple):
    """A file as its header says; of `pcm` as much as is there."""

    rate: int
    frames: int
    channels: int
    width: int  # of a number, in bytes
    pcm: memoryview


def seconds_of(data: bytes) -> float:
    """How long a recording is, as its header says. Raises `UnreadableInputError` as `read_pcm` does."""
    recording = _opened(data)
    return recording.frames / recording.rate


def pcm_rate(data: bytes) -> int | None:
    """Samples per second of a WAV file with PCM, as its header says; None where it is none, or does not know how long
    it is."""
    try:
        recording = _opened(data)
    except UnreadableInputError:
        return None
    return None if _is_unknown(data, recording) else recording.rate


def read_pcm(data: bytes, max_seconds: float) -> tuple[int, Samples]:
    """Samples per second, and the recording as float32 `[samples]` in [-1, 1]; of several channels their mean.

    Args:
        max_seconds: looked at before anything is decoded.

    Raises:
        UnreadableInputError: not a WAV file with PCM of 8, 16, 24 or 32 bits, or one that is cut off.
        TooLargeError: longer than `max_seconds`.
    """
    rate, frames, channels, width, pcm = _opened(data)
    if frames / rate > max_seconds:
        raise too_long(frames / rate, max_seconds)
    if len(pcm) != frames * channels * width:
        raise UnreadableInputError(f"the recording is cut off: {len(pcm)} of {frames * channels * width} bytes")
    return rate, np.asarray(_floats(pcm, width).reshape(frames, channels).mean(axis=1), np.float32)


def too_long(seconds: float, most: float) -> TooLargeError:
    more = "more than " if round(seconds, 1) == most else ""
    return TooLargeError(f"the recording lasts {more}{seconds:.1f} s; at most {most:g} s are accepted")


def _opened(data: bytes) -> _Recording:
    """Walks over the chunks of the file, up to its samples."""
    if data[:4] != b"RIFF" or data[8:_FIRST_CHUNK] != b"WAVE":
        raise _unreadable("it does not begin as one")
    end = min(len(data), _CHUNK.size + _CHUNK.unpack_from(data)[1])
    at, form = _FIRST_CHUNK, None
    for _ in range(MOST_CHUNKS + 1):
        if at + _CHUNK.size > end:
            break
        name, size = _CHUNK.unpack_from(data, at)
        at += _CHUNK.size
        if name == b"data" and form is not None:
            return _recording(form, size, memoryview(data)[at:end])
        if name == b"data":
            break
        if name == b"fmt " and size >= _FORMAT.size and at + _FORMAT.size <= end:
            form = _FORMAT.unpack_from(data, at)
        at += size + size % 2
    raise _unreadable("it ends too soon, or has no chunk of its format before that of its samples")


def _is_unknown(data: bytes, recording: _Recording) -> bool:
    """Whether the header was written before the samples, and never put right: it says far too much, or none."""
    promised, whole = recording.frames * recording.channels * recording.width, _CHUNK.size + _CHUNK.unpack_from(data)[1]
    return promised >= UNKNOWN_SIZE or (not promised and whole != len(data))


def _recording(form: tuple[int, ...], size: int, rest: memoryview) -> _Recording:
    """`form`: the numbers of `_FORMAT`; `size`: bytes of samples by their chunk's header; `rest`: all from there on."""
    encoding, channels, rate, _, _, bits = form
    width = (bits + 7) // 8
    if encoding != _PCM:
        raise _unreadable(f"its format is number {encoding}, PCM is {_PCM}")
    if channels < 1 or rate < 1 or width not in (1, 2, 3, 4):
        raise _unreadable(f"it says {channels} channels with {bits} bits at the rate {rate}")
    frames = size // (channels * width)
    return _Recording(rate, frames, channels, width, rest[: frames * channels * width])


def _unreadable(why: str) -> UnreadableInputError:
    return UnreadableInputError(
        f"no recording that can be read: {why}; expected a WAV file with PCM of 8, 16, 24 or 32 bits"
    )


def _floats(pcm: memoryview, width: int) -> Samples:
    """Of 8 bits unsigned, of more signed and little-endian, as WAV has them."""
    if width == 1:
        return np.asarray((np.frombuffer(pcm, np.uint8).astype(np.float32) - 128) / 128, np.float32)
    if width == 3:  # each into the upper three bytes of four
        wide = np.zeros((len(pcm) // 3, 4), np.uint8)
        wide[:, 1:] = np.frombuffer(pcm, np.uint8).reshape(-1, 3)
        pcm, width = memoryview(wide.tobytes()), 4
    return np.asarray(np.frombuffer(pcm, f"<i{width}") / 2.0 ** (8 * width - 1), np.float32)
