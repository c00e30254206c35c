"""All that a gateway has of galleries."""

import time
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.galleries.audit import Audit
from gateway.galleries.gallery import Clock, Gallery
from gateway.galleries.receipt import Receipt
from gateway.galleries.sweeper import Sweeper
from gateway.settings import GatewaySettings

if TYPE_CHECKING:
    from gateway.galleries.database import Database
    from gateway.galleries.people import People
    from gateway.galleries.pictures import Pictures
    from gateway.galleries.receipts import Receipts
    from gateway.galleries.seals import KeyRing
    from gateway.galleries.shelf import Shelf
    from gateway.galleries.sweep import Sweep

FILE = "galleries.db"  # in the folder `state`

_SQLITE = "sqlite:///"


class Galleries:
    """Safe to share between threads. What it is made of is imported and made when it is first asked for: a worker of a
    gateway without galleries would have 24 MB more.
    """

    def __init__(self, settings: GatewaySettings, clock: Clock = time.time) -> None:
        self._settings = settings.galleries
        self._state = settings.state
        given = settings.database
        self._url = given.get_secret_value() if given else f"{_SQLITE}{settings.state / FILE}"
        self._connections = settings.threads
        self._clock = clock
        self.audit = Audit(settings.state, clock)
        self._sweeper = Sweeper(self.sweep, self._settings.sweep_s)

    @cached_property
    def database(self) -> "Database":
        from gateway.galleries.database import Database

        return Database(self._url, self._connections)

    @cached_property
    def shelf(self) -> "Shelf":
        from gateway.galleries.shelf import Shelf

        return Shelf(self.database, self._settings, self._clock)

    @cached_property
    def pictures(self) -> "Pictures":
        from gateway.galleries.pictures import Pictures

        return Pictures(self.database, self._settings, self._clock)

    @cached_property
    def people(self) -> "People":
        from gateway.galleries.people import People

        return People(self.database, self._keys, self._settings, self._clock)

    @cached_property
    def receipts(self) -> "Receipts":
        from gateway.galleries.receipts import Receipts

        return Receipts(self.database, self._keys)

    def sweep(self) -> None:
        """Erases whose time is over, and seals anew. Raises `GatewayError` where that cannot be done now."""
        if not self._url.startswith(_SQLITE) or Path(self._url.removeprefix(_SQLITE)).exists():
            self._sweep()

    def remove(self, gallery: Gallery) -> tuple[list[Receipt], bool]:
        """A gallery with all that is in it. Receipts of the people, and whether no trace of them is left."""
        with self.database.writing() as connection:
            receipts = self.people.erase_all(connection, gallery)
            self.shelf.remove(gallery, connection)
        return receipts, self.database.erase_traces()

    def erase(self, gallery: Gallery, person: str) -> tuple[Receipt, bool]:
        """A person, with a receipt, and whether no trace is left. Raises `UnknownEntryError`."""
        receipt = self.people.erase(gallery, person)
        return receipt, self.database.erase_traces()

    def start(self) -> None:
        self._sweeper.start()

    def close(self) -> None:
        self._sweeper.close()
        if "database" in vars(self):
            self.database.close()

    @cached_property
    def _keys(self) -> "KeyRing":
        from gateway.galleries.seals import KeyRing

        return KeyRing([key.get_secret_value() for key in self._settings.keys], self._state)

    @cached_property
    def _sweep(self) -> "Sweep":
        from gateway.galleries.sweep import Sweep

        return Sweep(self.database, self.people, self.audit)
