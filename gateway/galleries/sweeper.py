"""Erases by itself whose time is over, and seals anew what an earlier key has sealed."""

import logging
import threading

from gateway.errors import GatewayError
from gateway.galleries.audit import Audit
from gateway.galleries.database import Database
from gateway.galleries.people import People

_WHO = "retention"

_log = logging.getLogger(__name__)


class Sweeper:
    """A thread of each worker; what another has done already is not there to be done."""

    def __init__(self, database: Database, people: People, audit: Audit, interval_s: float) -> None:
        self._database = database
        self._people = people
        self._audit = audit
        self._interval_s = interval_s
        self._ended = threading.Event()
        self._untraced = True  # whether something may be left in the log of the database

    def start(self) -> None:
        threading.Thread(target=self._run, name="sweep-galleries", daemon=True).start()

    def close(self) -> None:
        """It ends after what it is doing."""
        self._ended.set()

    def sweep(self) -> None:
        """Once. Raises `GatewayError` where that cannot be done now."""
        if not self._database.is_there:
            return
        while receipts := self._people.erase_expired():
            self._untraced = True
            for receipt in receipts:
                self._audit.note(_WHO, "erase", receipt.gallery, receipt.person)
        self._erase_traces()
        while self._people.seal_anew():
            self._untraced = True
        self._erase_traces()

    def _erase_traces(self) -> None:
        if self._untraced:
            self._untraced = not self._database.erase_traces()

    def _run(self) -> None:
        while True:
            try:
                self.sweep()
            except GatewayError as exc:
                _log.warning("galleries are not swept: %s", exc)
            except Exception:  # whatever it is, people are to be erased
                _log.exception("galleries are not swept")
            if self._ended.wait(self._interval_s):
                return
