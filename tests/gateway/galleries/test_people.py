"""People's galleries: enrolled with consent, told apart from strangers, sealed on the disk, erased with a receipt."""

import base64
import json
import sqlite3
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.galleries.test_pictures import refused
from tests.support.galleries import GalleriesGateway
from tests.support.small_faces import ANN, EVE, Person, pictured

STRANGER, BOTH = ("#ff0000", "#a04000"), ("#ff0000", "#e03c5c")  # the second is half way between the two persons
OLDER = ("#ff0000", "#f76971")  # Ann, an eighth of the way to Eve
NOTE = "signed on 2026-11-26, form 7"


def of(person: Person, column: int = 2) -> bytes:
    """A picture of somebody, who may stand elsewhere in it."""
    return pictured((person, column, 3))


def _text(picture: bytes) -> str:
    return base64.b64encode(picture).decode()


def _enrol(keeper: GalleriesGateway, gallery: str, name: str, *pictures: bytes, **more: Any) -> Any:
    body = {"name": name, "consent": NOTE, "inputs": [_text(picture) for picture in pictures], **more}
    answer = keeper.ask("POST", f"{gallery}/people", body)
    assert answer.status == 201, answer.body
    return answer.json()


def _identified(keeper: GalleriesGateway, gallery: str, picture: bytes, query: str = "") -> Any:
    answer = keeper.ask("POST", f"{gallery}/identify{query}", picture)
    assert answer.status == 200, answer.body
    return answer.json()


def _files(state: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(state.glob("galleries.db*")))


@pytest.fixture(scope="module")
def staff(keeper: GalleriesGateway) -> str:
    """A gallery with two persons, whom no test changes."""
    gallery = keeper.create("people", "faces", kind="people", threshold=0.3)
    _enrol(keeper, gallery, "Ann", of(ANN), of(ANN, 4))
    _enrol(keeper, gallery, "Éve", of(EVE), metadata={"room": 7})
    return gallery


def test_somebody_who_is_known_is_told_and_a_stranger_is_nobody(keeper: GalleriesGateway, staff: str) -> None:
    told = _identified(keeper, staff, of(ANN, 5))
    assert told["person"]["name"] == "Ann"
    assert told["person"]["distance"] < 0.1
    assert told["candidates"] == [told["person"]]
    assert told["threshold"] == 0.3
    assert told["digest"] == keeper.ask("GET", staff).json()["digest"]
    stranger = _identified(keeper, staff, of(STRANGER))
    assert (stranger["person"], stranger["candidates"]) == (None, [])


def test_a_request_may_ask_more_strictly_or_for_all_who_are_near(keeper: GalleriesGateway, staff: str) -> None:
    both = of(BOTH)
    assert _identified(keeper, staff, both, "?threshold=0.01")["person"] is None
    near = _identified(keeper, staff, both, "?threshold=2")["candidates"]
    assert sorted(one["name"] for one in near) == ["Ann", "Éve"]
    assert near[0]["distance"] <= near[1]["distance"]
    asked = {"inputs": _text(both), "threshold": 2, "top_k": 1}
    answer = keeper.ask("POST", f"{staff}/identify", asked)
    assert answer.json()["candidates"] == near[:1]


def test_people_are_listed_with_what_they_agreed_to(keeper: GalleriesGateway, staff: str) -> None:
    page = keeper.ask("GET", f"{staff}/people").json()
    assert {one["name"]: (one["faces"], one["consent"], one["metadata"]) for one in page["people"]} == {
        "Ann": (2, NOTE, {}),
        "Éve": (1, NOTE, {"room": 7}),
    }
    one = page["people"][0]
    assert keeper.ask("GET", f"{staff}/people/{one['id']}").json() == one
    assert keeper.ask("GET", f"{staff}/people?limit=1").json() == {"people": [one], "next": one["id"]}
    assert keeper.ask("GET", staff).json()["kept"] == 2


