"""automatic-speech-recognition: a recording in, what was said out."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from gateway.errors import BrokenAnswerError, Fault, InvalidRequestError, UnfitVersionError
from gateway.settings import Limits
from gateway.tasks.base import (
    SERVING_SIGNATURE,
    AnyTask,
    Ask,
    Bulky,
    Checkpoint,
    Documents,
    Media,
    Request,
    Tensors,
)
from gateway.tasks.classification import floats
from processing.audio import decode
from processing.errors import UnusableInputError
from processing.recording_files import MEDIA_TYPES
from processing.spec import SpeechSpec, parse_spec
from processing.speech import Passage, Transcriber, Window, Written, windows
from processing.word_times import Word
from store.manifest import ALIGN_SIGNATURE, STEER_SIGNATURE, Manifest
from wire.tensors import Array

TENTH_OF_SILENCE = (  # a WAV file of 0.1 s at 8 kHz, without a sound
    "UklGRmQGAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YUAG" + "A" * 2136
)
_TOKENS, _SCORE, _NO_SPEECH, _LANGUAGE = "tokens", "score", "no_speech", "language"
_ATTENTION = "attention"
_UNALIGNED = f"this version cannot tell the times of words: it has no signature {ALIGN_SIGNATURE}; export it anew"
_NO_TRANSLATOR = "does not translate; expected a model that hears several languages (kmaas add transcribe-base)"
_PLAIN = "this model writes plain text alone: "
_TEMPERATURES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)  # of one try after the other, while a passage is doubtful

Temperature = Annotated[float, Field(ge=0, le=1)]


class GenerationParameters(Request):
    """`temperature`: at 0 each token is the most probable one, and only a doubtful passage is drawn anew."""

    temperature: Temperature | None = None


class SpeechRecognitionParameters(Request):
    """`return_timestamps`: also what was said from when to when; `word`: each word."""

    return_timestamps: bool | Literal["word"] | None = None
    generation_parameters: GenerationParameters | None = None


class SpeechRecognitionRequest(Request):
    """A recording: WAV, FLAC, Ogg, MP3, MP4 or WebM, of any rate and number of channels."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"inputs": TENTH_OF_SILENCE, "parameters": {"return_timestamps": True}}]}
    )

    words_field: ClassVar[str] = "return_timestamps"
    """By which the times of words are asked for, for whoever asked."""

    inputs: Media
    parameters: SpeechRecognitionParameters | None = None

    @property
    def timed(self) -> bool:
        return bool(self.parameters and self.parameters.return_timestamps is True)

    @property
    def worded(self) -> bool:
        """Whether the times of words are asked for."""
        return bool(self.parameters and self.parameters.return_timestamps == "word")

    @property
    def temperature(self) -> float:
        generation = self.parameters and self.parameters.generation_parameters
        return (generation and generation.temperature) or 0.0

    @property
    def steered(self) -> "Steered":
        return Steered()


class Steered(Request):
    """What not every dialect can say: a text that came before, in whose manner the model goes on; the language that is
    spoken; whether it is to be translated into English."""

    prompt: str = ""
    language: str | None = None
    translated: bool = False


class SteeredRecognitionRequest(SpeechRecognitionRequest):
    """`stream`: the passages are wanted while they are heard. `words`: the times of words are wanted too."""

    words_field: ClassVar[str] = "timestamp_granularities[]"

    by: Steered
    stream: bool = False
    words: bool = False

    @property
    def streamed(self) -> bool:
        return self.stream

    @property
    def worded(self) -> bool:
        return self.words

    @property
    def steered(self) -> Steered:
        return self.by


class Chunk(BaseModel):
    """What was said between two moments, in seconds from the beginning."""

    text: str
    timestamp: Annotated[list[float], Field(min_length=2, max_length=2)]


