"""What a task is: typed requests to tensors, tensors to typed responses. Pure: no HTTP, no client, no Flask."""

import base64
import binascii
import copy
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Protocol, Self, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
)
from pydantic_core import PydanticCustomError

from gateway.errors import UnsupportedError
from gateway.settings import Limits
from store.manifest import Manifest
from wire.tensors import Array

SERVING_SIGNATURE = "serving_default"

Tensors = Mapping[str, Array]
Documents = Mapping[str, str]  # sections of a version's `manifest` signature
Checkpoint = Callable[[], object]  # called between pieces of work; raises when there is no time left


class Keeping(Protocol):
    """A version's keeping signatures, asked for one request and all on one model server. Of one thread."""

    def ask(self, signature: str, inputs: Tensors) -> Tensors:
        """One run, in which rows of other requests may be, too.

        Raises:
            ModelServerDownError: the server is away, and with it what it kept; see `move`.
            GatewayError: whatever else asking raises.
        """

    def move(self) -> None:
        """Goes to another server, or to the same one once it is back; nothing is kept there.

        Raises:
            ModelServerDownError, DeadlineError: there is none in time.
            VersionGoneError: another version is there now.
        """

    def waiting(self) -> AbstractContextManager[Callable[[], object]]:
        """What waits, whenever it is called, until others may have given something back; raises `DeadlineError` when
        the time of a step is over."""

    def release(self, leases: Array) -> None:
        """Gives back what is kept under these leases, int64 `[leases]`, as soon as the server that was asked last
        answers. Raises nothing."""

    def leave(self) -> None:
        """Nothing more is asked."""


@dataclass(frozen=True)
class Ask:
    """Runs of the task's signature on the model server, by one version; and its keeping signatures, asked for. `other`
    runs a signature beside the task's own, by its name.
    """

    run: Callable[[Tensors], Tensors]
    keeping: Callable[[], Keeping]
    other: Callable[[str, Tensors], Tensors]

    def __call__(self, inputs: Tensors) -> Tensors:
        return self.run(inputs)


class Request(BaseModel):
    """Base of every task's request. Its fields are those of Hugging Face's schema of the task; others are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    @property
    def streamed(self) -> bool:
        """Whether the answer is wanted in pieces, while it is made."""
        return False

    def asks_for(self, task: str) -> str:
        """The name, in Hugging Face's table, of what is asked for. Some can be asked of models of another `task`."""
        return task

    def again(self, _answer: BaseModel, /) -> Self:
        """The same for another version, once this is its answer: what chance decided is decided alike."""
        return self

    @property
    def texts(self) -> list[str]:
        """What the model reads, one item after another, if all of it is in a language."""
        return []

    def with_texts(self, _change: Callable[[str], str], /) -> Self:
        """The same with each text that is handed in for the model to read changed, if there are any.

        Raises:
            UnseenTextError: texts are hidden in it, as token ids.
        """
        return self


def _unsupported(value: object, handler: ValidatorFunctionWrapHandler) -> object:
    try:
        return handler(value)
    except ValidationError as exc:
        raise PydanticCustomError("unsupported", UnsupportedError.message) from exc


# Of a field that clients send and that nothing is done for: its type has the values that ask for nothing.
Unsupported = WrapValidator(_unsupported)

Req_contra = TypeVar("Req_contra", bound=Request, contravariant=True)
Res_co = TypeVar("Res_co", bound=BaseModel, covariant=True)
In = TypeVar("In")
Out = TypeVar("Out")


