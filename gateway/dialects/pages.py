"""The pages for people: `/`, `/docs`, and the files they need."""

from pathlib import Path

from flask import Blueprint, Response, send_from_directory

from gateway.dialects import exchange
from gateway.dialects.dialect import Dialect
from gateway.openapi import TEXT, Description, get
from gateway.parts import Parts

_WEB = Path(__file__).resolve().parents[1] / "web"


def _routes(routes: Blueprint, _parts: Parts) -> None:
    @routes.get("/")
    def index() -> Response:
        return send_from_directory(_WEB, "index.html")

    @routes.get("/docs")
    def docs() -> Response:
        return send_from_directory(_WEB, "docs.html")

    @routes.get("/web/<path:file>")
    def web(file: str) -> Response:
        return send_from_directory(_WEB, file)


def _describe() -> Description:
    file = {"name": "file", "in": "path", "required": True, "schema": {"type": "string"}}
    return Description(
        {
            "/docs": {"get": get("The OpenAPI document, rendered", {"text/html": TEXT})},
            "/": {"get": get("The page to try the models", {"text/html": TEXT})},
            "/web/{file}": {"parameters": [file], "get": get("A file of the pages", {"*/*": {}}, 404)},
        }
    )


PAGES = Dialect("pages", _routes, _describe, exchange.problem)
