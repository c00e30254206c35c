"""Why a text has its label: the weight of each of its tokens."""

from collections.abc import Callable
from typing import Annotated, ClassVar, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from gateway.errors import OverLimitError, UnfitVersionError
from gateway.settings import Limits
from gateway.tasks.base import Checkpoint, Documents, OneRun, Request, Tensors, Untold
from gateway.tasks.classification import floats
from gateway.tasks.explanation import EXPLAIN_SIGNATURE, ExplanationParameters, asked, explained, one_item
from processing.spec import TextSpec, parse_spec
from processing.text import TextEncoder
from store.manifest import Manifest


class TextExplanationRequest(Request):
    """One text, and which label to explain."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"inputs": "an unforgettable, wonderful film"},
                {"inputs": "a wonderful bore", "parameters": {"label": "negative"}},
            ]
        }
    )

    inputs: Annotated[str, BeforeValidator(one_item)]
    parameters: ExplanationParameters | None = None

    @property
    def texts(self) -> list[str]:
        return [self.inputs]

    def with_texts(self, change: Callable[[str], str]) -> Self:
        return self.model_copy(update={"inputs": change(self.inputs)})


class TokenWeight(BaseModel):
    """A token as the model's tokenizer names it, and where it is in the text that was explained.

    `start` and `end` count characters (Unicode code points; in JavaScript `[...text].slice(start, end)`).
    """

    token: str
    start: int
    end: int
    weight: float


class TextExplanationResponse(BaseModel):
    """A label with its score, and what each token read adds to its logit.

    The weights add up to `logit` − `baseline_logit`, the logit of a text of as many tokens that mean nothing. What is
    positive speaks for the label. `text` is the one that was sent or, where its route masks private data, what the
    model read instead. `warnings` say why the answer is doubtful: the language is none that the model knows.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "label": "positive",
                    "score": 0.98,
                    "logit": 2.5,
                    "baseline_logit": 0.1,
                    "text": "wonderful film",
                    "tokens": [
                        {"token": "wonderful", "start": 0, "end": 9, "weight": 2.1},
                        {"token": "film", "start": 10, "end": 14, "weight": 0.3},
                    ],
                }
            ]
        }
    )

    label: str
    score: float
    logit: float
    baseline_logit: float
    text: str
    tokens: list[TokenWeight]
    warnings: list[str] = Field(default_factory=list)


class TextExplanation(OneRun, Untold):
    """Tokens by the version's own tokenizer, each with its weight."""

    name: ClassVar[str] = "text-classification"
    signature: ClassVar[str] = EXPLAIN_SIGNATURE
    request: ClassVar[type[Request]] = TextExplanationRequest
    response: ClassVar[type[BaseModel]] = TextExplanationResponse
    media_types: ClassVar[tuple[str, ...]] = ()

    def __init__(self, manifest: Manifest, spec: TextSpec, encoder: TextEncoder, limits: Limits) -> None:
        self._manifest = manifest
        self._spec = spec
        self._encoder = encoder
        self._limits = limits

    @classmethod
    def of(cls, manifest: Manifest, documents: Documents, limits: Limits) -> Self:
        spec = parse_spec(manifest.processing)
        if not isinstance(spec, TextSpec):
            raise UnfitVersionError(f"{cls.name} needs processing of the kind text, received {spec.kind}")
        return cls(manifest, spec, TextEncoder(documents["tokenizer"], spec), limits)

    def preprocess(self, request: TextExplanationRequest, checkpoint: Checkpoint) -> Tensors:
        if len(request.inputs) > self._limits.text_chars:
            raise OverLimitError("characters of text", len(request.inputs), self._limits.text_chars, "text_chars")
        label = asked(request.parameters, self._manifest.labels)
        checkpoint()
        return {self._spec.input: self._encoder.encode([request.inputs]), "label": label}

    def postprocess(self, request: TextExplanationRequest, outputs: Tensors) -> TextExplanationResponse:
        tokens = self._encoder.tokens(request.inputs)
        weights = floats(outputs, "weights", (1, len(tokens)))[0]
        best = explained(outputs, self._manifest)
        return TextExplanationResponse(
            label=best.label,
            score=best.score,
            logit=float(floats(outputs, "logit", (1,))[0]),
            baseline_logit=float(floats(outputs, "baseline_logit", (1,))[0]),
            text=request.inputs,
            tokens=[
                TokenWeight(token=token.text, start=token.start, end=token.end, weight=float(weight))
                for token, weight in zip(tokens, weights, strict=True)
            ],
        )
