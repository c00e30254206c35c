"""Why a picture has its label: the picture with a heat-map over what speaks for it."""

import base64
from typing import Annotated, ClassVar, Self

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer

from gateway.settings import Limits
from gateway.tasks.base import Checkpoint, Documents, Media, OneRun, Request, Tensors, Untold
from gateway.tasks.classification import floats
from gateway.tasks.explanation import EXPLAIN_SIGNATURE, ExplanationParameters, asked, explained, one_item
from gateway.tasks.image_classification import STROKE_PNG
from gateway.tasks.pictures import image_spec
from processing.forms import form_of
from processing.heat import heated, png
from processing.image import MEDIA_TYPES, decode
from processing.spec import ImageSpec
from store.manifest import Manifest

PNG = "image/png"


class ImageExplanationRequest(Request):
    """One encoded picture, and which label to explain."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"inputs": STROKE_PNG}]})

    inputs: Annotated[Media, BeforeValidator(one_item)]
    parameters: ExplanationParameters | None = None


class ImageExplanationResponse(BaseModel):
    """A label with its score, and a PNG as large as the picture: over it, in colour, what speaks for the label."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"label": "1", "score": 0.99, "image": STROKE_PNG}]})

    label: str
    score: float
    image: Annotated[Media, PlainSerializer(lambda data: base64.b64encode(data).decode(), return_type=str)]


class ImageExplanation(OneRun, Untold):
    """The picture, upright as it was decoded, with the model's heat laid back to where its input was taken from."""

    name: ClassVar[str] = "image-classification"
    signature: ClassVar[str] = EXPLAIN_SIGNATURE
    request: ClassVar[type[Request]] = ImageExplanationRequest
    response: ClassVar[type[BaseModel]] = ImageExplanationResponse
    media_types: ClassVar[tuple[str, ...]] = MEDIA_TYPES

    def __init__(self, manifest: Manifest, spec: ImageSpec, limits: Limits) -> None:
        self._manifest = manifest
        self._spec = spec
        self._form = form_of(spec)
        self._limits = limits

    @classmethod
    def of(cls, manifest: Manifest, _documents: Documents, limits: Limits) -> Self:
        spec = image_spec(cls.name, manifest)
        return cls(manifest, spec, limits)

    def preprocess(self, request: ImageExplanationRequest, checkpoint: Checkpoint) -> Tensors:
        label = asked(request.parameters, self._manifest.labels)
        checkpoint()
        picture = decode(request.inputs, max_pixels=self._limits.image_pixels)
        return {self._spec.input: self._form.tensor(picture)[np.newaxis], "label": label}

    def postprocess(self, request: ImageExplanationRequest, outputs: Tensors) -> ImageExplanationResponse:
        heat = floats(outputs, "heat", (1, self._spec.height, self._spec.width))[0]
        best = explained(outputs, self._manifest)
        picture = decode(request.inputs, max_pixels=self._limits.image_pixels)
        image = png(heated(picture, heat, self._form.window(picture)))
        return ImageExplanationResponse(label=best.label, score=best.score, image=image)
