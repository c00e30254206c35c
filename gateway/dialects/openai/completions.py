"""`POST /v1/completions`: prompts continued, at once or piece by piece."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from gateway import sse
from gateway.dialects.openai.sampled import Answer, Counted, FinishReason, Positive, Sampled, Usage, finish_reason
from gateway.dialects.openai.wire import ManyPrompts
from gateway.errors import UnsupportedError
from gateway.generation.language_model import Generated, Generation, LanguageModel
from gateway.generation.piece import Piece, Token
from gateway.stream import Stream

_MAX_TOKENS = 16  # where the caller says nothing


class CompletionsRequest(Sampled):
    """A prompt or several, as text or token ids. `echo` puts the prompt before its continuation."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"model": "writer", "prompt": "abc", "max_tokens": 8, "temperature": 0},
                {"model": "writer", "prompt": ["abc", "xyz"], "n": 2, "seed": 1, "stop": "z", "stream": True},
            ]
        }
    )
    unsupported: ClassVar[Mapping[str, tuple[Any, ...]]] = {"suffix": (), "logit_bias": (), "best_of": (1,)}

    prompt: ManyPrompts
    max_tokens: Positive | None = None
    echo: bool | None = None
    logprobs: Annotated[int, Field(ge=0, le=5)] | None = None

    def generation(self, model: LanguageModel) -> Generation:
        """The same in the language model's words."""
        if self.echo and self.logprobs is not None:
            raise UnsupportedError(["logprobs"])  # of the prompt's tokens they are not known
        return Generation(
            prompts=self.prompt,
            max_tokens=self.max_tokens or _MAX_TOKENS,
            likely=self.logprobs or 0,
            **self.shared(model),
        )

    def response(self, answer: Answer, generated: Generated, model: LanguageModel) -> "Completion":
        choices = [
            CompletionChoice(
                index=index,
                text=self._echoed(index, model) + choice.text,
                logprobs=self._logprobs(choice.tokens, choice.likely),
                finish_reason=finish_reason(choice.finish),
            )
            for index, choice in enumerate(generated.choices)
        ]
        usage = Usage.of(generated.prompt_tokens, generated.tokens)
        return Completion(object="text_completion", choices=choices, usage=usage, **answer.head)

    def events(self, answer: Answer, stream: Stream, model: LanguageModel) -> Iterator[bytes | None]:
        """The events that tell of the pieces; None for a piece of which nothing is told."""
        pieces = Counted(stream)
        begun: set[int] = set()
        offsets: dict[int, int] = {}
        for piece in pieces:
            if self.echo and piece.choice not in begun:
                yield self._event(answer, piece.choice, self._echoed(piece.choice, model))
            begun.add(piece.choice)
            yield self._of_piece(answer, piece, offsets)
        if self.includes_usage:
            usage = Usage.of(stream.inputs.tokens, pieces.tokens)
            yield _sent(CompletionChunk(object="text_completion", choices=[], usage=usage, **answer.head))
        yield sse.DONE

    def _echoed(self, choice: int, model: LanguageModel) -> str:
        if not self.echo:
            return ""
        prompt = self.prompt[choice // (self.n or 1)]
        return prompt if isinstance(prompt, str) else model.decode(prompt)

    def _of_piece(self, answer: Answer, piece: Piece, offsets: dict[int, int]) -> bytes | None:
        if not piece.shown and not piece.finish and self.logprobs is None:
            return None
        logprobs = self._logprobs((piece.token,), (piece.likely,), offsets.get(piece.choice, 0))
        offsets[piece.choice] = offsets.get(piece.choice, 0) + len(piece.token.text)
        return self._event(answer, piece.choice, piece.shown, logprobs, piece.finish and finish_reason(piece.finish))

    def _event(
        self,
        answer: Answer,
        index: int,
        text: str,
        logprobs: "CompletionLogprobs | None" = None,
        finish: FinishReason | None = None,
    ) -> bytes:
        choice = CompletionChunkChoice(index=index, text=text, logprobs=logprobs, finish_reason=finish)
        counted: dict[str, Any] = {"usage": None} if self.includes_usage else {}
        return _sent(CompletionChunk(object="text_completion", choices=[choice], **counted, **answer.head))

    def _logprobs(
        self, tokens: Sequence[Token], likely: Sequence[Sequence[Token]], offset: int = 0
    ) -> "CompletionLogprobs | None":
        if self.logprobs is None:
            return None
        told = [(token, others) for token, others in zip(tokens, likely, strict=True) if not token.special]
        offsets = []
        for token, _ in told:
            offsets.append(offset)
            offset += len(token.text)
        return CompletionLogprobs(
            tokens=[token.text for token, _ in told],
            token_logprobs=[token.logprob for token, _ in told],
            top_logprobs=[{other.text: other.logprob for other in others} for _, others in told],
            text_offset=offsets,
        )


class CompletionLogprobs(BaseModel):
    """Of each token that was written its log probability by the model's own distribution, and the likeliest there."""

    tokens: list[str]
    token_logprobs: list[float]
    top_logprobs: list[dict[str, float]]
    text_offset: list[int]


class CompletionChoice(BaseModel):
    """One continuation: `n` of each prompt, in their order."""

    index: int
    text: str
    logprobs: CompletionLogprobs | None
    finish_reason: FinishReason


class Completion(BaseModel):
    """The continuations of all prompts."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "cmpl-4f0c2f3b",
                    "object": "text_completion",
                    "created": 1767225600,
                    "model": "writer",
                    "system_fingerprint": "sha256:…",
                    "choices": [{"index": 0, "text": "defghijk", "logprobs": None, "finish_reason": "length"}],
                    "usage": {"prompt_tokens": 3, "completion_tokens": 8, "total_tokens": 11},
                }
            ]
        }
    )

    id: str
    object: Literal["text_completion"]
    created: int
    model: str
    system_fingerprint: str
    choices: list[CompletionChoice]
    usage: Usage


class CompletionChunkChoice(BaseModel):
    """What comes to one continuation."""

    index: int
    text: str
    logprobs: CompletionLogprobs | None
    finish_reason: FinishReason | None


class CompletionChunk(BaseModel):
    """One event of a streamed answer."""

    id: str
    object: Literal["text_completion"]
    created: int
    model: str
    system_fingerprint: str
    choices: list[CompletionChunkChoice]
    usage: Usage | None = None


def _sent(chunk: CompletionChunk) -> bytes:
    return sse.event(chunk.model_dump(exclude_unset=True))
