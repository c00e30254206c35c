"""Spoken commands, digits, other words and sentences, by engines that are learnt from and by others that are held out.

Nobody's recorded commands can be had as a package: all of this is synthesised.
"""

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.commands import COMMANDS
from training.data import austen, engines
from training.data.engines import SAMPLE_RATE, Engine, Espeak, Festival, Flite, Pico, Piper, Saying, Sound
from training.data.kept import kept
from training.data.prose import Text
from training.progress import Progress


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "oh")
OTHERS = _words(
    "bed bird cat dog happy house tree wow backward forward follow learn visual yet guess yard cut but daughter under "
    "about because people water little number please thank open close start again picture letter kitchen garden "
    "morning computer telephone paper yellow orange better never always maybe"
)
"""Words that are neither."""
UNHEARD = _words(
    "river window monday hello music green table sugar doctor summer winter finger mother father sister brother seat "
    "horse mouse plane train bottle paint lemon button marble stone glass nothing"
)
"""Words that no model has learnt from."""

_ACCENTS = _words("en-gb en-us en-gb-scotland en-gb-x-gbclan en-gb-x-rp en-gb-x-gbcwmd en-029 en-us-nyc")
_VARIANTS = _words(
    "f1 f2 f3 f4 f5 m1 m2 m3 m4 m5 m6 m7 m8 Alex Alicia Andrea Andy Annie Gene Gene2 Hugo Jacky Lee Marco Mario "
    "Michael Mike adam anika antonio aunty belinda benjamin boris caleb david ed edward grandma grandpa john "
    "linda max michel miguel norbert pablo paul pedro quincy rob robert sandro steph travis victor zac"
)
_SPEEDS, _PITCHES = (0.6, 1.25), (0.7, 1.5)
_HELD_OUT_SPEEDS = (0.8, 0.9, 1.0, 1.1, 1.25)
_SENTENCES = 60  # for each engine
_WORDS = range(6, 15)  # of a sentence
_LIKE_COMMANDS = {*COMMANDS, "know", "knows", "write", "wright", "rite", "yeah", "upon", "gone", "ago", "going", "onto"}
_SENTENCE = re.compile(r"[A-Z][a-z][^.!?;:\"_]*[.!?]")
_FULL = 32767


ENGINES: tuple[type[Engine], ...] = (Espeak, Flite, Pico, Festival, Piper)


@dataclass(frozen=True)
class Spoken:
    """A text as an engine spoke it, from its first to its last sound. `kind` is its engine's name."""

    text: str
    kind: str
    sound: Sound


@dataclass(frozen=True)
class Corpus:
    """Words and sentences, in the order in which they were spoken."""

    words: Sequence[Spoken]
    sentences: Sequence[Spoken]


def learnt(cache: Path, progress: Progress, seed: int) -> Corpus:
    """By espeak-ng, flite and Pico: commands, digits, and others less often."""
    rng = np.random.default_rng(seed)
    novels = austen.load(cache).others
    words: list[Spoken] = []
    sentences: list[Spoken] = []
    for engine, counts in ((Espeak, (80, 30, 10)), (Flite, (80, 20, 8)), (Pico, (80, 20, 8))):
        by_kind = zip((COMMANDS, DIGITS, OTHERS), counts, strict=True)
        sayings = [_drawn(engine, word, rng) for kind, count in by_kind for word in kind for _ in range(count)]
        texts = _sentences(novels, _SENTENCES, rng)
        said = _spoken(engine, [*sayings, *(_drawn(engine, text, rng) for text in texts)], cache, progress)
        words += said[: len(sayings)]
        sentences += said[len(sayings) :]
    return Corpus(words, sentences)