@pytest.mark.parametrize(
    ("picture", "slug"),
    [
        (pictured(), "no-face"),
        (pictured((ANN, 1, 1), (EVE, 5, 5)), "several-faces"),
        (pictured((ANN, 2, 3), face=20), "small-face"),
        (pictured((ANN, 2, 3), stripes=0), "blurred-face"),
    ],
)
def test_pictures_that_tell_nobody_apart_are_refused_with_what_is_wrong(
    keeper: GalleriesGateway, staff: str, picture: bytes, slug: str
) -> None:
    enrolling = {"name": "Nobody", "consent": NOTE, "inputs": [_text(of(ANN)), _text(picture)]}
    problem = refused(keeper.ask("POST", f"{staff}/people", enrolling), 422, says="picture 1: ")
    assert problem["type"] == f"urn:kmaas:problem:{slug}"
    assert problem["facts"]["picture"] == 1
    assert refused(keeper.ask("POST", f"{staff}/identify", picture), 422, says="picture 0: ")["type"] == problem["type"]
    assert keeper.ask("GET", staff).json()["kept"] == 2


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"consent": " "}, "consent"),
        ({"consent": None}, "consent"),
        ({"name": "\u202eadA"}, "name"),
        ({"name": "a" * 201}, "name"),
        ({"inputs": []}, "inputs"),
        ({"retention_days": 0}, "retention_days"),
        ({"retention_days": 366}, "retention_days"),
        ({"id": "mine"}, "id"),
    ],
)
def test_nobody_is_enrolled_without_consent_or_with_odd_fields(
    keeper: GalleriesGateway, staff: str, change: dict[str, Any], field: str
) -> None:
    body = {"name": "Ada", "consent": NOTE, "inputs": [_text(of(ANN))], **change}
    refused(keeper.ask("POST", f"{staff}/people", body), 422, says=field)
    del body["consent"]
    refused(keeper.ask("POST", f"{staff}/people", body), 422, says="consent")


def test_faces_are_added_up_to_a_limit(keeper: GalleriesGateway) -> None:
    gallery = keeper.create("more-faces", "faces", kind="people", threshold=0.2)
    person = _enrol(keeper, gallery, "Ada", of(ANN))
    path = f"{gallery}/people/{person['id']}/faces"
    assert _identified(keeper, gallery, of(OLDER))["person"] is None
    problem = refused(keeper.ask("POST", path, {"inputs": [_text(of(ANN)), _text(of(EVE))]}), 422, says="picture 1: ")
    assert problem["type"] == "urn:kmaas:problem:other-face"
    assert problem["facts"]["distance"] >= problem["facts"]["threshold"] == 0.5
    added = keeper.ask("POST", path, {"inputs": [_text(of(OLDER))]})
    assert added.json().get("faces") == 2, added.body
    assert _identified(keeper, gallery, of(OLDER))["person"]["id"] == person["id"]
    many = {"inputs": [_text(of(ANN))] * 2}
    refused(keeper.ask("POST", path, many), 413, says="(galleries.faces of the gateway)")
    refused(keeper.ask("POST", f"{gallery}/people/none/faces", many), 404, says="no person 'none'")


def test_a_gallery_keeps_either_pictures_or_people(keeper: GalleriesGateway, staff: str) -> None:
    refused(keeper.ask("POST", f"{staff}/search", of(ANN)), 409, says="keeps people; it was asked for pictures")
    pictures = keeper.create("either")
    refused(keeper.ask("POST", f"{pictures}/identify", of(ANN)), 409, says="keeps pictures")
    refused(keeper.ask("POST", "", {"name": "x", "model": "hues", "kind": "people"}), 400, says="faces")
    refused(keeper.ask("POST", "", {"name": "x", "model": "faces"}), 400, says="image-feature-extraction")
    refused(keeper.ask("POST", "", {"name": "x", "model": "hues", "threshold": 0.4}), 422, says="threshold")


