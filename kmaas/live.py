"""The running model server and gateway, as the verbs that change versions look at them."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.error import HTTPError
from urllib.request import urlopen

import orjson

from export.promotion import Seen
from gateway.alone import Run
from gateway.deadline import Deadline
from gateway.errors import GatewayError, UnfitVersionError
from gateway.servers.combine import one_status
from gateway.servers.server import Server
from gateway.settings import Limits
from gateway.tasks.base import Tensors
from gateway.version import ServedVersion, learn_version, releasing, replay_goldens, replayed, running
from kmaas.recorded import check_others
from serving.errors import ProofError
from store.layout import VersionDir
from store.manifest import DECODE_SIGNATURE, RELEASE_SIGNATURE
from wire.client import ModelServerClient, VersionStatus
from wire.errors import ModelServerError, NotServedError

Clock = Callable[[], float]  # seconds

_TICK_S = 0.02
_CALL_S = 10.0  # a call's deadline
_ASK_S = 2.0  # the deadline of a question that is asked again
_REQUESTS, _LONGEST_S = 100, 5.0  # to measure by: so many, or for so long


@dataclass(frozen=True)
class Followed:
    """Whether a process follows a label: how many seconds after the decision, or why it does not."""

    who: str
    seconds: float | None
    fault: str | None = None

    def __str__(self) -> str:
        return f"{self.who} {self.fault or f'follows after {self.seconds:.2f} s'}"


class LiveServer:
    """The model server at `target`, asked as the gateway asks it: with the same preprocessing, over the same protocol.

    Use it as a context manager.
    """

    def __init__(self, target: str, limits: Limits, patience_s: float, clock: Clock = time.perf_counter) -> None:
        self._who = f"the model server at {target}"
        self.target = target
        self._limits = limits
        self._patience_s = patience_s
        self._clock = clock
        self._client = ModelServerClient(target)
        self._server = Server(target, lambda _: self._client)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def prove(self, model: str, version: VersionDir, digest: str | None, *, measured: bool = True) -> Seen:
        """See `export.promote.Live`. With no `digest` any will do; without `measured` no latency is."""
        if fault := self._wait_available(model, version.number):
            return Seen(self.target, fault)
        try:
            learnt = learn_version(self._server, model, version.number, self._limits, self._deadline())
            if digest not in (None, learnt.manifest.digest):
                fault = f"{self._who} reads another store: its version has the digest {learnt.manifest.digest}"
                return Seen(self.target, f"{fault}, expected {digest}")
            replay_goldens(learnt, self._server, self._deadline)
            others = self._others(version, learnt)
            latencies = self._latencies(learnt) if measured else ()
            return Seen(self.target, None, len(learnt.goldens), latencies, learnt.manifest, others)
        except (ProofError, UnfitVersionError) as exc:
            return Seen(self.target, str(exc))
        except GatewayError as exc:
            return Seen(self.target, f"{self._who} could not be asked: {exc}")

    def follows(self, model: str, label: str, version: int | None, since: float) -> Followed:
        """Waits until the server answers requests by `label` with `version`, or with None knows no such label; that was
        decided when the clock said `since`."""

        def there() -> bool:
            try:
                return self._client.labelled(model, label, timeout_s=_ASK_S) == version
            except NotServedError:
                return False

        try:
            seconds = _seconds_until(there, self._patience_s, self._clock, since)
        except ModelServerError as exc:
            return Followed(self._who, None, f"does not answer ({exc.code.name})")
        return Followed(self._who, seconds, None if seconds is not None else _late(self._patience_s))

    def states(self, model: str) -> dict[int, str]:
        """The state of each version; empty if nobody answers, or it does not know the model."""
        return {line.version: line.state for line in self.lines(model)}

    def lines(self, model: str) -> list[VersionStatus]:
        """The same, in the server's own words."""
        try:
            return self._client.status(model, timeout_s=_ASK_S)
        except ModelServerError:
            return []

    def _wait_available(self, model: str, version: int) -> str | None:
        """Why the version does not become available, None once it is."""
        last: VersionStatus | None = None

        def settled() -> bool:
            nonlocal last
            last = self._status(model, version)
            return last is not None and (last.state == "AVAILABLE" or (last.state == "END" and last.error is not None))

        try:
            in_time = _seconds_until(settled, self._patience_s, self._clock, self._clock()) is not None
        except ModelServerError as exc:
            return f"no model server answers at {self.target} ({exc.code.name}); start one: `kmaas serve`"
        if not in_time:
            state = "is unknown there" if last is None else f"is {last.state}"
            return f"{self._who} does not have it loaded within {self._patience_s:g} s: it {state}"
        return f"{self._who} could not load it: {last.error}" if last is not None and last.error else None

    def _status(self, model: str, version: int) -> VersionStatus | None:
        try:
            lines = self._client.status(model, timeout_s=_ASK_S)
        except NotServedError:
            return None
        return next((line for line in lines if line.version == version), None)

    def _others(self, version: VersionDir, learnt: ServedVersion) -> tuple[str, ...]:
        """As `check_others`. What a twin has left closed opens now, for which it may take as long as to load."""
        return check_others(
            self._client,
            version,
            learnt.manifest,
            {learnt.task.signature},
            tolerance=min(golden.tolerance for golden in learnt.goldens),
            timeout_s=max(_CALL_S, self._patience_s),
        )

    def _latencies(self, version: ServedVersion) -> tuple[float, ...]:
        """Milliseconds from a golden's body to its answer, one after another; each was answered once before. Of an
        answer that takes several steps, as a text does: milliseconds for each of them.
        """
        taken: list[float] = []
        started = self._clock()
        while len(taken) < _REQUESTS and self._clock() - started < _LONGEST_S:
            for golden in version.goldens:
                began, until = self._clock(), self._deadline()
                run = _Counted(running(version, self._server, until))
                replayed(version, golden, run, releasing(version, self._server), until)
                taken.append((self._clock() - began) * 1e3 / max(1, run.steps))
        return tuple(taken)

    def _deadline(self) -> Deadline:
        return Deadline.after(_CALL_S)


