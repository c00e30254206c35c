"""`POST /v1/audio/transcriptions`: what was said in a recording, as JSON, text or subtitles, or piece by piece."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, Self

from flask import Response
from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field

from gateway import sse
from gateway.dialects import exchange
from gateway.dialects.openai.languages import code_of
from gateway.dialects.openai.subtitles import srt, vtt
from gateway.dialects.openai.wire import Wire
from gateway.errors import Fault, InvalidRequestError
from gateway.stream import Stream
from gateway.tasks.speech_recognition import (
    GenerationParameters,
    SpeechRecognitionParameters,
    Steered,
    SteeredRecognitionRequest,
    Temperature,
    Transcript,
)
from processing.speech import Passage, Said

Format = Literal["json", "text", "srt", "verbose_json", "vtt"]
Granularity = Literal["segment", "word"]
_TIMED = ("srt", "verbose_json", "vtt")
_STREAMED = ("json", "text", "verbose_json")
_ENGLISH = "english"  # of a translation, always, as the type of OpenAI's client says
_GRANULARITIES = AliasChoices("timestamp_granularities[]", "timestamp_granularities")


def _number(value: object) -> object:
    """A form has texts only; an empty one is none."""
    try:
        return float(value or 0) if isinstance(value, str) else value
    except ValueError:
        return value


def _file(value: object) -> object:
    if isinstance(value, str):
        raise ValueError("expected a file, received a text: the part of the form has no filename")
    return value


def _flag(value: object) -> object:
    return {"true": True, "false": False, "": False}.get(value.lower(), value) if isinstance(value, str) else value


def _language(value: object) -> object:
    """Its code; of what is empty none."""
    return (code_of(value) or None) if isinstance(value, str) else value


def _texts(value: object) -> object:
    """A form has a list of one text, or that alone."""
    return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value


class TranscriptionRequest(Wire):
    """A recording (WAV, FLAC, Ogg, MP3, MP4, WebM) and the form in which the text is wanted.

    `timestamp_granularities`: of `verbose_json`, whether it tells the times of segments, of words, or of both.
    """

    unsupported: ClassVar[Mapping[str, tuple[Any, ...]]] = {
        "include": (),
        "include[]": (),
    }

    file: Annotated[bytes, BeforeValidator(_file)]
    timestamp_granularities: Annotated[
        tuple[Granularity, ...], BeforeValidator(_texts), Field(validation_alias=_GRANULARITIES)
    ] = ()
    language: Annotated[str | None, BeforeValidator(_language)] = None
    prompt: str = ""
    response_format: Annotated[Format, BeforeValidator(lambda value: value or "json")] = "json"
    temperature: Annotated[Temperature, BeforeValidator(_number)] = 0.0
    stream: Annotated[bool, BeforeValidator(_flag)] = False

    @property
    def _words(self) -> bool:
        return "word" in self.timestamp_granularities

    @property
    def _segments(self) -> bool:
        return set(self.timestamp_granularities) != {"word"}

    def recording(self, *, translated: bool = False) -> SteeredRecognitionRequest:
        """The same in the task's words.

        Raises:
            InvalidRequestError: a form is asked for in which nothing can be told while it is heard, or words have no
                times.
        """
        if self._words and self.response_format != "verbose_json":
            said = f"expected word with response_format verbose_json alone, received with {self.response_format}"
            raise InvalidRequestError([Fault("timestamp_granularities[]", said)])
        if self.stream and self.response_format not in _STREAMED:
            said = f"expected {', '.join(_STREAMED)} with stream, received {self.response_format}"
            raise InvalidRequestError([Fault("response_format", said)])
        if self.stream and self._words:
            raise InvalidRequestError([Fault("timestamp_granularities[]", "expected segment with stream")])
        parameters = SpeechRecognitionParameters(
            return_timestamps=self.response_format in _TIMED and self._segments,
            generation_parameters=GenerationParameters(temperature=self.temperature),
        )
        return SteeredRecognitionRequest(
            inputs=self.file,
            parameters=parameters,
            by=Steered(prompt=self.prompt, language=self.language, translated=translated),
            stream=self.stream,
            words=self._words,
        )

    def events(self, passages: Stream) -> Iterator[bytes | None]:
        """Of each passage what is said in it, with `verbose_json` also when; None where nobody speaks."""
        told, segments = "", 0
        for passage in passages:
            said = " ".join(piece.text for piece in passage.said)
            delta = f" {said}" if told and said else said
            told += delta
            yield sse.event(TextDelta(delta=delta).model_dump()) if delta else None
            for piece in passage.said if self.response_format == "verbose_json" else ():
                yield sse.event(TextSegment.of(f"seg_{segments}", passage, piece).model_dump())
                segments += 1
        yield sse.event(TextDone(text=told).model_dump())

    def response(self, heard: Transcript, *, translated: bool = False) -> Response:
        chunks, seconds = heard.chunks or [], heard.seconds
        plain: dict[str, Callable[[], str]] = {
            "text": lambda: heard.text + "\n",
            "srt": lambda: srt(chunks),
            "vtt": lambda: vtt(chunks),
        }
        if self.response_format in plain:
            return Response(plain[self.response_format](), content_type="text/plain; charset=utf-8")
        usage = DurationUsage(seconds=seconds)
        if self.response_format == "json":
            return exchange.json(Transcription(text=heard.text, usage=usage).model_dump())
        verbose = VerboseTranscription(
            task="translate" if translated else "transcribe",
            text=heard.text,
            usage=usage,
            language=_ENGLISH if translated else heard.language or "",
            duration=seconds,
            segments=_segments(heard.passages) if self._segments else None,
            words=_words(heard) if self._words else None,
        )
        return exchange.json(verbose.model_dump(exclude_none=True))


class DurationUsage(BaseModel):
    """How long the recording is."""

    type: Literal["duration"] = "duration"
    seconds: float


class Transcription(BaseModel):
    """What was said."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"text": "hello there", "usage": {"type": "duration", "seconds": 1.5}}]}
    )

    text: str
    usage: DurationUsage


