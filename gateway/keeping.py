"""How the keeping signatures of versions are asked: each conversation stays on the model server that has its slot."""

import threading
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import partial
from typing import Protocol
from weakref import WeakKeyDictionary

import numpy as np

from gateway.admission import Admission
from gateway.backend import Backend
from gateway.convoy import Convoy
from gateway.deadline import Deadline
from gateway.errors import ModelServerDownError, UnavailableError, VersionGoneError
from gateway.line import Line
from gateway.outputs import check_outputs
from gateway.servers.estate import Estate
from gateway.servers.server import Server
from gateway.stride import Stride
from gateway.tasks.base import Tensors
from gateway.version import ServedVersion
from store.manifest import DECODE_SIGNATURE, PREFILL_SIGNATURE, SignatureSpec
from wire.tensors import Array

_MOMENT_S = 0.05


class Keepers:
    """Safe to share between threads. Nothing is kept of versions that are gone."""

    def __init__(self, backend: Backend, streams: Admission, estate: Estate) -> None:
        """Each call takes a turn of `streams`, behind short requests."""
        self.estate = estate
        self._backend = backend
        self._streams = streams
        self._lock = threading.Lock()
        self._convoys: WeakKeyDictionary[ServedVersion, dict[Server, Convoy]] = WeakKeyDictionary()
        self._lines: WeakKeyDictionary[ServedVersion, Line] = WeakKeyDictionary()
        self._texts: Counter[Server] = Counter()

    def take(self, version: ServedVersion) -> Server | None:
        """The server with the fewest texts of this process where the version may be asked; None if there is none now.

        Raises:
            VersionGoneError: it is nowhere.
        """
        standings = self._backend.standings(version.model, version.number)
        with self._lock:
            servers = [standing.server for standing in standings]
            if not servers:
                return None
            chosen = min(servers, key=lambda server: self._texts[server])
            self._texts[chosen] += 1
            return chosen

    def give_back(self, server: Server) -> None:
        with self._lock:
            self._texts[server] -= 1
            if not self._texts[server]:
                del self._texts[server]

    def convoy(self, version: ServedVersion, server: Server) -> Convoy:
        with self._lock:
            convoys = self._convoys.setdefault(version, {})
            if server not in convoys:
                cache = version.manifest.cache
                specs = dict(version.manifest.signatures)
                call = partial(self._call, version.model, version.number, specs, server, Stride())
                convoys[server] = Convoy(call, cache.slots if cache else 1)
            return convoys[server]

    def line(self, version: ServedVersion) -> Line:
        """Of those who found no slot."""
        with self._lock:
            return self._lines.setdefault(version, Line())

    def _call(  # noqa: PLR0917 (a partial of it keeps no version alive)
        self,
        model: str,
        number: int,
        signatures: dict[str, SignatureSpec],
        server: Server,
        stride: Stride,
        signature: str,
        inputs: Tensors,
        deadline: Deadline,
    ) -> Tensors:
        check = partial(check_outputs, signatures.get(signature))
        with self._streams.work(deadline, begun=True):
            if signature != DECODE_SIGNATURE:
                return self._backend.predict(model, number, signature, inputs, deadline, check=check, at=server)
            inputs = {**inputs, "steps": np.minimum(inputs["steps"], np.int32(stride.steps))}
            began = deadline.clock()
            outputs = self._backend.predict(model, number, signature, inputs, deadline, check=check, at=server)
            stride.took(deadline.clock() - began, int(outputs["counts"].max(initial=1)))
            return outputs


class Steps(Protocol):
    """The runs that answer one request, each in its time.

    Attributes:
        version: the one that is asked now.
    """

    version: ServedVersion

    def deadline(self) -> Deadline:
        """Of one that begins now."""

    def longest(self) -> Deadline | None:
        """Until when what has begun may wait for a model server that is away; None: nothing has."""

    def take(self, act: Callable[[Deadline], Tensors], /) -> Tensors:
        """What `act` says. Raises `VersionGoneError` when it may have been another version that answered."""

    def look(self, deadline: Deadline, /) -> None:
        """Waits until it is known which version answers. Raises `VersionGoneError` when it is another one."""

    def go_over(self) -> None:
        """To the version that took the place of this one. Raises `VersionGoneError` when it cannot go on with what has
        begun, `ModelServerDownError` while one is on its way."""


class Kept:
    """A `Keeping` of one request."""

    def __init__(self, keepers: Keepers, steps: Steps) -> None:
        self._keepers = keepers
        self._steps = steps
        self._server: Server | None = None
        self._asked: tuple[Server, int] | None = None  # the last one, and the version there: leases are kept by these

    def ask(self, signature: str, inputs: Tensors) -> Tensors:
        try:
            server = self._server = self._server or self._keepers.take(self._version)
            if server is None:
                raise ModelServerDownError
            self._asked = server, self._version.number
            convoy = self._keepers.convoy(self._version, server)
            outputs = self._steps.take(lambda deadline: convoy.ask(self, signature, inputs, deadline))
        except VersionGoneError as exc:
            self.leave()
            self._steps.go_over()
            raise ModelServerDownError from exc  # with what was kept there
        self._note(signature, inputs, outputs["held"])
        return outputs

    def move(self) -> None:
        self._let_go()
        deadline = self._steps.longest()
        while (server := self._taken()) is None:
            if deadline is None:
                raise ModelServerDownError
            _rest(deadline)
            with suppress(UnavailableError):
                try:
                    self._steps.look(deadline)
                except VersionGoneError:
                    self._steps.go_over()
        self._server = server

    def waiting(self) -> AbstractContextManager[Callable[[], object]]:
        return self._keepers.line(self._version).place(self._steps.deadline())

    def release(self, leases: Array) -> None:
        if self._asked is not None:
            server, number = self._asked
            server.release(self._version.model, number, leases)
            self._keepers.estate.let_go(leases.tolist())
            self._keepers.line(self._version).given_back()

    def leave(self) -> None:
        if self._server is not None:
            self._keepers.convoy(self._version, self._server).leave(self)
            self._let_go()

    def _taken(self) -> Server | None:
        """None if there is no server now, but may be one soon. Raises `VersionGoneError`."""
        try:
            return self._keepers.take(self._version)
        except VersionGoneError:
            with suppress(ModelServerDownError):
                self._steps.go_over()
            return None

    @property
    def _version(self) -> ServedVersion:
        return self._steps.version

    def _note(self, signature: str, inputs: Tensors, held: Array) -> None:
        """Which leases have begun here, and which are lost."""
        leases = inputs["lease"]
        if not held.all():
            self._keepers.estate.let_go(leases[~held].tolist())
        if signature == PREFILL_SIGNATURE and self._asked is not None:
            server, number = self._asked
            begun = leases[held & (inputs["start"] == 0)]
            self._keepers.estate.hold((server.target, self._version.model, number), begun.tolist())

    def _let_go(self) -> None:
        if self._server is not None:
            self._keepers.give_back(self._server)
            self._server = None


def _rest(deadline: Deadline) -> None:
    """Waits a moment. Raises `DeadlineError` when the time is over, and `CallerLeftError` when nobody waits."""
    woken = threading.Event()
    interrupt = deadline.interrupt
    with interrupt.ending(woken.set) if interrupt else nullcontext():
        woken.wait(min(_MOMENT_S, deadline.remaining_s()))
    deadline.remaining_s()
