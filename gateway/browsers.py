"""What browsers are told: what pages may do with an answer, and whose pages may read it."""

from flask import Flask, Response, request

from gateway import heads
from gateway.dialects import exchange
from gateway.heads import Heads
from gateway.settings import GatewaySettings

_PREFLIGHT_S = 600
_METHODS = "DELETE, GET, HEAD, POST, PUT"
_ASKED_HEADERS = ("authorization", "api-key", "x-api-key", "content-type", "x-request-id", "x-model-digest")
_TOLD_HEADERS = "Retry-After, Server-Timing, X-Model, X-Model-Digest, X-Model-Version, X-Model-Warning, X-Request-Id"

_PAGE_POLICY = (  # a page plays what it recorded itself
    "default-src 'self'; media-src blob:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_OTHER_POLICY = "default-src 'none'; frame-ancestors 'none'"
_ALWAYS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Server", "kmaas"),  # else granian tells its own name
)


def instruct(app: Flask, settings: GatewaySettings) -> None:
    """Adds the headers to every answer. Pages of other origins may read answers only where `cors_origins` has them."""
    origins = frozenset(settings.cors_origins)
    app.wsgi_app = Heads(app.wsgi_app, _ALWAYS)  # type: ignore[method-assign]  # Flask's documented way

    @app.before_request
    def preflight() -> Response | None:
        """Answers a browser that asks whether a page may ask."""
        if exchange.asked().method != "OPTIONS" or "Access-Control-Request-Method" not in request.headers:
            return None
        response = Response(status=204)
        if request.headers.get("Origin") in origins:
            asked = request.headers.get("Access-Control-Request-Headers", "").lower().split(",")
            allowed = [header.strip() for header in asked if header.strip() in _ASKED_HEADERS]
            response.headers["Access-Control-Allow-Methods"] = _METHODS
            response.headers["Access-Control-Allow-Headers"] = ", ".join(allowed)
            response.headers["Access-Control-Max-Age"] = str(_PREFLIGHT_S)
        return response

    @app.after_request
    def tell(response: Response) -> Response:
        headers = response.headers
        if "Content-Security-Policy" not in headers:
            policy = _PAGE_POLICY if response.mimetype == "text/html" else _OTHER_POLICY
            heads.tell(exchange.asked().environ, ("Content-Security-Policy", policy))
        if origins:
            response.vary.add("Origin")
            origin = request.headers.get("Origin")
            if origin in origins:
                headers["Access-Control-Allow-Origin"] = origin
                headers["Access-Control-Expose-Headers"] = _TOLD_HEADERS
        return response
