"""Galleries of pictures, as callers have them: made, filled, searched, emptied."""

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from tests.support.galleries import GalleriesGateway
from tests.support.processes import Answer
from tests.support.small_pictures import coloured

RED, ORANGE, BLUE = coloured(250), coloured(250, 120), coloured(0, 0, 250)


def _text(picture: bytes) -> str:
    return base64.b64encode(picture).decode()


def refused(answer: Answer, status: int, *, says: str) -> Any:
    assert answer.status == status, answer.body
    problem = answer.json()
    assert says in problem["detail"]
    assert answer.headers["Content-Type"] == "application/problem+json"
    return problem


@pytest.fixture(scope="module")
def colours(keeper: GalleriesGateway) -> str:
    """A gallery with red, orange and blue, which no test changes."""
    gallery = keeper.create("colours")
    for name, picture in (("red", RED), ("orange", ORANGE), ("blue", BLUE)):
        assert keeper.keep(gallery, name, picture, "?keep=thumbnail").status == 201
    return gallery


def test_a_gallery_tells_whose_vectors_it_keeps(keeper: GalleriesGateway, colours: str) -> None:
    told = keeper.ask("GET", colours).json()
    assert {**told, "created": ""} == {
        "name": "colours",
        "kind": "pictures",
        "model": "hues",
        "version": 1,
        "digest": "sha256:hues",
        "created": "",
        "kept": 3,
        "threshold": None,
    }
    assert told in keeper.ask("GET", "").json()["galleries"]


def test_what_looks_alike_is_found_the_nearest_first(keeper: GalleriesGateway, colours: str) -> None:
    matches = keeper.search(colours, coloured(200))
    assert [match["id"] for match in matches] == ["red", "orange", "blue"]
    assert matches[0]["similarity"] == pytest.approx(1, abs=1e-5)
    assert matches[1]["similarity"] == pytest.approx(250 / (250**2 + 120**2) ** 0.5, abs=1e-4)
    assert matches[2]["similarity"] == pytest.approx(0, abs=1e-5)


def test_the_same_search_as_json_and_with_limits(keeper: GalleriesGateway, colours: str) -> None:
    asked = {"inputs": _text(coloured(200)), "top_k": 2, "min_similarity": 0.5}
    as_json = keeper.search(colours, asked)
    assert [match["id"] for match in as_json] == ["red", "orange"]
    assert keeper.search(colours, coloured(200), "?top_k=2&min_similarity=0.5") == as_json
    assert keeper.search(colours, {**asked, "top_k": 1}) == as_json[:1]
    assert keeper.search(colours, {**asked, "min_similarity": 0.99}) == as_json[:1]


def test_what_is_like_one_of_the_gallerys_own_leaves_that_out(keeper: GalleriesGateway, colours: str) -> None:
    matches = keeper.search(colours, {"like": "red", "top_k": 1})
    assert [match["id"] for match in matches] == ["orange"]
    refused(keeper.ask("POST", f"{colours}/search", {"like": "green"}), 404, says="no picture 'green'")


def test_metadata_comes_back_and_a_picture_only_where_it_is_kept(keeper: GalleriesGateway) -> None:
    gallery = keeper.create("kept")
    big = coloured(1, 2, 250, size=(500, 400))
    metadata = {"place": "Köln\u0000", "tags": ["a", None], "n": 1.5}
    for keep in ("vector", "thumbnail", "picture"):
        answer = keeper.ask(
            "PUT", f"{gallery}/pictures/{keep}", {"inputs": _text(big), "metadata": metadata, "keep": keep}
        )
        assert answer.status == 201
        assert answer.json()["metadata"] == metadata
    told = {one["id"]: (one["thumbnail"], one["picture"]) for one in keeper.search(gallery, big)}
    assert told == {"vector": (False, False), "thumbnail": (True, False), "picture": (True, True)}
    small = keeper.ask("GET", f"{gallery}/pictures/thumbnail/thumbnail")
    assert small.headers["Content-Type"] == "image/jpeg"
    with Image.open(BytesIO(small.body)) as picture:
        assert max(picture.size) == 128
    whole = keeper.ask("GET", f"{gallery}/pictures/picture/content")
    assert whole.body == big
    assert whole.headers["Content-Type"] == "application/octet-stream"
    refused(keeper.ask("GET", f"{gallery}/pictures/vector/thumbnail"), 404, says="thumbnail")
    refused(keeper.ask("GET", f"{gallery}/pictures/thumbnail/content"), 404, says="kept picture")


def test_the_id_of_another_picture_takes_its_place(keeper: GalleriesGateway) -> None:
    gallery = keeper.create("replaced")
    assert keeper.keep(gallery, "one", RED).status == 201
    assert keeper.keep(gallery, "one", BLUE).status == 200
    assert keeper.ask("GET", gallery).json()["kept"] == 1
    assert keeper.search(gallery, BLUE)[0]["similarity"] == pytest.approx(1, abs=1e-5)


