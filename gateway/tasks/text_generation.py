"""text-generation in Hugging Face's shapes: a prompt in, its continuation out, at once or token by token."""

from collections.abc import Callable, Generator, Sequence
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, RootModel

from gateway.errors import Fault, InvalidRequestError
from gateway.generation.language_model import Generated, Generation, LanguageModel, Prompted
from gateway.generation.piece import Finish, Piece, Token
from gateway.generation.sampling import Sampling
from gateway.settings import Limits
from gateway.tasks.base import (
    SERVING_SIGNATURE,
    AnyTask,
    Ask,
    Checkpoint,
    Documents,
    Narrowing,
    Request,
    Streaming,
    Unsupported,
    Versatile,
)
from store.manifest import Manifest

_CHAT = "chat-completion"
_MAX_NEW_TOKENS = 100  # where the caller says nothing

Positive = Annotated[int, Field(ge=1)]
Penalty = Annotated[float, Field(ge=-2, le=2)]
Stops = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=1000)]], Field(max_length=16, description="at most 16")
]


class TextGenerationParameters(Request):
    """Greedy unless `do_sample` or one of `temperature`, `top_k`, `top_p` says otherwise. Of these none goes with a
    `do_sample` that is false."""

    max_new_tokens: Positive | None = None
    do_sample: bool | None = None
    temperature: Annotated[float, Field(gt=0, le=100)] | None = None
    top_k: Positive | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    repetition_penalty: Annotated[float, Field(gt=0, le=100)] | None = None
    frequency_penalty: Penalty | None = None
    seed: Annotated[int, Field(ge=0, le=2**63 - 1)] | None = None
    stop: Stops | None = None
    truncate: Positive | None = None
    return_full_text: bool | None = None
    details: bool | None = None
    top_n_tokens: Annotated[int, Field(ge=0, le=20)] | None = None
    best_of: Annotated[Literal[1] | None, Unsupported] = None
    typical_p: Annotated[Annotated[float, Field(ge=1, le=1)] | None, Unsupported] = None
    watermark: Annotated[Literal[False] | None, Unsupported] = None
    decoder_input_details: Annotated[Literal[False] | None, Unsupported] = None
    grammar: Annotated[None, Unsupported] = None
    adapter_id: Annotated[None, Unsupported] = None

    @property
    def sampling(self) -> Sampling:
        """Raises `InvalidRequestError` where nothing is to be drawn, but it is said how."""
        draws = [name for name in ("temperature", "top_k", "top_p") if getattr(self, name) is not None]
        if draws and self.do_sample is False:
            fault = "is false, which takes the most probable token, but {} tells how to draw one; leave out either"
            raise InvalidRequestError([Fault("parameters.do_sample", fault.format(draws[0]))])
        samples = self.do_sample or draws
        return Sampling(
            repetition_penalty=self.repetition_penalty or 1.0,
            frequency_penalty=self.frequency_penalty or 0.0,
            temperature=(self.temperature or 1.0) if samples else 0.0,
            top_k=self.top_k,
            top_p=self.top_p,
        )


class TextGenerationRequest(Request):
    """A prompt and how to continue it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"inputs": "Once", "parameters": {"max_new_tokens": 8}},
                {"inputs": "Once", "parameters": {"max_new_tokens": 8, "temperature": 0.7, "seed": 1, "details": True}},
            ]
        }
    )

    inputs: str
    parameters: TextGenerationParameters | None = None
    stream: bool | None = None

    def with_texts(self, change: Callable[[str], str]) -> Self:
        return self.model_copy(update={"inputs": change(self.inputs)})

    @property
    def asked(self) -> TextGenerationParameters:
        return self.parameters or TextGenerationParameters()

    @property
    def streamed(self) -> bool:
        return bool(self.stream)

    @property
    def generation(self) -> Generation:
        asked = self.asked
        return Generation(
            prompts=(self.inputs,),
            max_tokens=asked.max_new_tokens or _MAX_NEW_TOKENS,
            sampling=asked.sampling,
            seed=asked.seed,
            stops=tuple(asked.stop or ()),
            likely=asked.top_n_tokens or 0,
            keep_last=asked.truncate,
            stream=self.streamed,
        )


class GeneratedToken(BaseModel):
    """`logprob` is of the model's own distribution, before temperature and penalties."""

    id: int
    text: str
    logprob: float
    special: bool

    @classmethod
    def of(cls, token: Token, text: str | None = None) -> Self:
        shown = token.text if text is None else text
        return cls(id=token.id, text=shown, logprob=token.logprob, special=token.special)


class Details(BaseModel):
    """How the text came about. The prompt's tokens (`prefill`) are not told."""

    finish_reason: Finish
    generated_tokens: int
    seed: int | None
    prefill: list[GeneratedToken] = []
    tokens: list[GeneratedToken]
    top_tokens: list[list[GeneratedToken]] | None = None