class _Counted:
    """Counts the steps of an answer: the calls of `run` that tell something of it, or the tokens that one writes."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self.steps = 0

    def __call__(self, signature: str, given: Tensors) -> Tensors:
        outputs = self._run(signature, given)
        if signature == DECODE_SIGNATURE:
            self.steps += int(outputs["counts"].max(initial=0))
        else:
            self.steps += signature != RELEASE_SIGNATURE
        return outputs


class LiveServers:
    """Several live servers as one, with the face of one: what is asked of them must be so on each."""

    def __init__(self, targets: Sequence[str], limits: Limits, patience_s: float) -> None:
        self._servers = [LiveServer(target, limits, patience_s) for target in targets]
        self.target = ", ".join(targets)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server in self._servers:
            server.__exit__(kind, error, trace)

    def prove(self, model: str, version: VersionDir, digest: str | None, *, measured: bool = True) -> Seen:
        """The first fault, else what the slowest took."""
        seen = [server.prove(model, version, digest, measured=measured) for server in self._servers]
        return next((one for one in seen if one.fault), max(seen, key=lambda one: sum(one.latencies_ms)))

    def follows(self, model: str, label: str, version: int | None, since: float) -> Followed:
        """The first that does not, else the last that does."""
        found = [server.follows(model, label, version, since) for server in self._servers]
        return next((one for one in found if one.fault), max(found, key=lambda one: one.seconds or 0.0))

    def states(self, model: str) -> dict[int, str]:
        told = [server.lines(model) for server in self._servers]
        return {line.version: line.state for line in one_status(told)}


def gateway_follows(url: str, model: str, version: int, *, since: float, patience_s: float) -> Followed | None:
    """Waits until the gateway at `url` answers with `version`; that was decided when `time.perf_counter()` was `since`.

    None: there is no gateway, or it is for other models.
    """

    def current() -> bool:
        with urlopen(f"{url}/models/{model}", timeout=_ASK_S) as answer:
            return bool(orjson.loads(answer.read())["version"] == version)

    who = f"the gateway at {url}"
    try:
        seconds = _seconds_until(current, patience_s, time.perf_counter, since)
    except HTTPError as exc:
        with exc:
            return None if exc.code == 404 else Followed(who, None, f"answers {exc.code}")
    except (OSError, ValueError, KeyError):
        return None
    return Followed(who, seconds, None if seconds is not None else _late(patience_s))


def _seconds_until(true: Callable[[], bool], patience_s: float, clock: Clock, since: float) -> float | None:
    """The seconds from `since` until it is true; None: the patience is over. Other processes have no events to wait
    for."""
    while not true():
        if clock() - since > patience_s:
            return None
        threading.Event().wait(_TICK_S)
    return clock() - since


def _late(patience_s: float) -> str:
    return f"does not follow within {patience_s:g} s"
