"""Long recordings to windows that a model can hear, and what it says of each to text with times."""

import math
import zlib
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, chain, islice
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from processing.apart import apart
from processing.errors import UnusableInputError
from processing.overlap import doubled
from processing.spec import ANY_LANGUAGE, SpeechSpec, Steering
from processing.tokens import TokenCodec
from processing.voice import Stretch, least_db, loudness_db, stretches, together
from processing.word_times import Spelt, Word, begins, timed, words_of

_PAUSE_S = 0.1  # a window ends in the middle of the quietest such piece
_SEARCHED = 1 / 3  # of a window, its end
_OVERLAP = 1 / 12  # of a window
_TOGETHER = 1 / 2  # of a window: what is short is heard with what is next to it
_ENGLISH = "en"  # into which it is translated
_NOBODY = 0.7  # from here on nobody speaks, however sure the model is of the "you" that it writes for a hum
_UNSURE = -1.0  # mean log-probability of a token
_ROUNDED_S = 0.02  # by which a piece may be shorter than a window that it is all of
_REPEATED = 2.4  # times shorter than itself a text can be packed that says the same again and again


@dataclass(frozen=True)
class Window:
    """Samples, float32 `[samples]`, from so many seconds on until so many.

    `silent`: nobody speaks. `overlap_s`: so much of its beginning is the end of the window before. `paused`: there is a
    pause in it of some seconds, behind which a model hears more if it writes times.
    """

    start_s: float
    end_s: float
    samples: NDArray[np.float32]
    silent: bool = False
    overlap_s: float = 0.0
    paused: bool = False


@dataclass(frozen=True)
class Written:
    """What a model answers to one window; `language` is a token, `no_speech` None where it does not tell."""

    tokens: Sequence[int]
    score: float
    no_speech: float | None = None
    temperature: float = 0.0
    language: int | None = None
    translated: bool = False


@dataclass(frozen=True)
class Said:
    """A piece of what was said, in seconds from the beginning of the recording; its `words` if these were asked for."""

    text: str
    start_s: float
    end_s: float
    tokens: tuple[int, ...]
    words: tuple[Word, ...] = ()


@dataclass(frozen=True)
class Passage:
    """What was heard in one window, from so many seconds on until so many.

    Attributes:
        score: mean log-probability of the tokens.
        no_speech: how probable it is that nobody speaks; None: the model does not tell.
        temperature: at which the tokens were drawn; 0: each was the most probable one.
        repetition: how many times shorter the text can be packed.
        language: that was spoken, or taken for it, by its code.
        translated: whether the text is in English instead.
    """

    start_s: float
    end_s: float
    said: tuple[Said, ...]
    score: float
    no_speech: float | None
    temperature: float
    repetition: float
    language: str | None
    translated: bool = False

    @classmethod
    def silent(cls, window: Window) -> "Passage":
        return cls(window.start_s, window.end_s, (), 0.0, 1.0, 0.0, 0.0, None)

    @property
    def repeats(self) -> bool:
        """Whether the same is said again and again."""
        return self.repetition > _REPEATED

    @property
    def is_doubtful(self) -> bool:
        """Whether it is better drawn anew: it repeats itself, or the model is unsure of it."""
        return bool(self.said) and (self.repeats or self.score < _UNSURE)


def windows(samples: NDArray[np.float32], spec: SpeechSpec) -> list[Window]:
    """All of a recording.

    Where nobody speaks for some seconds is a window of its own, unless what is around it is short: each window takes
    the model as long. A longer speech is cut where the last third of what could be in a window is quietest; if even
    there somebody speaks, the next one begins somewhat before, so that each word is whole in one of them.
    """
    rate = spec.sample_rate
    least, found, at = least_db(samples, rate), list[Window](), 0

    def silent(end: int) -> Window:
        return Window(at / rate, end / rate, samples[at:end], silent=True)

    for stretch in together(stretches(samples, rate, least), int(_TOGETHER * spec.window_s * rate)):
        if stretch.start > at:
            found.append(silent(stretch.start))
        found += _spoken(samples, stretch, least, spec)
        at = stretch.end
    return found if at == len(samples) and found else [*found, silent(len(samples))]