class SpeechRecognitionResponse(BaseModel):
    """What was said; with `chunks`, pieces or words, if timestamps are asked for."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"text": "hello there"}]})

    text: str
    chunks: list[Chunk] | None = None


class Transcript(SpeechRecognitionResponse):
    """The same with all that is known of it."""

    passages: list[Passage] = Field(exclude=True)

    @property
    def seconds(self) -> float:
        """How long the recording is."""
        return self.passages[-1].end_s

    @property
    def words(self) -> list[Word]:
        """With their times, if these were asked for."""
        return [word for passage in self.passages for piece in passage.said for word in piece.words]

    @property
    def language(self) -> str | None:
        """That was spoken first, by its code; None: nothing was said."""
        return next((passage.language for passage in self.passages if passage.said), None)


@dataclass(frozen=True, eq=False)
class Recording:
    """What is heard window by window, and behind which prompts, int32 `[1, tokens]`, it is written down: `prompt` as it
    is asked for, `timed` with times; None: the model takes none."""

    windows: list[Window]
    prompt: Array | None
    timed: Array | None


class SpeechRecognition(Bulky):
    """Samples to tokens, a run for each window: outputs `tokens`, int32 `[1, tokens]`, and of each row `score` and
    `no_speech`, see `processing.speech`.

    Plain text is what `serving_default` answers; with times, behind a text, or drawn it is `steer`. When each word was
    said is found with `align`. A model that is not steered has neither, and does not tell `no_speech`: its windows are
    the pieces that have times.
    """

    name: ClassVar[str] = "automatic-speech-recognition"
    signature: ClassVar[str] = SERVING_SIGNATURE
    request: ClassVar[type[Request]] = SpeechRecognitionRequest
    response: ClassVar[type[BaseModel]] = SpeechRecognitionResponse
    media_types: ClassVar[tuple[str, ...]] = MEDIA_TYPES

    def __init__(self, spec: SpeechSpec, transcriber: Transcriber, limits: Limits, *, aligns: bool) -> None:
        self.transcriber = transcriber
        self.aligns = aligns
        self._spec = spec
        self._limits = limits

    @classmethod
    def of(cls, manifest: Manifest, documents: Documents, limits: Limits) -> Self:
        spec = parse_spec(manifest.processing)
        if not isinstance(spec, SpeechSpec):
            raise UnfitVersionError(f"{cls.name} needs processing of the kind speech, received {spec.kind}")
        steered = spec.steering is not None
        needed = {_TOKENS, _SCORE} | ({_NO_SPEECH} if steered else set()) | ({_LANGUAGE} if spec.languages else set())
        for name in (cls.signature, *((STEER_SIGNATURE,) if steered else ())):
            found = manifest.signatures.get(name)
            if found is None or not needed <= found.outputs.keys():
                raise UnfitVersionError(f"{cls.name} needs a signature {name} with outputs {', '.join(sorted(needed))}")
        aligns = steered and ALIGN_SIGNATURE in manifest.signatures
        return cls(spec, Transcriber(documents["tokenizer"], spec), limits, aligns=aligns)

    def preprocess(self, request: SpeechRecognitionRequest, checkpoint: Checkpoint) -> Recording:
        self._check(request)
        steered = self.transcriber.steered
        prompt, timed = (self._prompt(request, timed=of) if steered else None for of in (request.timed, True))
        checkpoint()
        rate, longest = self._spec.sample_rate, self._limits.audio_seconds
        samples = decode(request.inputs, sample_rate=rate, max_seconds=longest)
        return Recording(windows(samples, self._spec), prompt, timed)

    def size(self, recording: Recording) -> int:
        return sum(window.samples.nbytes for window in recording.windows)

    def infer(self, request: SpeechRecognitionRequest, recording: Recording, ask: Ask) -> list[Passage]:
        return list(self.stream(request, recording, ask))

    def stream(
        self, request: SpeechRecognitionRequest, recording: Recording, ask: Ask
    ) -> Generator[Passage, None, None]:
        """A passage for each window; of one in which nobody speaks nobody is asked."""

        def listen(number: int, window: Window) -> Passage:
            passage = self._heard(request, recording, number, window, ask)
            return self._with_words(window, passage, ask) if request.worded and passage.said else passage

        yield from self.transcriber.passages(recording.windows, listen)

    def joined(
        self, request: SpeechRecognitionRequest, _recording: Recording, passages: Sequence[Passage]
    ) -> Transcript:
        return self.postprocess(request, passages)

    def postprocess(self, request: SpeechRecognitionRequest, passages: Sequence[Passage]) -> Transcript:
        said = [piece for passage in passages for piece in passage.said]
        pieces = [word for piece in said for word in piece.words] if request.worded and not request.timed else said
        chunks = [Chunk(text=piece.text, timestamp=[piece.start_s, piece.end_s]) for piece in pieces]
        text = " ".join(piece.text for piece in said)
        given = chunks if request.timed or request.worded else None
        return Transcript(text=text, chunks=given, passages=list(passages))

    def takes_over(self, other: AnyTask) -> bool:
        """Of a model of the same tokens, which hears windows of the same length."""
        if not isinstance(other, SpeechRecognition):
            return False
        return (self.transcriber, self.aligns) == (other.transcriber, other.aligns)

    def told(self, answer: SpeechRecognitionResponse) -> Any:
        """Without the chunks, which have pieces of the text."""
        return {"text": answer.text}

    def _prompt(self, request: SpeechRecognitionRequest, *, timed: bool) -> Array:
        """Raises `InvalidRequestError` for a text that steers the model."""
        asked = request.steered
        language = asked.language if self.transcriber.languages else None
        try:
            return self.transcriber.prompt(asked.prompt, timed=timed, language=language, translated=asked.translated)
        except UnusableInputError as exc:
            raise InvalidRequestError([Fault("prompt", str(exc))]) from exc

    def _check(self, request: SpeechRecognitionRequest) -> None:
        """Raises `InvalidRequestError` for a language that the model does not know, for one that it cannot translate,
        and for what this version does not do."""
        asked, steered = request.steered, self.transcriber.steered
        known = self.transcriber.languages
        if asked.language is not None and asked.language not in (known or (self._spec.language,)):
            expected = f"one of {len(known)}, by its code or English name" if known else repr(self._spec.language)
            raise InvalidRequestError([Fault("language", f"expected {expected}, received {asked.language[:20]!r}")])
        if asked.translated and not self.transcriber.translates:
            raise InvalidRequestError([Fault("model", _NO_TRANSLATOR)])
        if request.worded and not self.aligns:
            told = _UNALIGNED if steered else f"{_PLAIN}it does not tell when a word was said"
            raise InvalidRequestError([Fault(request.words_field, told)])
        if asked.prompt.strip() and not steered:
            raise InvalidRequestError([Fault("prompt", f"{_PLAIN}it cannot go on behind a text")])
        if request.temperature and not steered:
            raise InvalidRequestError([Fault("temperature", f"{_PLAIN}each token is the most probable one; send 0")])

    def _with_words(self, window: Window, passage: Passage, ask: Ask) -> Passage:
        tokens = self.transcriber.aligned(passage)
        outputs = ask.other(ALIGN_SIGNATURE, {self._spec.input: window.samples[np.newaxis], _TOKENS: tokens})
        attention: Any = outputs.get(_ATTENTION)
        is_usable = attention is not None and attention.dtype == np.float32 and attention.ndim == tokens.ndim + 1
        if not (is_usable and attention.shape[:2] == tokens.shape and attention.size and np.isfinite(attention).all()):
            raise BrokenAnswerError(f"the model answered no float32 {list(tokens.shape)} of places as {_ATTENTION}")
        return self.transcriber.with_words(passage, attention[0])

    def _heard(
        self, request: SpeechRecognitionRequest, recording: Recording, number: int, window: Window, ask: Ask
    ) -> Passage:
        """With times where there is a pause, whatever is asked for: without, what is behind it is not written if it is
        quiet.

        A doubtful passage is drawn anew, at higher and higher temperatures, until one is not; else it is the one of
        which the model was surest, of those that do not repeat themselves if there are some. Where nothing is drawn it
        is as it is.
        """
        samples = window.samples[np.newaxis]
        prompt = recording.timed if window.paused else recording.prompt
        if prompt is None:
            return self._passage(request.steered, window, ask({self._spec.input: samples}), 0.0)
        plain = not (window.paused or request.timed or request.temperature or request.steered != Steered())

        def at(temperature: float) -> Passage:
            if plain and not temperature:
                return self._passage(request.steered, window, ask({self._spec.input: samples}), temperature)
            drawn = {"temperature": np.array([temperature], np.float32), "seed": np.array([number], np.int32)}
            outputs = ask.other(STEER_SIGNATURE, {self._spec.input: samples, "prompt": prompt, **drawn})
            return self._passage(request.steered, window, outputs, temperature)

        tried = []
        for temperature in (request.temperature,) if request.temperature else _TEMPERATURES:
            tried.append(at(temperature))
            if not tried[-1].is_doubtful:
                return tried[-1]
        return min(tried, key=lambda passage: (passage.repeats, -passage.score))

    def _passage(self, by: Steered, window: Window, outputs: Tensors, temperature: float) -> Passage:
        """A language that the caller names is the one that was spoken."""
        tokens: Any = outputs.get(_TOKENS)
        if tokens is None or tokens.dtype != np.int32 or tokens.ndim != 2 or len(tokens) != 1:
            raise BrokenAnswerError(f"the model answered no int32 [1, tokens] as {_TOKENS}")
        score = float(floats(outputs, _SCORE, (1,))[0])
        no_speech = float(floats(outputs, _NO_SPEECH, (1,))[0]) if self.transcriber.steered else None
        language = None
        if self.transcriber.languages:
            language = self._spec.languages[by.language] if by.language else int(outputs[_LANGUAGE][0])
        written = Written(tokens[0].tolist(), score, no_speech, temperature, language, by.translated)
        return self.transcriber.passage(window, written)
