"""Which versions of one model answer rightly on which model server."""

import logging
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from gateway.backend import Backend
from gateway.deadline import Clock, Deadline
from gateway.errors import BrokenAnswerError, GatewayError, UnfitVersionError, VersionGoneError
from gateway.servers.combine import most
from gateway.servers.server import Server, Standing
from gateway.settings import GatewaySettings
from gateway.version import ServedVersion, learn_version, replay_goldens

_log = logging.getLogger(__name__)

_TRY_AGAIN_S = 5.0

There = Mapping[int, Collection[Server]]  # the servers on which each version is available


@dataclass(frozen=True)
class Rejection:
    """Why a server gets no requests for a version. It counts as long as the server was not away, and until then; one
    for being `other` than the others, as long as there are others.
    """

    standing: Standing
    why: str
    until: float = float("inf")
    other: bool = False


class Proofs:
    """Belongs to the thread that follows the model.

    Servers are replicas of one store: the same number is the same content on all. Where it is not, the content that
    answers already stays, else that of most servers counts, and the others get no requests for that version.
    """

    def __init__(self, model: str, backend: Backend, settings: GatewaySettings, clock: Clock = time.monotonic) -> None:
        self._model = model
        self._backend = backend
        self._settings = settings
        self._clock = clock
        self._versions: dict[int, ServedVersion] = {}  # as they were proved last
        self._standings: dict[int, dict[Server, Standing]] = {}
        self._rejections: dict[int, dict[Server, Rejection]] = {}

    def placed(self) -> dict[int, tuple[Standing, ...]]:
        """Where each version proved itself, and that still counts."""
        placed = {number: tuple(s for s in by.values() if s.holds) for number, by in self._standings.items()}
        return {number: standings for number, standings in placed.items() if standings}

    def rejected(self, number: int) -> list[str]:
        """Why servers are left out for a version: one reason each."""
        return [rejection.why for rejection in self._counting(number).values()]

    def keep_only(self, there: There, unheard: Collection[Server]) -> None:
        """Forgets what was found where the version is not available any more; at servers `unheard` it may be."""
        self._standings = {
            number: kept
            for number, by in self._standings.items()
            if (kept := {s: found for s, found in by.items() if s in there.get(number, ()) or s in unheard})
        }
        self._versions = {
            number: version
            for number, version in self._versions.items()
            if number in there or number in self._standings
        }
        self._rejections = {
            number: rejected
            for number, by_server in self._rejections.items()
            if (rejected := {s: found for s, found in by_server.items() if s in there.get(number, ()) or s in unheard})
        }

    def unfit(self, there: There) -> dict[int, str]:
        """The versions that every server which has them was rejected for, with the first reason."""
        return {
            number: reasons[0]
            for number, servers in there.items()
            if (reasons := self.rejected(number)) and len(reasons) == len(servers)
        }

    def prove(self, number: int, servers: Collection[Server]) -> ServedVersion | None:
        """The version, checked on each of the servers; None if it can answer on none.

        One that answered before an outage, and has the same manifest, is the same one after it has proved itself.

        Raises:
            GatewayError: it can answer on none of them, and one could not be asked.
        """
        learnt: dict[Standing, ServedVersion] = {}
        trouble: GatewayError | None = None
        for server in self._unchecked(number, servers):
            standing = Standing(server, server.era)  # before anything is asked: who answers may go away meanwhile
            try:
                learnt[standing] = learn_version(server, self._model, number, self._settings.limits, self._deadline())
            except VersionGoneError:
                pass
            except UnfitVersionError as exc:
                self._reject(number, self._unfit(standing, exc))
            except GatewayError as exc:
                trouble = trouble or exc
        version = self._agreed(number, learnt)
        for standing, learnt_there in learnt.items():
            try:
                self._prove_one(number, standing, learnt_there, version)
            except VersionGoneError:
                pass
            except GatewayError as exc:
                trouble = trouble or exc
        if version is not None and self._holds(number):
            self._versions[number] = version
            return version
        if trouble:
            raise trouble
        return None

    def _prove_one(self, number: int, standing: Standing, learnt: ServedVersion, version: ServedVersion | None) -> None:
        """Raises what asking the server does."""
        if version is None or learnt.manifest != version.manifest:
            expected = "" if version is None else f", {version.manifest.digest} on the others"
            why = f"another content under this number: the digest is {learnt.manifest.digest}{expected}"
            self._reject(number, Rejection(standing, why, other=True))
            return
        try:
            replay_goldens(learnt, standing.server, self._deadline)
        except UnfitVersionError as exc:
            self._reject(number, self._unfit(standing, exc))
            return
        self._standings.setdefault(number, {})[standing.server] = standing
        self._rejections.get(number, {}).pop(standing.server, None)
        self._backend.pool.noticed(standing.server)
        _log.info(
            "%s: version %d can answer at %s, its goldens are answered rightly",
            self._model,
            number,
            standing.server.target,
        )

    def _agreed(self, number: int, learnt: Mapping[Standing, ServedVersion]) -> ServedVersion | None:
        """The version whose content counts: the object that is known, if it is the same."""
        known = self._versions.get(number)
        if known is not None and self._holds(number):
            return known
        if not learnt:
            return None
        digests = {standing: version.manifest.document() for standing, version in learnt.items()}
        content = most(digests.values())
        version = next(learnt[standing] for standing, digest in digests.items() if digest == content)
        return known if known is not None and known.manifest == version.manifest else version

    def _unchecked(self, number: int, servers: Collection[Server]) -> list[Server]:
        standings, rejected = self._standings.get(number, {}), self._counting(number)
        return [
            server
            for server in servers
            if not (server in standings and standings[server].holds) and server not in rejected
        ]

    def _counting(self, number: int) -> dict[Server, Rejection]:
        now, held = self._clock(), self._holds(number)
        return {
            server: rejection
            for server, rejection in self._rejections.get(number, {}).items()
            if rejection.standing.holds and now < rejection.until and (held or not rejection.other)
        }

    def _holds(self, number: int) -> bool:
        return any(standing.holds for standing in self._standings.get(number, {}).values())

    def _unfit(self, standing: Standing, exc: UnfitVersionError) -> Rejection:
        """An answer that is none may be the server's trouble of the moment."""
        passing = isinstance(exc.__cause__, BrokenAnswerError)
        return Rejection(standing, str(exc), self._clock() + _TRY_AGAIN_S if passing else float("inf"))

    def _reject(self, number: int, rejection: Rejection) -> None:
        by_server, server = self._rejections.setdefault(number, {}), rejection.standing.server
        before = by_server.get(server)
        if before is None or before.why != rejection.why:
            _log.error("%s: version %d gets no traffic at %s: %s", self._model, number, server.target, rejection.why)
        by_server[server] = rejection

    def _deadline(self) -> Deadline:
        return Deadline.after(self._settings.deadline_s)
