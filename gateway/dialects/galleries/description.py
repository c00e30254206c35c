"""How the routes of `/v1/galleries` are described."""

from typing import Any

from pydantic import BaseModel

from gateway import openapi
from gateway.body import JSON
from gateway.dialects.galleries.people_wire import (
    ErasedResponse,
    HoldsResponse,
    IdentifyRequest,
    IdentifyResponse,
    MoreFacesRequest,
    PeoplePage,
    PersonDocument,
    PersonRequest,
    ReceiptPage,
)
from gateway.dialects.galleries.wire import (
    MEDIA_TYPES,
    GalleryDocument,
    GalleryList,
    GalleryRequest,
    PictureDocument,
    PicturePage,
    PictureRequest,
    SearchRequest,
    SearchResponse,
)
from gateway.galleries.receipt import Receipt
from gateway.openapi import Description
from processing.thumbnail import MEDIA_TYPE

_LOOKING = (403, 404, 405, 409, 422, 500, 503, 504)
_RECEIVING = (400, 403, 404, 405, 408, 409, 412, 413, 415, 422, 500, 502, 503, 504)
_GALLERY = {"name": "gallery", "in": "path", "required": True, "schema": {"type": "string"}, "example": "holidays"}
_PERSON = {"name": "person", "in": "path", "required": True, "schema": {"type": "string"}}
_PICTURE = {"name": "picture", "in": "path", "required": True, "schema": {"type": "string"}, "example": "rome-1"}


def described() -> Description:
    one, picture = "/v1/galleries/{gallery}", "/v1/galleries/{gallery}/pictures/{picture}"
    put = _asked(
        "Keep a picture under an id of yours, in the place of one that has it", PictureRequest, PictureDocument
    )
    put["responses"]["201"] = {**put["responses"]["200"], "description": "There was none of this id"}
    paths: dict[str, Any] = {
        "/v1/galleries": {
            "get": _looked("All galleries", openapi.json(GalleryList)),
            "post": _asked(
                "Make a gallery",
                GalleryRequest,
                GalleryDocument,
                201,
                bare=False,
                parameters=[openapi.PIN, openapi.CHOICE],
            ),
        },
        one: {
            "parameters": [_GALLERY],
            "get": _looked("A gallery", openapi.json(GalleryDocument)),
            "delete": _gone("Delete a gallery with all that is in it"),
        },
        f"{one}/pictures": {
            "parameters": [_GALLERY],
            "get": {
                **_looked("The pictures of a gallery, by their ids in order", openapi.json(PicturePage)),
                "parameters": _page({"type": "string"}),
            },
            "post": _asked("Keep a picture under a new id", PictureRequest, PictureDocument, 201),
        },
        picture: {
            "parameters": [_GALLERY, _PICTURE],
            "get": _looked("What is known of a kept picture", openapi.json(PictureDocument)),
            "put": put,
            "delete": _gone("Delete a picture"),
        },
        f"{picture}/thumbnail": {
            "parameters": [_GALLERY, _PICTURE],
            "get": _looked("A small JPEG of a picture, where one is kept", {MEDIA_TYPE: {}}),
        },
        f"{picture}/content": {
            "parameters": [_GALLERY, _PICTURE],
            "get": _looked("A picture as it was sent, where it is kept", {"application/octet-stream": {}}),
        },
        f"{one}/search": {
            "parameters": [_GALLERY],
            "post": _asked("Find the nearest pictures", SearchRequest, SearchResponse),
        },
    }
    paths |= _people(one)
    models = (
        *(GalleryRequest, GalleryDocument, GalleryList, PictureRequest, PictureDocument, PicturePage),
        *(SearchRequest, SearchResponse, PersonRequest, MoreFacesRequest, PersonDocument, PeoplePage),
        *(IdentifyRequest, IdentifyResponse, ErasedResponse, ReceiptPage, Receipt, HoldsResponse),
    )
    return Description(paths, models)


def _people(gallery: str) -> dict[str, Any]:
    person = f"{gallery}/people/{{person}}"
    return {
        f"{gallery}/people": {
            "parameters": [_GALLERY],
            "get": {
                **_looked("The people of a gallery, by their ids in order", openapi.json(PeoplePage)),
                "parameters": _page({"type": "string"}),
            },
            "post": _asked("Enrol a person", PersonRequest, PersonDocument, 201, bare=False),
        },
        person: {
            "parameters": [_GALLERY, _PERSON],
            "get": _looked("What is known of a person", openapi.json(PersonDocument)),
            "delete": _looked("Erase a person, with a receipt", openapi.json(ErasedResponse)),
        },
        f"{person}/faces": {
            "parameters": [_GALLERY, _PERSON],
            "post": _asked("Add pictures of a person's face", MoreFacesRequest, PersonDocument, bare=False),
        },
        f"{gallery}/identify": {
            "parameters": [_GALLERY],
            "post": _asked("Whose face it is, if anybody's of the gallery", IdentifyRequest, IdentifyResponse),
        },
        f"{gallery}/receipts": {
            "parameters": [_GALLERY],
            "get": {
                **_looked("Receipts of who was erased, also of a gallery that is gone", openapi.json(ReceiptPage)),
                "parameters": _page({"type": "integer", "minimum": 0, "maximum": 2**63 - 1}),
            },
        },
        "/v1/galleries/receipts/verify": {
            "post": _asked("Whether a receipt is one of this gateway", Receipt, HoldsResponse, bare=False),
        },
    }


def _page(after: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        _query("after", after, "Those that come after this one"),
        _query("limit", {"type": "integer", "minimum": 1, "maximum": 1000}, "At most so many"),
    ]


def _asked(
    summary: str,
    asked: type[BaseModel],
    answered: type[BaseModel],
    status: int = 200,
    *,
    bare: bool = True,
    parameters: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """`bare`: a picture may be the body, and the other fields parameters of the query."""
    content: dict[str, Any] = {JSON: openapi.any_of([asked])}
    if bare:
        content |= {media_type: {} for media_type in (*MEDIA_TYPES, "application/octet-stream")}
        fields = asked.model_json_schema()["properties"]
        parameters = [
            _query(name, {key: value for key, value in field.items() if key != "title"}, "Beside a bare picture")
            for name, field in fields.items()
            if name not in ("inputs", "metadata", "like")
        ]
    return {
        "summary": summary,
        "parameters": parameters or [],
        "requestBody": {"required": True, "content": content},
        "responses": {
            str(status): {
                "description": "The answer",
                "headers": openapi.answer_headers(),
                "content": {JSON: openapi.any_of([answered])},
            },
            **openapi.refused(*_RECEIVING),
        },
    }


def _looked(summary: str, content: dict[str, Any]) -> dict[str, Any]:
    answer = {"description": summary, "content": content}
    return {"summary": summary, "responses": {"200": answer, **openapi.refused(*_LOOKING)}}


def _gone(summary: str) -> dict[str, Any]:
    return {"summary": summary, "responses": {"204": {"description": "It is gone"}, **openapi.refused(*_LOOKING)}}


def _query(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": description, "schema": schema}
