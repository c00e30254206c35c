"""image-classification: encoded pictures in, labels with scores out."""

from typing import ClassVar, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, RootModel

from gateway.settings import Limits
from gateway.tasks.base import SERVING_SIGNATURE, Checkpoint, Documents, OneRun, Request, Tensors, Told
from gateway.tasks.classification import ClassificationParameters, LabelScore, ranked
from gateway.tasks.pictures import PicturesRequest, decoded, image_spec
from processing.classification import MEDIA_TOP_K
from processing.forms import form_of
from processing.image import MEDIA_TYPES
from processing.spec import ImageSpec
from store.manifest import Manifest

STROKE_PNG = (  # 12×12 pixels, one upright stroke
    "iVBORw0KGgoAAAANSUhEUgAAAAwAAAAMCAAAAABzHgM7AAAAGUlEQVR42mNgIAD+MzAwMDAwIQtRl4MbAAB/ZQEOs2ua+AAAAABJRU5ErkJggg=="
)


class ImageClassificationRequest(PicturesRequest):
    """One encoded picture or several, and what to tell about each."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"inputs": STROKE_PNG, "parameters": {"top_k": 3}}]})

    parameters: ClassificationParameters | None = None


class ImageClassificationResponse(RootModel[list[LabelScore] | list[list[LabelScore]]]):
    """The labels of one picture by falling score; of a list of pictures a list of these, in order."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [[{"label": "7", "score": 0.99}, {"label": "1", "score": 0.01}]]}
    )


class ImageClassification(OneRun, Told):
    """Pictures decoded and brought to the version's form; five labels unless `top_k` says otherwise."""

    name: ClassVar[str] = "image-classification"
    signature: ClassVar[str] = SERVING_SIGNATURE
    request: ClassVar[type[Request]] = ImageClassificationRequest
    response: ClassVar[type[BaseModel]] = ImageClassificationResponse
    media_types: ClassVar[tuple[str, ...]] = MEDIA_TYPES

    def __init__(self, labels: tuple[str, ...], spec: ImageSpec, limits: Limits) -> None:
        self._labels = labels
        self._spec = spec
        self._form = form_of(spec)
        self._limits = limits

    @classmethod
    def of(cls, manifest: Manifest, _documents: Documents, limits: Limits) -> Self:
        spec = image_spec(cls.name, manifest)
        return cls(manifest.labels, spec, limits)

    def preprocess(self, request: ImageClassificationRequest, checkpoint: Checkpoint) -> Tensors:
        pictures = decoded(request.pictures, self._limits, checkpoint, self._form.tensor)
        return {self._spec.input: np.stack(pictures)}

    def postprocess(self, request: ImageClassificationRequest, outputs: Tensors) -> ImageClassificationResponse:
        parameters = request.parameters or ClassificationParameters()
        scores = ranked(outputs, self._labels, len(request.pictures), parameters, default_top_k=MEDIA_TOP_K)
        return ImageClassificationResponse(scores[0] if isinstance(request.inputs, bytes) else scores)
