"""The model card of a version, asked for when somebody wants to see it."""

from dataclasses import dataclass

from gateway.backend import Backend
from gateway.call import Call
from gateway.deadline import Deadline
from gateway.errors import NoCardError
from gateway.kept import Kept
from gateway.pipeline import Pipeline
from gateway.version import ServedVersion

_MARKDOWN, _PAGE = "card", "card_html"


@dataclass(frozen=True)
class Card:
    """One text in two forms. `page` is an HTML file that needs no other."""

    markdown: str
    page: str


class Cards:
    """The cards of versions. Safe to share between threads."""

    def __init__(self, pipeline: Pipeline, backend: Backend) -> None:
        self._pipeline = pipeline
        self._backend = backend
        self._kept = Kept(backend, self._read)

    def of(self, call: Call) -> Card:
        """The card of the version that answers the call.

        Raises:
            NoCardError: the version has none.
            GatewayError: see `gateway.refusals`.
        """
        return self._pipeline.by_version(call, lambda version: self._kept.of(version, call.deadline))

    def _read(self, version: ServedVersion, deadline: Deadline) -> Card:
        documents = self._backend.documents(version.model, version.number, (_MARKDOWN, _PAGE), deadline)
        if not (documents[_MARKDOWN] and documents[_PAGE]):
            raise NoCardError(version.model, version.number)
        return Card(documents[_MARKDOWN], documents[_PAGE])