def held_out(cache: Path, progress: Progress, seed: int) -> Corpus:
    """By festival and Piper: commands, words that nothing has learnt from, and sentences."""
    rng = np.random.default_rng((seed, 1))
    novels = austen.load(cache).held_out
    words: list[Spoken] = []
    sentences: list[Spoken] = []
    for engine, ways in ((Festival, _festival_ways()), (Piper, _piper_ways())):
        sayings = [Saying(f"{word}.", voice, speed, draw=draw) for word in COMMANDS for voice, speed, draw in ways]
        sayings += [Saying(f"{word}.", voice, speed) for word in UNHEARD for voice, speed, _ in ways[::5]]
        texts = _sentences(novels, _SENTENCES, rng)
        voices = itertools.cycle(engine.voices)
        said = _spoken(engine, [*sayings, *(Saying(text, next(voices)) for text in texts)], cache, progress)
        words += said[: len(sayings)]
        sentences += said[len(sayings) :]
    return Corpus(words, sentences)


def _festival_ways() -> list[tuple[str, float, int]]:
    """Its third voice knows no speed."""
    diphones, statistical = Festival.voices[:2], Festival.voices[2]
    return [*((voice, speed, 0) for voice in diphones for speed in _HELD_OUT_SPEEDS), (statistical, 1.0, 0)]


def _piper_ways() -> list[tuple[str, float, int]]:
    return [(Piper.voices[0], speed, draw) for draw in range(3) for speed in _HELD_OUT_SPEEDS]


def _drawn(engine: type[Engine], text: str, rng: np.random.Generator) -> Saying:
    """By a voice, as fast and as high as chance says."""
    voices = (f"{rng.choice(_ACCENTS)}+{rng.choice(_VARIANTS)}",) if engine is Espeak else engine.voices
    voice = str(rng.choice(voices))
    speed, pitch = (float(np.exp(rng.uniform(*np.log(way)))) for way in (_SPEEDS, _PITCHES))
    return Saying(text, voice, round(speed, 3), round(pitch, 3))


def _sentences(novels: Iterable[Text], count: int, rng: np.random.Generator) -> list[str]:
    """Of middling length, none with a word that sounds like a command."""
    found = [
        sentence
        for novel in novels
        for sentence in _SENTENCE.findall(" ".join(novel.text.split()))
        if len(words := re.findall(r"[a-z']+", sentence.lower())) in _WORDS and not _LIKE_COMMANDS & set(words)
    ]
    return [found[place] for place in rng.choice(len(found), count, replace=False)]


def _spoken(engine: type[Engine], sayings: Sequence[Saying], cache: Path, progress: Progress) -> list[Spoken]:
    """Kept in the cache as numbers of 16 bits, of which an engine has no more."""

    def make() -> Mapping[str, NDArray[np.generic]]:
        progress.stage(f"let {engine.name} speak", len(sayings))
        sounds = []
        for number, sound in enumerate(engine(cache).speak(sayings), start=1):
            sounds.append(np.rint(trimmed(sound) * _FULL).astype(np.int16))
            progress.at(number)
        return {"samples": np.concatenate(sounds), "lengths": np.array([len(sound) for sound in sounds])}

    asked = np.frombuffer("\n".join(map(repr, sayings)).encode(), np.uint8)
    arrays = kept(cache, f"spoken-{engine.name}", [asked], [engines], make)
    samples = arrays["samples"].astype(np.float32) / np.float32(_FULL)
    sounds: list[Sound] = np.split(samples, np.cumsum(arrays["lengths"])[:-1])
    return list(_of(sayings, engine, sounds))


def _of(sayings: Sequence[Saying], engine: type[Engine], sounds: Sequence[Sound]) -> Iterator[Spoken]:
    for saying, sound in zip(sayings, sounds, strict=True):
        yield Spoken(saying.text.rstrip("."), engine.name, sound)


def trimmed(sound: Sound) -> Sound:
    """Without what is silent, 40 dB below the loudest, before and behind."""
    frame = SAMPLE_RATE // 100
    whole = sound[: len(sound) // frame * frame].reshape(-1, frame)
    loudness = np.abs(whole).max(axis=1, initial=0.0)
    (loud,) = np.nonzero(loudness > loudness.max(initial=0.0) / 100)
    return sound[loud[0] * frame : (loud[-1] + 1) * frame] if len(loud) else sound