class Segment(BaseModel):
    """What was said between two moments, in seconds from the beginning.

    `seek` is where the window begins in which it was heard, in hundredths of a second. Of that window are the last
    four: the mean log-probability of its tokens, how many times shorter its text can be packed, how probable it is
    that nobody speaks, if the model tells, and at which temperature it was drawn.
    """

    id: int
    seek: int
    start: float
    end: float
    text: str
    tokens: list[int]
    avg_logprob: float
    compression_ratio: float
    no_speech_prob: float | None = None
    temperature: float


class SpokenWord(BaseModel):
    """With the punctuation around it, in seconds from the beginning."""

    word: str
    start: float
    end: float


class TextDelta(BaseModel):
    """With `stream`: a piece of the text."""

    type: Literal["transcript.text.delta"] = "transcript.text.delta"
    delta: str


class TextSegment(BaseModel):
    """With `stream` and `verbose_json`: when a piece of the text was said, in seconds from the beginning, and in which
    language, by its ISO 639-1 code. Who said it is not known."""

    type: Literal["transcript.text.segment"] = "transcript.text.segment"
    id: str
    start: float
    end: float
    text: str
    speaker: str = ""
    language: str | None = None

    @classmethod
    def of(cls, name: str, passage: Passage, piece: Said) -> Self:
        return cls(id=name, start=piece.start_s, end=piece.end_s, text=piece.text, language=passage.language)


class TextDone(BaseModel):
    """With `stream`: the whole text, which ends it."""

    type: Literal["transcript.text.done"] = "transcript.text.done"
    text: str


class VerboseTranscription(Transcription):
    """The same with `response_format` `verbose_json`: with times."""

    task: Literal["transcribe", "translate"]
    language: str
    duration: float
    segments: list[Segment] | None = None
    words: list[SpokenWord] | None = None


def _segments(passages: Sequence[Passage]) -> list[Segment]:
    heard = [(passage, piece) for passage in passages for piece in passage.said]
    return [
        Segment(
            id=number,
            seek=round(100 * passage.start_s),
            start=piece.start_s,
            end=piece.end_s,
            text=piece.text,
            tokens=list(piece.tokens),
            avg_logprob=passage.score,
            compression_ratio=passage.repetition,
            no_speech_prob=passage.no_speech,
            temperature=passage.temperature,
        )
        for number, (passage, piece) in enumerate(heard)
    ]


def _words(heard: Transcript) -> list[SpokenWord]:
    return [SpokenWord(word=word.text, start=word.start_s, end=word.end_s) for word in heard.words]
