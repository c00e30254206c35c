"""All that a gateway has of galleries, put together."""

import time
from dataclasses import dataclass
from typing import Self

from gateway.galleries.database import Database, url_of
from gateway.galleries.gallery import Gallery
from gateway.galleries.pictures import Pictures
from gateway.galleries.shelf import Clock, Shelf
from gateway.settings import GatewaySettings


@dataclass(frozen=True)
class Galleries:
    """Safe to share between threads. Nothing is opened before it is needed."""

    database: Database
    shelf: Shelf
    pictures: Pictures

    @classmethod
    def of(cls, settings: GatewaySettings, clock: Clock = time.time) -> Self:
        given = settings.database.get_secret_value() if settings.database else None
        database = Database(url_of(given, settings.state), settings.threads)
        return cls(
            database=database,
            shelf=Shelf(database, settings.galleries, clock),
            pictures=Pictures(database, settings.galleries, clock),
        )

    def remove(self, gallery: Gallery) -> None:
        """A gallery with all that is in it."""
        with self.database.writing() as connection:
            self.shelf.remove(gallery, connection)
        self.database.erase_traces()

    def close(self) -> None:
        self.database.close()
