"""image-classification: encoded pictures in, labels with scores out."""

from collections.abc import Callable, Sequence
from typing import Annotated, ClassVar, Self, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Discriminator, Field, RootModel, Tag

from gateway.errors import OverLimitError, UnfitVersionError
from gateway.settings import Limits
from gateway.tasks.base import SERVING_SIGNATURE, Checkpoint, Documents, Media, OneRun, Request, Tensors, one_or_many
from gateway.tasks.classification import ClassificationParameters, LabelScore, check_items, ranked
from processing.classification import MEDIA_TOP_K
from processing.errors import ProcessingError
from processing.forms import form_of
from processing.image import MEDIA_TYPES, Pixels, decode, pixels_of
from processing.spec import ImageSpec, parse_spec
from store.manifest import Manifest

STROKE_PNG = (  # 12×12 pixels, one upright stroke
    "iVBORw0KGgoAAAANSUhEUgAAAAwAAAAMCAAAAABzHgM7AAAAGUlEQVR42mNgIAD+MzAwMDAwIQtRl4MbAAB/ZQEOs2ua+AAAAABJRU5ErkJggg=="
)

_T = TypeVar("_T")


class ImageClassificationRequest(Request):
    """One encoded picture or several, and what to tell about each."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"inputs": STROKE_PNG, "parameters": {"top_k": 3}}]})

    inputs: Annotated[
        Annotated[Media, Tag("one")] | Annotated[list[Media], Field(min_length=1), Tag("many")],
        Discriminator(one_or_many),
    ]
    parameters: ClassificationParameters | None = None

    @property
    def pictures(self) -> list[bytes]:
        return [self.inputs] if isinstance(self.inputs, bytes) else self.inputs


class ImageClassificationResponse(RootModel[list[LabelScore] | list[list[LabelScore]]]):
    """The labels of one picture by falling score; of a list of pictures a list of these, in order."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [[{"label": "7", "score": 0.99}, {"label": "1", "score": 0.01}]]}
    )


class ImageClassification(OneRun):
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
        spec = parse_spec(manifest.processing)
        if not isinstance(spec, ImageSpec):
            raise UnfitVersionError(f"{cls.name} needs processing of the kind image, received {spec.kind}")
        return cls(manifest.labels, spec, limits)

    def preprocess(self, request: ImageClassificationRequest, checkpoint: Checkpoint) -> Tensors:
        pictures = request.pictures
        check_items(len(pictures), self._limits.items)
        if len(pictures) > 1:  # of one alone `decode` looks at the header itself
            pixels = sum(_each(pictures, pixels_of))
            if pixels > self._limits.image_pixels:
                raise OverLimitError("pixels", pixels, self._limits.image_pixels, "image_pixels")

        def prepared(data: bytes) -> Pixels:
            checkpoint()
            return self._form.tensor(decode(data, max_pixels=self._limits.image_pixels))

        return {self._spec.input: np.stack(_each(pictures, prepared))}

    def postprocess(self, request: ImageClassificationRequest, outputs: Tensors) -> ImageClassificationResponse:
        parameters = request.parameters or ClassificationParameters()
        scores = ranked(outputs, self._labels, len(request.pictures), parameters, default_top_k=MEDIA_TOP_K)
        return ImageClassificationResponse(scores[0] if isinstance(request.inputs, bytes) else scores)


def _each(pictures: Sequence[bytes], act: Callable[[bytes], _T]) -> list[_T]:
    """`act` on each picture; an error says which one of several is at fault."""
    results: list[_T] = []
    for position, data in enumerate(pictures):
        try:
            results.append(act(data))
        except ProcessingError as exc:
            if len(pictures) == 1:
                raise
            raise type(exc)(f"picture {position} of the list: {exc}") from exc
    return results
