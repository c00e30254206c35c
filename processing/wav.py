"""WAV files with PCM to samples."""

import struct
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from processing.errors import TooLargeError, UnreadableInputError, UnusableInputError

MOST_CHUNKS = 64  # before the samples: a file of nothing but empty ones would take seconds
UNKNOWN_SIZE = 0x7FF0_0000  # from here on it stands for one that is not known, as programs write into a pipe
RIFF_HEADER = 8  # bytes that the size of the whole does not count
LEAST_TOGETHER = 1e-3  # of the power of channels is in their mean; of eight that know nothing of each other an eighth

Samples = NDArray[np.float32]

_FIRST_CHUNK = 12
_CHUNK = struct.Struct("<4sL")  # its name, and how many bytes come behind this, to an even number
_FORMAT = struct.Struct("<HHLLHH")  # encoding, channels, rate, bytes per second, bytes per frame, bits
_PCM = 1


class _Recording(NamedTuple):
    """A file as its header says."""

    rate: int
    channels: int
    width: int  # of a number, in bytes
    size: int  # of all samples, in bytes, by the header of their chunk
    behind: memoryview  # this header: as many of the samples as there are, and whatever follows

    @property
    def frames(self) -> int:
        return self.size // (self.channels * self.width)

    @property
    def seconds(self) -> float:
        return self.frames / self.rate


def seconds_of(data: bytes) -> float:
    """How long a recording is, as its header says. Raises `UnreadableInputError` as `read_pcm` does."""
    return _opened(data).seconds


def pcm_rate(data: bytes) -> int | None:
    """Samples per second of a WAV file with PCM, as its header says; None where it is none, or does not know how long
    it is."""
    try:
        recording = _opened(data)
    except UnreadableInputError:
        return None
    return None if _is_unknown(recording) else recording.rate


def read_pcm(data: bytes, max_seconds: float) -> tuple[int, Samples]:
    """Samples per second, and the recording as float32 `[samples]` in [-1, 1]; of several channels their mean.

    Args:
        max_seconds: looked at before anything is decoded.

    Raises:
        UnreadableInputError: not a WAV file with PCM of 8, 16, 24 or 32 bits, or one that is cut off.
        TooLargeError: longer than `max_seconds`.
        UnusableInputError: its channels cancel each other out.
    """
    recording = _opened(data)
    promised = recording.frames * recording.channels * recording.width
    pcm = recording.behind[:promised]
    if len(pcm) != promised:  # before it is believed how long it is
        raise UnreadableInputError(f"the recording is cut off: {len(pcm)} of {promised} bytes")
    if recording.seconds > max_seconds:
        raise too_long(recording.seconds, max_seconds)
    frames = _floats(pcm, recording.width).reshape(-1, recording.channels)
    powers = Powers()
    samples = powers.mean(frames)
    powers.check(recording.channels)
    return recording.rate, samples


class Powers:
    """Of several channels and of their mean, added up, so that one is told from the other."""

    def __init__(self) -> None:
        self._apart = self._together = 0.0

    def mean(self, frames: NDArray[Any]) -> Samples:
        """`[samples, channels]` to `[samples]`, counted."""
        if frames.shape[1] == 1:
            return np.ascontiguousarray(frames[:, 0], np.float32)
        with np.errstate(all="ignore"):  # where there are numbers that are none, they are told of at the end
            samples = np.asarray(frames.mean(axis=1), np.float32)
            self._apart += float(np.square(frames).sum()) / frames.shape[1]
            self._together += float(np.square(samples).sum())
        return samples

    def check(self, channels: int) -> None:
        """Raises `UnusableInputError` where they cancel each other out: their mean has hardly any of their power."""
        if self._together < LEAST_TOGETHER * self._apart:
            raise UnusableInputError(
                f"the {channels} channels of the recording cancel each other out, as if one were another upside down; "
                "expected sound in their mean: send one of them"
            )


def too_long(seconds: float, most: float) -> TooLargeError:
    more = "more than " if round(seconds, 1) == most else ""
    return TooLargeError(f"the recording lasts {more}{seconds:.1f} s; at most {most:g} s are accepted")


def _opened(data: bytes) -> _Recording:
    """Walks over the chunks of the file, up to its samples. Of these their own chunk tells how many there are: the size
    of the whole is not looked at, which many programs write wrong."""
    if data[:4] != b"RIFF" or data[8:_FIRST_CHUNK] != b"WAVE":
        raise _unreadable("it does not begin as one")
    at, form = _FIRST_CHUNK, None
    for _ in range(MOST_CHUNKS + 1):
        if at + _CHUNK.size > len(data):
            break
        name, size = _CHUNK.unpack_from(data, at)
        at += _CHUNK.size
        if name == b"data" and form is not None:
            is_of_the_whole = size in (len(data), len(data) - RIFF_HEADER)  # as some programs write it
            return _recording(form, len(data) - at if is_of_the_whole else size, memoryview(data)[at:])
        if name == b"data":
            break
        if name == b"fmt " and size >= _FORMAT.size and at + _FORMAT.size <= len(data):
            form = _FORMAT.unpack_from(data, at)
        at += size + size % 2
    raise _unreadable("it ends too soon, or has no chunk of its format before that of its samples")


def _is_unknown(recording: _Recording) -> bool:
    """Whether the header was written before the samples, and never put right: it says far too much, or none where
    something follows that is no more chunks."""
    return recording.size >= UNKNOWN_SIZE or (not recording.size and not _are_chunks(recording.behind))


def _are_chunks(rest: memoryview) -> bool:
    """Whether it is nothing but whole chunks, or nothing at all."""
    at = 0
    for _ in range(MOST_CHUNKS):
        if at + _CHUNK.size > len(rest):
            break
        name, size = _CHUNK.unpack_from(rest, at)
        if not name.decode("latin-1").isprintable():
            return False
        at += _CHUNK.size + size + size % 2
    return at in (len(rest), len(rest) + 1)  # behind the last one the byte that makes it even may be missing


def _recording(form: tuple[int, ...], size: int, behind: memoryview) -> _Recording:
    """`form`: the numbers of `_FORMAT`; `size`, `behind`: see `_Recording`."""
    encoding, channels, rate, _, _, bits = form
    width = (bits + 7) // 8
    if encoding != _PCM:
        raise _unreadable(f"its format is number {encoding}, PCM is {_PCM}")
    if channels < 1 or rate < 1 or width not in (1, 2, 3, 4):
        raise _unreadable(f"it says {channels} channels with {bits} bits at the rate {rate}")
    return _Recording(rate, channels, width, size, behind)


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
