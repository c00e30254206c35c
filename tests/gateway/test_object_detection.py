"""object-detection: what is where in pictures, in pixels of the pictures as they were sent."""

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from huggingface_hub import InferenceClient

from gateway.errors import BrokenAnswerError, UnfitVersionError
from gateway.settings import Limits
from gateway.tasks.object_detection import ObjectDetection, ObjectDetectionRequest, Seen
from processing.spec import TextSpec
from store.layout import VersionDir
from store.manifest import Batching, Manifest
from tests.support.processes import GatewayProcess
from tests.support.small_detector import MOST, drawn

Found = list[dict[str, Any]]


def found(gateway: GatewayProcess, *pictures: bytes, one: bool = False, **parameters: object) -> Any:
    encoded = [base64.b64encode(picture).decode() for picture in pictures]
    body = {"inputs": encoded[0] if one else encoded, "parameters": parameters}
    answer = gateway.post("/models/squares", json.dumps(body).encode(), "application/json")
    assert answer.status == 200, answer.body
    return answer.json()


def box(xmin: int, ymin: int, xmax: int, ymax: int) -> dict[str, int]:
    return {"xmin": xmin, "ymin": ymin, "xmax": xmax, "ymax": ymax}


# --- Answers


@pytest.mark.parametrize("media_type", [None, "application/octet-stream", "image/png"])
def test_a_bare_picture_is_answered_flat_by_falling_score(texts: GatewayProcess, media_type: str | None) -> None:
    answer = texts.post("/models/squares", drawn(("blue", 7, 7), ("red", 1, 0)), media_type).json()
    assert [(line["label"], line["box"]) for line in answer] == [
        ("red", box(8, 0, 16, 8)),
        ("blue", box(56, 56, 64, 64)),
    ]
    assert [line["score"] for line in answer] == pytest.approx([MOST[1], MOST[63]], abs=1e-5)
    assert texts.post("/models/squares", drawn(), media_type).json() == []


def test_boxes_are_in_pixels_of_the_picture_that_was_sent(texts: GatewayProcess) -> None:
    """Wide, tall, large: the model sees each reduced, in the middle of its square."""
    wide = drawn(("red", 2, 1), size=(640, 320), cell=80)
    [red] = texts.post("/models/squares", wide).json()
    assert red["box"] == box(160, 80, 240, 160)
    tall = drawn(("blue", 1, 2), size=(40, 80), cell=10)
    [blue] = texts.post("/models/squares", tall).json()
    assert blue["box"] == box(10, 20, 20, 30)


def test_a_picture_that_lies_on_its_side_is_seen_upright(texts: GatewayProcess) -> None:
    """Its EXIF orientation says that it is to be turned to the right: 80 wide and 40 high it is shown."""
    lying = drawn(("red", 0, 5), size=(40, 80), cell=10, encoding="JPEG", orientation=6)
    [red] = texts.post("/models/squares", lying).json()
    expected = box(20, 0, 30, 10)
    assert {
        side: red["box"][side] == pytest.approx(pixels, abs=1) for side, pixels in expected.items()
    } == dict.fromkeys(expected, True)


def test_the_threshold_is_a_half_unless_another_is_asked_for(texts: GatewayProcess) -> None:
    weak = drawn(("#ff8080", 0, 0), ("red", 4, 4))  # 0.45 and 0.73
    assert [line["label"] for line in found(texts, weak, one=True)] == ["red"]
    assert len(found(texts, weak, one=True, threshold=0.4)) == 2
    assert len(found(texts, weak, one=True, threshold=0)) == 2
    assert found(texts, weak, one=True, threshold=1) == []


def test_pictures_in_a_list_are_answered_in_a_list(texts: GatewayProcess) -> None:
    pictures = [drawn(("red", 0, 0)), drawn(), drawn(("blue", 3, 3), size=(128, 128), cell=16)]
    one, none, other = found(texts, *pictures)
    assert (one[0]["label"], none, other[0]["box"]) == ("red", [], box(48, 48, 64, 64))
    assert found(texts, drawn()) == [[]]


def test_hugging_faces_client_takes_bytes_files_and_a_threshold(texts: GatewayProcess, tmp_path: Path) -> None:
    client = InferenceClient(model=f"{texts.url}/models/squares", token="any")
    picture = drawn(("red", 2, 3), ("#8080ff", 0, 0))
    (file := tmp_path / "squares.png").write_bytes(picture)
    [red] = client.object_detection(picture)
    assert (red.label, red.box.xmin, red.box.ymin, red.box.xmax, red.box.ymax) == ("red", 16, 24, 24, 32)
    assert client.object_detection(str(file)) == [red]
    assert [one.label for one in client.object_detection(picture, threshold=0.2)] == ["red", "blue"]


