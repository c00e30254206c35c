"""The model card of a version, asked for when somebody wants to see it."""

import threading
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from gateway.backend import Backend
from gateway.call import Call
from gateway.deadline import Deadline
from gateway.errors import NoCardError
from gateway.pipeline import Pipeline
from gateway.version import ServedVersion

_MARKDOWN, _PAGE = "card", "card_html"


@dataclass(frozen=True)
class Card:
    """One text in two forms. `page` is an HTML file that needs no other."""

    markdown: str
    page: str


class Cards:
    """The cards that were asked for, each for as long as the version that it was read from. Safe to share."""

    def __init__(self, pipeline: Pipeline, backend: Backend) -> None:
        self._pipeline = pipeline
        self._backend = backend
        self._lock = threading.Lock()
        self._kept: WeakKeyDictionary[ServedVersion, Card] = WeakKeyDictionary()

    def of(self, call: Call) -> Card:
        """The card of the version that answers the call.

        Raises:
            NoCardError: the version has none.
            GatewayError: see `gateway.refusals`.
        """
        return self._pipeline.by_version(call, lambda version: self._card(version, call.deadline))

    def _card(self, version: ServedVersion, deadline: Deadline) -> Card:
        with self._lock:
            kept = self._kept.get(version)
        if kept:
            return kept
        era = self._backend.era
        card = self._read(version, deadline)
        if self._backend.era is era:  # else another server may have answered
            with self._lock:
                self._kept[version] = card
        return card

    def _read(self, version: ServedVersion, deadline: Deadline) -> Card:
        documents = self._backend.documents(version.model, version.number, (_MARKDOWN, _PAGE), deadline)
        if not (documents[_MARKDOWN] and documents[_PAGE]):
            raise NoCardError(version.model, version.number)
        return Card(documents[_MARKDOWN], documents[_PAGE])
