"""What chat and completions share: how to sample, when to stop, what is counted."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from gateway.dialects.openai.wire import Wire
from gateway.errors import Fault, InvalidRequestError
from gateway.generation.language_model import LanguageModel
from gateway.generation.piece import Finish, Piece
from gateway.generation.sampling import Sampling
from gateway.stream import Stream

Penalty = Annotated[float, Field(ge=-2, le=2)]
Positive = Annotated[int, Field(ge=1)]
FinishReason = Literal["stop", "length"]

_STOP = Annotated[str, Field(min_length=1, max_length=1000)]
_STOP_SCHEMA = {"type": "string", "minLength": 1, "maxLength": 1000}
Stops = Annotated[
    list[_STOP],
    Field(max_length=16),
    BeforeValidator(lambda value: [value] if isinstance(value, str) else value),
    WithJsonSchema({"anyOf": [_STOP_SCHEMA, {"type": "array", "items": _STOP_SCHEMA, "maxItems": 16}]}),
]


class StreamOptions(BaseModel):
    """`include_usage`: a last event tells how many tokens there were."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    include_usage: bool | None = None


class Sampled(Wire):
    """Tokens are drawn as the version recommends it, or at temperature 1 as OpenAI has it, unless it is said otherwise;
    temperature 0 takes the most probable token."""

    n: Annotated[int, Field(ge=1, le=128)] | None = None
    stop: Stops | None = None
    seed: Annotated[int, Field(ge=-(2**63), le=2**63 - 1)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None

    def shared(self, model: LanguageModel) -> dict[str, Any]:
        """The fields of a `Generation` that these come to. Raises `InvalidRequestError`."""
        if self.stream_options is not None and not self.stream:
            raise InvalidRequestError([Fault("stream_options", "needs stream to be true")])
        drawing = model.drawing
        return {
            "choices": self.n or 1,
            "sampling": Sampling(
                frequency_penalty=self.frequency_penalty or 0.0,
                presence_penalty=self.presence_penalty or 0.0,
                temperature=drawing.temperature if self.temperature is None else self.temperature,
                top_p=drawing.top_p if self.top_p is None else self.top_p,
            ),
            "seed": None if self.seed is None else self.seed % 2**64,
            "stops": tuple(self.stop or ()),
            "stream": bool(self.stream),
        }

    @property
    def includes_usage(self) -> bool:
        return bool(self.stream_options and self.stream_options.include_usage)


@dataclass(frozen=True)
class Answer:
    """What an answer and every event of one say of themselves. `fingerprint` tells the digest of the version, which may
    change while it is made."""

    id: str
    created: int
    model: str
    fingerprint: Callable[[], str]

    @property
    def head(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "created": self.created,
            "model": self.model,
            "system_fingerprint": self.fingerprint(),
        }


class Usage(BaseModel):
    """How many tokens there were."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int

    @classmethod
    def of(cls, prompt: int, completion: int) -> "Usage":
        return cls(prompt_tokens=prompt, completion_tokens=completion, total_tokens=prompt + completion)


class Counted:
    """Passes the pieces of a stream on, and counts them."""

    def __init__(self, stream: Stream) -> None:
        self.tokens = 0
        self._stream = stream

    def __iter__(self) -> "Counted":
        return self

    def __next__(self) -> Piece:
        piece: Piece = next(self._stream)
        self.tokens += 1
        return piece


def finish_reason(finish: Finish) -> FinishReason:
    return "length" if finish == "length" else "stop"
