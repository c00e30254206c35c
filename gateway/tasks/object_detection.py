"""object-detection: encoded pictures in; labels, scores and boxes out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, NamedTuple, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, RootModel

from gateway.errors import BrokenAnswerError, UnfitVersionError
from gateway.settings import Limits
from gateway.tasks.base import SERVING_SIGNATURE, Ask, Checkpoint, Documents, Request, Tensors, Told
from gateway.tasks.classification import floats
from gateway.tasks.image_classification import STROKE_PNG
from gateway.tasks.pictures import PicturesRequest, decoded, image_spec
from processing.boxes import THRESHOLD, Detection, Outputs, detections
from processing.forms import form_of
from processing.image import MEDIA_TYPES, Pixels
from processing.spec import ImageSpec
from processing.window import Window
from store.manifest import Manifest
from wire.tensors import Array

_OUTPUTS = ("boxes", "scores", "classes", "count")


class ObjectDetectionParameters(Request):
    """`threshold` is the least score that is told, 0.5 unless asked otherwise. A version has a least score of its own,
    below which it tells nothing."""

    threshold: Annotated[float, Field(ge=0, le=1)] | None = None


class ObjectDetectionRequest(PicturesRequest):
    """One encoded picture or several, and what to tell about each."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"inputs": STROKE_PNG, "parameters": {"threshold": 0.3}}]}
    )

    parameters: ObjectDetectionParameters | None = None

    @property
    def threshold(self) -> float:
        asked = self.parameters.threshold if self.parameters else None
        return THRESHOLD if asked is None else asked


class BoundingBox(BaseModel):
    """In pixels of the picture as it was sent, seen upright, from its upper left corner."""

    model_config = ConfigDict(frozen=True)

    xmin: int
    ymin: int
    xmax: int
    ymax: int


class DetectedObject(BaseModel):
    model_config = ConfigDict(frozen=True)

    score: float
    label: str
    box: BoundingBox


class ObjectDetectionResponse(RootModel[list[DetectedObject] | list[list[DetectedObject]]]):
    """What was found in one picture, by falling score; of a list of pictures a list of these, in order."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [[{"score": 0.69, "label": "cup", "box": {"xmin": 98, "ymin": 40, "xmax": 449, "ymax": 370}}]]
        }
    )


class Look(NamedTuple):
    """A picture as the model takes it, the part that this shows, and its own height and width."""

    tensor: Pixels
    window: Window
    size: tuple[int, int]


@dataclass(frozen=True)
class Seen:
    """Pictures as the model takes them. Of each the part that this shows, and its own height and width."""

    tensors: Tensors
    windows: tuple[Window, ...]
    sizes: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Found:
    """What the model answered to each picture."""

    rows: list[Outputs]
    seen: Seen


class ObjectDetection(Told):
    """Pictures brought to the version's form, at most `together` in a run; boxes back to their own pixels."""

    name: ClassVar[str] = "object-detection"
    signature: ClassVar[str] = SERVING_SIGNATURE
    request: ClassVar[type[Request]] = ObjectDetectionRequest
    response: ClassVar[type[BaseModel]] = ObjectDetectionResponse
    media_types: ClassVar[tuple[str, ...]] = MEDIA_TYPES

    def __init__(self, labels: tuple[str, ...], spec: ImageSpec, together: int, limits: Limits) -> None:
        self._labels = labels
        self._spec = spec
        self._form = form_of(spec)
        self._together = together
        self._limits = limits

    @classmethod
    def of(cls, manifest: Manifest, _documents: Documents, limits: Limits) -> Self:
        spec = image_spec(cls.name, manifest)
        signature = manifest.signatures.get(cls.signature)
        if signature is None or not set(_OUTPUTS) <= signature.outputs.keys():
            raise UnfitVersionError(f"{cls.name} needs a signature {cls.signature} with {', '.join(_OUTPUTS)}")
        together = manifest.batching.sizes[-1] if manifest.batching else 1
        return cls(manifest.labels, spec, together, limits)

    def preprocess(self, request: ObjectDetectionRequest, checkpoint: Checkpoint) -> Seen:
        return self.seen(decoded(request.pictures, self._limits, checkpoint, self.look))

    def look(self, picture: Pixels) -> Look:
        height, width, _ = picture.shape
        return Look(self._form.tensor(picture), self._form.window(picture), (height, width))

    def seen(self, looks: Sequence[Look]) -> Seen:
        pictures, windows, sizes = zip(*looks, strict=True)
        return Seen({self._spec.input: np.stack(pictures)}, windows, sizes)

    def infer(self, _request: Request, seen: Seen, ask: Ask) -> Found:
        pictures = seen.tensors[self._spec.input]
        rows: list[Outputs] = []
        for start in range(0, len(pictures), self._together):
            batch = pictures[start : start + self._together]
            rows += self._read(ask({self._spec.input: batch}), len(batch))
        return Found(rows, seen)

    def postprocess(self, request: ObjectDetectionRequest, found: Found) -> ObjectDetectionResponse:
        answers = [
            [DetectedObject(score=one.score, label=one.label, box=BoundingBox(**one.box._asdict())) for one in told]
            for told in self.placed(found, request.threshold)
        ]
        return ObjectDetectionResponse(answers[0] if isinstance(request.inputs, bytes) else answers)

    def placed(self, found: Found, threshold: float) -> list[list[Detection]]:
        """Of each picture, in its own pixels."""
        seen = zip(found.rows, found.seen.windows, found.seen.sizes, strict=True)
        return [detections(row, self._labels, window, size, threshold) for row, window, size in seen]

    def _read(self, outputs: Tensors, rows: int) -> list[Outputs]:
        """Row by row. Raises `BrokenAnswerError` when they are not what the manifest promises."""
        count = _whole(outputs, "count", (rows,))
        most = outputs["scores"].shape[-1] if "scores" in outputs else 0
        scores, boxes = floats(outputs, "scores", (rows, most)), floats(outputs, "boxes", (rows, most, 4))
        classes = _whole(outputs, "classes", (rows, most))
        if not ((count >= 0) & (count <= most)).all():
            raise BrokenAnswerError(f"the model answered a count of {count.max()}; expected 0 to {most}")
        if not ((classes >= 0) & (classes < len(self._labels))).all():
            raise BrokenAnswerError(f"the model answered a class beyond its {len(self._labels)} labels")
        return Outputs.rows({"boxes": boxes, "scores": scores, "classes": classes, "count": count})


def _whole(outputs: Tensors, name: str, shape: tuple[int, ...]) -> Array:
    array = outputs.get(name)
    if array is None or array.shape != shape or array.dtype.kind != "i":
        found = "nothing" if array is None else f"{array.dtype} {list(array.shape)}"
        raise BrokenAnswerError(f"the model answered {name} as {found}; expected whole numbers {list(shape)}")
    return array
