"""automatic-speech-recognition: a recording in, what was said out."""

from typing import Annotated, Any, ClassVar, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from gateway.errors import BrokenAnswerError, UnfitVersionError
from gateway.settings import Limits
from gateway.tasks.base import SERVING_SIGNATURE, Checkpoint, Documents, Media, OneRun, Request, Tensors
from gateway.tasks.classification import floats
from processing.audio import MEDIA_TYPES, decode, seconds_of
from processing.spec import AudioSpec, parse_spec
from store.manifest import Manifest

TENTH_OF_SILENCE = (  # a WAV file of 0.1 s at 8 kHz, without a sound
    "UklGRmQGAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YUAG" + "A" * 2136
)
_TEXT, _TIMES = "text", "times"


class SpeechRecognitionParameters(Request):
    """`return_timestamps`: also what was said from when to when."""

    return_timestamps: bool | None = None


class SpeechRecognitionRequest(Request):
    """A recording: WAV, FLAC, Ogg, MP3, MP4 or WebM, of any rate and number of channels."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"inputs": TENTH_OF_SILENCE, "parameters": {"return_timestamps": True}}]}
    )

    inputs: Media
    parameters: SpeechRecognitionParameters | None = None


class Chunk(BaseModel):
    """What was said between two moments, in seconds from the beginning."""

    text: str
    timestamp: Annotated[list[float], Field(min_length=2, max_length=2)]


class SpeechRecognitionResponse(BaseModel):
    """What was said; with `chunks` if timestamps are asked for."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"text": "hello there"}]})

    text: str
    chunks: list[Chunk] | None = None


class SpeechRecognition(OneRun):
    """Samples to segments of text: outputs `text`, strings `[1, segments]`, and `times`, floats `[1, segments, 2]`."""

    name: ClassVar[str] = "automatic-speech-recognition"
    signature: ClassVar[str] = SERVING_SIGNATURE
    request: ClassVar[type[Request]] = SpeechRecognitionRequest
    response: ClassVar[type[BaseModel]] = SpeechRecognitionResponse
    media_types: ClassVar[tuple[str, ...]] = MEDIA_TYPES

    def __init__(self, spec: AudioSpec, limits: Limits) -> None:
        self.language = spec.language
        self._spec = spec
        self._limits = limits

    @classmethod
    def of(cls, manifest: Manifest, _documents: Documents, limits: Limits) -> Self:
        spec = parse_spec(manifest.processing)
        if not isinstance(spec, AudioSpec):
            raise UnfitVersionError(f"{cls.name} needs processing of the kind audio, received {spec.kind}")
        return cls(spec, limits)

    def preprocess(self, request: SpeechRecognitionRequest, checkpoint: Checkpoint) -> Tensors:
        checkpoint()
        rate, longest = self._spec.sample_rate, self._limits.audio_seconds
        samples = decode(request.inputs, sample_rate=rate, max_seconds=longest)
        return {self._spec.input: samples[np.newaxis]}

    def postprocess(self, request: SpeechRecognitionRequest, outputs: Tensors) -> SpeechRecognitionResponse:
        texts = outputs.get(_TEXT)
        if texts is None or texts.dtype != object or texts.ndim != 2 or len(texts) != 1:
            raise BrokenAnswerError(f"the model answered no strings [1, segments] as {_TEXT}")
        times = floats(outputs, _TIMES, (1, texts.shape[1], 2))[0]
        try:
            said = [text.decode().strip() for text in texts[0]]
        except UnicodeDecodeError as exc:
            raise BrokenAnswerError(f"the model answered {_TEXT} that is not UTF-8") from exc
        chunks = [Chunk(text=text, timestamp=span) for text, span in zip(said, times.tolist(), strict=True) if text]
        wanted = request.parameters and request.parameters.return_timestamps
        return SpeechRecognitionResponse(text=" ".join(filter(None, said)), chunks=chunks if wanted else None)

    def told(self, answer: SpeechRecognitionResponse) -> Any:
        """Without the chunks, which have pieces of the text."""
        return {"text": answer.text}

    def seconds(self, request: SpeechRecognitionRequest) -> float:
        """How long the recording is. Raises `UnreadableInputError` when that cannot be read."""
        return seconds_of(request.inputs, self._limits.audio_seconds)
