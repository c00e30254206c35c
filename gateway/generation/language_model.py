"""A version that continues texts, whatever dialect asks: prompts to token ids, logits to pieces, pieces to texts."""

import secrets
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field

from gateway.errors import ContextError, Fault, InvalidRequestError, OverLimitError, UnfitVersionError, UnseenTextError
from gateway.generation.cached import CachedDecoder
from gateway.generation.chat import ChatTemplate
from gateway.generation.continuation import Plan
from gateway.generation.decoder import Decoder, StatelessDecoder
from gateway.generation.generator import generate
from gateway.generation.piece import Finish, Piece, Token
from gateway.generation.sampling import Sampling
from gateway.settings import Limits
from gateway.tasks.base import SERVING_SIGNATURE, AnyTask, Ask, Checkpoint, Documents, Narrowing, Request, Streaming
from processing.errors import UnusableInputError
from processing.spec import Drawing, LanguageSpec, parse_spec
from processing.tokens import TokenCodec
from store.manifest import DECODE_SIGNATURE, Cache, Manifest

Prompt = str | tuple[int, ...]


class Generation(Request):
    """What to continue and how. The continuations of all prompts are numbered, `choices` of each prompt.

    Attributes:
        special_tokens: whether the tokenizer puts its own around a prompt; a chat template has them already.
        max_tokens: of a continuation; None, or more than the model's context has room for: as many as there is room.
        seed: None draws one.
        likely: so many of the most probable tokens are told at each place.
        keep_last: so many of the prompt's last tokens are used, None: all.
    """

    prompts: Annotated[tuple[Prompt, ...], Field(min_length=1)]
    special_tokens: bool = True
    choices: Annotated[int, Field(ge=1)] = 1
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    sampling: Sampling = Sampling()
    seed: Annotated[int, Field(ge=0)] | None = None
    stops: tuple[str, ...] = ()
    likely: Annotated[int, Field(ge=0)] = 0
    keep_last: Annotated[int, Field(ge=1)] | None = None
    stream: bool = False

    @property
    def streamed(self) -> bool:
        return self.stream

    def again(self, answer: BaseModel) -> Self:
        """With the seed that was drawn."""
        return self.model_copy(update={"seed": answer.seed}) if isinstance(answer, Generated) else self

    def with_texts(self, change: Callable[[str], str]) -> Self:
        if not all(isinstance(prompt, str) for prompt in self.prompts):
            raise UnseenTextError("token ids")
        return self.model_copy(update={"prompts": tuple(change(str(prompt)) for prompt in self.prompts)})


@dataclass(frozen=True)
class Prompted:
    """The token ids of each prompt, and the seed that is used."""

    prompts: tuple[tuple[int, ...], ...]
    seed: int

    @property
    def tokens(self) -> int:
        return sum(map(len, self.prompts))


class Choice(BaseModel):
    """A continuation. `text` ends before the stop string that ended it, `full_text` after the token that did."""

    model_config = ConfigDict(frozen=True)

    text: str
    full_text: str
    finish: Finish
    tokens: tuple[Token, ...]
    likely: tuple[tuple[Token, ...], ...]


class Generated(BaseModel):
    """The continuations of all prompts, in order."""

    model_config = ConfigDict(frozen=True)

    choices: tuple[Choice, ...]
    prompt_tokens: int
    seed: int

    @property
    def tokens(self) -> int:
        return sum(len(choice.tokens) for choice in self.choices)


