"""feature-extraction: texts in, a vector for each out; or how alike sentences are, or which labels fit."""

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Discriminator, Field, RootModel, Tag

from gateway.errors import Fault, InvalidRequestError, OverLimitError, UnfitVersionError, UnseenTextError
from gateway.generation.language_model import check_token_ids
from gateway.settings import Limits
from gateway.tasks.base import (
    SERVING_SIGNATURE,
    Checkpoint,
    Documents,
    OneRun,
    Request,
    Tensors,
    Unsupported,
    Versatile,
    one_or_many,
)
from gateway.tasks.classification import LabelScore, check_items, floats
from gateway.tasks.zero_shot_classification import ZeroShotParameters
from processing.errors import UnusableInputError
from processing.spec import TextSpec, parse_spec
from processing.text import TextEncoder
from store.manifest import Manifest
from wire.tensors import Array

_OUTPUT = "embedding"
_SIMILARITY = "sentence-similarity"


class Sentences(Request):
    """Each of `sentences` is compared with `source_sentence`, by the cosine of their vectors."""

    source_sentence: str
    sentences: Annotated[list[str], Field(min_length=1)]


def _kind(inputs: object) -> str:
    return "compared" if isinstance(inputs, dict | Sentences) else one_or_many(inputs)


class FeatureExtractionRequest(Request):
    """Texts and what to make of their vectors.

    `normalize` true: to length 1; false changes nothing, vectors are as the model makes them, mostly that long already.
    `dimensions`: only so many first numbers, as models trained for it take them, at length 1. `truncate` false: a text
    that is too long is refused instead of cut. `truncation_direction` left: of one that is cut the end is kept.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"inputs": "a good film", "normalize": True},
                {"inputs": ["a good film", "a bad one"]},
                {"inputs": {"source_sentence": "a good film", "sentences": ["a wonderful film", "a bore"]}},
                {"inputs": "a good film", "parameters": {"candidate_labels": ["cinema", "sports"]}},
            ]
        }
    )

    inputs: Annotated[
        Annotated[str, Tag("one")]
        | Annotated[list[str], Field(min_length=1), Tag("many")]
        | Annotated[Sentences, Tag("compared")],
        Discriminator(_kind),
    ]
    parameters: ZeroShotParameters | None = None
    normalize: bool | None = None
    truncate: bool | None = None
    truncation_direction: Literal["left", "right", "Left", "Right"] | None = None
    dimensions: Annotated[int, Field(ge=1)] | None = None
    encoding_format: Annotated[Literal["float"] | None, Unsupported] = None
    prompt_name: Annotated[None, Unsupported] = None

    @property
    def texts(self) -> list[str]:
        match self.inputs:
            case str():
                return [self.inputs]
            case Sentences():
                return [self.inputs.source_sentence, *self.inputs.sentences]
            case _:
                return self.inputs

    @property
    def labelled(self) -> ZeroShotParameters | None:
        """The labels to choose from, if it is asked for them."""
        return self.parameters if self.parameters and self.parameters.candidate_labels else None

    @property
    def items(self) -> int:
        """How many vectors are needed."""
        return len(self.texts) + (len(self.labelled.candidate_labels) if self.labelled else 0)

    def asks_for(self, task: str) -> str:
        if isinstance(self.inputs, Sentences):
            return _SIMILARITY
        return ZeroShotParameters.name if self.labelled else task

    def with_texts(self, change: Callable[[str], str]) -> Self:
        inputs: str | list[str] | Sentences
        match self.inputs:
            case str():
                inputs = change(self.inputs)
            case Sentences():
                source, *others = map(change, self.texts)
                inputs = Sentences(source_sentence=source, sentences=others)
            case _:
                inputs = list(map(change, self.inputs))
        return self.model_copy(update={"inputs": inputs})


class TokensRequest(Request):
    """Texts by their token ids, as the version's own tokenizer has them."""

    token_ids: Annotated[list[Annotated[list[int], Field(min_length=1)]], Field(min_length=1)]
    normalize: bool | None = None
    dimensions: Annotated[int, Field(ge=1)] | None = None

    def with_texts(self, _change: Callable[[str], str]) -> Self:
        raise UnseenTextError("token ids")