class GeneratedText(BaseModel):
    """The continuation; with `details` if asked for."""

    generated_text: str
    details: Details | None = None


class TextGenerationResponse(RootModel[list[GeneratedText]]):
    """The continuation of the prompt."""

    model_config = ConfigDict(json_schema_extra={"examples": [[{"generated_text": " upon a time"}]]})


class StreamDetails(BaseModel):
    """The same at the end of a stream."""

    finish_reason: Finish
    generated_tokens: int
    input_length: int
    seed: int | None


class StreamedToken(BaseModel):
    """One event of a stream; the last one has the whole text and its details."""

    index: int
    token: GeneratedToken
    generated_text: str | None = None
    details: StreamDetails | None = None
    top_tokens: list[GeneratedToken] | None = None


class TextGeneration(Streaming, Narrowing, Versatile):
    """Hugging Face's words for what a language model does. A stop string that ends a text is part of it, as there."""

    name: ClassVar[str] = LanguageModel.name
    signature: ClassVar[str] = SERVING_SIGNATURE
    request: ClassVar[type[Request]] = TextGenerationRequest
    response: ClassVar[type[BaseModel]] = TextGenerationResponse
    media_types: ClassVar[tuple[str, ...]] = ()

    def __init__(self, model: LanguageModel) -> None:
        self.model = model

    @classmethod
    def of(cls, manifest: Manifest, documents: Documents, limits: Limits) -> Self:
        return cls(LanguageModel.of(manifest, documents, limits))

    def within(self, limits: Limits) -> Self:
        return type(self)(self.model.within(limits))

    @property
    def others(self) -> tuple[str, ...]:
        return (_CHAT,) if self.model.converses else ()

    def preprocess(self, request: TextGenerationRequest, checkpoint: Checkpoint) -> Prompted:
        return self.model.preprocess(request.generation, checkpoint)

    def infer(self, request: TextGenerationRequest, inputs: Prompted, ask: Ask) -> Generated:
        return self.model.infer(request.generation, inputs, ask)

    def postprocess(self, request: TextGenerationRequest, outputs: Generated) -> TextGenerationResponse:
        [choice] = outputs.choices
        asked = request.asked
        likely = [list(map(GeneratedToken.of, tokens)) for tokens in choice.likely]
        details = Details(
            finish_reason=choice.finish,
            generated_tokens=len(choice.tokens),
            seed=outputs.seed if asked.sampling.temperature else None,
            tokens=[GeneratedToken.of(token) for token in choice.tokens],
            top_tokens=likely if asked.top_n_tokens else None,
        )
        text = f"{request.inputs if asked.return_full_text else ''}{choice.full_text}"
        answer = GeneratedText(generated_text=text, details=details if asked.details else None)
        return TextGenerationResponse([answer])

    def stream(
        self, request: TextGenerationRequest, inputs: Prompted, ask: Ask
    ) -> Generator[StreamedToken, None, None]:
        """An event for each token, with what it adds to the text."""
        written: list[str] = []
        asked = request.asked
        for index, piece in enumerate(self.model.stream(request.generation, inputs, ask), start=1):
            written.append(piece.added)
            yield StreamedToken(
                index=index,
                token=GeneratedToken.of(piece.token, piece.token.text if piece.token.special else piece.added),
                top_tokens=list(map(GeneratedToken.of, piece.likely)) if asked.top_n_tokens else None,
                **_ending(request, inputs, piece, written),
            )

    def joined(
        self, _request: TextGenerationRequest, _inputs: Prompted, pieces: Sequence[StreamedToken]
    ) -> TextGenerationResponse:
        text = pieces[-1].generated_text
        if text is None:  # it was cut short
            text = "".join(piece.token.text for piece in pieces if not piece.token.special)
        return TextGenerationResponse([GeneratedText(generated_text=text)])

    def told(self, answer: TextGenerationResponse) -> Any:
        """Without the tokens: each has a piece of the text."""
        return {"texts": [found.generated_text for found in answer.root]}

    def takes_over(self, other: AnyTask) -> bool:
        return isinstance(other, TextGeneration) and self.model.takes_over(other.model)


def _ending(request: TextGenerationRequest, inputs: Prompted, piece: Piece, written: list[str]) -> dict[str, Any]:
    """What the last event of a stream has besides."""
    if piece.finish is None:
        return {}
    asked = request.asked
    seed = inputs.seed if asked.sampling.temperature else None
    details = StreamDetails(
        finish_reason=piece.finish, generated_tokens=len(written), input_length=inputs.tokens, seed=seed
    )
    text = "".join([request.inputs, *written] if asked.return_full_text else written)
    return {"generated_text": text, "details": details}
