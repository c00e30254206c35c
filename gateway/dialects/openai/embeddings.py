"""`POST /v1/embeddings`: a vector for each text."""

import base64
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from gateway.dialects.openai.wire import ManyPrompts, Wire
from gateway.tasks.feature_extraction import FeatureExtractionRequest, FeatureExtractionResponse, TokensRequest


class EmbeddingsRequest(Wire):
    """A text, several, or their token ids. With `base64` a vector is little-endian float32 in base64."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"model": "embeddings", "input": "a good film"},
                {"model": "embeddings", "input": ["good", "bad"], "encoding_format": "base64", "dimensions": 2},
            ]
        }
    )

    input: ManyPrompts
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: Annotated[int, Field(ge=1)] | None = None

    def features(self) -> FeatureExtractionRequest | TokensRequest:
        """The same in the task's words."""
        texts = [text for text in self.input if isinstance(text, str)]
        if texts:
            return FeatureExtractionRequest(inputs=texts, dimensions=self.dimensions)
        token_ids = [list(ids) for ids in self.input if not isinstance(ids, str)]
        return TokensRequest(token_ids=token_ids, dimensions=self.dimensions)


class Embedding(BaseModel):
    """The vector of one input."""

    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str


class EmbeddingsUsage(BaseModel):
    """How many tokens the model was asked about."""

    prompt_tokens: int
    total_tokens: int


class EmbeddingsResponse(BaseModel):
    """The vectors of all inputs, in order."""

    example: ClassVar[dict[str, Any]] = {
        "object": "list",
        "data": [{"object": "embedding", "index": 0, "embedding": [0.8, -0.6]}],
        "model": "embeddings",
        "usage": {"prompt_tokens": 3, "total_tokens": 3},
    }
    model_config = ConfigDict(json_schema_extra={"examples": [example]})

    object: Literal["list"] = "list"
    data: list[Embedding]
    model: str
    usage: EmbeddingsUsage


def response(
    asked: EmbeddingsRequest, model: str, vectors: FeatureExtractionResponse, tokens: int
) -> EmbeddingsResponse:
    rows = np.asarray(vectors.root, "<f4")
    encoded = map(_base64, rows) if asked.encoding_format == "base64" else rows.tolist()
    data = [Embedding(index=index, embedding=vector) for index, vector in enumerate(encoded)]
    return EmbeddingsResponse(data=data, model=model, usage=EmbeddingsUsage(prompt_tokens=tokens, total_tokens=tokens))


def _base64(vector: NDArray[np.float32]) -> str:
    return base64.b64encode(vector.tobytes()).decode()
