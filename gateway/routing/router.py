"""Routes at work: the version for each call, copies for shadows, canaries withdrawn, a model that stands in."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path

from pydantic import BaseModel

from gateway.alone import asking
from gateway.backend import Backend
from gateway.backlog import Backlog, weight
from gateway.call import Call
from gateway.deadline import Clock, Deadline
from gateway.errors import (
    BrokenAnswerError,
    ChoiceError,
    DeadlineError,
    Fault,
    GatewayError,
    InvalidRequestError,
    StateError,
    UnavailableError,
    UnknownModelError,
    VersionGoneError,
)
from gateway.model import Model
from gateway.outputs import check_outputs
from gateway.registry import Registry
from gateway.routing import live
from gateway.routing.book import Book, Revise
from gateway.routing.choice import drawn, key_of, sampled
from gateway.routing.colleagues import Colleagues, Figures
from gateway.routing.comparison import Comparison, compared
from gateway.routing.figures import RouteStatus
from gateway.routing.live import Live, Seen
from gateway.routing.metrics import RoutingMetrics
from gateway.routing.route import Part, Route, selector_of
from gateway.routing.shadow import Copy
from gateway.routing.turn import Turn
from gateway.routing.watch import NOT_THE_VERSION, Watch
from gateway.settings import GatewaySettings, Limits
from gateway.tasks.base import AnyTask, Request, Streaming, Tensors, limited
from gateway.version import ServedVersion
from processing.errors import ProcessingError
from processing.masking import Masker
from store.manifest import KEEPING_SIGNATURES
from wire.tensors import Array

VERSION_HEADER = "X-Model-Version"

_log = logging.getLogger(__name__)


class Router:
    """Safe to share between threads."""

    def __init__(
        self,
        book: Book,
        registry: Registry,
        backend: Backend,
        settings: GatewaySettings,
        *,
        metrics: RoutingMetrics,
        shared: Path | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        """`shared` is the folder of several workers. `start` begins to tell them what this one sees; `close` it."""
        self.book = book
        self._registry = registry
        self._backend = backend
        self._settings = settings
        self._metrics = metrics
        self._clock = clock
        self._lock = threading.Lock()
        self._lives: dict[str, Live] = {}
        self._shadows = Backlog(
            "shadow",
            self._compare,
            threads=settings.shadow_threads,
            items=settings.shadow_requests,
            memory=settings.shadow_bytes,
        )
        self._colleagues = Colleagues(shared, self._figures, settings.refresh_interval_s)

    def start(self) -> None:
        self._colleagues.start()

    def close(self) -> None:
        self._colleagues.close()

    def live(self, model: str) -> Live | None:
        """The route in force, None if the model has none."""
        route, known = self.book.route(model), self._lives.get(model)
        if route is (known.route if known else None):
            return known
        with self._lock:
            if route is None:
                self._lives.pop(model, None)
                return None
            if (known := self._lives.get(model)) is None or known.route is not route:
                own = self._settings.limits.model_copy(update=dict(route.limits)) if route.limits else None
                known = self._lives[model] = Live(route, own, self._settings.workers)
            return known

    def limits(self, model: str | None) -> Limits:
        """Those of the model's route, or the gateway's."""
        found = self.live(model) if model is not None else None
        return (found and found.limits) or self._settings.limits

    def status(self, model: str) -> RouteStatus | None:
        """The route in force and what all workers saw of it, None if the model has none."""
        found, known = self.live(model), self._registry.models().get(model)
        if found is None:
            return None
        versions = {field: known.found(to) if known else None for field, to in found.route.selectors.items()}
        seen = self._seen(model, found).with_those(self._colleagues.of(model))
        return RouteStatus(
            route=found.route,
            versions={field: version.number if version else None for field, version in versions.items()},
            canaries=seen.canaries,
            comparisons=seen.comparisons,
        )

    def turn(self, call: Call, *, dealt: bool = True) -> Turn:
        """Whose turn it is to answer. `dealt`: the calls are split, and how this one ends counts.

        Raises:
            UnknownModelError, ModelServerDownError: see `Registry.model`.
            ChoiceError, InvalidRequestError: the caller chooses a version where it may not, or one of no such name.
        """
        model = self._registry.model(call.model, call.deadline)
        call.trace.model = model.name
        found, chosen = self.live(model.name), call.header(VERSION_HEADER) if call.wanted is None else None
        if found is None:
            if chosen is not None:
                raise ChoiceError(model.name)
            return Turn(model, call, self._metrics)
        route = found.route
        call = replace(call, deadline=call.deadline.of(route.deadline_s), masks=call.masks + found.masks)
        if chosen is not None:
            if not route.testers:
                raise ChoiceError(model.name)
            call = replace(call, wanted=_chosen(chosen))
            self._metrics.routed(model.name, "header", None)
        if call.wanted is not None:
            return Turn(model, call, self._metrics, found.limits)
        turn = Turn(model, replace(call, wanted=route.to), self._metrics, found.limits, found)
        if call.digest is not None:
            turn.call = replace(call, wanted=_pinned(model, route, call.digest))
        elif dealt:
            turn.dealt = True
            turn.key = key_of(route, call.header, call.trace.request_id)
            turn.part = drawn(route, model.name, turn.key)
            self._metrics.routed(model.name, *(("split", turn.part.to) if turn.part else ("to", route.to)))
        return turn

    def watched(self, turn: Turn) -> AbstractContextManager[Watch | None]:
        """Within it the call is answered: how that ends may withdraw a canary."""
        if turn.live is None or not turn.dealt:
            return nullcontext()
        return Watch(partial(self._ended, turn), self._clock)

    def mirror(
        self,
        turn: Turn,
        version: ServedVersion,
        request: Request,
        answer: BaseModel,
        *,
        task: AnyTask,
        task_of: Callable[[ServedVersion], AnyTask],
    ) -> None:
        """Gives a copy of an answered call to whoever is to be compared. Never waits, never raises."""
        if turn.live is None:
            return
        turn.live.task = version.manifest.task
        if not turn.key or turn.call.digest is not None:
            return
        route, part = turn.live.route, turn.part
        if part is not None and part.canary and part.canary.disagreement is not None:
            self._offer(Copy(turn.live, turn.model, part.to, route.to, version, task_of, task, request, answer))
        elif part is None and route.shadow and sampled(route.shadow.percent, "shadow", turn.model.name, turn.key):
            to = route.shadow.to
            self._offer(Copy(turn.live, turn.model, to, to, version, task_of, task, request, answer))

    def captured(self, turn: Turn) -> Masker | None:
        """What masks private data in the call, once it is answered, for the captures; None if it is not captured."""
        found = self.live(turn.model.name)
        if found is None or found.route.capture is None:
            return None
        percent, request_id = found.route.capture.percent, turn.call.trace.request_id
        return found.captured if sampled(percent, "capture", turn.model.name, request_id) else None

    def stand_in(self, call: Call, error: Exception) -> Call | None:
        """The call for the route's fallback, if there is one and the error is such that another model may do better."""
        found = self.live(call.model)
        if found is None or found.route.fallback is None or not _stands_in_for(error):
            return None
        if call.wanted is not None or call.digest is not None or call.header(VERSION_HEADER) is not None:
            return None  # the caller wants that very version
        try:
            call.deadline.remaining_s()
            model = self._registry.model(found.route.fallback, call.deadline)
        except GatewayError:
            return None
        current = model.found(None)
        if current is None or found.task not in (None, current.manifest.task):
            return None
        self._metrics.routed(call.model, "fallback", found.route.fallback)
        return replace(call, model=found.route.fallback, masks=found.masks)

    def change(self, model: str, revise: Revise, who: str, why: str | None = None) -> Route | None:
        """See `Book.change`."""
        before = self.book.route(model)
        after = self.book.change(model, revise, who, why)
        if after != before:
            self._metrics.changed(model)
        return after

    def withdraw(self, model: str, part: Part, why: str) -> None:
        """Takes a canary out of its route, if it is still there."""

        def revised(route: Route | None) -> Route | None:
            return route.without(part.to) if route and part in route.split else route

        _log.warning("%s: the canary %s is withdrawn: %s", model, part.to, why)
        self._metrics.withdrawn(model, part.to)
        try:
            self.change(model, revised, "canary", why)
        except StateError as exc:
            _log.error("%s: the canary %s is withdrawn until a restart only: %s", model, part.to, exc)
            self.book.force(model, revised)

    def _figures(self) -> Mapping[str, Figures]:
        return {model: self._seen(model, found) for model in self.book.models() if (found := self.live(model))}

    def _seen(self, model: str, found: Live) -> Figures:
        entry = self.book.entry(model)
        return Figures(
            route=found.route,
            since=entry.at if entry else None,
            canaries=found.canaries(),
            comparisons=found.comparisons(),
        )

    def _ended(self, turn: Turn, seconds: float | None) -> None:
        """A diverted call is nobody's: it was dealt to a version that did not answer it."""
        if turn.live is None or not turn.dealt or turn.call.trace.version is None:
            return
        self._act(turn.model.name, turn.live.ended(turn.part, Seen(turn.call.trace.version.number, seconds)))

    def _act(self, model: str, verdict: tuple[Part, str] | None) -> None:
        """In a thread of its own: it writes to the disk, and nobody is to wait for that."""
        if verdict:
            threading.Thread(target=self.withdraw, args=(model, *verdict), name=f"withdraw-{model}").start()

    def _offer(self, copy: Copy) -> None:
        if not self._shadows.offer(copy, weight(copy.request)):
            self._note(copy, None, live.DROPPED)

    def _compare(self, copy: Copy) -> None:
        other = copy.model.found(copy.ask)
        if other is None:
            self._note(copy, None, live.ABSENT)
        elif other.number != copy.version.number:
            looked_at = other if copy.to == copy.ask else copy.version
            try:
                found: Comparison | str = self._compared(copy, other)
            except (GatewayError, ProcessingError) as exc:
                _log.debug("%s: the copy for %s has no answer: %s", copy.model.name, copy.to, exc)
                found = live.FAILED
            self._note(copy, looked_at.number, found)

    def _compared(self, copy: Copy, other: ServedVersion) -> Comparison:
        task, name = limited(copy.task_of(other), copy.live.limits), other.manifest.task
        if type(task) is not type(copy.task):
            raise BrokenAnswerError(f"version {other.number} has another task, {name}")
        limit_s = copy.live.route.deadline_s or self._settings.deadline_s
        deadline = Deadline.after(self._settings.generation_s if isinstance(task, Streaming) else limit_s)

        server = next((standing.server for standing in self._backend.standings(other.model, other.number)), None)

        def run(signature: str, inputs: Tensors) -> Tensors:
            return self._backend.predict(
                other.model,
                other.number,
                signature,
                inputs,
                deadline.within(limit_s),
                check=partial(check_outputs, other.manifest.signatures.get(signature)),
                aside=True,
                at=server if signature in KEEPING_SIGNATURES else None,
            )

        def release(leases: Array) -> None:
            if server is not None:
                server.release(other.model, other.number, leases)

        request = copy.request.again(copy.answer)
        inputs = task.preprocess(request, deadline.remaining_s)
        ask = asking(run, release, task.signature, deadline)
        answer = task.postprocess(request, task.infer(request, inputs, ask))
        return compared(
            request.asks_for(name), copy.answer.model_dump(), answer.model_dump(), copy.live.route.tolerance
        )

    def _note(self, copy: Copy, version: int | None, found: Comparison | str) -> None:
        if isinstance(found, str):
            self._metrics.copied(copy.model.name, copy.to, found)
        else:
            outcome = live.AGREED if found.agrees else live.DISAGREED
            self._metrics.copied(copy.model.name, copy.to, outcome, found.distance)
        self._act(copy.model.name, copy.live.compared(copy.to, version, found))


def _chosen(header: str) -> int | str:
    try:
        return selector_of(header)
    except ValueError as exc:
        raise InvalidRequestError([Fault(VERSION_HEADER, str(exc))]) from exc


def _pinned(model: Model, route: Route, digest: str) -> int | str | None:
    """Which of the route's versions has the digest that the caller pins; its own if none has."""
    for to in (route.to, *(part.to for part in route.split)):
        found = model.found(to)
        if found is not None and found.manifest.digest == digest:
            return to
    return route.to


def _stands_in_for(error: Exception) -> bool:
    """Whether another model may do better: this one, or its server, cannot answer. Nothing that the caller did."""
    if isinstance(error, UnknownModelError):
        return True
    failures = (UnavailableError, BrokenAnswerError, DeadlineError, VersionGoneError)
    return isinstance(error, failures) and not isinstance(error, NOT_THE_VERSION)