class LanguageModel(Streaming, Narrowing):
    """Continues prompts by the version's own tokenizer, signature and chat template."""

    name: ClassVar[str] = "text-generation"
    signature: ClassVar[str] = SERVING_SIGNATURE
    request: ClassVar[type[Request]] = Generation
    response: ClassVar[type[BaseModel]] = Generated
    media_types: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        spec: LanguageSpec,
        codec: TokenCodec,
        vocabulary: int,
        template: ChatTemplate | None,
        limits: Limits,
        *,
        cache: Cache | None = None,
    ) -> None:
        self._spec = spec
        self._cache = cache
        self._codec = codec
        self._vocabulary = vocabulary
        self._template = template
        self._limits = limits

    @classmethod
    def of(cls, manifest: Manifest, documents: Documents, limits: Limits) -> Self:
        spec = parse_spec(manifest.processing)
        if not isinstance(spec, LanguageSpec):
            raise UnfitVersionError(f"{cls.name} needs processing of the kind language, received {spec.kind}")
        signature = manifest.signatures.get(cls.signature)
        logits = signature.outputs.get("logits") if signature else None
        if logits is None or not logits.shape or logits.shape[-1] < 1:
            raise UnfitVersionError(f"{cls.name} needs a signature {cls.signature} with logits of a known vocabulary")
        decode = manifest.signatures.get(DECODE_SIGNATURE)
        if manifest.cache and (decode is None or "steps" not in decode.inputs):
            raise UnfitVersionError(f"{DECODE_SIGNATURE} takes no steps, as of a version that an older kmaas exported")
        codec = TokenCodec(documents["tokenizer"])
        template = documents.get("chat_template")
        tokens = {"eos_token": codec.name(spec.end_ids[0]) or ""} if spec.end_ids else {}
        chat = ChatTemplate(template, tokens) if template else None
        return cls(spec, codec, logits.shape[-1], chat, limits, cache=manifest.cache)

    def within(self, limits: Limits) -> Self:
        """The same model within other limits."""
        return type(self)(self._spec, self._codec, self._vocabulary, self._template, limits, cache=self._cache)

    @property
    def language(self) -> tuple[object, ...]:
        """What tokens are to it, and how it is asked."""
        return self._spec, self._cache, self._vocabulary, self._codec

    @property
    def drawing(self) -> Drawing:
        """How tokens are drawn where nobody says otherwise: at temperature 1 if the version does not, either."""
        return self._spec.drawing or Drawing(temperature=1.0)

    @property
    def converses(self) -> bool:
        """Whether the version has a chat template."""
        return self._template is not None

    def chat_prompt(self, messages: Sequence[Mapping[str, str]]) -> str:
        """The prompt of a conversation; it has its special tokens.

        Raises:
            InvalidRequestError: the version has no chat template, or one that does not take the messages; or a message
                has a special token in it, with which it could pass for another's.
            OverLimitError: the messages are too long.
        """
        if self._template is None:
            raise InvalidRequestError([Fault("model", "has no chat template; ask it at /v1/completions")])
        self._check_length(sum(len(message["content"]) for message in messages))
        for position, message in enumerate(messages):
            for token in self._codec.special_tokens:
                if token in message["content"]:
                    fault = Fault(f"messages[{position}].content", f"has the model's special token {token} in it")
                    raise InvalidRequestError([fault])
        return self._template.prompt(messages)

    def decode(self, tokens: Sequence[int]) -> str:
        return self._codec.decode(tokens)

    def preprocess(self, request: Generation, checkpoint: Checkpoint) -> Prompted:
        asked = len(request.prompts) * request.choices
        if asked > self._limits.items:
            raise OverLimitError("continuations", asked, self._limits.items, "items")
        self._check_length(sum(len(prompt) for prompt in request.prompts if isinstance(prompt, str)))
        prompts = []
        for prompt in request.prompts:
            checkpoint()
            prompts.append(self._token_ids(prompt, request))
        seed = secrets.randbits(32) if request.seed is None else request.seed
        return Prompted(tuple(prompts), seed)

    def stream(self, request: Generation, inputs: Prompted, ask: Ask) -> Generator[Piece, None, None]:
        """Prompts one after another, the continuations of each side by side."""
        for number, prompt in enumerate(inputs.prompts):
            yield from self._generating(request, number, prompt, inputs, ask)

    def infer(self, request: Generation, inputs: Prompted, ask: Ask) -> Generated:
        return self.joined(request, inputs, list(self.stream(request, inputs, ask)))

    def joined(self, request: Generation, inputs: Prompted, pieces: Sequence[Piece]) -> Generated:
        growing: list[list[Piece]] = [[] for _ in range(len(inputs.prompts) * request.choices)]
        for piece in pieces:
            growing[piece.choice].append(piece)
        choices = tuple(_choice(told) for told in growing if told)
        return Generated(choices=choices, prompt_tokens=inputs.tokens, seed=inputs.seed)

    def postprocess(self, _request: Generation, outputs: Generated) -> Generated:
        return outputs

    def told(self, answer: Generated) -> Any:
        """Without the tokens: each has a piece of the text."""
        return {"texts": [choice.full_text for choice in answer.choices], "seed": answer.seed}

    def takes_over(self, other: AnyTask) -> bool:
        """Of a model of the same tokens: its logits are read alike, and it reads the text so far."""
        return isinstance(other, LanguageModel) and self.language == other.language

    def _generating(
        self, request: Generation, number: int, prompt: tuple[int, ...], inputs: Prompted, ask: Ask
    ) -> Generator[Piece, None, None]:
        room = self._context - len(prompt)
        plan = Plan(
            max_tokens=min(request.max_tokens or room, room),
            seed=inputs.seed,
            sampling=request.sampling,
            end_ids=self._spec.end_ids,
            stops=request.stops,
            likely=request.likely,
            ahead=not request.streamed,
        )
        choices = range(number * request.choices, (number + 1) * request.choices)
        return generate(self._decoder(ask), self._codec, prompt, plan, choices)

    @property
    def _context(self) -> int:
        """Tokens of prompt and continuation together."""
        return min(self._spec.context_tokens, self._cache.length) if self._cache else self._spec.context_tokens

    def _decoder(self, ask: Ask) -> Decoder:
        if self._cache is not None:
            return CachedDecoder(ask.keeping(), self._cache, self._vocabulary)
        return StatelessDecoder(ask, self._spec.input, self._vocabulary)

    def _check_length(self, characters: int) -> None:
        if characters > self._limits.text_chars:
            raise OverLimitError("characters of text", characters, self._limits.text_chars, "text_chars")

    def _token_ids(self, prompt: Prompt, request: Generation) -> tuple[int, ...]:
        if isinstance(prompt, str):
            token_ids = self._codec.encode(prompt, add_special_tokens=request.special_tokens)
        else:
            token_ids = check_token_ids(prompt, self._vocabulary)
        token_ids = token_ids[-request.keep_last :] if request.keep_last else token_ids
        if not token_ids:
            raise UnusableInputError("the prompt is empty; expected at least one token")
        if len(token_ids) >= self._context:
            raise ContextError(len(token_ids), self._context)
        return tuple(token_ids)


def check_token_ids(token_ids: Sequence[int], vocabulary: int) -> list[int]:
    """Raises `UnusableInputError` when one of them is no token of the vocabulary."""
    for token in token_ids:
        if not 0 <= token < vocabulary:
            raise UnusableInputError(f"there is no token {token}; expected numbers from 0 to {vocabulary - 1}")
    return list(token_ids)


def _choice(pieces: Sequence[Piece]) -> Choice:
    return Choice(
        text="".join(piece.shown for piece in pieces),
        full_text="".join(piece.added for piece in pieces),
        finish=pieces[-1].finish or "length",
        tokens=tuple(piece.token for piece in pieces),
        likely=tuple(piece.likely for piece in pieces),
    )
