"""Goldens: written, read, compared."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import JsonValue

from store.errors import ManifestError
from store.golden import (
    MOST_TOLERANCE,
    Golden,
    difference,
    dump_goldens,
    parse_goldens,
    read_goldens,
    write_goldens,
)

ANSWER: JsonValue = [{"label": "7", "score": 0.75}, {"label": "1", "score": 0.25}]


def test_goldens_survive_the_disk(tmp_path: Path) -> None:
    golden = Golden.of("seven", "image/png", b"\x89PNG", ANSWER, 1e-4)
    write_goldens(tmp_path / "golden", [golden])
    assert read_goldens(tmp_path / "golden") == (golden,)
    assert (tmp_path / "golden" / "seven.png").read_bytes() == golden.body == b"\x89PNG"


@pytest.mark.parametrize(
    ("put", "reason"),
    [
        (lambda folder: None, "No such file"),
        (lambda folder: folder.mkdir(), "No such file"),
        (lambda folder: folder.write_text("a file"), "Not a directory"),
    ],
    ids=["no folder", "no index", "a file"],
)
def test_goldens_that_are_missing_are_named(tmp_path: Path, put: Callable[[Path], object], reason: str) -> None:
    put(tmp_path / "golden")
    with pytest.raises(ManifestError, match=rf"golden/index\.json does not fit its schema: {reason}"):
        read_goldens(tmp_path / "golden")


@pytest.mark.parametrize("document", ["", "{}", '[{"name": 1}]', "[" * 10, '[{"name": "a", "surprise": 1}]'])
def test_documents_that_do_not_fit(document: str) -> None:
    with pytest.raises(ManifestError):
        parse_goldens(document)


@pytest.mark.parametrize("tolerance", [-1e-9, MOST_TOLERANCE * 1.01, 1e9, math.inf, math.nan])
def test_a_tolerance_that_would_let_anything_pass_is_none(tolerance: float) -> None:
    with pytest.raises(ManifestError, match=r"golden seven does not fit its schema: .*\ntolerance"):
        Golden.of("seven", "image/png", b"", ANSWER, tolerance)
    document = dump_goldens([Golden.of("seven", "image/png", b"", ANSWER, 0)]).decode()
    with pytest.raises(ManifestError, match=r"goldens does not fit its schema: .*\n0\.tolerance"):
        parse_goldens(document.replace('"tolerance":0.0', f'"tolerance":{json.dumps(tolerance)}'))


def test_a_body_that_is_not_base64() -> None:
    golden = Golden(name="x", media_type="image/png", body_base64="*", expected=None, tolerance=0)
    with pytest.raises(ManifestError, match="base64"):
        golden.body  # noqa: B018 (the property raises)


def test_equal_within_the_tolerance() -> None:
    received: JsonValue = [{"label": "7", "score": 0.7504}, {"label": "1", "score": 0.2496}]
    assert difference(ANSWER, received, 1e-3) is None
    assert difference(1, 1.0, 0) is None
    assert difference(None, None, 0) is None


@pytest.mark.parametrize(
    ("expected", "received", "where"),
    [
        (0.5, 0.6, "answer"),
        (0.5, math.nan, "answer"),
        (True, 1, "answer"),
        (0, False, "answer"),
        ([1, 2], [1], "2 items, received 1"),
        ([{"a": [1]}], [{"a": [2]}], "answer[0].a[0]"),
        ({"a": 1}, {"b": 1}, "keys"),
        ("7", 7, "answer"),
        ("a", "b", "answer"),
        (None, 0, "answer"),
        ([], {}, "answer"),
    ],
)
def test_differences_are_named_with_their_place(expected: JsonValue, received: JsonValue, where: str) -> None:
    found = difference(expected, received, 1e-6)
    assert found is not None
    assert where in found


def _thing(score: float = 0.75, label: str = "cup", **sides: int) -> JsonValue:
    return {"score": score, "label": label, "box": {"xmin": 10, "ymin": 20, "xmax": 30, "ymax": 40, **sides}}


def test_things_with_boxes_may_change_places_and_their_sides_be_a_pixel_off() -> None:
    expected: JsonValue = [_thing(), _thing(0.5, "cat"), _thing(0.5, "dog")]
    assert (
        difference(expected, [_thing(0.75001, xmin=9, ymax=41), _thing(0.5, "dog"), _thing(0.5, "cat")], 1e-4) is None
    )
    assert difference([expected, []], [expected, []], 0) is None


def test_each_thing_has_a_partner_of_its_own() -> None:
    assert difference([_thing(), _thing()], [_thing(), _thing(xmin=11)], 1e-4) is None
    assert difference([_thing(), _thing()], [_thing(), _thing(0.5, "cat")], 1e-4) is not None


@pytest.mark.parametrize(
    "received",
    [
        [_thing(), _thing(0.25, "dog")],
        [_thing(0.76), _thing(0.5, "cat")],
        [_thing(xmin=12), _thing(0.5, "cat")],
        [_thing(), _thing()],
        [_thing()],
        [_thing(), dict[str, JsonValue](score=0.5, label="cat")],
        [_thing(), dict[str, JsonValue](score=0.5, label="cat", box={"xmin": 10})],
    ],
)
def test_a_thing_without_a_partner_is_named(received: Any) -> None:
    found = difference([_thing(), _thing(0.5, "cat")], received, 1e-4)
    assert found is not None
    assert "expected" in found
