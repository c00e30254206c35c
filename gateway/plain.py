"""Flask without what no request here needs, and each would pay for."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from flask import Flask, Request, Response
from flask.sessions import NullSession, SessionInterface
from flask.typing import ResponseReturnValue
from werkzeug.routing import MapAdapter, Rule

from gateway.dialects import exchange

_KNOWN_PATHS = 1024
_KNOWN_CHARS = 256  # longer paths are not remembered


class _NoSessions(SessionInterface):
    """Nobody has one."""

    _NONE = NullSession()

    def open_session(self, app: Flask, request: Request) -> NullSession:  # noqa: ARG002  # as Flask asks
        return self._NONE


class Plain(Flask):
    """Without coroutines, sessions, signals, hooks of blueprints but those before a request, values in routes that a
    hook looks at, and the host's name, on which no route depends. Which route a path has is looked up once.

    Flask looks at all of these in every request, which takes it as long again as the rest.
    """

    session_interface = _NoSessions()

    def __init__(self, name: str) -> None:
        super().__init__(name, static_folder=None)
        self.url_map.merge_slashes = False  # else a redirect would name whatever host the caller claimed
        self._remembered = lru_cache(_KNOWN_PATHS)(self._route)

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func

    def create_url_adapter(self, request: Request | None) -> None:
        """The route is found here. Flask keeps what this raises, and raises it where others look for the route."""
        if request is not None:
            find = self._remembered if len(request.path) <= _KNOWN_CHARS else self._route
            rule, values = find(request.path, request.method)
            request.url_rule, request.view_args = rule, dict(values)

    def _route(self, path: str, method: str) -> tuple[Rule, dict[str, Any]]:
        """Raises werkzeug's `HTTPException` where there is none."""
        rule, values = self._adapter(path, method).match(return_rule=True)
        return rule, dict(values)

    def _adapter(self, path: str, method: str) -> MapAdapter:
        return MapAdapter(self.url_map, "", "", "", "http", path, method)

    def make_default_options_response(self) -> Response:
        asked = exchange.asked()
        response = self.response_class()
        response.allow.update(self._adapter(asked.path, asked.method).allowed_methods())
        return response

    def full_dispatch_request(self) -> Response:
        try:
            answer = self.preprocess_request()
            if answer is None:
                answer = self.dispatch_request()
        except Exception as exc:
            answer = self.handle_user_exception(exc)
        return self.process_response(self.make_response(answer))

    def preprocess_request(self) -> ResponseReturnValue | None:
        hooks, blueprint = self.before_request_funcs, exchange.asked().blueprint
        for hook in (*hooks[None], *(hooks.get(blueprint, ()) if blueprint else ())):
            answer: ResponseReturnValue | None = hook()
            if answer is not None:
                return answer
        return None

    def process_response(self, response: Response) -> Response:
        for hook in reversed(self.after_request_funcs[None]):
            response = hook(response)
        return response

    def do_teardown_request(self, exc: BaseException | None = None) -> None:
        for hook in self.teardown_request_funcs[None]:
            hook(exc)

    def do_teardown_appcontext(self, exc: BaseException | None = None) -> None:
        """There is nothing to do."""
