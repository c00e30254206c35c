"""Recordings to samples: WAV files with PCM."""

import wave
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from processing.errors import TooLargeError, UnreadableInputError, UnusableInputError

MEDIA_TYPES = ("audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave")

Samples = NDArray[np.float32]


def seconds_of(data: bytes) -> float:
    """How long a recording is, as its header says. Raises `UnreadableInputError` as `decode` does."""
    with _opened(data) as recording:
        return float(recording.getnframes() / recording.getframerate())


def decode(data: bytes, *, sample_rate: int, max_seconds: float) -> Samples:
    """The recording as float32 `[samples]` in [-1, 1]; of several channels their mean.

    Args:
        sample_rate: samples per second that the recording must have.
        max_seconds: looked at before anything is decoded.

    Raises:
        UnreadableInputError: not a WAV file with PCM of 8, 16, 24 or 32 bits, or one that is cut off.
        TooLargeError: longer than `max_seconds`.
        UnusableInputError: of another sample rate, or empty.
    """
    with _opened(data) as recording:
        rate, frames, channels = recording.getframerate(), recording.getnframes(), recording.getnchannels()
        if frames / rate > max_seconds:
            raise TooLargeError(f"the recording lasts {frames / rate:.1f} s; at most {max_seconds:g} s are accepted")
        if rate != sample_rate:
            raise UnusableInputError(f"the recording has {rate} samples per second; expected {sample_rate}")
        if not frames:
            raise UnusableInputError("the recording is empty; expected at least one sample")
        width = recording.getsampwidth()
        pcm = recording.readframes(frames)
    if len(pcm) != frames * channels * width:
        raise UnreadableInputError(f"the recording is cut off: {len(pcm)} of {frames * channels * width} bytes")
    return np.asarray(_floats(pcm, width).reshape(frames, channels).mean(axis=1), np.float32)


def _opened(data: bytes) -> wave.Wave_read:
    try:
        recording: wave.Wave_read = wave.open(BytesIO(data))  # noqa: SIM115 (the callers close it)
    except (wave.Error, EOFError, RuntimeError) as exc:
        why = str(exc) or "it ends too soon"  # EOFError says nothing, nor RuntimeError: a chunk longer than its file
        raise UnreadableInputError(f"no recording that can be read: {why}; expected a WAV file with PCM") from exc
    if recording.getframerate() < 1 or recording.getsampwidth() not in (1, 2, 3, 4):
        raise UnreadableInputError("no recording that can be read: expected PCM of 8, 16, 24 or 32 bits at some rate")
    return recording


def _floats(pcm: bytes, width: int) -> Samples:
    """Of 8 bits unsigned, of more signed and little-endian, as WAV has them."""
    if width == 1:
        return np.asarray((np.frombuffer(pcm, np.uint8).astype(np.float32) - 128) / 128, np.float32)
    if width == 3:  # each into the upper three bytes of four
        wide = np.zeros((len(pcm) // 3, 4), np.uint8)
        wide[:, 1:] = np.frombuffer(pcm, np.uint8).reshape(-1, 3)
        pcm, width = wide.tobytes(), 4
    return np.asarray(np.frombuffer(pcm, f"<i{width}") / 2.0 ** (8 * width - 1), np.float32)
