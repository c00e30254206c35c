"""The routes of the admin API: what operators see and change of routing."""

import re

from flask import Blueprint, Response, request

from gateway.admin.description import ACTOR_HEADER, described
from gateway.body import read_json
from gateway.deadline import Deadline
from gateway.dialects import exchange
from gateway.errors import Fault, InvalidRequestError, OverLimitError
from gateway.parts import Parts
from gateway.routing.check import missing
from gateway.routing.figures import RouteDocument, RouteList, Withdrawal
from gateway.routing.route import Route

_ACTOR = re.compile(r"[\w.@+-]{1,64}", re.ASCII)
_BODY_BYTES = 64 * 2**10


def add_routes(routes: Blueprint, parts: Parts) -> None:
    _add_looks(routes, parts)
    _add_changes(routes, parts)


def _add_looks(routes: Blueprint, parts: Parts) -> None:
    @routes.get("/routes")
    def all_routes() -> Response:
        listed = RouteList(routes=[_document(parts, model) for model in parts.router.book.models()])
        return exchange.json(listed.model_dump(mode="json"))

    @routes.get("/routes/<model>")
    def one_route(model: str) -> Response:
        _check_known(parts, model)
        return _answer(parts, model)

    @routes.get("/healthz")
    def healthz() -> Response:
        return exchange.json({"alive": True})

    @routes.get("/openapi.json")
    def openapi_json() -> Response:
        return exchange.json(described())


def _add_changes(routes: Blueprint, parts: Parts) -> None:
    router, registry, settings = parts.router, parts.registry, parts.settings

    @routes.put("/routes/<model>")
    def put(model: str) -> Response:
        route, until = read_json(Route, _body()), Deadline.after(settings.deadline_s)
        known = registry.model(model, until)
        faults = [*settings.misfits(model, route), *missing(route, known, registry, until)]
        if faults:
            raise InvalidRequestError(faults)
        router.change(model, lambda _before: route, _actor())
        return _answer(parts, model)

    @routes.delete("/routes/<model>")
    def delete(model: str) -> Response:
        """Also of a model that is gone, as long as it has a route."""
        _check_known(parts, model)
        router.change(model, lambda _before: None, _actor())
        return _answer(parts, model)

    @routes.post("/routes/<model>/withdraw")
    def withdraw(model: str) -> Response:
        asked = read_json(Withdrawal, _body())

        def revised(route: Route | None) -> Route | None:
            after = route.without(asked.to) if route else None
            if after == route:
                raise InvalidRequestError([Fault("to", f"the route of {model} has no part or shadow {asked.to!r}")])
            return after

        router.change(model, revised, _actor(), asked.why)
        return _answer(parts, model)


def _body() -> bytes:
    """Raises `OverLimitError`. The rest of such a body is read by the server, within bounds."""
    announced = request.content_length
    if announced is not None and announced > _BODY_BYTES:
        raise OverLimitError("bytes of body", announced, _BODY_BYTES)
    request.max_content_length = _BODY_BYTES
    return request.get_data(cache=False)


def _check_known(parts: Parts, model: str) -> None:
    """Raises `UnknownModelError` for a model that there is not, and that has no route."""
    if model not in parts.router.book.models():
        parts.registry.model(model, Deadline.after(parts.settings.deadline_s))


def _answer(parts: Parts, model: str) -> Response:
    return exchange.json(_document(parts, model).model_dump(mode="json"))


def _document(parts: Parts, model: str) -> RouteDocument:
    book = parts.router.book
    entry = book.entry(model)
    return RouteDocument(
        model=model,
        route=book.route(model),
        configured=book.configured(model),
        changed_at=entry.at if entry else None,
        by=entry.who if entry else None,
        status=parts.router.status(model),
    )


def _actor() -> str:
    """Who changes something: the address, and the name that the caller gives itself.

    Raises:
        InvalidRequestError: that is no name.
    """
    name, address = request.headers.get(ACTOR_HEADER), request.remote_addr or "unknown"
    if name is None:
        return address
    if not _ACTOR.fullmatch(name):
        raise InvalidRequestError([Fault(ACTOR_HEADER, "expected up to 64 letters, digits or any of . _ @ + -")])
    return f"{name} at {address}"
