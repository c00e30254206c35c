"""What is to be done again and again: to erase whose time is over, and to seal anew what an earlier key has sealed."""

from gateway.galleries.audit import Audit
from gateway.galleries.database import Database
from gateway.galleries.people import People

_WHO = "retention"


class Sweep:
    """Of one thread."""

    def __init__(self, database: Database, people: People, audit: Audit) -> None:
        self._database = database
        self._people = people
        self._audit = audit
        self._untraced = True  # whether something may be left in the log of the database

    def __call__(self) -> None:
        """Once. Raises `GatewayError` where that cannot be done now."""
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
