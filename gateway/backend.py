"""The model servers as one: where a version is, which server is asked, what is tried again elsewhere."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from gateway.deadline import Deadline
from gateway.errors import GatewayError, ModelServerDownError, VersionGoneError
from gateway.servers.budget import RetryBudget
from gateway.servers.combine import most, one_listing, one_status
from gateway.servers.hedge import Attempt, Hedge
from gateway.servers.pool import Pool
from gateway.servers.retry import is_failure, is_idempotent, may_go_elsewhere
from gateway.servers.server import Server, Standing
from gateway.tasks.base import Tensors
from wire.client import VersionStatus
from wire.methods import PREDICT, Method

Placed = Mapping[int, Sequence[Standing]]  # the servers on which each version of a model proved itself

_TOKENS = 10.0  # retries in a row before the share of all requests counts

_T = TypeVar("_T")
Act = Callable[[Server, Deadline], _T]


@dataclass(frozen=True)
class Counts:
    """How often a request went to a second server, or did not because the budget was spent."""

    retries: int = 0
    hedges: int = 0
    over_budget: int = 0

    def one_more(self, what: str) -> "Counts":
        return replace(self, **{what: getattr(self, what) + 1})


class Backend:
    """Replicas of one store. Safe to share between threads.

    Every method that asks raises `ModelServerDownError`, `ModelServerBusyError`, `DeadlineError` or `BrokenAnswerError`
    when no server could answer, `VersionGoneError` when none has the model or version, `CallerLeftError` when the
    deadline's interrupt fired.

    What is asked of a version goes only to servers where that version has been `place`d, to the one of them with the
    fewest requests outstanding; and once more to another if it failed in a way that allows it and the budget does. Not
    twice more: a request that kills whoever answers it must not kill them all.

    `era` is another object after every outage of any server: what was learnt in one era need not hold in the next.
    """

    def __init__(self, pool: Pool, *, retry_share: float = 0.2, hedge: Hedge | None = None) -> None:
        self.pool = pool
        self.counts = Counts()
        self.hedge = hedge
        self._lock = threading.Lock()
        self._budget = RetryBudget.full(retry_share, _TOKENS)
        self._placed: dict[str, Placed] = {}  # by model

    @property
    def era(self) -> object:
        return self.pool.era

    def start(self) -> None:
        self.pool.start()

    def close(self) -> None:
        self.pool.close()

    def labels(self, deadline: Deadline) -> Mapping[str, Mapping[str, int]] | None:
        """The models served, each with the versions of its labels; None if no server can list them."""
        told = self._each(lambda server: server.labels(deadline)).values()
        listed = [models for models in told if models is not None]
        return one_listing(listed) if listed else None

    def labelled(self, model: str, label: str, deadline: Deadline) -> int | None:
        """The version that has the label on most servers that have it, None if there is no such label.

        Raises:
            VersionGoneError: it is on a version that is not loaded.
        """
        told = self._each(lambda server: server.labelled(model, label, deadline)).values()
        versions = [version for version in told if version is not None]
        return most(versions) if versions else None

    def status(self, model: str, deadline: Deadline) -> list[VersionStatus]:
        """Each version in the state that it has where it is best off."""
        lines = one_status(self.statuses(model, deadline).values())
        if not lines:
            raise VersionGoneError(model)
        return lines

    def statuses(self, model: str, deadline: Deadline) -> dict[Server, list[VersionStatus]]:
        """What each server that could be asked says of it: nothing if it has not the model."""

        def ask(server: Server) -> list[VersionStatus]:
            try:
                return server.status(model, deadline)
            except VersionGoneError:
                return []

        return self._each(ask)

    def documents(self, model: str, version: int, sections: Sequence[str], deadline: Deadline) -> dict[str, str]:
        """What the signature `manifest` says of each section, "" for one that is not there."""
        return self._ask(model, version, "manifest", deadline, lambda s, d: s.documents(model, version, sections, d))

    def predict(
        self,
        model: str,
        version: int,
        signature: str,
        inputs: Tensors,
        deadline: Deadline,
        *,
        check: Callable[[Tensors], object] = lambda _: None,
        aside: bool = False,
        at: Server | None = None,
    ) -> Tensors:
        """What the signature answers. A `BrokenAnswerError` of `check` counts as the server's own.

        `aside`: nobody waits for the answer. One server is asked once, and how that ends counts for nothing.
        `at`: no other server is asked.
        """

        def act(server: Server, deadline: Deadline) -> Tensors:
            outputs = server.predict(model, version, signature, inputs, deadline)
            check(outputs)
            return outputs

        return self._ask(model, version, signature, deadline, act, aside=aside, at=at)

    def standings(self, model: str, version: int) -> list[Standing]:
        """Where the version may be asked now. Raises `VersionGoneError` when it was placed nowhere."""
        placed = self._placed.get(model, {}).get(version)
        if not placed:
            raise VersionGoneError(model, version)
        return [standing for standing in placed if standing.holds]

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
        signature = request.model_spec.signature_name if method is PREDICT else ""
        return self._ask(
            model,
            version,
            signature,
            deadline,
            lambda s, d: s.ask(method, request, model, version, d, tensor_content=tensor_content),
        )

    def place(self, model: str, placed: Placed) -> None:
        """Where its versions may be asked from now on."""
        with self._lock:
            self._placed = {**self._placed, model: placed}

    def displace(self, model: str) -> None:
        """The model is followed no more."""
        with self._lock:
            self._placed = {name: placed for name, placed in self._placed.items() if name != model}

    def _each(self, ask: Callable[[Server], _T]) -> dict[Server, _T]:
        """What each server says. Raises what the first one did that said nothing, if none said anything."""
        told: dict[Server, _T] = {}
        faults: list[GatewayError] = []
        for server in self.pool.to_ask():
            try:
                told[server] = ask(server)
            except GatewayError as exc:
                faults.append(exc)
        if not told:
            gone = [fault for fault in faults if isinstance(fault, VersionGoneError)]
            raise next(iter(gone or faults), None) or ModelServerDownError()
        return told

    def _ask(
        self,
        model: str,
        version: int,
        signature: str,
        deadline: Deadline,
        act: Act[_T],
        *,
        aside: bool = False,
        at: Server | None = None,
    ) -> _T:
        standings = self.standings(model, version)
        if at is not None:
            standings = [standing for standing in standings if standing.server is at]
        if not aside:
            with self._lock:
                self._budget = self._budget.earned()
        return _Asking(self, standings, signature, deadline, act, aside).answer()

    def spend(self, what: str) -> bool:
        """Whether one more request may go to a second server, as a retry or a hedge."""
        with self._lock:
            left = self._budget.spent()
            self._budget = left or self._budget
            self.counts = self.counts.one_more(what if left else "over_budget")
        return left is not None


@dataclass(slots=True)
class _Asking(Generic[_T]):
    """A request on its way to a server, perhaps to two. Belongs to the thread that answers it."""

    backend: Backend
    standings: Sequence[Standing]
    signature: str
    deadline: Deadline
    act: Act[_T]
    aside: bool = False
    tried: list[Server] = field(default_factory=list)
    again: bool = False  # it was tried again, or hedged

    def answer(self) -> _T:
        standing = self._next()
        if standing is None:
            raise ModelServerDownError
        while True:
            try:
                return self._once(standing)
            except GatewayError as exc:
                if self.aside or not may_go_elsewhere(exc, self.signature):
                    raise
                # Where a version was just unloaded nothing was done: to ask where it still is costs no budget.
                another = self._next() if isinstance(exc, VersionGoneError) else self._second("retries")
                if another is None:
                    raise
                standing = another

    def _once(self, standing: Standing) -> _T:
        hedge = self.backend.hedge
        if hedge is None or self.aside or not is_idempotent(self.signature):
            return self._attempt(standing, self.deadline)
        return hedge.run(self._interruptible(standing), self._hedged, self.deadline.interrupt)

    def _hedged(self) -> Attempt[_T] | None:
        another = self._second("hedges")
        return self._interruptible(another) if another else None

    def _interruptible(self, standing: Standing) -> Attempt[_T]:
        return lambda interrupt: self._attempt(standing, replace(self.deadline, interrupt=interrupt))

    def _attempt(self, standing: Standing, deadline: Deadline) -> _T:
        failed: bool | None = None
        try:
            answer = self.act(standing.server, deadline)
            failed = False
        except GatewayError as exc:
            failed = is_failure(exc)
            raise
        finally:
            self.backend.pool.give_back(standing.server, None if self.aside else failed)
        # The server was away meanwhile: who answered is not known. Of a lone one it is once it has proved itself again,
        # which whoever compares `era` waits for; of several another may be asked at once.
        if not standing.holds and len(self.backend.pool.servers) > 1:
            raise ModelServerDownError
        return answer

    def _next(self) -> Standing | None:
        standing = self.backend.pool.take(self.standings, self.tried)
        if standing:
            self.tried.append(standing.server)
        return standing

    def _second(self, what: str) -> Standing | None:
        """Another server for what may have been begun: once, and if the budget allows it."""
        if self.again:
            return None
        standing = self._next()
        if standing is None:
            return None
        if not self.backend.spend(what):
            self.backend.pool.give_back(standing.server, None)
            return None
        self.again = True
        return standing
