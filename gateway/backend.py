"""The model server as the gateway sees it: calls within a deadline, failures as the gateway's own errors."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import grpc
import numpy as np

from gateway.deadline import Deadline
from gateway.errors import (
    BrokenAnswerError,
    DeadlineError,
    ModelServerBusyError,
    ModelServerDownError,
    RejectedError,
    VersionGoneError,
)
from gateway.tasks.base import Tensors
from wire.client import ModelServerClient, Prediction, VersionStatus
from wire.errors import ModelServerError, NotServedError, TensorError, TimedOutError, UnreachableError
from wire.methods import Method
from wire.tensors import Array

# What a model server answers to requests that it finds fault with.
_REJECTING = (
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.OUT_OF_RANGE,
    grpc.StatusCode.UNIMPLEMENTED,
)
_SHOWN = 1000  # characters of its words
_PASSING = (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.ABORTED, grpc.StatusCode.CANCELLED)


class Backend:
    """One model server. Safe to share between threads.

    Every method raises `ModelServerDownError`, `ModelServerBusyError`, `DeadlineError` or `BrokenAnswerError` when the
    call fails, and `VersionGoneError` when the model or version is not loaded.

    `era` is another object after every call that nobody answered: whoever answers next may be another server, with
    other content under the same numbers, so what was learnt in one era need not hold in the next.
    """

    def __init__(self, client: ModelServerClient) -> None:
        self.era = object()
        self._client = client

    def labels(self, deadline: Deadline) -> Mapping[str, Mapping[str, int]] | None:
        """The models served, each with the versions of its labels; None if this server cannot list them."""
        try:
            return self._client.labels(timeout_s=deadline.remaining_s())
        except ModelServerError as exc:
            if exc.code is grpc.StatusCode.UNIMPLEMENTED:
                return None
            raise self._translated(exc, "its models", None, deadline) from exc

    def labelled(self, model: str, label: str, deadline: Deadline) -> int | None:
        """The version that has the label, None if there is no such label.

        Raises:
            VersionGoneError: it is on a version that is not loaded.
        """
        with self._translating(model, None, deadline):
            return self._client.labelled(model, label, timeout_s=deadline.remaining_s())

    def status(self, model: str, deadline: Deadline) -> list[VersionStatus]:
        with self._translating(model, None, deadline):
            return self._client.status(model, timeout_s=deadline.remaining_s())

    def documents(self, model: str, version: int, sections: Sequence[str], deadline: Deadline) -> dict[str, str]:
        """What the signature `manifest` says of each section, "" for one that is not there."""
        asked = np.array([section.encode() for section in sections], dtype=object)
        outputs = self._pinned(model, version, "manifest", {"section": asked}, deadline).outputs
        answered = outputs.get("document")
        if answered is None or answered.shape != asked.shape or answered.dtype != object:
            raise BrokenAnswerError(f"the signature manifest of {model} answered no document for each section")
        try:
            return {section: text.decode() for section, text in zip(sections, answered.tolist(), strict=True)}
        except UnicodeDecodeError as exc:
            raise BrokenAnswerError(f"the signature manifest of {model} answered something that is not UTF-8") from exc

    def predict(self, model: str, version: int, signature: str, inputs: Tensors, deadline: Deadline) -> Tensors:
        return self._pinned(model, version, signature, inputs, deadline).outputs

    def ask(
        self,
        method: Method,
        request: Any,
        model: str,
        version: int | None,
        deadline: Deadline,
        *,
        tensor_content: bool = False,
    ) -> Any:
        """The response to a caller's own message, which asks for `version` of the model.

        Raises:
            RejectedError: the server finds fault with the message. Only here: it was not made by the gateway.
        """
        try:
            return self._client.ask(method, request, timeout_s=deadline.remaining_s(), tensor_content=tensor_content)
        except ModelServerError as exc:
            if exc.code in _REJECTING:  # below the first line are nodes of the graph
                raise RejectedError(exc.code, exc.details.partition("\n")[0][:_SHOWN]) from exc
            raise self._translated(exc, model, version, deadline) from exc

    def _pinned(
        self, model: str, version: int, signature: str, inputs: Mapping[str, Array], deadline: Deadline
    ) -> Prediction:
        with self._translating(model, version, deadline):
            prediction = self._client.predict(
                model, inputs, timeout_s=deadline.remaining_s(), version=version, signature=signature
            )
        if prediction.version != version:
            raise BrokenAnswerError(
                f"{model} version {version} was asked, the model server answered version {prediction.version}"
            )
        return prediction

    @contextmanager
    def _translating(self, model: str, version: int | None, deadline: Deadline) -> Iterator[None]:
        try:
            yield
        except TensorError as exc:
            raise BrokenAnswerError(f"{model} answered a tensor that cannot be read: {exc}") from exc
        except ModelServerError as exc:
            raise self._translated(exc, model, version, deadline) from exc

    def _translated(self, exc: ModelServerError, model: str, version: int | None, deadline: Deadline) -> Exception:
        """The server's own words stay in the cause, for the log: they may name its addresses and paths."""
        match exc:
            case UnreachableError():
                self.era = object()
                return ModelServerDownError()
            case TimedOutError():
                return DeadlineError(deadline.limit_s)
            case NotServedError():
                return VersionGoneError(model, version)
            case _ if exc.code in _PASSING:
                return ModelServerBusyError()
            case _:
                return BrokenAnswerError(f"the model server failed on {model} ({exc.code.name})")
