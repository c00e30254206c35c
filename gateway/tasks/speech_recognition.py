"""automatic-speech-recognition: a recording in, what was said out."""

from typing import Annotated, Any, ClassVar, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from gateway.errors import BrokenAnswerError, UnfitVersionError
from gateway.settings import Limits
from gateway.tasks.base import SERVING_SIGNATURE, Ask, Checkpoint, Documents, Media, Request, Tensors
from gateway.tasks.classification import floats
from processing.audio import MEDIA_TYPES, decode, seconds_of
from processing.spec import SpeechSpec, parse_spec
from processing.speech import Said, Transcriber, Window, windows
from store.manifest import Manifest

TENTH_OF_SILENCE = (  # a WAV file of 0.1 s at 8 kHz, without a sound
    "UklGRmQGAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YUAG" + "A" * 2136
)
_TOKENS, _SCORE, _NO_SPEECH = "tokens", "score", "no_speech"


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


class SpeechRecognition:
    """Samples to tokens, a run for each window: outputs `tokens`, int32 `[1, tokens]`, and of each row `score` and
    `no_speech`, see `processing.speech`."""

    name: ClassVar[str] = "automatic-speech-recognition"
    signature: ClassVar[str] = SERVING_SIGNATURE
    request: ClassVar[type[Request]] = SpeechRecognitionRequest
    response: ClassVar[type[BaseModel]] = SpeechRecognitionResponse
    media_types: ClassVar[tuple[str, ...]] = MEDIA_TYPES

    def __init__(self, spec: SpeechSpec, transcriber: Transcriber, limits: Limits) -> None:
        self.language = spec.language
        self._spec = spec
        self._transcriber = transcriber
        self._limits = limits

    @classmethod
    def of(cls, manifest: Manifest, documents: Documents, limits: Limits) -> Self:
        spec = parse_spec(manifest.processing)
        if not isinstance(spec, SpeechSpec):
            raise UnfitVersionError(f"{cls.name} needs processing of the kind speech, received {spec.kind}")
        return cls(spec, Transcriber(documents["tokenizer"], spec), limits)

    def preprocess(self, request: SpeechRecognitionRequest, checkpoint: Checkpoint) -> list[Window]:
        checkpoint()
        rate, longest = self._spec.sample_rate, self._limits.audio_seconds
        return windows(decode(request.inputs, sample_rate=rate, max_seconds=longest), self._spec)

    def infer(self, _request: SpeechRecognitionRequest, heard: list[Window], ask: Ask) -> list[Said]:
        """In a window without a sound nobody is asked for."""
        return [
            said
            for window in heard
            if not window.is_silent
            for said in self._said(window, ask({self._spec.input: window.samples[np.newaxis]}))
        ]

    def postprocess(self, request: SpeechRecognitionRequest, said: list[Said]) -> SpeechRecognitionResponse:
        chunks = [Chunk(text=piece.text, timestamp=[piece.start_s, piece.end_s]) for piece in said]
        wanted = request.parameters and request.parameters.return_timestamps
        text = " ".join(piece.text for piece in said)
        return SpeechRecognitionResponse(text=text, chunks=chunks if wanted else None)

    def told(self, answer: SpeechRecognitionResponse) -> Any:
        """Without the chunks, which have pieces of the text."""
        return {"text": answer.text}

    def seconds(self, request: SpeechRecognitionRequest) -> float:
        """How long the recording is. Raises `UnreadableInputError` when that cannot be read."""
        return seconds_of(request.inputs, self._limits.audio_seconds)

    def _said(self, window: Window, outputs: Tensors) -> list[Said]:
        tokens: Any = outputs.get(_TOKENS)
        if tokens is None or tokens.dtype != np.int32 or tokens.ndim != 2 or len(tokens) != 1:
            raise BrokenAnswerError(f"the model answered no int32 [1, tokens] as {_TOKENS}")
        score, no_speech = (float(floats(outputs, name, (1,))[0]) for name in (_SCORE, _NO_SPEECH))
        return self._transcriber.said(window, tokens[0].tolist(), score, no_speech)
