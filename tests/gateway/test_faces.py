"""Faces in pictures: where they are, their vectors, whether two are of one person; and pictures that do not do."""

import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest

from gateway.dialects.faces import FacesFound, FaceVerification
from gateway.errors import UnfitVersionError
from gateway.settings import Limits
from gateway.tasks.faces import Face, FacesResponse
from gateway.tasks.table import build_faces
from store.layout import VersionDir
from store.manifest import Manifest
from tests.support.processes import Answer, GatewayProcess
from tests.support.small_faces import ANN, EVE, FACE, POINTS, WIDTH, pictured

ANN_THERE = pictured((ANN, 2, 3))
LANDMARKS = ["left_eye", "right_eye", "nose", "left_mouth", "right_mouth"]
BOX = {"xmin": 160, "ymin": 240, "xmax": 240, "ymax": 320}


FACE_OF_ANN = Face.model_validate(
    {
        "score": 0.9,
        "box": BOX,
        "landmarks": {name: {"x": 1, "y": 2} for name in LANDMARKS},
        "quality": {"size": 80, "sharpness": 9, "fault": None},
        "vector": [1, 2, 3],
    }
)


def asked(gateway: GatewayProcess, route: str, **fields: object) -> Answer:
    """In JSON, bytes as base64."""
    document = {
        name: base64.b64encode(value).decode() if isinstance(value, bytes) else value for name, value in fields.items()
    }
    return gateway.post(f"/v1/faces/{route}", json.dumps(document).encode(), "application/json")


def refused(answer: Answer, status: int, kind: str) -> dict[str, Any]:
    problem: dict[str, Any] = answer.json()
    assert (answer.status, problem["type"]) == (status, f"urn:kmaas:problem:{kind}"), answer.body
    return problem


def form(parts: Mapping[str, bytes | str]) -> tuple[bytes, str]:
    """A body of multipart/form-data and its type; bytes are files."""
    lines = []
    for name, value in parts.items():
        file = '; filename="a.png"\r\nContent-Type: image/png' if isinstance(value, bytes) else ""
        content = value if isinstance(value, bytes) else value.encode()
        lines += [b"--edge", f'Content-Disposition: form-data; name="{name}"{file}'.encode(), b"", content]
    return b"\r\n".join([*lines, b"--edge--", b""]), "multipart/form-data; boundary=edge"


# --- Where


def test_a_face_has_its_box_landmarks_and_quality_in_pixels_of_the_picture(texts: GatewayProcess) -> None:
    answer = texts.post("/v1/faces/detect", ANN_THERE, "image/png")
    assert answer.status == 200, answer.body
    assert answer.headers["X-Model"] == "faces"
    assert answer.headers["X-Model-Digest"].startswith("sha256:")
    [face] = answer.json()["faces"]
    assert face["box"] == BOX
    assert face["score"] > 0.5
    side = 1.15 * FACE  # of the square around the box, in which landmarks are sought
    points = [[point["x"], point["y"]] for point in face["landmarks"].values()]
    for point, (x, y) in zip(points, POINTS.tolist(), strict=True):
        assert point == pytest.approx([200 + (x - 0.5) * side, 280 + (y - 0.5) * side], abs=0.01)
    assert list(face["landmarks"]) == LANDMARKS
    assert face["quality"]["size"] == FACE
    assert face["quality"]["fault"] is None
    assert "vector" not in face


def test_faces_come_by_falling_score_and_the_threshold_is_the_callers(texts: GatewayProcess) -> None:
    picture = pictured((EVE, 7, 7), (ANN, 0, 0))
    first, second = asked(texts, "detect", inputs=picture, threshold=0.2).json()["faces"]
    assert first["score"] > second["score"]
    assert (first["box"]["xmin"], second["box"]["xmin"]) == (0, 560)
    assert len(asked(texts, "detect", inputs=picture, threshold=0.99).json()["faces"]) == 0
    assert texts.post("/v1/faces/detect?threshold=0.99", picture).json() == {"faces": []}
    body, kind = form({"inputs": picture, "threshold": "0.99"})
    assert texts.post("/v1/faces/detect", body, kind).json() == {"faces": []}


