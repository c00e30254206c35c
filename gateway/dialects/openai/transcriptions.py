"""`POST /v1/audio/transcriptions`: what was said in a recording, as JSON, plain text or subtitles."""

from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Annotated, Any, ClassVar, Literal

from flask import Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.formparser import FormDataParser

from gateway.dialects import exchange
from gateway.dialects.openai.subtitles import srt, vtt
from gateway.dialects.openai.wire import Wire
from gateway.errors import MalformedBodyError, MediaTypeError, OverLimitError, UnsupportedError
from gateway.tasks.speech_recognition import (
    SpeechRecognition,
    SpeechRecognitionParameters,
    SpeechRecognitionRequest,
    SpeechRecognitionResponse,
)

MULTIPART = "multipart/form-data"
Format = Literal["json", "text", "srt", "verbose_json", "vtt"]
_MAX_PARTS = 64
_MAX_FIELD_BYTES = 100_000  # of the head of a part, or of a field that is no file


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


def form_of(body: bytes, mimetype: str, options: Mapping[str, str]) -> dict[str, Any]:
    """The fields of a multipart body: `file` its bytes, names that end in `[]` lists, others texts.

    Raises:
        MediaTypeError: it is something else.
        MalformedBodyError: it cannot be read.
        OverLimitError: more parts, or larger ones beside the file, than are accepted.
    """
    if mimetype != MULTIPART:
        raise MediaTypeError(mimetype or "none", [MULTIPART])
    parser = FormDataParser(
        stream_factory=lambda *_, **__: BytesIO(),  # never a file on the disk
        max_form_memory_size=_MAX_FIELD_BYTES,
        max_form_parts=_MAX_PARTS,
        silent=False,
    )
    try:
        _, fields, files = parser.parse(BytesIO(body), mimetype, len(body), dict(options))
    except RequestEntityTooLarge as exc:
        parts = body.count(f"--{options['boundary']}\r\n".encode())
        if parts > _MAX_PARTS:
            raise OverLimitError("parts of the form", parts, _MAX_PARTS) from exc
        raise OverLimitError("bytes of a part's head, or of a field that is no file,", None, _MAX_FIELD_BYTES) from exc
    except (ValueError, HTTPException) as exc:
        raise MalformedBodyError(f"the body is no {MULTIPART} that can be read: {exc}") from exc
    if None in fields:
        raise MalformedBodyError("a part of the form has no name")
    form: dict[str, Any] = {name: fields.getlist(name) if name.endswith("[]") else fields[name] for name in fields}
    if "file" in files:
        form["file"] = files["file"].read()
    return form


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
