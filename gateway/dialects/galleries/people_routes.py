"""The routes of people: enrolled, looked for, erased."""

from flask import Blueprint, Response, request
from pydantic import BaseModel

from gateway.body import read_json
from gateway.dialects import exchange
from gateway.dialects.galleries import wire
from gateway.dialects.galleries.embedding import faces_of
from gateway.dialects.galleries.people_wire import (
    CandidateDocument,
    ErasedResponse,
    HoldsResponse,
    IdentifyRequest,
    IdentifyResponse,
    MoreFacesRequest,
    NumberedReceipt,
    PeoplePage,
    PersonDocument,
    PersonRequest,
    ReceiptPage,
    ReceiptsRequest,
)
from gateway.dialects.galleries.wire import PageRequest
from gateway.errors import Fault, InvalidRequestError
from gateway.galleries.gallery import Kind
from gateway.galleries.receipt import Receipt
from gateway.parts import Parts
from processing.same_person import THRESHOLD

_DAY_S = 86_400.0
_KIND: Kind = "people"


def add_people(routes: Blueprint, parts: Parts) -> None:
    _add_changes(routes, parts)
    _add_looks(routes, parts)
    _add_receipts(routes, parts)


def note(parts: Parts, does: str, gallery: str, person: str | None = None) -> None:
    """Who asks for what, in the audit, before it is done."""
    who = request.remote_addr or "unknown"
    parts.galleries.audit.note(who, does, gallery, person, request=exchange.trace().request_id)


def _add_changes(routes: Blueprint, parts: Parts) -> None:
    galleries, most_days = parts.galleries, parts.settings.galleries.retention_days

    @routes.post("/v1/galleries/<gallery>/people")
    def enrol(gallery: str) -> Response:
        with exchange.received(parts) as (deadline, body):
            found = galleries.shelf.find(gallery, _KIND)
            asked = read_json(PersonRequest, body)
            days = asked.retention_days or most_days
            if days > most_days:
                raise InvalidRequestError([Fault("retention_days", f"expected {most_days} at most")])
            galleries.people.check(asked.known, len(asked.inputs))  # too much is refused before the model is asked
            faces = faces_of(parts, exchange.named(parts, found.model, deadline), found, asked.inputs)
            deadline.remaining_s()
            note(parts, "enrol", found.name)
            return _json(PersonDocument.of(galleries.people.enrol(found, asked.known, faces, days * _DAY_S)), 201)

    @routes.post("/v1/galleries/<gallery>/people/<person>/faces")
    def add_faces(gallery: str, person: str) -> Response:
        with exchange.received(parts) as (deadline, body):
            found = galleries.shelf.find(gallery, _KIND)
            known = galleries.people.get(found, person)
            asked = read_json(MoreFacesRequest, body)
            galleries.people.check(known.known, known.faces + len(asked.inputs))
            faces = faces_of(parts, exchange.named(parts, found.model, deadline), found, asked.inputs)
            deadline.remaining_s()
            note(parts, "add faces", found.name, known.id)
            return _json(PersonDocument.of(galleries.people.add(found, person, faces)))

    @routes.delete("/v1/galleries/<gallery>/people/<person>")
    def erase_person(gallery: str, person: str) -> Response:
        with parts.admission.place():
            found = galleries.shelf.find(gallery, _KIND)
            note(parts, "erase", found.name, galleries.people.check_there(found, person))
            receipt, erased = galleries.erase(found, person)
            return _json(ErasedResponse(receipt=receipt, traces_erased=erased))


def _add_looks(routes: Blueprint, parts: Parts) -> None:
    galleries = parts.galleries

    @routes.get("/v1/galleries/<gallery>/people")
    def people(gallery: str) -> Response:
        asked = wire.read_query(PageRequest, request.args)
        with parts.admission.place():
            found = galleries.people.page(galleries.shelf.find(gallery, _KIND), asked.after, asked.limit)
            following = found[-1].id if len(found) == asked.limit else None
            return _json(PeoplePage(people=[PersonDocument.of(one) for one in found], next=following))

    @routes.get("/v1/galleries/<gallery>/people/<person>")
    def one_person(gallery: str, person: str) -> Response:
        with parts.admission.place():
            return _json(PersonDocument.of(galleries.people.get(galleries.shelf.find(gallery, _KIND), person)))

    @routes.post("/v1/galleries/<gallery>/identify")
    def identify(gallery: str) -> Response:
        with exchange.received(parts) as (deadline, body):
            found = galleries.shelf.find(gallery, _KIND)
            asked = wire.read(IdentifyRequest, body, request.mimetype, request.args)
            [face] = faces_of(parts, exchange.named(parts, found.model, deadline), found, [asked.inputs])
            deadline.remaining_s()
            note(parts, "identify", found.name)
            threshold = asked.threshold or found.threshold or THRESHOLD
            near = [CandidateDocument.of(one) for one in galleries.people.identify(found, face, threshold, asked.top_k)]
            return _json(
                IdentifyResponse(
                    gallery=found.name,
                    model=found.model,
                    version=found.version,
                    digest=found.digest,
                    threshold=threshold,
                    person=near[0] if near else None,
                    candidates=near,
                )
            )


def _add_receipts(routes: Blueprint, parts: Parts) -> None:
    galleries = parts.galleries

    @routes.get("/v1/galleries/<gallery>/receipts")
    def receipts_of(gallery: str) -> Response:
        """Also of a gallery that is gone."""
        asked = wire.read_query(ReceiptsRequest, request.args)
        with parts.admission.place():
            found = galleries.receipts.page(gallery.replace("\0", ""), asked.after, asked.limit)
            following = found[-1][0] if len(found) == asked.limit else None
            listed = [NumberedReceipt(number=number, receipt=receipt) for number, receipt in found]
            return _json(ReceiptPage(receipts=listed, next=following))

    @routes.post("/v1/galleries/receipts/verify")
    def verify() -> Response:
        with exchange.received(parts) as (_, body):
            return _json(HoldsResponse(holds=galleries.receipts.holds(read_json(Receipt, body))))


def _json(document: BaseModel, status: int = 200) -> Response:
    return exchange.json(document.model_dump(mode="json"), status=status)