def test_hugging_faces_clients_find_faces_too(texts: GatewayProcess) -> None:
    [face] = texts.post("/models/faces", ANN_THERE).json()
    assert (face["label"], face["box"]) == ("face", BOX)


# --- Who


def test_a_vector_is_that_of_the_aligned_face(texts: GatewayProcess) -> None:
    [ann] = asked(texts, "embed", inputs=ANN_THERE).json()["faces"]
    [elsewhere] = asked(texts, "embed", inputs=pictured((ANN, 5, 1), face=160)).json()["faces"]
    [eve] = asked(texts, "embed", inputs=pictured((EVE, 2, 3))).json()["faces"]
    assert len(ann["vector"]) == WIDTH
    assert ann["vector"] == pytest.approx(elsewhere["vector"], abs=0.2)
    assert ann["vector"] != pytest.approx(eve["vector"], abs=0.5)


def test_all_faces_have_vectors_if_that_is_asked(texts: GatewayProcess) -> None:
    several = pictured(*((ANN, column, 2) for column in range(1, 7)))
    faces = asked(texts, "embed", inputs=several, all=True).json()["faces"]
    assert len(faces) == 6
    assert all(len(face["vector"]) == WIDTH for face in faces)
    blurred = pictured((ANN, 2, 3), stripes=0)
    [face] = texts.post("/v1/faces/embed?all=true", blurred).json()["faces"]
    assert face["quality"]["fault"] == "blurred"
    assert asked(texts, "embed", inputs=pictured(), all=True).json() == {"faces": []}


@pytest.mark.parametrize("in_form", [True, False])
def test_two_pictures_are_of_one_person_or_of_two(texts: GatewayProcess, in_form: bool) -> None:
    def verified(first: bytes, second: bytes) -> FaceVerification:
        if in_form:
            answer = texts.post("/v1/faces/verify", *form({"first": first, "second": second}))
        else:
            answer = asked(texts, "verify", first=first, second=second)
        assert answer.status == 200, answer.body
        return FaceVerification.model_validate_json(answer.body)

    same, other = verified(ANN_THERE, pictured((ANN, 4, 4))), verified(ANN_THERE, pictured((EVE, 2, 3)))
    assert same.same_person
    assert same.distance < same.threshold == other.threshold == 0.5 < other.distance
    assert not other.same_person
    assert [face.box.xmin for face in same.faces] == [160, 320]
    assert same.false_accepts is not None
    assert (same.false_accepts.pairs, same.false_accepts.high, same.false_accepts.data) == (4, 0.49, "pairs of stripes")
    assert same.false_rejects is not None
    assert (same.false_rejects.value, same.false_rejects.pairs) == (0.5, 2)


# --- Pictures that do not do

NOT_ONE: Mapping[str, tuple[bytes, dict[str, float]]] = {
    "no-face": (pictured(), {"faces": 0}),
    "several-faces": (pictured((ANN, 1, 1), (EVE, 4, 4)), {"faces": 2}),
    "small-face": (pictured((ANN, 2, 3), face=20), {"size": 20, "least_size": 40}),
    "blurred-face": (pictured((ANN, 2, 3), stripes=0), {"least_sharpness": 5.0}),
}


@pytest.mark.parametrize("kind", NOT_ONE)
def test_a_person_who_cannot_be_told_is_refused_with_what_was_measured(texts: GatewayProcess, kind: str) -> None:
    picture, facts = NOT_ONE[kind]
    alone = refused(asked(texts, "embed", inputs=picture), 422, kind)
    assert alone["facts"].items() >= {"picture": 0, **facts}.items()
    second = refused(asked(texts, "verify", first=ANN_THERE, second=picture), 422, kind)
    assert second["facts"].items() >= {"picture": 1, **facts}.items()
    assert second["detail"].startswith("picture 1: ")


