"""`POST /v1/audio/transcriptions`: what was said in a recording, as JSON, plain text or subtitles."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Literal

from flask import Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from gateway.dialects import exchange
from gateway.dialects.openai.subtitles import srt, vtt
from gateway.dialects.openai.wire import Wire
from gateway.errors import UnsupportedError
from gateway.tasks.speech_recognition import (
    SpeechRecognition,
    SpeechRecognitionParameters,
    SpeechRecognitionRequest,
    SpeechRecognitionResponse,
)

Format = Literal["json", "text", "srt", "verbose_json", "vtt"]


class TranscriptionRequest(Wire):
    """A recording (WAV, FLAC, Ogg, MP3, MP4, WebM) and the form in which the text is wanted."""

    unsupported: ClassVar[Mapping[str, tuple[Any, ...]]] = {
        "prompt": (),
        "temperature": ("0", "0.0"),
        "stream": ("false",),
        "include": (),
        "include[]": (),
        "timestamp_granularities": (["segment"],),
        "timestamp_granularities[]": (["segment"],),
    }

    file: Annotated[bytes, Field(min_length=1)]
    language: str | None = None
    response_format: Annotated[Format, BeforeValidator(lambda value: value or "json")] = "json"

    def recording(self, task: SpeechRecognition) -> SpeechRecognitionRequest:
        """The same in the task's words. Raises `UnsupportedError` for another language than the model's."""
        if self.language and self.language != task.language:
            raise UnsupportedError(["language"])
        return SpeechRecognitionRequest(
            inputs=self.file, parameters=SpeechRecognitionParameters(return_timestamps=True)
        )

    def response(self, heard: SpeechRecognitionResponse, seconds: float, language: str) -> Response:
        chunks = heard.chunks or []
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
        segments = [
            Segment(id=number, start=chunk.timestamp[0], end=chunk.timestamp[1], text=chunk.text)
            for number, chunk in enumerate(chunks)
        ]
        verbose = VerboseTranscription(
            text=heard.text, usage=usage, language=language, duration=seconds, segments=segments
        )
        return exchange.json(verbose.model_dump())


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
    """What was said between two moments, in seconds from the beginning."""

    id: int
    start: float
    end: float
    text: str


class VerboseTranscription(Transcription):
    """The same with `response_format` `verbose_json`: with times."""

    task: Literal["transcribe"] = "transcribe"
    language: str
    duration: float
    segments: list[Segment]
