"""audio-classification: a recording in, labels with scores out."""

from typing import ClassVar, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, RootModel

from gateway.errors import UnfitVersionError
from gateway.settings import Limits
from gateway.tasks.base import SERVING_SIGNATURE, Checkpoint, Documents, Media, OneRun, Request, Tensors, Told
from gateway.tasks.classification import ClassificationParameters, LabelScore, ranked
from gateway.tasks.speech_recognition import TENTH_OF_SILENCE
from processing.audio import decode
from processing.classification import MEDIA_TOP_K
from processing.recording_files import MEDIA_TYPES
from processing.spec import AudioSpec, parse_spec
from store.manifest import Manifest


class AudioClassificationRequest(Request):
    """A recording, WAV, FLAC, Ogg, MP3, MP4 or WebM, of any rate and number of channels, and what to tell about it."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"inputs": TENTH_OF_SILENCE, "parameters": {"top_k": 3}}]}
    )

    inputs: Media
    parameters: ClassificationParameters | None = None


class AudioClassificationResponse(RootModel[list[LabelScore]]):
    """The labels of the recording by falling score."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [[{"label": "yes", "score": 0.99}, {"label": "no", "score": 0.01}]]}
    )


class AudioClassification(OneRun, Told):
    """All of the recording in one run; five labels unless `top_k` says otherwise."""

    name: ClassVar[str] = "audio-classification"
    signature: ClassVar[str] = SERVING_SIGNATURE
    request: ClassVar[type[Request]] = AudioClassificationRequest
    response: ClassVar[type[BaseModel]] = AudioClassificationResponse
    media_types: ClassVar[tuple[str, ...]] = MEDIA_TYPES

    def __init__(self, labels: tuple[str, ...], spec: AudioSpec, limits: Limits) -> None:
        self._labels = labels
        self._spec = spec
        self._limits = limits

    @classmethod
    def of(cls, manifest: Manifest, _documents: Documents, limits: Limits) -> Self:
        spec = parse_spec(manifest.processing)
        if not isinstance(spec, AudioSpec):
            raise UnfitVersionError(f"{cls.name} needs processing of the kind audio, received {spec.kind}")
        return cls(manifest.labels, spec, limits)

    def preprocess(self, request: AudioClassificationRequest, checkpoint: Checkpoint) -> Tensors:
        checkpoint()
        rate, longest = self._spec.sample_rate, self._limits.audio_seconds
        samples = decode(request.inputs, sample_rate=rate, max_seconds=longest)
        return {self._spec.input: samples[np.newaxis]}

    def postprocess(self, request: AudioClassificationRequest, outputs: Tensors) -> AudioClassificationResponse:
        parameters = request.parameters or ClassificationParameters()
        (scores,) = ranked(outputs, self._labels, 1, parameters, default_top_k=MEDIA_TOP_K)
        return AudioClassificationResponse(scores)
