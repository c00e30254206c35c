"""The model card of a version, asked for when somebody wants to see it."""

import threading
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from gateway.backend import Backend
from gateway.deadline import Deadline
from gateway.errors import NoCardError, VersionGoneError
from gateway.model import Model
from gateway.trace import Trace
from gateway.version import ServedVersion

_MARKDOWN, _PAGE = "card", "card_html"


@dataclass(frozen=True)
class Card:
    """One text in two forms. `page` is an HTML file that needs no other."""

    markdown: str
    page: str


class Cards:
    """The cards that were asked for, each for as long as the version that it was read from. Safe to share."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._lock = threading.Lock()
        self._kept: WeakKeyDictionary[ServedVersion, Card] = WeakKeyDictionary()

    def of(self, model: Model, trace: Trace, deadline: Deadline) -> Card:
        """The card of the version that answers now; as `Pipeline.answer` does, anew when that is gone meanwhile.

        Raises:
            NoCardError: the version has none.
            GatewayError: see `gateway.problems`.
        """
        trace.model = model.name
        while True:
            era = self._backend.era
            version = trace.version = model.current(deadline)
            with self._lock:
                kept = self._kept.get(version)
            if kept:
                return kept
            try:
                card = self._read(version, deadline)
            except VersionGoneError:
                model.replace_gone(version, deadline)
                continue
            if self._backend.era is era:  # else another server may have answered
                with self._lock:
                    self._kept[version] = card
                return card

    def _read(self, version: ServedVersion, deadline: Deadline) -> Card:
        documents = self._backend.documents(version.model, version.number, (_MARKDOWN, _PAGE), deadline)
        if not (documents[_MARKDOWN] and documents[_PAGE]):
            raise NoCardError(version.model, version.number)
        return Card(documents[_MARKDOWN], documents[_PAGE])
