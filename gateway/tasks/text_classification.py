"""text-classification: texts in, labels with scores out."""

from collections.abc import Callable
from typing import Annotated, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Discriminator, Field, RootModel, Tag

from gateway.errors import OverLimitError, UnfitVersionError
from gateway.settings import Limits
from gateway.tasks.base import SERVING_SIGNATURE, Ask, Checkpoint, Documents, Request, Tensors, Told, one_or_many
from gateway.tasks.classification import ClassificationParameters, LabelScore, check_items, floats, ranked
from processing.spec import TextSpec, parse_spec
from processing.text import TextEncoder, Windows
from store.manifest import Manifest

MOST_WINDOWS = 32  # of a text


class TextClassificationParameters(ClassificationParameters):
    """`windows`: a text longer than the model reads is read in so many overlapping windows at most, and the scores are
    their mean, weighed by tokens. Without it a long text is cut. Hugging Face's schema does not have it."""

    windows: Annotated[int, Field(ge=1, le=MOST_WINDOWS)] | None = None


class TextClassificationRequest(Request):
    """One text or several, and what to tell about each."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"inputs": "an unforgettable, wonderful film", "parameters": {"top_k": 2}},
                {"inputs": ["a bore", "a delight"], "parameters": {"function_to_apply": "none"}},
            ]
        }
    )

    inputs: Annotated[
        Annotated[str, Tag("one")] | Annotated[list[str], Field(min_length=1), Tag("many")], Discriminator(one_or_many)
    ]
    parameters: TextClassificationParameters | None = None

    @property
    def texts(self) -> list[str]:
        return [self.inputs] if isinstance(self.inputs, str) else self.inputs

    def with_texts(self, change: Callable[[str], str]) -> Self:
        one = isinstance(self.inputs, str)
        texts = list(map(change, self.texts))
        return self.model_copy(update={"inputs": texts[0] if one else texts})


class TextClassificationResponse(RootModel[list[list[LabelScore]]]):
    """For each text, in order, its labels by falling score. Of a model that gives several labels or none, a score is a
    probability by itself: from ½ the label is given."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [[[{"label": "positive", "score": 0.98}, {"label": "negative", "score": 0.02}]]]}
    )


class TextClassification(Told):
    """Tokens by the version's own tokenizer; all labels unless `top_k` says fewer."""

    name: ClassVar[str] = "text-classification"
    signature: ClassVar[str] = SERVING_SIGNATURE
    request: ClassVar[type[Request]] = TextClassificationRequest
    response: ClassVar[type[BaseModel]] = TextClassificationResponse
    media_types: ClassVar[tuple[str, ...]] = ()

    def __init__(self, manifest: Manifest, spec: TextSpec, encoder: TextEncoder, limits: Limits) -> None:
        self._labels = manifest.labels
        self._multi_label = manifest.multi_label
        self._spec = spec
        self._encoder = encoder
        self._limits = limits

    @classmethod
    def of(cls, manifest: Manifest, documents: Documents, limits: Limits) -> Self:
        spec = parse_spec(manifest.processing)
        if not isinstance(spec, TextSpec):
            raise UnfitVersionError(f"{cls.name} needs processing of the kind text, received {spec.kind}")
        return cls(manifest, spec, TextEncoder(documents["tokenizer"], spec), limits)

    def preprocess(self, request: TextClassificationRequest, checkpoint: Checkpoint) -> Windows:
        texts = request.texts
        check_items(len(texts), self._limits.items)
        longest = max(map(len, texts))
        if longest > self._limits.text_chars:
            raise OverLimitError("characters of text", longest, self._limits.text_chars, "text_chars")
        most = (request.parameters.windows if request.parameters else None) or 1
        windows = self._encoder.encode_windows(texts, most, checkpoint)
        if len(windows.owners) > max(self._limits.items, MOST_WINDOWS):
            accepted = max(self._limits.items, MOST_WINDOWS)
            raise OverLimitError("windows of text", len(windows.owners), accepted, "items")
        return windows

    def infer(self, _request: TextClassificationRequest, windows: Windows, ask: Ask) -> Tensors:
        """For each text what its windows say together."""
        outputs = ask({self._spec.input: windows.token_ids})
        shape = (len(windows.owners), len(self._labels))
        return {name: windows.averaged(floats(outputs, name, shape)) for name in ("logits", "probabilities")}

    def postprocess(self, request: TextClassificationRequest, outputs: Tensors) -> TextClassificationResponse:
        parameters = request.parameters or TextClassificationParameters()
        scores = ranked(
            outputs,
            self._labels,
            len(request.texts),
            parameters,
            default_top_k=len(self._labels),
            multi_label=self._multi_label,
        )
        return TextClassificationResponse(scores)
