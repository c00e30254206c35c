"""One call on its way by a route: which version answers it, and which does when that is gone."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from gateway.call import Call
from gateway.deadline import Deadline
from gateway.errors import DeadlineError, ModelNotReadyError, UnknownVersionError
from gateway.model import Model
from gateway.routing.live import Live
from gateway.routing.metrics import RoutingMetrics
from gateway.routing.route import Part
from gateway.settings import Limits
from gateway.version import ServedVersion

_SOON_S = 0.5


@dataclass
class Turn:
    """Belongs to the thread that answers the call, whose `wanted` and deadline are the route's.

    `live` is the route that chose, None if the caller did, or there is none. `part` is the part of its split that the
    call was dealt to. `dealt`: nothing but chance chose the version, so how the call ends tells about versions; `key`
    is what it was dealt by. `limits` are the route's own.
    """

    model: Model
    call: Call
    metrics: RoutingMetrics
    limits: Limits | None = None
    live: Live | None = None
    part: Part | None = None
    dealt: bool = False
    key: str = ""

    def version(self, deadline: Deadline | None = None) -> ServedVersion:
        """The version that answers, known within the deadline, mostly the call's. A part that cannot answer at once
        leaves the call to the route's own version.

        Raises:
            UnknownVersionError: there is not the version that the caller wants.
            ModelNotReadyError, DeadlineError: see `Model.version`.
        """
        if self.part is not None:
            found = self.model.found(self.part.to)
            if found is not None:
                return found
            self._divert(self.part)
        with self._routed():
            return self.model.version(self.call.wanted, deadline or self.call.deadline)

    def replace_gone(self, gone: ServedVersion, deadline: Deadline | None = None) -> None:
        """Returns once another version than `gone`, which was found unloaded, answers, within the deadline, mostly the
        call's. Raises what `version` does."""
        if self.part is not None:
            self._divert(self.part)
        else:
            with self._routed():
                self.model.replace_gone(gone, self.call.wanted, deadline or self.call.deadline)

    def look_again(self) -> None:
        """Learns which versions there are now, if that can be known soon."""
        with suppress(DeadlineError):
            self.model.refresh(self.call.deadline.within(_SOON_S))

    @contextmanager
    def _routed(self) -> Iterator[None]:
        """It is not the caller's fault that there is not the version that the route names."""
        try:
            yield
        except UnknownVersionError as exc:
            if self.live is None:
                raise
            raise ModelNotReadyError(self.model.name, f"its route names another version: {exc}") from exc

    def _divert(self, part: Part) -> None:
        self.metrics.routed(self.model.name, "diverted", part.to)
        self.part, self.dealt = None, False
