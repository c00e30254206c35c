"""Headers that answers have beside their own, added where WSGI hands the head over.

Werkzeug checks each header that is added to a response; for the dozen of every answer that takes longer than Flask does
otherwise. What is told here was checked by whoever tells it.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_TOLD = "kmaas.heads"

Header = tuple[str, str]


class Heads:
    """Middleware: every answer has the headers `always`, and those that `tell` was given for its request."""

    def __init__(self, app: "WSGIApplication", always: Iterable[Header]) -> None:
        self._app = app
        self._always = tuple(always)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        told = environ[_TOLD] = list(self._always)

        def start(status: str, headers: list[Header], error: Any = None, /) -> Any:
            return start_response(status, headers + told, error)

        return self._app(environ, start)


def tell(environ: "WSGIEnvironment", *headers: Header) -> None:
    """The answer to this request has these headers too, which it must not have already."""
    environ[_TOLD].extend(headers)
