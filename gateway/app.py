"""The Flask application: parts put together, every request traced, every error answered."""

import atexit
from functools import partial

from flask import Blueprint, Flask, Response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from gateway.access_log import AccessLog
from gateway.backend import Backend
from gateway.browsers import instruct
from gateway.dialects import exchange
from gateway.dialects.table import DIALECTS, described, dialect_of
from gateway.errors import MalformedBodyError, MethodError, UnavailableError, UnknownRouteError
from gateway.failures import log_failure
from gateway.observer import Observer
from gateway.parts import Parts
from gateway.plain import Plain
from gateway.refusals import refusal
from gateway.registry import Registry
from gateway.routing.book import Book
from gateway.servers.hedge import Hedge
from gateway.servers.pool import Pool
from gateway.settings import GatewaySettings
from wire.client import ModelServerClient
from wire.tracing import Tracing


def create_app(settings: GatewaySettings) -> Flask:
    """A gateway that begins to follow its model server at once, in threads that end with the process.

    To end them before, close it: `app.extensions["close"]()`.
    """
    tracing = Tracing("kmaas-gateway", settings.otlp_endpoint) if settings.otlp_endpoint else None
    hedge = None if settings.hedge_after_ms is None else Hedge(settings.hedge_after_ms / 1e3, settings.threads)
    connect = partial(ModelServerClient, context=tracing.metadata if tracing else tuple)
    pool = Pool(settings.model_servers, connect=connect)
    backend = Backend(pool, retry_share=settings.retry_percent / 100, hedge=hedge)
    book = Book(settings)
    registry = Registry(backend, settings, book.selectors)
    parts = Parts.of(settings, backend, registry, book, described)
    registry.start()
    book.start()
    parts.router.start()
    parts.galleries.start()
    parts.captures.start()
    parts.telemetry.start()
    access_log = AccessLog(parts.telemetry.access_log_dropped) if settings.access_log else None
    observer = Observer(parts.telemetry, tracing, access_log)
    app = Plain(__name__)
    app.extensions["parts"], app.extensions["observer"] = parts, observer
    for dialect in DIALECTS:
        routes = Blueprint(dialect.name, __name__)
        dialect.routes(routes, parts)
        app.register_blueprint(routes)
    app.before_request(observer.begin)
    app.after_request(observer.end)
    app.teardown_request(observer.forget)
    instruct(app, settings)
    app.register_error_handler(Exception, partial(_refuse, parts))

    def close() -> None:
        atexit.unregister(close)
        registry.close()
        book.close()
        parts.router.close()
        parts.galleries.close()
        parts.captures.close()
        observer.close()

    app.extensions["close"] = close
    atexit.register(close)
    return app


def _refuse(parts: Parts, error: Exception) -> Response:
    trace = exchange.trace()
    if not isinstance(error, UnavailableError):  # of whom there are too many, each would take time and a place
        exchange.let_finish(parts)
    refused = refusal(ours(error), trace.request_id, trace.stages)
    log_failure(refused)
    response = dialect_of(request.blueprint, request.path).refuse(refused)
    response.headers.update(refused.headers)
    return response


def ours(error: Exception) -> Exception:
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
