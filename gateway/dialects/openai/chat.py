"""`POST /v1/chat/completions`: what the assistant says next, at once or piece by piece."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from gateway import sse
from gateway.dialects.openai.sampled import Answer, Counted, FinishReason, Positive, Sampled, Usage, finish_reason
from gateway.errors import Fault, InvalidRequestError, UnsupportedError
from gateway.generation.language_model import Choice, Generated, Generation, LanguageModel
from gateway.generation.piece import Piece, Token
from gateway.stream import Stream
from gateway.tasks.base import one_or_many


class ContentPart(BaseModel):
    """A part of a message; only texts are understood."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True)

    type: str
    text: str | None = None


class Message(BaseModel):
    """What one of the parties said."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True)

    role: Literal["system", "developer", "user", "assistant"]
    content: (
        Annotated[
            Annotated[str, Tag("one")] | Annotated[list[ContentPart], Tag("many")],
            Discriminator(one_or_many),
        ]
        | None
    ) = None

    def text(self, at: str) -> str:
        """Raises `UnsupportedError` when it has more than text, `InvalidRequestError` when it has none."""
        if (self.model_extra or {}).get("tool_calls"):
            raise UnsupportedError([f"{at}.tool_calls"])
        if self.content is None:
            raise InvalidRequestError([Fault(f"{at}.content", "Field required")])
        if isinstance(self.content, str):
            return self.content
        others = [f"{at}.content[{number}]" for number, part in enumerate(self.content) if part.type != "text"]
        if others:
            raise UnsupportedError(others)
        return "".join(part.text or "" for part in self.content)


class ChatRequest(Sampled):
    """A conversation so far. Without a limit the answer is as long as the model's context has room for."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"model": "chat", "messages": [{"role": "user", "content": "abc"}], "max_tokens": 8},
                {
                    "model": "chat",
                    "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "abc"}],
                    "temperature": 0,
                    "stream": True,
                    "stream_options": {"include_usage": True},
                },
            ]
        }
    )
    unsupported: ClassVar[Mapping[str, tuple[Any, ...]]] = {
        "tools": (),
        "tool_choice": ("none", "auto"),
        "functions": (),
        "function_call": ("none", "auto"),
        "response_format": ({"type": "text"},),
        "logit_bias": (),
        "modalities": (["text"],),
        "audio": (),
        "prediction": (),
        "web_search_options": (),
    }

    messages: Annotated[list[Message], Field(min_length=1)]
    max_tokens: Positive | None = None
    max_completion_tokens: Positive | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None

    def generation(self, model: LanguageModel) -> Generation:
        """The same in the language model's words."""
        if self.top_logprobs and not self.logprobs:
            raise InvalidRequestError([Fault("top_logprobs", "needs logprobs to be true")])
        if None not in (most := (self.max_tokens, self.max_completion_tokens)) and len(set(most)) > 1:
            fault = Fault(
                "max_tokens", f"is {most[0]}, and max_completion_tokens, its new name, {most[1]}; send one of them"
            )
            raise InvalidRequestError([fault])
        said = [
            {"role": message.role, "content": message.text(f"messages[{number}]")}
            for number, message in enumerate(self.messages)
        ]
        return Generation(
            prompts=(model.chat_prompt(said),),
            special_tokens=False,
            max_tokens=self.max_completion_tokens or self.max_tokens,
            likely=self.top_logprobs or 0,
            **self.shared(model),
        )

    def response(self, answer: Answer, generated: Generated, _model: LanguageModel) -> "ChatCompletion":
        choices = [
            ChatChoice(
                index=index,
                message=AssistantMessage(content=choice.text, refusal=None),
                logprobs=_logprobs(choice) if self.logprobs else None,
                finish_reason=finish_reason(choice.finish),
            )
            for index, choice in enumerate(generated.choices)
        ]
        usage = Usage.of(generated.prompt_tokens, generated.tokens)
        return ChatCompletion(object="chat.completion", choices=choices, usage=usage, **answer.head)

    def events(self, answer: Answer, stream: Stream, _model: LanguageModel) -> Iterator[bytes | None]:
        """The events that tell of the pieces; None for a piece of which nothing is told."""
        pieces = Counted(stream)
        for index in range(self.n or 1):
            yield self._event(answer, index, Delta(role="assistant", content=""))
        for piece in pieces:
            yield self._of_piece(answer, piece)
            if piece.finish:
                yield self._event(answer, piece.choice, Delta(), finish=finish_reason(piece.finish))
        if self.includes_usage:
            usage = Usage.of(stream.inputs.tokens, pieces.tokens)
            yield _sent(ChatChunk(object="chat.completion.chunk", choices=[], usage=usage, **answer.head))
        yield sse.DONE

    def _of_piece(self, answer: Answer, piece: Piece) -> bytes | None:
        told = self.logprobs and not piece.token.special
        if not piece.shown and not told:
            return None
        logprobs = ChatLogprobs(content=[_logprob(piece.token, piece.likely)], refusal=None) if told else None
        return self._event(answer, piece.choice, Delta(content=piece.shown), logprobs)

    def _event(
        self,
        answer: Answer,
        index: int,
        delta: "Delta",
        logprobs: "ChatLogprobs | None" = None,
        finish: FinishReason | None = None,
    ) -> bytes:
        choice = ChatChunkChoice(index=index, delta=delta, logprobs=logprobs, finish_reason=finish)
        counted: dict[str, Any] = {"usage": None} if self.includes_usage else {}
        return _sent(ChatChunk(object="chat.completion.chunk", choices=[choice], **counted, **answer.head))


