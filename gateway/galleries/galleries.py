"""All that a gateway has of galleries, put together."""

import time
from dataclasses import dataclass
from typing import Self

from gateway.galleries.audit import Audit
from gateway.galleries.database import Database, url_of
from gateway.galleries.gallery import Gallery
from gateway.galleries.people import People
from gateway.galleries.pictures import Pictures
from gateway.galleries.receipts import Receipt, Receipts
from gateway.galleries.seals import KeyRing
from gateway.galleries.shelf import Clock, Shelf
from gateway.galleries.sweeper import Sweeper
from gateway.settings import GatewaySettings


@dataclass(frozen=True)
class Galleries:
    """Safe to share between threads. Nothing is opened before it is needed."""

    database: Database
    shelf: Shelf
    pictures: Pictures
    people: People
    receipts: Receipts
    audit: Audit
    sweeper: Sweeper

    @classmethod
    def of(cls, settings: GatewaySettings, clock: Clock = time.time) -> Self:
        given, of = settings.database, settings.galleries
        database = Database(url_of(given.get_secret_value() if given else None, settings.state), settings.threads)
        keys = KeyRing([key.get_secret_value() for key in of.keys], settings.state)
        people, audit = People(database, keys, of, clock), Audit(settings.state, clock)
        return cls(
            database=database,
            shelf=Shelf(database, of, clock),
            pictures=Pictures(database, of, clock),
            people=people,
            receipts=Receipts(database, keys),
            audit=audit,
            sweeper=Sweeper(database, people, audit, of.sweep_s),
        )

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
        self.sweeper.start()

    def close(self) -> None:
        self.sweeper.close()
        self.database.close()
