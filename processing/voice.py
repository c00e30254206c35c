"""Where in a recording somebody may speak: where it is louder than what is there all the time, and no tone.

In doubt it is a voice: what is left out is never heard.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from processing.runs import runs
from processing.tones import tonal

Samples = NDArray[np.float32]

_FRAME_S = 0.03
_SILENT = 1e-4  # of full scale; less is no sound that a microphone gives
_SILENT_DB = 20.0 * math.log10(_SILENT)
_ABOVE_BACKGROUND_DB = 6.0
_BELOW_VOICES_DB = 20.0
_BACKGROUND, _VOICES = 10, 95  # per cent of the frames are quieter
_PAUSE_S = 2.0  # shorter ones are among what is said
_MARGIN_S = 0.4  # that also belongs to a voice, before and behind
_LEAST_POWER = 1e-12


@dataclass(frozen=True)
class Stretch:
    """Samples from `start` until `end`; `paused`: with a pause of some seconds in it."""

    start: int
    end: int
    paused: bool = False


def loudness_db(frames: Samples) -> NDArray[np.float64]:
    """Of each row of `[frames, samples]`, apart from an even pressure; full scale is about 0."""
    return np.asarray(10.0 * np.log10(frames.var(axis=1, dtype=np.float64) + _LEAST_POWER))


def least_db(samples: Samples, rate: int) -> float:
    """How loud a voice in this recording is at least: not much above the background, and much below the loudest voices;
    infinite where all is silent."""
    frames = _frames(samples, rate)
    loudness, heard = loudness_db(frames), np.ptp(frames, axis=1) >= 2 * _SILENT
    if not heard.any():
        return np.inf
    background = max(_SILENT_DB, float(np.percentile(loudness, _BACKGROUND)))
    voices = float(np.percentile(loudness[heard], _VOICES))
    return min(background + _ABOVE_BACKGROUND_DB, voices - _BELOW_VOICES_DB)


def stretches(samples: Samples, rate: int, least: float) -> list[Stretch]:
    """Those in which somebody may speak, from the first to the last; between them are pauses of some seconds.

    Args:
        least: loudness of a voice, see `least_db`.
    """
    frame, margin = _frame(rate), int(_MARGIN_S * rate)
    frames = _frames(samples, rate)
    loud = loudness_db(frames) >= least
    found: list[Stretch] = []
    for start, end in runs(loud & ~tonal(frames, rate, loud)):
        begin, until = max(0, start * frame - margin), min(len(samples), end * frame + margin)
        if found and begin - found[-1].end < _PAUSE_S * rate:
            begin = found.pop().start
        found.append(Stretch(begin, until))
    return [Stretch(*_whole(of, len(samples), rate)) for of in found]


def together(of: Iterable[Stretch], most: int) -> list[Stretch]:
    """Neighbours as one, pause and all, where that is no longer than `most` samples."""
    found: list[Stretch] = []
    for stretch in of:
        if found and stretch.end - found[-1].start <= most:
            found[-1] = Stretch(found[-1].start, stretch.end, paused=True)
        else:
            found.append(stretch)
    return found


def _whole(of: Stretch, length: int, rate: int) -> tuple[int, int]:
    """With what is before and behind it, where that is shorter than a pause."""
    least = _PAUSE_S * rate
    return 0 if of.start < least else of.start, length if length - of.end < least else of.end


def _frame(rate: int) -> int:
    return max(1, int(_FRAME_S * rate))


def _frames(samples: Samples, rate: int) -> Samples:
    """`[frames, samples]`, the last one filled up with its last sample."""
    frame = _frame(rate)
    return np.pad(samples, (0, -len(samples) % frame), mode="edge").reshape(-1, frame)