def test_whoever_is_erased_is_gone_from_the_files_and_a_receipt_says_so(keeper: GalleriesGateway) -> None:
    """Of the row the sealed bytes are looked for: what they seal cannot be found by anybody."""
    gallery = keeper.create("erased", "faces", kind="people")
    person = _enrol(keeper, gallery, "Ada Lovelace", of(ANN))
    database = keeper.state / "galleries.db"
    with sqlite3.connect(database) as connection:
        [(sealed,)] = connection.execute("SELECT sealed FROM people WHERE id = ?", (person["id"],))
    connection.close()
    assert bytes(sealed[:64]) in _files(keeper.state)
    assert person["id"].encode() in _files(keeper.state)
    erased = keeper.ask("DELETE", f"{gallery}/people/{person['id']}").json()
    assert erased["traces_erased"] is True
    assert bytes(sealed[:64]) not in _files(keeper.state)
    receipt = erased["receipt"]
    assert (receipt["gallery"], receipt["person"], receipt["faces"], receipt["cause"]) == (
        "erased",
        person["id"],
        1,
        "asked",
    )
    refused(keeper.ask("GET", f"{gallery}/people/{person['id']}"), 404, says="no person")
    assert _identified(keeper, gallery, of(ANN))["person"] is None
    assert [one["receipt"] for one in keeper.ask("GET", f"{gallery}/receipts").json()["receipts"]] == [receipt]
    assert keeper.ask("GET", f"{gallery}/receipts?after={2**63 - 1}").json() == {"receipts": [], "next": None}
    refused(keeper.ask("GET", f"{gallery}/receipts?after={2**63}"), 422, says="after")
    assert keeper.ask("POST", "/receipts/verify", receipt).json() == {"holds": True}
    assert keeper.ask("POST", "/receipts/verify", {**receipt, "faces": 2}).json() == {"holds": False}
    refused(keeper.ask("POST", "/receipts/verify", {**receipt, "key": "0" * 16}), 503, says="not among")


def test_nothing_that_tells_who_somebody_is_can_be_read_on_the_disk(keeper: GalleriesGateway) -> None:
    gallery = keeper.create("sealed", "faces", kind="people")
    _enrol(keeper, gallery, "Jane Unmistakable", of(STRANGER), metadata={"badge": "unmistakable-number"})
    kept = b"".join(path.read_bytes() for path in keeper.state.iterdir() if path.is_file())
    assert b"nmistakable" not in kept
    assert NOTE.encode() not in kept
    assert stat.S_IMODE((keeper.state / "galleries.keys").stat().st_mode) == 0o600


def test_a_deleted_gallery_leaves_receipts_of_its_people(keeper: GalleriesGateway) -> None:
    gallery = keeper.create("dissolved", "faces", kind="people")
    people = {_enrol(keeper, gallery, name, of(ANN))["id"] for name in ("Ada", "Bob")}
    assert keeper.ask("DELETE", gallery).status == 204
    receipts = [one["receipt"] for one in keeper.ask("GET", f"{gallery}/receipts").json()["receipts"]]
    assert {receipt["person"] for receipt in receipts} == people
    assert {receipt["cause"] for receipt in receipts} == {"gallery"}


def test_the_audit_has_who_did_what_and_no_names(keeper: GalleriesGateway) -> None:
    gallery = keeper.create("audited", "faces", kind="people")
    person = _enrol(keeper, gallery, "Audrey", of(ANN))
    _identified(keeper, gallery, of(ANN))
    keeper.ask("DELETE", f"{gallery}/people/{person['id']}", **{"X-Request-Id": "of-audrey"})
    text = (keeper.state / "galleries.audit.jsonl").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    told = [(line["does"], line["person"], line["who"]) for line in lines if line["gallery"] == "audited"]
    assert told == [
        ("make", None, "127.0.0.1"),
        ("enrol", None, "127.0.0.1"),
        ("identify", None, "127.0.0.1"),
        ("erase", person["id"], "127.0.0.1"),
    ]
    assert lines[-1]["request"] == "of-audrey"
    assert "Audrey" not in text


def test_examples_of_people_are_described_and_refused_for_what_they_show(keeper: GalleriesGateway, staff: str) -> None:
    """The pictures of the examples have no face."""
    schemas = keeper.get("/openapi.json").json()["components"]["schemas"]
    for name, path in (("PersonRequest", "people"), ("IdentifyRequest", "identify")):
        [example] = schemas[name]["examples"]
        refused(keeper.ask("POST", f"{staff}/{path}", example), 422, says="face")
