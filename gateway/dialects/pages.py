"""The pages for people: `/`, `/docs`, and the files they need."""

from pathlib import Path

from flask import Blueprint, Response, send_from_directory

_WEB = Path(__file__).resolve().parents[1] / "web"


def pages() -> Blueprint:
    routes = Blueprint("pages", __name__)

    @routes.get("/")
    def index() -> Response:
        return send_from_directory(_WEB, "index.html")

    @routes.get("/docs")
    def docs() -> Response:
        return send_from_directory(_WEB, "docs.html")

    @routes.get("/web/<path:file>")
    def web(file: str) -> Response:
        return send_from_directory(_WEB, file)

    return routes
