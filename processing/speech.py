"""Long recordings to windows that a model can hear, and what it says of each to text with times."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from processing.spec import SpeechSpec
from processing.tokens import TokenCodec

_PAUSE_S = 0.1  # a window ends in the middle of the quietest such piece
_SEARCHED = 1 / 3  # of a window, its end
_SILENT = 1e-4  # of full scale; less is no sound that a microphone gives
_NO_SPEECH = 0.6  # from here on nobody speaks, unless the model is sure of what was said
_UNSURE = -1.0  # mean log-probability of a token


@dataclass(frozen=True)
class Window:
    """Samples, float32 `[samples]`, from so many seconds on."""

    start_s: float
    samples: NDArray[np.float32]

    @property
    def is_silent(self) -> bool:
        """Apart from an even pressure, which is no sound."""
        return float(np.ptp(self.samples)) < 2 * _SILENT


@dataclass(frozen=True)
class Said:
    """A piece of what was said, in seconds from the beginning of the recording."""

    text: str
    start_s: float
    end_s: float


def windows(samples: NDArray[np.float32], spec: SpeechSpec) -> list[Window]:
    """All of a recording. A window ends where the last third of what could be in it is quietest, so that hardly any
    word is in two halves."""
    longest, pause = int(spec.window_s * spec.sample_rate), max(1, int(_PAUSE_S * spec.sample_rate))
    found, start = [], 0
    while len(samples) - start > longest:
        tail = samples[start + longest - int(longest * _SEARCHED) : start + longest]
        pieces = tail[: len(tail) // pause * pause].reshape(-1, pause).astype(np.float64)
        quietest = int(pieces.var(axis=1).argmin())
        end = start + longest - len(tail) + quietest * pause + pause // 2
        found.append(Window(start / spec.sample_rate, samples[start:end]))
        start = end
    return [*found, Window(start / spec.sample_rate, samples[start:])]


class Transcriber:
    """Of one version. Safe to share between threads."""

    def __init__(self, tokenizer: str, spec: SpeechSpec) -> None:
        self._codec, self._spec = TokenCodec(tokenizer), spec

    def said(self, window: Window, tokens: Sequence[int], score: float, no_speech: float) -> list[Said]:
        """`tokens` of a window; `score` is their mean log-probability, `no_speech` how probable it is that nobody
        speaks. Nothing if that is so, and the model unsure of the words."""
        if no_speech > _NO_SPEECH and score < _UNSURE:
            return []
        return list(self._pieces(window, tokens))

    def _pieces(self, window: Window, tokens: Sequence[int]) -> Iterator[Said]:
        spec, text = self._spec, list[int]()
        ends_s = len(window.samples) / spec.sample_rate
        since_s = 0.0
        for token in [*tokens, spec.end_id]:
            if token < spec.first_time_id and token != spec.end_id:
                text.append(token)
                continue
            at_s = ends_s if token == spec.end_id else min(ends_s, (token - spec.first_time_id) * spec.time_step_s)
            if said := self._codec.decode(text).strip():
                yield Said(said, round(window.start_s + since_s, 2), round(window.start_s + at_s, 2))
            if token == spec.end_id:
                return
            text, since_s = [], at_s
