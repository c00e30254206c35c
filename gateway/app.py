"""The Flask application: parts put together, every request traced, every error answered."""

import logging

from flask import Blueprint, Flask, Response, g, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from gateway.backend import Backend
from gateway.dialects import exchange
from gateway.dialects.table import DIALECTS, described, dialect_of
from gateway.errors import MalformedBodyError, MethodError, UnavailableError, UnexplainedError, UnknownRouteError
from gateway.parts import Parts
from gateway.refusals import refusal
from gateway.registry import Registry
from gateway.settings import GatewaySettings
from gateway.telemetry import Telemetry
from gateway.trace import Trace, sane_request_id
from wire.client import ModelServerClient

_log = logging.getLogger(__name__)


def create_app(settings: GatewaySettings) -> Flask:
    """A gateway that begins to follow its model server at once, in threads that end with the process.

    To end them before, close the registry: `app.extensions["registry"].close()`.
    """
    backend = Backend(ModelServerClient(settings.model_server))
    registry = Registry(backend, settings)
    registry.start()
    parts = Parts.of(settings, backend, registry, described())
    app = Flask(__name__, static_folder=None)
    app.url_map.merge_slashes = False  # else a redirect would name whatever host the caller claimed
    app.extensions["registry"] = registry
    for dialect in DIALECTS:
        routes = Blueprint(dialect.name, __name__)
        dialect.routes(routes, parts)
        app.register_blueprint(routes)
    _trace_requests(app, parts.telemetry)
    app.register_error_handler(Exception, _refuse)
    return app


def _trace_requests(app: Flask, telemetry: Telemetry) -> None:
    @app.before_request
    def begin() -> None:
        g.trace = Trace(sane_request_id(request.headers.get("X-Request-Id")))
        telemetry.begin()

    @app.after_request
    def end(response: Response) -> Response:
        trace = exchange.trace()
        response.headers["X-Request-Id"] = trace.request_id
        if trace.stages:
            response.headers["Server-Timing"] = trace.server_timing()
        if trace.model:
            response.headers["X-Model"] = trace.model
        if trace.version:
            response.headers["X-Model-Version"] = str(trace.version.number)
            response.headers["X-Model-Digest"] = trace.version.manifest.digest
        telemetry.end(trace, response.status_code)
        return response


def _refuse(error: Exception) -> Response:
    refused = refusal(_ours(error), exchange.trace().request_id)
    if refused.status >= 500:
        _log_failure(refused.request_id, error, internal=refused.internal)
    response = dialect_of(request.blueprint, request.path).refuse(refused)
    response.headers.update(refused.headers)
    return response


def _log_failure(request_id: str, error: Exception, *, internal: bool) -> None:
    """What the caller is not told: of an unknown failure the traceback, of the model server's its own words."""
    if internal:
        _log.error("request %s failed", request_id, exc_info=error)
    else:  # that the model server is away is told once, by those that follow it; what a version lacks, to who asks
        level = logging.DEBUG if isinstance(error, (UnavailableError, UnexplainedError)) else logging.WARNING
        _log.log(level, "request %s: %s (%s)", request_id, error, error.__cause__ or "the gateway's own verdict")


def _ours(error: Exception) -> Exception:
    """Flask's own errors as ours."""
    match error:
        case NotFound():
            return UnknownRouteError(request.path)
        case MethodNotAllowed():
            return MethodError(request.method, request.path, sorted(error.valid_methods or ()))
        case HTTPException():
            return MalformedBodyError(str(error.description))
        case _:
            return error
