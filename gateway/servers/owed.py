"""Leases that nobody uses any more, of which a model server has not said yet that it forgot them."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.deadline import Clock
from gateway.errors import GatewayError, VersionGoneError

Key = tuple[str, int]  # a model and the number of its version
Tell = Callable[[str, int, Sequence[int]], Sequence[bool]]  # whether something was kept of each lease until now

_FIRST_S = 0.5
_GIVEN_UP_S = 60.0  # by then another may have the slot anyway


@dataclass(slots=True)
class _Debt:
    """One lease: when it is told next, how long to wait after that, and when it is left to lapse."""

    key: Key
    lease: int
    due_at: float
    rest_s: float
    until: float


class Owed:
    """What one model server keeps for nobody. It is told again and again, in a thread that ends when nothing is owed.

    A server that does not answer is told at short intervals, so that its slots are free soon after it is back. One that
    says that it keeps nothing is told at ever longer ones: a step that was given up may have reached it after the
    release. All that is owed of one version goes in one call. Safe to share between threads.
    """

    def __init__(self, tell: Tell, clock: Clock = time.monotonic, *, first_s: float = _FIRST_S) -> None:
        """`tell` raises `VersionGoneError` where nothing is kept any more, and other `GatewayError`s for no answer."""
        self._tell = tell
        self._clock = clock
        self._first_s = first_s
        self._changed = threading.Condition()
        self._debts: list[_Debt] = []
        self._thread: threading.Thread | None = None

    def add(self, model: str, version: int, leases: Sequence[int]) -> None:
        now = self._clock()
        due_at, until = now + self._first_s, now + _GIVEN_UP_S
        with self._changed:
            self._debts.extend(_Debt((model, version), lease, due_at, self._first_s, until) for lease in leases)
            if self._debts and self._thread is None:
                self._thread = threading.Thread(target=self._run, name="owed-leases", daemon=True)
                self._thread.start()

    def settled(self, timeout_s: float | None = None) -> bool:
        """Waits until nothing is owed; whether that is so."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._debts, timeout_s)

    def _run(self) -> None:
        try:
            self._drive()
        finally:
            with self._changed:
                if self._thread is threading.current_thread():  # it fell: the next one who adds starts another
                    self._thread = None

    def _drive(self) -> None:
        while due := self._due():
            model, version = due[0].key
            try:
                self._heard(due, self._tell(model, version, [debt.lease for debt in due]))
            except VersionGoneError:
                self._drop(due)
            except GatewayError:
                self._put_off(due)

    def _due(self) -> list[_Debt]:
        """What is to be told now, all of one version; nothing when nothing is owed."""
        with self._changed:
            while True:
                now = self._clock()
                self._keep([debt for debt in self._debts if now < debt.until])
                if not self._debts:
                    self._thread = None
                    return []
                first = min(self._debts, key=lambda debt: debt.due_at)
                if first.due_at <= now:
                    return [debt for debt in self._debts if debt.key == first.key and debt.due_at <= now]
                self._changed.wait(first.due_at - now)

    def _heard(self, due: Sequence[_Debt], released: Sequence[bool]) -> None:
        self._drop([debt for debt, was_kept in zip(due, released, strict=True) if was_kept])
        for debt in due:
            debt.rest_s *= 2
        self._put_off(due)

    def _put_off(self, due: Sequence[_Debt]) -> None:
        now = self._clock()
        for debt in due:
            debt.due_at = now + debt.rest_s

    def _drop(self, settled: Sequence[_Debt]) -> None:
        with self._changed:
            gone = set(map(id, settled))
            self._keep([debt for debt in self._debts if id(debt) not in gone])

    def _keep(self, debts: list[_Debt]) -> None:
        self._debts = debts
        if not debts:
            self._changed.notify_all()
