"""The routes of `/v1/galleries`."""

import uuid

from flask import Blueprint, Response, request
from pydantic import BaseModel

from gateway.body import read_json
from gateway.dialects import exchange
from gateway.dialects.dialect import Dialect
from gateway.dialects.galleries import guard, wire
from gateway.dialects.galleries.description import described
from gateway.dialects.galleries.embedding import check_fits, vector_of
from gateway.dialects.galleries.people_routes import add_people, note
from gateway.dialects.galleries.wire import (
    GalleryDocument,
    GalleryList,
    GalleryRequest,
    MatchDocument,
    PageRequest,
    PictureDocument,
    PicturePage,
    PictureRequest,
    SearchRequest,
    SearchResponse,
)
from gateway.galleries.entries import Match
from gateway.galleries.gallery import Gallery
from gateway.parts import Parts
from processing.image import decode
from processing.same_person import THRESHOLD
from processing.thumbnail import MEDIA_TYPE, thumbnail

_KEPT_HEADERS = {"Content-Disposition": "attachment", "Cache-Control": "private, no-store"}


def _routes(routes: Blueprint, parts: Parts) -> None:
    settings = parts.settings

    @routes.before_request
    def check() -> None:
        guard.check(request.headers.get("Origin"), request.host, settings.host, settings.cors_origins)

    _add_galleries(routes, parts)
    _add_pictures(routes, parts)
    _add_search(routes, parts)
    add_people(routes, parts)


def _add_galleries(routes: Blueprint, parts: Parts) -> None:
    galleries = parts.galleries

    @routes.get("/v1/galleries")
    def all_galleries() -> Response:
        with parts.admission.place():
            listed = [GalleryDocument.of(gallery, kept) for gallery, kept in galleries.shelf.all()]
            return _json(GalleryList(galleries=listed))

    @routes.post("/v1/galleries")
    def create() -> Response:
        with exchange.received(parts) as (deadline, body):
            asked = read_json(GalleryRequest, body)
            call = exchange.named(parts, asked.model, deadline)
            version = parts.pipeline.by_version(call, lambda version: check_fits(version, asked.kind))
            threshold = (asked.threshold or THRESHOLD) if asked.kind == "people" else None
            note(parts, "make", asked.name)
            made = galleries.shelf.create(
                asked.name, asked.kind, asked.model, version.number, version.manifest.digest, threshold
            )
            return _json(GalleryDocument.of(made, 0), 201)

    @routes.get("/v1/galleries/<gallery>")
    def one_gallery(gallery: str) -> Response:
        with parts.admission.place():
            found = galleries.shelf.find(gallery)
            return _json(GalleryDocument.of(found, galleries.shelf.kept(found)))

    @routes.delete("/v1/galleries/<gallery>")
    def delete_gallery(gallery: str) -> Response:
        with parts.admission.place():
            found = galleries.shelf.find(gallery)
            note(parts, "delete", found.name)
            galleries.remove(found)
            return Response(status=204)