def _spoken(samples: NDArray[np.float32], stretch: Stretch, least: float, spec: SpeechSpec) -> Iterator[Window]:
    rate, longest = spec.sample_rate, int(spec.window_s * spec.sample_rate)
    pause, overlap = max(1, int(_PAUSE_S * rate)), int(_OVERLAP * longest)
    start, heard = stretch.start, 0
    while stretch.end - start > longest:
        tail = samples[start + longest - int(longest * _SEARCHED) : start + longest]
        loudness = loudness_db(tail[: len(tail) // pause * pause].reshape(-1, pause))
        quietest = int(loudness.argmin())
        end = start + longest - len(tail) + quietest * pause + pause // 2
        yield Window(start / rate, end / rate, samples[start:end], overlap_s=heard / rate)
        heard = overlap if loudness[quietest] >= least else 0
        start = end - heard
    last, paused = samples[start : stretch.end], stretch.paused
    yield Window(start / rate, stretch.end / rate, last, overlap_s=heard / rate, paused=paused)


_Part = TypeVar("_Part", Said, Word)


def _apart(parts: Sequence[_Part], since_s: float, until_s: float) -> tuple[_Part, ...]:
    spans = apart([(part.start_s, part.end_s) for part in parts], since_s, until_s)
    return tuple(replace(part, start_s=at[0], end_s=at[1]) for part, at in zip(parts, spans, strict=True))


def _one_behind_the_other(before: Passage, after: Passage) -> tuple[Passage, Passage]:
    """Of two windows that overlap, so that neither a piece nor a word of the second begins before those of the first
    end."""
    said = [*before.said, *after.said]
    words = [word for piece in said for word in piece.words]
    left = iter(_apart(words, words[0].start_s, after.end_s) if words else ())
    pieces = _apart(said, said[0].start_s, after.end_s) if said else ()
    told = tuple(replace(piece, words=tuple(islice(left, len(piece.words)))) for piece in pieces)
    count = len(before.said)
    return replace(before, said=told[:count]), replace(after, said=told[count:])


class Transcriber:
    """Of one version. Safe to share between threads."""

    def __init__(self, tokenizer: str, spec: SpeechSpec) -> None:
        self._codec, self._spec = TokenCodec(tokenizer), spec
        self._languages = {token: code for code, token in spec.languages.items()}

    def __eq__(self, other: object) -> bool:
        """Whether both read and write alike."""
        return isinstance(other, Transcriber) and (self._codec, self._spec) == (other._codec, other._spec)

    def __hash__(self) -> int:
        return hash(self._codec)

    @property
    def languages(self) -> Collection[str]:
        """Those of which it can be told which one is spoken; of a model of one language there are none."""
        return self._spec.languages.keys()

    @property
    def steered(self) -> bool:
        """Whether it can be asked for times, for a text behind another, and to draw; else it writes plain text."""
        return self._spec.steering is not None

    @property
    def translates(self) -> bool:
        return self._spec.translate_id is not None

    def prompt(
        self, before: str, *, timed: bool, language: str | None = None, translated: bool = False
    ) -> NDArray[np.int32]:
        """int32 `[1, tokens]`, behind which the model writes. Of a text that came `before` the end counts, as much as
        there is room for.

        Args:
            language: that is spoken, one of the spec's; None: the most probable one.
            translated: into English, by a model of several languages.

        Raises:
            UnusableInputError: there is a token in it that steers the model.
        """
        spec, steering = self._spec, self._steering
        told = self._codec.encode(f" {before.strip()}", add_special_tokens=False) if before.strip() else []
        for token in filter(self._codec.is_special, told):
            raise UnusableInputError(f"has the token {self._codec.name(token)} in it, which steers the model")
        start = self._start(language, translated=translated)
        room = spec.context_tokens - spec.most_tokens - len(start) - 2
        previous = [steering.previous_id, *told[-room:]] if told and room > 0 else []
        return np.array([[*previous, *start, *([] if timed else [steering.no_times_id])]], np.int32)

    def aligned(self, passage: Passage) -> NDArray[np.int32]:
        """int32 `[1, tokens]`: the text of a passage as it is written, of whose tokens it can be told when they are
        said."""
        start = [*self._start(passage.language, translated=passage.translated), self._steering.no_times_id]
        text = [token for piece in passage.said for token in piece.tokens]
        return np.array([[*start, *text, self._spec.end_id]], np.int32)

    def with_words(self, passage: Passage, attention: NDArray[np.float32]) -> Passage:
        """The same with the times of its words.

        Args:
            attention: `[tokens, places]`, where of the window was looked at behind each token of `aligned`.
        """
        step, length_s = self._steering.time_step_s, passage.end_s - passage.start_s
        count = sum(len(piece.tokens) for piece in passage.said)
        heard = attention[-count - 2 : -1, : math.ceil(length_s / step) + 1]  # of each token, and the end behind it
        starts_s = passage.start_s + np.minimum(begins(heard) * step, length_s)
        spelt = self._spelt(passage)
        words = timed(list(chain.from_iterable(spelt)), starts_s)
        left = iter(_apart(words, passage.start_s, passage.end_s))
        said = [
            replace(piece, words=tuple(islice(left, len(of)))) for piece, of in zip(passage.said, spelt, strict=True)
        ]
        return replace(passage, said=tuple(said))

    def passages(
        self, heard: Sequence[Window], listen: Callable[[int, Window], Passage]
    ) -> Generator[Passage, None, None]:
        """One for each window: of one that is silent nothing, of others what `listen` says of it and its number. What
        overlaps with the next one is told when that is heard."""
        held: Passage | None = None
        for number, window in enumerate(heard):
            passage = Passage.silent(window) if window.silent else listen(number, window)
            if held is not None:
                held, passage = self._told_once(held, passage)
                yield held
            held = passage if any(following.overlap_s for following in heard[number + 1 : number + 2]) else None
            if held is None:
                yield passage

    def _told_once(self, before: Passage, after: Passage) -> tuple[Passage, Passage]:
        """Of two windows that overlap, without the words that both have heard there, or that are cut in two. If they
        have none in common, the middle parts them, as far as it is known when words were said."""
        texts = ([word.text for words in self._spelt(passage) for word in words] for passage in (before, after))
        behind, ahead = doubled(*texts)
        if not ahead:
            middle_s = (before.end_s + after.start_s) / 2
            behind = sum(at_s > middle_s for at_s in self._moments(before))
            ahead = sum(at_s < middle_s for at_s in self._moments(after))
        return _one_behind_the_other(self._shortened(before, last=behind), self._shortened(after, first=ahead))

    def _moments(self, passage: Passage) -> Iterator[float]:
        """The middle of each word, in seconds, by its own time or by how many tokens its piece has before it; of a
        piece as long as its window it is not known."""
        for piece, spelt in zip(passage.said, self._spelt(passage), strict=True):
            per_token = (piece.end_s - piece.start_s) / len(piece.tokens)
            if piece.words:
                yield from ((word.start_s + word.end_s) / 2 for word in piece.words)
            elif piece.end_s - piece.start_s < passage.end_s - passage.start_s - _ROUNDED_S:
                ends = accumulate(word.tokens for word in spelt)
                pairs = zip(ends, spelt, strict=True)
                yield from (piece.start_s + (end - word.tokens / 2) * per_token for end, word in pairs)

    def passage(self, window: Window, written: Written) -> Passage:
        """Nothing is said if nobody is likely to speak, of which a model is as sure whether it writes times or not."""
        is_nobody = (written.no_speech or 0.0) > _NOBODY
        pieces = () if is_nobody else tuple(self._pieces(window, written.tokens))
        said = _apart(pieces, window.start_s, window.end_s)
        text = "".join(piece.text for piece in said).encode()
        repetition = len(text) / len(zlib.compress(text)) if text else 0.0
        language = self._spec.language if written.language is None else self._languages.get(written.language)
        return Passage(
            window.start_s,
            window.end_s,
            said,
            score=written.score,
            no_speech=written.no_speech,
            temperature=written.temperature,
            repetition=repetition,
            language=language,
            translated=written.translated,
        )

    def _spelt(self, passage: Passage) -> list[list[Spelt]]:
        """The words of each piece."""
        language = _ENGLISH if passage.translated else passage.language
        return [words_of(piece.tokens, self._codec.decode, language) for piece in passage.said]

    def _shortened(self, passage: Passage, *, first: int = 0, last: int = 0) -> Passage:
        """Without so many of its first, and of its last words."""
        spelt, said, number = self._spelt(passage), list[Said](), 0
        until = sum(map(len, spelt)) - last
        for piece, words in zip(passage.said, spelt, strict=True):
            kept = slice(max(0, first - number), max(0, min(len(words), until - number)))
            number += len(words)
            if words[kept]:
                said.append(self._part(piece, words, kept))
        return replace(passage, said=tuple(said))

    def _part(self, piece: Said, words: Sequence[Spelt], kept: slice) -> Said:
        """Some of its words; where their times are not known, by how many tokens they have."""
        if len(words[kept]) == len(words):
            return piece
        begin, end = (sum(word.tokens for word in words[:number]) for number in (kept.start, kept.stop))
        times, tokens = piece.words[kept], piece.tokens[begin:end]
        per_token = (piece.end_s - piece.start_s) / len(piece.tokens)
        return Said(
            self._codec.decode(tokens).strip(),
            times[0].start_s if times else round(piece.start_s + begin * per_token, 2),
            times[-1].end_s if times else round(piece.start_s + end * per_token, 2),
            tokens,
            times,
        )

    @property
    def _steering(self) -> Steering:
        """Of a model that is steered."""
        if (steering := self._spec.steering) is None:
            raise ValueError("this model writes plain text alone")
        return steering

    def _start(self, language: str | None, *, translated: bool) -> list[int]:
        """What steers the model, but for times."""
        spec = self._spec
        if not spec.languages:
            return [spec.start_id]
        task = spec.translate_id if translated else spec.transcribe_id
        return [
            spec.start_id,
            spec.languages[language] if language else ANY_LANGUAGE,
            *([] if task is None else [task]),
        ]

    def _pieces(self, window: Window, tokens: Sequence[int]) -> Iterator[Said]:
        """Of a model that writes no times the window is one."""
        steering, end, text = self._spec.steering, self._spec.end_id, list[int]()
        since_s, length_s = 0.0, window.end_s - window.start_s
        for token in [*tokens, end]:
            is_end, at_s = token == end, length_s
            if not is_end:
                if steering is None or token < steering.first_time_id:
                    text.append(token)
                    continue
                at_s = min(length_s, (token - steering.first_time_id) * steering.time_step_s)
            if said := self._codec.decode(text).strip():
                start_s, end_s = (round(window.start_s + seconds, 2) for seconds in (since_s, at_s))
                yield Said(said, start_s, end_s, tuple(text))
            if is_end:
                return
            text, since_s = [], at_s
