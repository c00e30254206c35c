"""The model servers there are: found, watched, and chosen from."""

import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from gateway.deadline import Clock
from gateway.servers.address import is_name, looked_up
from gateway.servers.balance import least
from gateway.servers.breaker import Breaker, State
from gateway.servers.estate import Holder
from gateway.servers.outlier import Window, is_outlier
from gateway.servers.server import Connect, Server, Standing
from wire.client import ModelServerClient

_log = logging.getLogger(__name__)

_TICK_S = 0.25
_SILENT_S = 3.0  # asked what a living server answers at once, and nothing heard of it
_LOOK_UP_EVERY_S = 5.0
_PROBE_EVERY_S = 1.0

LookUp = Callable[[str], Sequence[str]]


@dataclass
class _Member:
    """A server of the pool; the pool's lock guards it."""

    server: Server
    outstanding: int = 0
    breaker: Breaker = field(default_factory=Breaker)
    window: Window = field(default_factory=Window)
    silent: bool = False
    gone: bool = False  # its name does not lead to it any more
    probed_at: float = float("-inf")


@dataclass(frozen=True)
class Seen:
    """A server at one moment, for metrics: `state` is `up`, `down`, `silent`, `open` or `half-open`."""

    target: str
    state: str
    outstanding: int


class Pool:
    """Safe to share between threads. `start` it, close it.

    Of several servers none is asked in vain for long: one that is silent, as a frozen process or a machine that is off,
    loses its connection, and its calls go elsewhere; one that fails where others do not gets none for a while. Both
    prove their versions again before they answer callers. A lone server has nobody to take its place: it is left alone.
    """

    def __init__(
        self,
        targets: Sequence[str],
        *,
        connect: Connect = ModelServerClient,
        look_up: LookUp = looked_up,
        clock: Clock = time.monotonic,
    ) -> None:
        self.era = object()  # another one whenever that of a server is, or the servers are others
        self._targets = tuple(targets)
        self._connect = connect
        self._look_up = look_up
        self._clock = clock
        self._lock = threading.Lock()
        self._members: dict[Server, _Member] = {}
        self._leaving: list[_Member] = []
        self._turn = 0
        self._found: dict[str, Sequence[str]] = {}
        self._looked_up_at = clock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watch-model-servers", daemon=True)
        self.look_up()

    @property
    def servers(self) -> tuple[Server, ...]:
        """All of them, in the order of their addresses' configuration."""
        return tuple(self._members)

    def settle(self, left: Mapping[Holder, Sequence[int]]) -> None:
        """Gives back what processes held that are gone."""
        for server in self.servers:
            for (target, model, version), leases in left.items():
                if target == server.target:
                    server.release(model, version, np.array(leases, np.int64))

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        self._thread.join()

    def to_ask(self) -> list[Server]:
        """Those of which an answer may be expected. If only those that rest are left, these too."""
        now = self._clock()
        with self._lock:
            heard = [member for member in self._members.values() if not member.silent]
            awake = [member for member in heard if member.breaker.state(now) is not State.OPEN]
            all_down = all(member.server.down for member in awake)
            return [member.server for member in (heard if all_down else awake)]

    def take(self, standings: Collection[Standing], tried: Collection[Server] = ()) -> Standing | None:
        """One that can take a request, with the fewest outstanding ones; None if there is none. Give it back."""
        with self._lock:
            free = [
                standing
                for standing in standings
                if standing.holds and standing.server in self._members and standing.server not in tried
            ]
            if not free:
                return None
            members = self._members
            self._turn += 1
            chosen = free[least([members[standing.server].outstanding for standing in free], self._turn)]
            members[chosen.server].outstanding += 1
            return chosen

    def give_back(self, server: Server, failed: bool | None) -> None:
        """The request is over; None: that says nothing of the server."""
        with self._lock:
            member = self._members.get(server) or next(left for left in self._leaving if left.server is server)
            member.outstanding -= 1
            if failed is None:
                return
            now = self._clock()
            member.window.note(now, failed=failed)
            if failed and not member.gone and self._fails_alone(member, now):
                member.breaker = member.breaker.tripped(now)
                member.window = Window()
                server.forget()
                _log.warning(
                    "the model server at %s fails where others do not: it gets no requests for %g s",
                    server.target,
                    member.breaker.rest_s,
                )

    def noticed(self, server: Server) -> None:
        """Something was proved on the server: if it was out of use, it is back."""
        with self._lock:
            member = self._members.get(server)
            if member:
                member.breaker = member.breaker.proved(self._clock())

    def seen(self) -> list[Seen]:
        now = self._clock()
        with self._lock:
            return [Seen(m.server.target, _state(m, now), m.outstanding) for m in self._members.values()]

    def look_after(self) -> None:
        """Does what has become due; the pool's own thread calls it again and again."""
        every_s = _LOOK_UP_EVERY_S if self._members else _PROBE_EVERY_S
        if any(map(is_name, self._targets)) and self._clock() - self._looked_up_at >= every_s:
            self.look_up()
        if len(self._members) > 1:
            for member in list(self._members.values()):
                self._listen(member)
        with self._lock:
            done = [member for member in self._leaving if not member.outstanding]
            self._leaving = [member for member in self._leaving if member.outstanding]
        for member in done:
            member.server.close()

    def look_up(self) -> None:
        """Follows the names to their addresses. One that cannot be looked up now keeps those that it had."""
        self._looked_up_at = self._clock()
        for target in filter(is_name, self._targets):
            try:
                self._found[target] = self._look_up(target)
            except OSError as exc:
                _log.warning("the model servers at %s cannot be looked up: %s", target, exc)
        wanted = dict.fromkeys(
            address
            for target in self._targets
            for address in (self._found.get(target, ()) if is_name(target) else (target,))
        )
        with self._lock:
            if list(wanted) == [server.target for server in self._members]:
                return
            here = {server.target: member for server, member in self._members.items()}
            fresh = {target: here.get(target) or _Member(self._server(target)) for target in wanted}
            for target, member in here.items():
                if target not in wanted:
                    member.gone = True
                    self._leaving.append(member)
            self._members = {member.server: member for member in fresh.values()}
            self.era = object()
        if any(map(is_name, self._targets)):
            _log.info("model servers: %s", ", ".join(wanted) or "none")

    def _server(self, target: str) -> Server:
        return Server(target, self._connect, self._clock, self._note_outage)

    def _note_outage(self) -> None:
        self.era = object()

    def _watch(self) -> None:
        while not self._closing.wait(_TICK_S):
            try:
                self.look_after()
            except Exception:  # whatever it is, the others must be watched on
                _log.exception("watching the model servers failed")

    def _listen(self, member: _Member) -> None:
        if not member.silent:
            if member.server.unheard_s() >= _SILENT_S:
                _log.warning("the model server at %s is silent: its requests go elsewhere", member.server.target)
                member.silent = True
                member.server.give_up()
        elif self._clock() - member.probed_at >= _PROBE_EVERY_S:
            member.probed_at = self._clock()
            if member.server.answers(_PROBE_EVERY_S):
                _log.info("the model server at %s is heard again", member.server.target)
                member.silent = False

    def _fails_alone(self, member: _Member, now: float) -> bool:
        others = [other for other in self._members.values() if other is not member]
        resting = sum(other.breaker.state(now) is not State.CLOSED for other in others)
        tallies = {other.server: other.window.tally(now) for other in self._members.values()}
        closed = member.breaker.state(now) is State.CLOSED
        return closed and is_outlier(member.server, tallies, resting)


def _state(member: _Member, now: float) -> str:
    if member.silent:
        return "silent"
    if member.breaker.state(now) is not State.CLOSED:
        return member.breaker.state(now).value
    return "down" if member.server.down else "up"