class Task(Protocol[Req_contra, In, Out, Res_co]):
    """One version's way from a request to tensors and back. Safe to share between threads.

    `signature` is the one that is asked. `media_types` are those a bare body may have: such a body is the request's
    field `inputs`. Empty: JSON only.
    """

    name: ClassVar[str]
    signature: ClassVar[str]
    request: ClassVar[type[Request]]
    response: ClassVar[type[BaseModel]]
    media_types: ClassVar[tuple[str, ...]]

    @classmethod
    def of(cls, manifest: Manifest, documents: Documents, limits: Limits, /) -> Self:
        """Raises `UnfitVersionError` when the version does not have what the task needs."""

    def preprocess(self, request: Req_contra, checkpoint: Checkpoint, /) -> In:
        """What `infer` starts from, mostly the inputs of the signature.

        Raises:
            ProcessingError, OverLimitError, InvalidRequestError: the request cannot be answered.
            Whatever `checkpoint` raises.
        """

    def infer(self, request: Req_contra, inputs: In, ask: Ask, /) -> Out:
        """What the model says to the inputs. Raises `BrokenAnswerError`, and whatever `ask` raises."""

    def postprocess(self, request: Req_contra, outputs: Out, /) -> Res_co:
        """Raises `BrokenAnswerError` when the outputs are not what the manifest promises."""

    def told(self, answer: Any, /) -> Any:
        """The answer as a document to be kept, its texts whole, so that private data in them can be found. None if
        nothing of it is to be kept."""


AnyTask = Task[Any, Any, Any, Any]


class Told:
    """Of a task whose answers tell no text in pieces."""

    def told(self, answer: BaseModel) -> Any:
        return answer.model_dump(exclude_none=True)


class Untold:
    """Of a task whose answers tell a text in pieces: private data in it would not be found."""

    def told(self, _answer: BaseModel) -> None:
        return None


class OneRun:
    """Of a task that is answered by one run of its signature."""

    def infer(self, _request: Any, inputs: Tensors, ask: Ask) -> Tensors:
        return ask(inputs)


class Streaming(ABC):
    """Of a task that answers step by step, by many runs of its signature."""

    @abstractmethod
    def stream(self, request: Any, inputs: Any, ask: Ask, /) -> Generator[Any, None, None]:
        """The pieces of the answer, while they are made. Closing it ends the work."""

    @abstractmethod
    def joined(self, request: Any, inputs: Any, pieces: Sequence[Any], /) -> BaseModel:
        """The answer of which these are the pieces, as far as they came; one at least."""

    @abstractmethod
    def takes_over(self, other: AnyTask, /) -> bool:
        """Whether another version's task, having answered in part, could be asked for the next step instead."""


class Bulky(Streaming):
    """Of a task whose inputs take work to read, and memory for as long as the answer is made."""

    @abstractmethod
    def size(self, inputs: Any, /) -> int:
        """Bytes."""


class Narrowing(ABC):
    """Of a task whose limits are kept by something that it is made of."""

    @abstractmethod
    def within(self, limits: Limits, /) -> Any:
        """The same task within other limits."""


class Versatile(ABC):
    """Of a task whose models can be asked for other things, too."""

    name: ClassVar[str]

    @property
    @abstractmethod
    def others(self) -> tuple[str, ...]:
        """The names of those, in Hugging Face's table; of this version."""


def names_of(task: AnyTask) -> tuple[str, ...]:
    """All that the version can be asked for, its own task first."""
    return (task.name, *task.others) if isinstance(task, Versatile) else (task.name,)


def limited(task: AnyTask, limits: Limits | None) -> AnyTask:
    """The same task within other limits, None: its own. A task keeps those it was made with as `_limits`."""
    if limits is None:
        return task
    if isinstance(task, Narrowing):
        narrowed: AnyTask = task.within(limits)
        return narrowed
    other = copy.copy(task)
    vars(other)["_limits"] = limits
    return other


TAGS = ("one", "many", "compared")


def one_or_many(inputs: object) -> str:
    """The tag of the field `inputs`: a list is a batch, with one result per item, in order."""
    return TAGS[isinstance(inputs, list)]


_URL = re.compile(r"\s*[a-z][a-z0-9+.-]*:", re.IGNORECASE)  # no base64 has a colon


def _from_base64(value: object) -> object:
    if not isinstance(value, str):
        return value
    if _URL.match(value):
        raise ValueError("expected the bytes as base64, received a URL; nothing is fetched from there")
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise ValueError(f"not base64: {exc}") from exc


# In JSON as base64; a bare body is taken as it is.
Media = Annotated[
    bytes,
    BeforeValidator(_from_base64),
    WithJsonSchema({"type": "string", "contentEncoding": "base64", "minLength": 1}),
]