def test_what_is_no_picture_or_no_request_is_refused(texts: GatewayProcess) -> None:
    refused(asked(texts, "detect", inputs=b"no picture"), 400, "unreadable-input")
    which = refused(asked(texts, "verify", first=ANN_THERE, second=b"no picture"), 400, "unreadable-input")
    assert "picture 1" in which["detail"]
    refused(texts.post("/v1/faces/detect", b"no picture", "text/plain"), 415, "media-type")
    document = json.dumps({"inputs": base64.b64encode(ANN_THERE).decode()}).encode()
    refused(texts.post("/v1/faces/detect", document, "text/plain"), 415, "media-type")
    assert texts.post("/v1/faces/detect", document, "application/x-www-form-urlencoded").status == 200  # as curl says
    refused(texts.post("/v1/faces/verify", ANN_THERE), 400, "malformed-body")
    kinds = refused(texts.post("/v1/faces/verify", ANN_THERE, "image/png"), 415, "media-type")
    assert kinds["accepted"] == ["application/json", "multipart/form-data"]
    faults = refused(asked(texts, "verify", first=ANN_THERE), 422, "invalid-request")["errors"]
    assert [fault["field"] for fault in faults] == ["second"]
    body, kind = form({"first": ANN_THERE, "second": "a text, no file"})
    refused(texts.post("/v1/faces/verify", body, kind), 422, "invalid-request")
    for threshold in (2, "high"):
        faults = refused(asked(texts, "detect", inputs=ANN_THERE, threshold=threshold), 422, "invalid-request")[
            "errors"
        ]
        assert [fault["field"] for fault in faults] == ["threshold"]
    refused(texts.post("/v1/faces/detect", b"", "multipart/form-data; boundary=edge"), 400, "malformed-body")


def test_another_model_is_asked_by_its_name_if_it_knows_faces(texts: GatewayProcess) -> None:
    refused(asked(texts, "detect", inputs=ANN_THERE, model="squares"), 400, "wrong-task")
    refused(asked(texts, "detect", inputs=ANN_THERE, model="nobody"), 404, "unknown-model")
    assert asked(texts, "detect", inputs=ANN_THERE, model="faces").status == 200


def test_a_pinned_digest_is_kept_to(texts: GatewayProcess) -> None:
    answer = texts.post("/v1/faces/detect", ANN_THERE, "image/png", **{"X-Model-Digest": "sha256:other"})
    refused(answer, 412, "digest")


def test_of_faces_nothing_is_kept_but_how_many_there_are(exports: Any) -> None:
    """Where a route captures calls."""
    task = build_faces(Manifest.read(VersionDir(exports / "faces").manifest), {}, Limits())
    assert task is not None
    assert task.told(FacesResponse([[FACE_OF_ANN], []])) == {"faces": [1, 0]}


# --- Versions


def test_a_version_whose_networks_do_not_fit_is_unfit(exports: Any) -> None:
    manifest = Manifest.read(VersionDir(exports / "faces").manifest)
    assert build_faces(manifest, {}, Limits()) is not None
    for signature, side in (("landmarks", "outputs"), ("embed", "outputs"), ("embed", "inputs")):
        changed = manifest.signatures[signature].model_copy(update={side: {}})
        other = manifest.model_copy(update={"signatures": {**manifest.signatures, signature: changed}})
        with pytest.raises(UnfitVersionError, match="faces need"):
            build_faces(other, {}, Limits())


# --- Their description


@pytest.mark.parametrize("route", ["detect", "embed", "verify"])
def test_the_examples_are_answered_as_described(texts: GatewayProcess, route: str) -> None:
    document = texts.get("/openapi.json").json()
    described = document["paths"][f"/v1/faces/{route}"]["post"]
    examples = described["requestBody"]["content"]["application/json"]["examples"]
    for example in examples.values():
        answer = asked(texts, route, **example["value"])
        if route == "verify":  # nobody is in the picture of the example
            refused(answer, 422, "no-face")
        else:
            FacesFound.model_validate_json(answer.body)
    [told] = described["responses"]["200"]["content"]["application/json"]["examples"].values()
    (FaceVerification if route == "verify" else FacesFound).model_validate(told["value"])