class LikelyToken(BaseModel):
    """A token and its log probability by the model's own distribution; `bytes` null where it is part of a character."""

    token: str
    logprob: float
    bytes: list[int] | None


class TokenLogprob(LikelyToken):
    """The same of a token that was written, with the most probable ones at its place."""

    top_logprobs: list[LikelyToken]


class ChatLogprobs(BaseModel):
    """Of each token that was written."""

    content: list[TokenLogprob] | None
    refusal: None


class AssistantMessage(BaseModel):
    """What the assistant says."""

    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None


class ChatChoice(BaseModel):
    """One of `n` answers."""

    index: int
    message: AssistantMessage
    logprobs: ChatLogprobs | None
    finish_reason: FinishReason


class ChatCompletion(BaseModel):
    """What the assistant says next."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "chatcmpl-4f0c2f3b",
                    "object": "chat.completion",
                    "created": 1767225600,
                    "model": "chat",
                    "system_fingerprint": "sha256:…",
                    "choices": [
                        {
                            "index": 0,
                            "message": {"role": "assistant", "content": "Hello!", "refusal": None},
                            "logprobs": None,
                            "finish_reason": "stop",
                        }
                    ],
                    "usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12},
                }
            ]
        }
    )

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    system_fingerprint: str
    choices: list[ChatChoice]
    usage: Usage


class Delta(BaseModel):
    """What comes to a message."""

    role: Literal["assistant"] | None = None
    content: str | None = None


class ChatChunkChoice(BaseModel):
    """What comes to one of `n` answers."""

    index: int
    delta: Delta
    logprobs: ChatLogprobs | None
    finish_reason: FinishReason | None


class ChatChunk(BaseModel):
    """One event of a streamed answer."""

    id: str
    object: Literal["chat.completion.chunk"]
    created: int
    model: str
    system_fingerprint: str
    choices: list[ChatChunkChoice]
    usage: Usage | None = None


def _sent(chunk: ChatChunk) -> bytes:
    return sse.event(chunk.model_dump(exclude_unset=True))


def _logprobs(choice: Choice) -> ChatLogprobs:
    told = zip(choice.tokens, choice.likely, strict=True)
    return ChatLogprobs(content=[_logprob(token, likely) for token, likely in told if not token.special], refusal=None)


def _logprob(token: Token, likely: tuple[Token, ...]) -> TokenLogprob:
    others = [LikelyToken(**_facts(other)) for other in likely]
    return TokenLogprob(**_facts(token), top_logprobs=others)


def _facts(token: Token) -> dict[str, Any]:
    broken = "\ufffd" in token.text
    return {
        "token": token.text,
        "logprob": token.logprob,
        "bytes": None if broken else list(token.text.encode()),
    }
