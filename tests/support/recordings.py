"""Recordings as they are sent: WAV files with PCM, and what FFmpeg's libraries write."""

import wave
from fractions import Fraction
from io import BytesIO
from typing import Any

import av
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


def encoded(
    samples: NDArray[np.floating[Any]],
    rate: int,
    container: str,
    codec: str,
    *,
    channels: int = 1,
    film: bool = False,
    options: dict[str, str] | None = None,
) -> bytes:
    """`samples` in [-1, 1] at `rate`: `[samples]`, the same in all channels, or `[samples, channels]`.

    Container, codec and the `options` of the container are by FFmpeg's names; with `film`, beside pictures."""
    layout = {1: "mono", 2: "stereo", 8: "7.1"}[channels]
    buffer = BytesIO()
    with av.open(buffer, "w", format=container, options=options) as file:
        if film:
            pictures: Any = file.add_stream("mpeg4", rate=10)
            pictures.width = pictures.height = 16
        stream: Any = file.add_stream(codec, rate=rate, layout=layout)
        context = stream.codec_context
        of_all = np.repeat(samples, channels) if samples.ndim == 1 else samples.reshape(-1)
        frame = av.AudioFrame.from_ndarray(of_all.astype(np.float32)[np.newaxis], "flt", layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
        context.open()
        brought = av.AudioResampler(context.format, layout, rate, context.frame_size or None)
        if film:
            file.mux(pictures.encode(av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8))))
        for part in (*brought.resample(frame), *brought.resample(None), None):
            file.mux(stream.encode(part))
        if film:
            file.mux(pictures.encode(None))
    return buffer.getvalue()
