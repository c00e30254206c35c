"""WAV files with PCM, as they are sent."""

import wave
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray


def wav(frames: NDArray[np.floating[Any]], rate: int, *, width: int = 2) -> bytes:
    """`frames` `[samples, channels]` in [-1, 1], in numbers of `width` bytes."""
    whole = np.round(frames * (2 ** (8 * width - 1) - 1)).astype("<i4")
    if width == 1:
        whole = whole + 128
    buffer = BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(frames.shape[1])
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(whole.astype("<i4").view(np.uint8).reshape(-1, 4)[:, :width].tobytes())
    return buffer.getvalue()
