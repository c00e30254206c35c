"""Sentences of novels, as espeak-ng reads them aloud: all their words are known, and many voices read."""

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.data import austen, engines
from training.data.engines import Espeak, Saying, Sound
from training.data.kept import kept
from training.progress import Progress

READINGS = 12
_SENTENCES = 3  # of a reading, which is shorter than half a minute
_WORDS = range(8, 17)  # of a sentence
_VOICES = (
    "en-gb+m3",
    "en-us+f2",
    "en-gb-scotland+m1",
    "en-us+m7",
    "en-gb-x-rp+f4",
    "en-us-nyc+m2",
    "en-gb+f5",
    "en-us+Alicia",
    "en-gb-x-gbcwmd+m5",
    "en-us+Andy",
    "en-029+m4",
    "en-gb+Annie",
)
_ABBREVIATED = re.compile(r"\b(Mrs|Mr|Dr|St)\.")
_SENTENCE = re.compile(r"(?<=[.!?] )[A-Z][a-z][^.!?;:\"_()]*[.!?](?= [A-Z])")
_FULL = 32767


@dataclass(frozen=True)
class Reading:
    text: str
    sound: Sound


def load(cache: Path, progress: Progress, seed: int) -> list[Reading]:
    """Always the same for the same `seed`. Raises `FetchError`, `DataError` or `EngineError`."""
    rng = np.random.default_rng(seed)
    found = [sentence for novel in austen.load(cache).held_out for sentence in sentences(novel.text)]
    drawn = iter(rng.choice(len(found), READINGS * _SENTENCES, replace=False))
    texts = [" ".join(found[place] for place in itertools.islice(drawn, _SENTENCES)) for _ in range(READINGS)]
    sayings = [Saying(text, voice) for text, voice in zip(texts, itertools.cycle(_VOICES), strict=False)]

    def make() -> Mapping[str, NDArray[np.generic]]:
        progress.stage(f"let {Espeak.name} read", len(sayings))
        sounds = [np.rint(sound * _FULL).astype(np.int16) for sound in Espeak(cache).speak(sayings)]
        return {"samples": np.concatenate(sounds), "lengths": np.array([len(sound) for sound in sounds])}

    asked = np.frombuffer("\n".join(map(repr, sayings)).encode(), np.uint8)
    arrays = kept(cache, f"read-{Espeak.name}", [asked], [engines], make)
    samples = arrays["samples"].astype(np.float32) / np.float32(_FULL)
    sounds = np.split(samples, np.cumsum(arrays["lengths"])[:-1])
    return [Reading(text, sound) for text, sound in zip(texts, sounds, strict=True)]


def sentences(text: str) -> list[str]:
    """Whole ones of middling length."""
    whole = _ABBREVIATED.sub(r"\1", " ".join(text.split()))  # whose points end no sentence
    return [sentence for sentence in _SENTENCE.findall(whole) if len(sentence.split()) in _WORDS]
