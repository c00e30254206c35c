"""Flask without what no request of ours needs: what is left of it works as Flask's own."""

import pytest
from flask import Blueprint, Flask, Response, request
from werkzeug.exceptions import HTTPException

from gateway.plain import Plain


def told(app: Flask) -> Flask:
    """Two routes, one of a blueprint with a hook of its own, hooks around all, and an error that is answered."""
    app.url_map.merge_slashes = False
    routes = Blueprint("doors", __name__)

    @routes.before_request
    def closed() -> Response | None:
        return Response("closed", 403) if request.headers.get("X-Closed") else None

    @routes.get("/doors/<name>/<int:number>")
    def door(name: str, number: int) -> str:
        if name == "broken":
            raise ValueError(name)
        return f"{name} {number} {request.blueprint} {request.method}"

    app.register_blueprint(routes)
    app.add_url_rule("/<path:anything>", "anything", lambda anything: f"any {anything}", methods=["POST"])

    @app.before_request
    def begun() -> Response | None:
        app.config.setdefault("begun", []).append(request.path)
        return Response("stopped", 418) if request.headers.get("X-Stopped") else None

    @app.after_request
    def first(response: Response) -> Response:
        response.headers["X-Order"] = response.headers.get("X-Order", "") + "first"
        return response

    @app.after_request
    def last(response: Response) -> Response:
        response.headers["X-Order"] = "last, "
        return response

    @app.teardown_request
    def over(_error: BaseException | None) -> None:
        app.config.setdefault("ended", []).append(request.path)

    def refused(error: Exception) -> tuple[str, int]:
        return type(error).__name__, (error.code or 500) if isinstance(error, HTTPException) else 500

    app.register_error_handler(Exception, refused)
    return app


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/doors/red/1", {}),
        ("GET", "/doors/blue/2", {}),
        ("HEAD", "/doors/red/1", {}),
        ("OPTIONS", "/doors/red/1", {}),
        ("OPTIONS", "/somewhere/else", {}),
        ("POST", "/doors/red/1", {}),
        ("DELETE", "/doors/red/1", {}),
        ("GET", "/doors/red/one", {}),
        ("GET", "/", {}),
        ("GET", "/doors/broken/1", {}),
        ("GET", "/doors/r%20d/1", {}),
        ("GET", "//doors/red/1", {}),
        ("POST", f"/{'long/' * 200}way", {}),
        ("GET", "/doors/red/1", {"X-Stopped": "1"}),
        ("GET", "/doors/red/1", {"X-Closed": "1"}),
        ("POST", "/elsewhere", {"X-Closed": "1"}),
        ("GET", "/doors/red/1", {"Host": "example.org:99"}),
    ],
)
def test_it_answers_as_flask_does(method: str, path: str, headers: dict[str, str]) -> None:
    flask, plain = told(Flask(__name__, static_folder=None)), told(Plain(__name__))
    for _ in range(2):  # the second time its route is remembered
        theirs = flask.test_client().open(path, method=method, headers=headers)
        ours = plain.test_client().open(path, method=method, headers=headers)
        assert (ours.status, ours.data, sorted(ours.headers)) == (theirs.status, theirs.data, sorted(theirs.headers))
        assert ours.allow.as_set() == theirs.allow.as_set()
    assert plain.config["begun"] == flask.config["begun"]
    assert plain.config["ended"] == flask.config["ended"]


def test_what_a_route_is_given_is_its_own_each_time() -> None:
    app = Plain(__name__)
    seen: list[dict[str, str]] = []

    @app.get("/<name>")
    def look(name: str) -> str:
        values = request.view_args
        assert values is not None
        seen.append(dict(values))
        values["name"] = "spoilt"
        return name

    answers = [app.test_client().get(path).text for path in ("/a", "/b", "/a")]
    assert (answers, seen) == (["a", "b", "a"], [{"name": "a"}, {"name": "b"}, {"name": "a"}])
