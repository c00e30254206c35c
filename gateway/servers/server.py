"""One model server as the gateway sees it: calls within a deadline, failures as the gateway's own errors."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import grpc
import numpy as np

from gateway.deadline import Clock, Deadline
from gateway.errors import (
    BrokenAnswerError,
    CallerLeftError,
    DeadlineError,
    GatewayError,
    ModelServerBusyError,
    ModelServerDownError,
    OpeningError,
    RejectedError,
    VersionGoneError,
)
from gateway.servers.owed import Owed
from gateway.tasks.base import Tensors
from store.manifest import RELEASE_SIGNATURE
from wire.client import ModelServerClient, Prediction, VersionStatus
from wire.errors import (
    InterruptedCallError,
    ModelServerError,
    NotServedError,
    QueueFullError,
    StillOpeningError,
    TensorError,
    TimedOutError,
    UnreachableError,
)
from wire.methods import Method
from wire.tensors import Array

Connect = Callable[[str], ModelServerClient]

# What a model server answers to requests that it finds fault with.
_REJECTING = (
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.OUT_OF_RANGE,
    grpc.StatusCode.UNIMPLEMENTED,
)
_SHOWN = 1000  # characters of its words
_RELEASE_S = 2.0
_PASSING = (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.ABORTED, grpc.StatusCode.CANCELLED)

_log = logging.getLogger(__name__)


class Server:
    """One model server, at one address. Safe to share between threads.

    Every method that asks raises `ModelServerDownError`, `ModelServerBusyError`, `DeadlineError` or `BrokenAnswerError`
    when the call fails, `VersionGoneError` when the model or version is not loaded, and `CallerLeftError` when the
    deadline's interrupt fired.

    `era` is another object after every call that nobody answered: whoever answers next may be another server, with
    other content under the same numbers, so what was learnt in one era need not hold in the next. `down` says that
    nobody answered the last call.
    """

    def __init__(
        self,
        target: str,
        connect: Connect = ModelServerClient,
        clock: Clock = time.monotonic,
        on_outage: Callable[[], None] = lambda: None,
    ) -> None:
        self.target = target
        self.era = object()
        self.down = False
        self._connect = connect
        self._clock = clock
        self._on_outage = on_outage
        self._client = connect(target)
        self._heard_at = clock()
        self._owed = Owed(self._released)
        self._quick: dict[object, float] = {}  # running calls that every server answers at once, and since when

    def labels(self, deadline: Deadline) -> Mapping[str, Mapping[str, int]] | None:
        """The models served, each with the versions of its labels; None if this server cannot list them."""
        with self._quickly():
            try:
                listed = self._client.labels(timeout_s=deadline.remaining_s())
            except ModelServerError as exc:
                if exc.code is grpc.StatusCode.UNIMPLEMENTED:
                    self.heard()
                    return None
                raise self.translated(exc, "its models", None, deadline) from exc
        self.heard()
        return listed

    def labelled(self, model: str, label: str, deadline: Deadline) -> int | None:
        """The version that has the label, None if there is no such label.

        Raises:
            VersionGoneError: it is on a version that is not loaded.
        """
        with self._quickly(), self._translating(model, None, deadline):
            return self._client.labelled(model, label, timeout_s=deadline.remaining_s())

    def status(self, model: str, deadline: Deadline) -> list[VersionStatus]:
        with self._quickly(), self._translating(model, None, deadline):
            return self._client.status(model, timeout_s=deadline.remaining_s())

    def documents(self, model: str, version: int, sections: Sequence[str], deadline: Deadline) -> dict[str, str]:
        """What the signature `manifest` says of each section, "" for one that is not there."""
        asked = np.array([section.encode() for section in sections], dtype=object)
        outputs = self.predict(model, version, "manifest", {"section": asked}, deadline)
        answered = outputs.get("document")
        if answered is None or answered.shape != asked.shape or answered.dtype != object:
            raise BrokenAnswerError(f"the signature manifest of {model} answered no document for each section")
        try:
            return {section: text.decode() for section, text in zip(sections, answered.tolist(), strict=True)}
        except UnicodeDecodeError as exc:
            raise BrokenAnswerError(f"the signature manifest of {model} answered something that is not UTF-8") from exc

    def predict(self, model: str, version: int, signature: str, inputs: Tensors, deadline: Deadline) -> Tensors:
        return self._pinned(model, version, signature, inputs, deadline).outputs

    def release(self, model: str, version: int, leases: Array) -> None:
        """Has the server forget what it keeps under these leases, int64 `[leases]`: at once, or as soon as it answers.
        Raises nothing."""
        owed = leases.tolist()
        try:
            if not self.down:
                told = self._released(model, version, owed)
                owed = [lease for lease, was_kept in zip(owed, told, strict=True) if not was_kept]
        except VersionGoneError:
            return
        except GatewayError as exc:
            _log.debug("slots at %s are given back later: %s", self.target, exc)
        self._owed.add(model, version, owed)

    def ask(
        self,
        method: Method,
        request: Any,
        model: str,
        version: int,
        deadline: Deadline,
        *,
        tensor_content: bool = False,
    ) -> Any:
        """The response to a caller's own message, which asks for `version` of the model.

        Raises:
            RejectedError: the server finds fault with the message. Only here: it was not made by the gateway.
        """
        with self._translating(model, version, deadline):
            try:
                return self._client.ask(
                    method,
                    request,
                    timeout_s=deadline.remaining_s(),
                    tensor_content=tensor_content,
                    interrupt=deadline.interrupt,
                )
            except ModelServerError as exc:
                if exc.code not in _REJECTING:
                    raise
                self.heard()  # below the first line are nodes of the graph
                raise RejectedError(exc.code, exc.details.partition("\n")[0][:_SHOWN]) from exc

    def unheard_s(self) -> float:
        """For how long it has been asked what a living server answers at once, and nothing at all was heard of it."""
        since = min(list(self._quick.values()), default=None)
        return 0.0 if since is None else self._clock() - max(since, self._heard_at)

    def answers(self, within_s: float) -> bool:
        """Whether it says anything at all."""
        try:
            self.labels(Deadline.after(within_s))
        except (ModelServerDownError, DeadlineError):
            return False
        except GatewayError:
            pass
        return True

    def give_up(self) -> None:
        """Ends all calls to it, as if nobody answered them, and its era. Later calls take a new connection."""
        before, self._client = self._client, self._connect(self.target)
        self._lost()
        before.close()

    def forget(self) -> None:
        """Ends its era: whatever was learnt of it has to be learnt anew."""
        self.era = object()
        self._on_outage()

    def close(self) -> None:
        self._client.close()

    def _released(self, model: str, version: int, leases: Sequence[int]) -> Sequence[bool]:
        """Whether something was kept of each until now."""
        inputs = {"lease": np.array(leases, np.int64)}
        told = self.predict(model, version, RELEASE_SIGNATURE, inputs, Deadline.after(_RELEASE_S)).get("released")
        if told is None or told.shape != (len(leases),) or told.dtype != np.bool_:
            raise BrokenAnswerError(f"{model} answered to {RELEASE_SIGNATURE} without telling what it kept")
        released: list[bool] = told.tolist()
        return released

    def _pinned(
        self, model: str, version: int, signature: str, inputs: Mapping[str, Array], deadline: Deadline
    ) -> Prediction:
        with self._translating(model, version, deadline):
            prediction = self._client.predict(
                model,
                inputs,
                timeout_s=deadline.remaining_s(),
                version=version,
                signature=signature,
                interrupt=deadline.interrupt,
            )
        if prediction.version != version:
            raise BrokenAnswerError(
                f"{model} version {version} was asked, the model server answered version {prediction.version}"
            )
        return prediction

    @contextmanager
    def _quickly(self) -> Iterator[None]:
        key = object()
        self._quick[key] = self._clock()
        try:
            yield
        finally:
            del self._quick[key]

    def _translating(self, model: str, version: int | None, deadline: Deadline) -> "_Translating":
        return _Translating(self, model, version, deadline)

    def translated(self, exc: ModelServerError, model: str, version: int | None, deadline: Deadline) -> Exception:
        """The server's own words stay in the cause, for the log: they may name its addresses and paths."""
        match exc:
            case UnreachableError():
                self._lost()
                return ModelServerDownError()
            case TimedOutError():
                return DeadlineError(deadline.limit_s)
            case InterruptedCallError():
                return CallerLeftError()
        self.heard()
        match exc:
            case NotServedError():
                return VersionGoneError(model, version)
            case StillOpeningError():
                return OpeningError(model)
            case _ if isinstance(exc, QueueFullError) or exc.code in _PASSING:
                return ModelServerBusyError()
            case _:
                return BrokenAnswerError(f"the model server failed on {model} ({exc.code.name})")

    def heard(self) -> None:
        """It has just given a sign of life."""
        self._heard_at = self._clock()
        self.down = False

    def _lost(self) -> None:
        self.down = True
        self.forget()


@dataclass(slots=True)
class _Translating:
    """A call to a server: its errors become the gateway's, and an answer is a sign of life. Every request makes one: a
    generator would take thrice as long.
    """

    server: Server
    model: str
    version: int | None
    deadline: Deadline

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, exc: BaseException | None, _traceback: object) -> None:
        match exc:
            case None:
                self.server.heard()
            case TensorError():
                self.server.heard()
                raise BrokenAnswerError(f"{self.model} answered a tensor that cannot be read: {exc}") from exc
            case ModelServerError():
                raise self.server.translated(exc, self.model, self.version, self.deadline) from exc


@dataclass(frozen=True)
class Standing:
    """A server where a version proved itself, as long as the server has not been away since."""

    server: Server
    era: object

    @property
    def holds(self) -> bool:
        return self.server.era is self.era