def test_new_ids_are_made_and_pages_lead_through_all(keeper: GalleriesGateway) -> None:
    gallery = keeper.create("pages")
    made = sorted(keeper.ask("POST", f"{gallery}/pictures", RED).json()["id"] for _ in range(5))
    found: list[str] = []
    after: str | None = ""
    while after is not None:
        page = keeper.ask("GET", f"{gallery}/pictures?limit=2&after={after}").json()
        found += [one["id"] for one in page["pictures"]]
        after = page["next"]
    assert found == made


def test_a_deleted_picture_and_a_deleted_gallery_are_gone(keeper: GalleriesGateway) -> None:
    gallery = keeper.create("gone")
    keeper.keep(gallery, "one", RED)
    keeper.keep(gallery, "two", BLUE)
    assert keeper.ask("DELETE", f"{gallery}/pictures/one").status == 204
    assert [match["id"] for match in keeper.search(gallery, RED)] == ["two"]
    refused(keeper.ask("DELETE", f"{gallery}/pictures/one"), 404, says="no picture 'one'")
    assert keeper.ask("DELETE", gallery).status == 204
    refused(keeper.ask("GET", gallery), 404, says="GET /v1/galleries lists")
    refused(keeper.keep(gallery, "one", RED), 404, says="no gallery")
    assert keeper.ask("GET", keeper.create("gone")).json()["kept"] == 0


def test_galleries_are_of_models_that_make_vectors_of_pictures(keeper: GalleriesGateway, colours: str) -> None:
    body = {"name": "others", "model": "squares"}
    refused(keeper.ask("POST", "", body), 400, says="does object-detection")
    refused(keeper.ask("POST", "", {**body, "model": "none"}), 404, says="no model 'none'")
    refused(keeper.ask("POST", "", {"name": "colours", "model": "hues"}), 409, says="already")


@pytest.mark.parametrize("name", ["", "A", "-a", "a/b", "a" * 65, "ä", "a b", "../x", "a\u0000"])
def test_names_of_galleries_are_plain(keeper: GalleriesGateway, name: str) -> None:
    refused(keeper.ask("POST", "", {"name": name, "model": "hues"}), 422, says="name")


@pytest.mark.parametrize(
    "picture", ["rot 1", "Ä'; DROP TABLE pictures; --", "日本", '{"$ne": 1}', "%", "a" * 200, "..."]
)
def test_ids_of_pictures_are_texts_and_nothing_else(keeper: GalleriesGateway, picture: str) -> None:
    gallery = keeper.create("ids") if keeper.ask("GET", "/ids").status == 404 else "/ids"
    answer = keeper.keep(gallery, picture, RED)
    assert answer.status == 201, answer.body
    assert answer.json()["id"] == picture
    assert picture in [match["id"] for match in keeper.search(gallery, RED)]


@pytest.mark.parametrize("picture", [" a", "a\n", "a" * 201, "\u200b", "\u202e"])
def test_ids_that_nobody_can_read_are_refused(keeper: GalleriesGateway, colours: str, picture: str) -> None:
    refused(keeper.keep(colours, picture, RED), 422, says="id: expected 1 to 200 printable characters")


def test_an_id_that_looks_the_same_is_the_same(keeper: GalleriesGateway) -> None:
    gallery = keeper.create("composed")
    assert keeper.keep(gallery, "Ko\u0308ln", RED).json()["id"] == "K\u00f6ln"
    assert keeper.keep(gallery, "K\u00f6ln", RED).status == 200


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({}, 422, "expected either a picture as inputs, or an id as like"),
        ({"inputs": _text(RED), "like": "red"}, 422, "expected either"),
        ({"inputs": _text(RED), "top_k": 0}, 422, "top_k"),
        ({"inputs": _text(RED), "top_k": 1001}, 422, "top_k"),
        ({"inputs": _text(RED), "min_similarity": 1.5}, 422, "min_similarity"),
        ({"inputs": _text(RED), "where": "1=1"}, 422, "where: is not known here"),
        ({"inputs": "http://169.254.169.254/"}, 422, "nothing is fetched"),
        (b"no picture", 400, "no picture"),
        (b"", 400, "no bytes"),
        (b'{"inputs": ', 400, "not JSON"),
    ],
)
def test_what_cannot_be_searched_for_is_refused(
    keeper: GalleriesGateway, colours: str, body: object, status: int, says: str
) -> None:
    refused(keeper.ask("POST", f"{colours}/search", body), status, says=says)


def test_a_query_beside_json_and_an_unknown_one_are_refused(keeper: GalleriesGateway, colours: str) -> None:
    refused(keeper.ask("POST", f"{colours}/search?top_k=1", {"like": "red"}), 422, says="goes into the body")
    refused(keeper.ask("POST", f"{colours}/search?top=1", RED), 422, says="top: is not known here")
    refused(keeper.ask("GET", f"{colours}/pictures?limit=0"), 422, says="limit")
    refused(keeper.ask("POST", f"{colours}/search", RED, "text/csv"), 415, says="text/csv")


