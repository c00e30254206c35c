"""image-feature-extraction: encoded pictures in, a vector for each out."""

from typing import Any, ClassVar, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, RootModel

from gateway.errors import UnfitVersionError
from gateway.settings import Limits
from gateway.tasks.base import SERVING_SIGNATURE, Checkpoint, Documents, OneRun, Request, Tensors
from gateway.tasks.classification import floats
from gateway.tasks.image_classification import STROKE_PNG
from gateway.tasks.pictures import PicturesRequest, decoded, image_spec
from processing.forms import form_of
from processing.image import MEDIA_TYPES
from processing.spec import ImageSpec
from store.manifest import Manifest

_OUTPUT = "embedding"


class ImageFeatureExtractionRequest(PicturesRequest):
    """One encoded picture or several. A vector is as the model makes it, mostly at length 1."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"inputs": STROKE_PNG}, {"inputs": [STROKE_PNG]}]})


class ImageFeatureExtractionResponse(RootModel[list[list[float]]]):
    """A vector for each picture, in order."""

    model_config = ConfigDict(json_schema_extra={"examples": [[[0.8, -0.6]]]})


class ImageFeatureExtraction(OneRun):
    """Pictures decoded and brought to the version's form; the graph makes a vector of each."""

    name: ClassVar[str] = "image-feature-extraction"
    signature: ClassVar[str] = SERVING_SIGNATURE
    request: ClassVar[type[Request]] = ImageFeatureExtractionRequest
    response: ClassVar[type[BaseModel]] = ImageFeatureExtractionResponse
    media_types: ClassVar[tuple[str, ...]] = MEDIA_TYPES

    def __init__(self, spec: ImageSpec, width: int, limits: Limits) -> None:
        self._spec = spec
        self._form = form_of(spec)
        self._width = width
        self._limits = limits

    @classmethod
    def of(cls, manifest: Manifest, _documents: Documents, limits: Limits) -> Self:
        spec = image_spec(cls.name, manifest)
        signature = manifest.signatures.get(cls.signature)
        vector = signature.outputs.get(_OUTPUT) if signature else None
        if vector is None or len(vector.shape) != 2 or vector.shape[1] < 1:
            raise UnfitVersionError(f"{cls.name} needs a signature {cls.signature} with an output {_OUTPUT}")
        return cls(spec, vector.shape[1], limits)

    def preprocess(self, request: ImageFeatureExtractionRequest, checkpoint: Checkpoint) -> Tensors:
        pictures = decoded(request.pictures, self._limits, checkpoint, self._form.tensor)
        return {self._spec.input: np.stack(pictures)}

    def postprocess(self, request: ImageFeatureExtractionRequest, outputs: Tensors) -> ImageFeatureExtractionResponse:
        vectors = floats(outputs, _OUTPUT, (len(request.pictures), self._width))
        return ImageFeatureExtractionResponse(vectors.tolist())

    def told(self, answer: ImageFeatureExtractionResponse) -> Any:
        """Only how many there are: one tells what its picture shows, and of whom."""
        return {"vectors": len(answer.root)}