# --- Refusals


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"threshold": 1.5}, "parameters.threshold"),
        ({"threshold": -0.1}, "parameters.threshold"),
        ({"threshold": "0.5"}, "parameters.threshold"),
        ({"top_k": 2}, "parameters.top_k"),
    ],
)
def test_wrong_parameters_are_named(texts: GatewayProcess, parameters: dict[str, object], field: str) -> None:
    body = {"inputs": base64.b64encode(drawn()).decode(), "parameters": parameters}
    answer = texts.post("/models/squares", json.dumps(body).encode(), "application/json")
    assert answer.status == 422
    assert [fault["field"] for fault in answer.json()["errors"]] == [field]


def test_what_is_no_picture_and_too_many_pictures_are_refused(texts: GatewayProcess) -> None:
    assert texts.post("/models/squares", b"\x89PNG\r\n\x1a\n and no more").status == 400
    broken = {"inputs": [base64.b64encode(data).decode() for data in (drawn(), b"nothing")]}
    answer = texts.post("/models/squares", json.dumps(broken).encode())
    assert answer.status == 400
    assert "picture 1 of the list" in answer.json()["detail"]
    many = {"inputs": [base64.b64encode(drawn()).decode()] * 5}
    assert texts.post("/models/squares", json.dumps(many).encode()).status == 413


# --- The task by itself


@pytest.fixture(scope="module")
def manifest(exports: Path) -> Manifest:
    return Manifest.read(VersionDir(exports / "squares").manifest)


def _outputs(rows: int, **changes: Any) -> dict[str, Any]:
    whole = {
        "boxes": np.zeros((rows, 10, 4), np.float32),
        "scores": np.zeros((rows, 10), np.float32),
        "classes": np.zeros((rows, 10), np.int32),
        "count": np.zeros(rows, np.int32),
    }
    return {name: array for name, array in (whole | changes).items() if array is not None}


def _inferred(manifest: Manifest, pictures: int, answer: Any) -> tuple[Any, list[int]]:
    """What `infer` makes of the answers, and how many pictures each run had."""
    task = ObjectDetection.of(manifest, {}, Limits())
    request = ObjectDetectionRequest(inputs=[drawn()] * pictures)
    runs: list[int] = []

    def ask(inputs: Any) -> Any:
        runs.append(len(inputs["image"]))
        return answer(runs[-1])

    seen: Seen = task.preprocess(request, lambda: None)
    return task.infer(request, seen, ask), runs  # type: ignore[arg-type]  # it is called, and nothing else


def test_no_run_has_more_pictures_than_were_tried_together(manifest: Manifest) -> None:
    inferred, runs = _inferred(manifest, 19, _outputs)
    assert runs == [8, 8, 3]
    assert len(inferred.rows) == 19
    few = manifest.model_copy(update={"batching": Batching(sizes=(2, 4), largest=0, allowed=1)})
    assert _inferred(few, 5, _outputs)[1] == [4, 1]
    assert _inferred(manifest.model_copy(update={"batching": None}), 2, _outputs)[1] == [1, 1]


@pytest.mark.parametrize(
    "changes",
    [
        {"boxes": None},
        {"scores": None},
        {"classes": None},
        {"count": None},
        {"boxes": np.zeros((1, 9, 4), np.float32)},
        {"boxes": np.full((1, 10, 4), np.nan, np.float32)},
        {"scores": np.zeros((2, 10), np.float32)},
        {"classes": np.zeros((1, 10), np.float32)},
        {"classes": np.full((1, 10), 2, np.int32)},
        {"classes": np.full((1, 10), -1, np.int32)},
        {"count": np.array([11], np.int32)},
        {"count": np.array([-1], np.int32)},
        {"count": np.array([[1]], np.int32)},
    ],
)
def test_an_answer_that_is_none_is_refused(manifest: Manifest, changes: dict[str, Any]) -> None:
    with pytest.raises(BrokenAnswerError, match="the model answered"):
        _inferred(manifest, 1, lambda rows: _outputs(rows, **changes))


def test_a_version_without_boxes_or_for_texts_is_unfit(manifest: Manifest) -> None:
    text = manifest.model_copy(update={"processing": TextSpec(max_tokens=8, pad_id=0).model_dump()})
    with pytest.raises(UnfitVersionError, match="needs processing of the kind image, received text"):
        ObjectDetection.of(text, {}, Limits())
    classifier = manifest.model_copy(update={"signatures": {}})
    with pytest.raises(UnfitVersionError, match="boxes, scores, classes, count"):
        ObjectDetection.of(classifier, {}, Limits())