class FeatureExtractionResponse(RootModel[list[list[float]] | list[float] | list[LabelScore] | list[list[LabelScore]]]):
    """A vector for each text, in order; of sentences how alike each is to the source, 1 being the same; of labels how
    well each fits, by falling score, for a list of texts a list of such lists."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                [[0.8, -0.6]],
                [0.97, 0.1],
                [{"label": "cinema", "score": 0.92}, {"label": "sports", "score": 0.08}],
            ]
        }
    )


class FeatureExtraction(OneRun, Versatile):
    """Tokens by the version's own tokenizer; the graph makes one vector of all tokens of a text."""

    name: ClassVar[str] = "feature-extraction"
    signature: ClassVar[str] = SERVING_SIGNATURE
    request: ClassVar[type[Request]] = FeatureExtractionRequest
    response: ClassVar[type[BaseModel]] = FeatureExtractionResponse
    media_types: ClassVar[tuple[str, ...]] = ()

    def __init__(self, spec: TextSpec, encoder: TextEncoder, width: int, limits: Limits) -> None:
        self._spec = spec
        self._encoder = encoder
        self._width = width
        self._limits = limits

    @classmethod
    def of(cls, manifest: Manifest, documents: Documents, limits: Limits) -> Self:
        spec = parse_spec(manifest.processing)
        if not isinstance(spec, TextSpec):
            raise UnfitVersionError(f"{cls.name} needs processing of the kind text, received {spec.kind}")
        signature = manifest.signatures.get(cls.signature)
        vector = signature.outputs.get(_OUTPUT) if signature else None
        if vector is None or len(vector.shape) != 2 or vector.shape[1] < 1:
            raise UnfitVersionError(f"{cls.name} needs a signature {cls.signature} with an output {_OUTPUT}")
        return cls(spec, TextEncoder(documents["tokenizer"], spec), vector.shape[1], limits)

    @property
    def others(self) -> tuple[str, ...]:
        return _SIMILARITY, ZeroShotParameters.name

    def preprocess(self, request: FeatureExtractionRequest | TokensRequest, checkpoint: Checkpoint) -> Tensors:
        if request.dimensions and request.dimensions > self._width:
            fault = Fault("dimensions", f"the model's vectors have {self._width} numbers, expected at most that")
            raise InvalidRequestError([fault])
        if isinstance(request, TokensRequest):
            check_items(len(request.token_ids), self._limits.items)
            rows = [check_token_ids(row, self._encoder.vocabulary) for row in request.token_ids]
            return {self._spec.input: self._encoder.pad(rows)}
        check_items(request.items, self._limits.items)
        texts, labels = request.texts, request.labelled
        longest = max(*map(len, texts), labels.longest if labels else 0)
        if longest > self._limits.text_chars:
            raise OverLimitError("characters of text", longest, self._limits.text_chars, "text_chars")
        checkpoint()
        if labels:
            self._check_labels(request, labels)
            texts = [*texts, *labels.hypotheses]
        if request.truncate is False and (position := self._encoder.overlong(texts)) is not None:
            raise UnusableInputError(
                f"text {position} has more than {self._spec.max_tokens} tokens; it is not to be cut"
            )
        keep_end = (request.truncation_direction or "right").lower() == "left"
        return {self._spec.input: self._encoder.encode(texts, checkpoint, keep_end=keep_end)}

    def postprocess(
        self, request: FeatureExtractionRequest | TokensRequest, outputs: Tensors
    ) -> FeatureExtractionResponse:
        rows = len(request.token_ids) if isinstance(request, TokensRequest) else request.items
        vectors = floats(outputs, _OUTPUT, (rows, self._width))
        if isinstance(request, FeatureExtractionRequest):
            if isinstance(request.inputs, Sentences):
                source, *others = _unit(vectors)
                return FeatureExtractionResponse([float(source @ other) for other in others])
            if request.labelled:
                texts, hypotheses = np.split(_unit(vectors), [len(request.texts)])
                answers = request.labelled.answers(texts, hypotheses)
                return FeatureExtractionResponse(answers[0] if isinstance(request.inputs, str) else answers)
        if request.dimensions:
            vectors = vectors[:, : request.dimensions]
        return FeatureExtractionResponse(
            (_unit(vectors) if request.normalize or request.dimensions else vectors).tolist()
        )

    def told(self, answer: FeatureExtractionResponse) -> Any:
        """Of vectors only how many there are: from one its text can be guessed."""
        match answer.model_dump():
            case [[float(), *_], *_] as vectors:
                return {"vectors": len(vectors)}
            case document:
                return document

    def count(self, request: FeatureExtractionRequest | TokensRequest) -> int:
        """How many tokens the model is asked about."""
        if isinstance(request, TokensRequest):
            return sum(min(len(row), self._spec.max_tokens) for row in request.token_ids)
        return self._encoder.count(request.texts)

    def _check_labels(self, request: FeatureExtractionRequest, labels: ZeroShotParameters) -> None:
        """Raises `InvalidRequestError` for labels of which a part or nothing would be read, and for two questions."""
        others = {
            "inputs": isinstance(request.inputs, Sentences),
            "normalize": request.normalize,
            "dimensions": request.dimensions,
        }
        faults = [Fault(field, "asks for something else than labels do") for field, value in others.items() if value]
        unfit = [
            (n, "has no readable characters")
            for n, label in enumerate(labels.candidate_labels)
            if not self._encoder.readable(label)
        ]
        if (longest := self._encoder.overlong(labels.hypotheses)) is not None:
            unfit.append((longest, f"has more than {self._spec.max_tokens} tokens with its template"))
        faults += [Fault(f"parameters.candidate_labels[{number}]", why) for number, why in unfit]
        if faults:
            raise InvalidRequestError(faults)


def _unit(vectors: Array) -> Array:
    """Vectors of length 1; one without a direction stays as it is."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1)
