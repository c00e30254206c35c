"""The Flask application of the admin API."""

from flask import Blueprint, Flask, Response, g, request

from gateway.admin.access import check
from gateway.admin.routes import add_routes
from gateway.app import ours
from gateway.dialects import exchange
from gateway.failures import log_failure
from gateway.parts import Parts
from gateway.refusals import refusal
from gateway.trace import Trace, sane_request_id


def create_admin(parts: Parts) -> Flask:
    """The operators' side of a gateway of these parts."""
    app = Flask(__name__, static_folder=None)
    app.url_map.merge_slashes = False
    routes = Blueprint("admin", __name__)
    add_routes(routes, parts)
    app.register_blueprint(routes)
    token = parts.settings.admin_token.get_secret_value() if parts.settings.admin_token else None

    @app.before_request
    def begin() -> None:
        g.trace = Trace(sane_request_id(request.headers.get("X-Request-Id")))
        headers = request.headers
        check(token, headers.get("Authorization"), request.host, headers.get("Origin"))

    @app.after_request
    def end(response: Response) -> Response:
        response.headers["X-Request-Id"] = exchange.trace().request_id
        response.headers["Cache-Control"] = "no-store"
        return response

    app.register_error_handler(Exception, _refuse)
    return app


def _refuse(error: Exception) -> Response:
    refused = refusal(ours(error), exchange.trace().request_id)
    log_failure(refused)
    response = exchange.problem(refused)
    response.headers.update(refused.headers)
    return response