def _add_pictures(routes: Blueprint, parts: Parts) -> None:
    galleries = parts.galleries

    @routes.get("/v1/galleries/<gallery>/pictures")
    def page(gallery: str) -> Response:
        asked = wire.read_query(PageRequest, request.args)
        with parts.admission.place():
            found = galleries.pictures.page(galleries.shelf.find(gallery, "pictures"), asked.after, asked.limit)
            following = found[-1].id if len(found) == asked.limit else None
            return _json(PicturePage(pictures=[PictureDocument.of(one) for one in found], next=following))

    @routes.post("/v1/galleries/<gallery>/pictures")
    def add(gallery: str) -> Response:
        return _put(parts, gallery, uuid.uuid4().hex)

    @routes.put("/v1/galleries/<gallery>/pictures/<picture>")
    def put(gallery: str, picture: str) -> Response:
        return _put(parts, gallery, wire.check_id(picture))

    @routes.get("/v1/galleries/<gallery>/pictures/<picture>")
    def one_picture(gallery: str, picture: str) -> Response:
        with parts.admission.place():
            found = galleries.pictures.get(galleries.shelf.find(gallery, "pictures"), wire.check_id(picture))
            return _json(PictureDocument.of(found))

    @routes.get("/v1/galleries/<gallery>/pictures/<picture>/thumbnail")
    def small(gallery: str, picture: str) -> Response:
        with parts.admission.place():
            content = galleries.pictures.thumbnail(galleries.shelf.find(gallery, "pictures"), wire.check_id(picture))
            return Response(content, content_type=MEDIA_TYPE, headers=_KEPT_HEADERS)

    @routes.get("/v1/galleries/<gallery>/pictures/<picture>/content")
    def content(gallery: str, picture: str) -> Response:
        """Never as the type that its bytes may have: a browser shows none of it."""
        with parts.admission.place():
            kept = galleries.pictures.original(galleries.shelf.find(gallery, "pictures"), wire.check_id(picture))
            return Response(kept, content_type="application/octet-stream", headers=_KEPT_HEADERS)

    @routes.delete("/v1/galleries/<gallery>/pictures/<picture>")
    def delete(gallery: str, picture: str) -> Response:
        with parts.admission.place():
            galleries.pictures.delete(galleries.shelf.find(gallery, "pictures"), wire.check_id(picture))
            return Response(status=204)


def _put(parts: Parts, name: str, picture: str) -> Response:
    galleries = parts.galleries
    with exchange.received(parts) as (deadline, body):
        gallery = galleries.shelf.find(name, "pictures")
        asked = wire.read(PictureRequest, body, request.mimetype, request.args)
        galleries.pictures.document(asked.metadata)  # too much of it is refused before the model is asked
        vector = vector_of(parts, exchange.named(parts, gallery.model, deadline), gallery, asked.inputs)
        pixels = parts.router.limits(gallery.model).image_pixels
        small = None if asked.keep == "vector" else thumbnail(decode(asked.inputs, max_pixels=pixels))
        original = asked.inputs if asked.keep == "picture" else None
        deadline.remaining_s()
        kept, new = galleries.pictures.put(gallery, picture, vector, asked.metadata, small, original)
        return _json(PictureDocument.of(kept), 201 if new else 200)


def _add_search(routes: Blueprint, parts: Parts) -> None:
    @routes.post("/v1/galleries/<gallery>/search")
    def search(gallery: str) -> Response:
        with exchange.received(parts) as (deadline, body):
            found = parts.galleries.shelf.find(gallery, "pictures")
            asked = wire.read(SearchRequest, body, request.mimetype, request.args)
            if asked.inputs is None:
                matches = _like(parts, found, wire.check_id(str(asked.like)), asked)
            else:
                vector = vector_of(parts, exchange.named(parts, found.model, deadline), found, asked.inputs)
                deadline.remaining_s()
                matches = parts.galleries.pictures.nearest(found, vector, asked.top_k, asked.min_similarity)
            return _json(
                SearchResponse(
                    gallery=found.name,
                    model=found.model,
                    version=found.version,
                    digest=found.digest,
                    matches=[MatchDocument.found(match) for match in matches],
                )
            )


def _like(parts: Parts, gallery: Gallery, picture: str, asked: SearchRequest) -> list[Match]:
    """Without the one that they are to be like."""
    pictures = parts.galleries.pictures
    vector = pictures.vector(gallery, picture)
    found = pictures.nearest(gallery, vector, asked.top_k + 1, asked.min_similarity)
    return [match for match in found if match.picture.id != picture][: asked.top_k]


def _json(document: BaseModel, status: int = 200) -> Response:
    return exchange.json(document.model_dump(mode="json"), status=status)


GALLERIES = Dialect("galleries", _routes, described, exchange.problem, prefixes=("/v1/galleries",))