def test_metadata_has_a_limit_and_is_no_deeper_than_json_is(keeper: GalleriesGateway, colours: str) -> None:
    large = {"inputs": _text(RED), "metadata": {"a": "b" * 200}}
    refused(keeper.ask("PUT", f"{colours}/pictures/x", large), 413, says="galleries.metadata_bytes")
    deep = f'{{"inputs": "{_text(RED)}", "metadata": {{"a": {"[" * 5000}{"]" * 5000}}}}}'.encode()
    assert keeper.ask("PUT", f"{colours}/pictures/x", deep, "application/json").status in {400, 413, 422}


def test_numbers_in_metadata_come_back_exactly_or_are_refused(keeper: GalleriesGateway) -> None:
    gallery = keeper.create("numbers")
    exact = {"inputs": _text(RED), "metadata": {"n": [2**64 - 1, -(2**63), 0.1, 1e18]}}
    assert keeper.ask("PUT", f"{gallery}/pictures/x", exact).json()["metadata"] == exact["metadata"]
    for number in (10**30, 2**64, -(2**63) - 1):
        rounded = {"inputs": _text(RED), "metadata": {"n": [{"of": number}]}}
        refused(keeper.ask("PUT", f"{gallery}/pictures/x", rounded), 422, says="metadata: has a number of more than 64")
    nobody = {"name": "Ann", "consent": "yes", "inputs": [_text(RED)], "metadata": {"badge": 10**30}}
    people = keeper.create("numbered", model="faces", kind="people")
    refused(keeper.ask("POST", f"{people}/people", nobody), 422, says="send it as text")


def test_a_full_gallery_takes_no_more_but_replaces(keeper: GalleriesGateway) -> None:
    gallery = keeper.create("full")
    for number in range(30):
        assert keeper.keep(gallery, f"{number}", RED).status == 201
    refused(keeper.keep(gallery, "more", RED), 413, says="galleries.pictures")
    assert keeper.keep(gallery, "3", BLUE).status == 200


def test_one_id_that_many_put_and_delete_at_once_is_there_once_or_not(keeper: GalleriesGateway) -> None:
    gallery = keeper.create("crowd")

    def act(number: int) -> int:
        if number % 3 == 2:
            return keeper.ask("DELETE", f"{gallery}/pictures/one").status
        return keeper.keep(gallery, "one", (RED, BLUE)[number % 3]).status

    with ThreadPoolExecutor(12) as crowd:
        statuses = set(crowd.map(act, range(36)))
    assert statuses <= {200, 201, 204, 404}
    assert keeper.ask("GET", gallery).json()["kept"] in {0, 1}
    assert keeper.keep(gallery, "one", BLUE).status in {200, 201}
    assert [match["id"] for match in keeper.search(gallery, BLUE)] == ["one"]


def test_pages_of_other_origins_and_foreign_names_may_not_ask(keeper: GalleriesGateway, colours: str) -> None:
    body = {"name": "evil", "model": "hues"}
    refused(keeper.ask("POST", "", body, "text/plain", Origin="https://evil.example"), 403, says="evil.example")
    refused(keeper.ask("GET", colours, Host="evil.example:8080"), 403, says="this machine's own names")
    refused(keeper.ask("GET", colours, Host="[::1"), 403, says="this machine's own names")
    refused(keeper.ask("GET", colours, Origin="http://["), 403, says="may not ask")
    refused(keeper.ask("GET", colours, Origin="null"), 403, says="may not ask")
    refused(keeper.ask("GET", f"{colours}/pictures?after=%00"), 422, says="after")
    own = keeper.url
    assert keeper.ask("GET", colours, Origin=own).status == 200
    assert keeper.ask("GET", "/evil").status == 404


def test_an_answer_names_the_version_that_made_the_vectors(keeper: GalleriesGateway, colours: str) -> None:
    answer = keeper.ask("POST", f"{colours}/search", RED)
    assert answer.headers["X-Model"] == "hues"
    assert answer.headers["X-Model-Digest"] == answer.json()["digest"] == "sha256:hues"
    assert "infer" in answer.headers["Server-Timing"]


def test_examples_are_answered_as_they_are_described(keeper: GalleriesGateway) -> None:
    document = json.loads(keeper.get("/openapi.json").body)
    schemas = document["components"]["schemas"]
    made = schemas["GalleryRequest"]["examples"]
    gallery, people = (
        keeper.create(**{**example, "model": model}) for example, model in zip(made, ("hues", "faces"), strict=True)
    )
    assert keeper.ask("GET", people).json()["threshold"] == 0.45
    for name, path, method in (
        ("PictureRequest", f"{gallery}/pictures/one", "PUT"),
        ("PictureRequest", f"{gallery}/pictures", "POST"),
        ("SearchRequest", f"{gallery}/search", "POST"),
    ):
        for example in schemas[name]["examples"]:
            answer = keeper.ask(method, path, example)
            assert answer.status in {200, 201}, answer.body
