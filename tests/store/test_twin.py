"""The document of a twin, and how far answers are apart."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from store.errors import ManifestError
from store.twin import INDEX, Twin, gap

TWIN = Twin(
    model="model.tflite",
    signatures=("serving_default",),
    documents={"manifest": "documents.json"},
    sha256={"model.tflite": "00", "documents.json": "11"},
    tolerance=1e-4,
)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    TWIN.write(tmp_path)
    assert Twin.read(tmp_path) == TWIN


@pytest.mark.parametrize(
    "change",
    [
        {"model": "../model.tflite"},
        {"tolerance": 0},
        {"tolerance": 0.0011},
        {"signatures": []},
        {"tolerance": float("inf")},
        {"tolerance": float("nan")},
        {"schema_version": 2},
        {"surprise": 1},
        {"documents": {"m": "/x"}},
    ],
)
def test_what_does_not_fit(tmp_path: Path, change: dict[str, Any]) -> None:
    TWIN.write(tmp_path)
    (tmp_path / INDEX).write_text(json.dumps(TWIN.model_dump(mode="json") | change))
    with pytest.raises(ManifestError, match=r"runtime\.json does not fit"):
        Twin.read(tmp_path)


def test_a_twin_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="No such file"):
        Twin.read(tmp_path)


@pytest.mark.parametrize(
    ("expected", "received", "apart"),
    [
        ([0.5, 0.5], [0.5, 0.4], 0.1),
        ([100.0, 0.0], [101.0, 0.0], 0.01),
        ([1.0, 2.0], [1.0], np.inf),
        ([1.0], [np.nan], np.inf),
        ([np.nan], [np.nan], np.inf),
        ([], [], 0),
        ([1.0], [1], np.inf),
        ([-1e9, 5.0, -5.0], [-1e9, -5.0, 5.0], 2),  # one masked logit hides nothing
        ([np.inf, -np.inf, 1.0], [np.inf, -np.inf, 1.5], 0.5),
        ([np.inf], [-np.inf], np.inf),
        ([np.inf], [1.0], np.inf),
        ([1.0], [np.inf], np.inf),
        ([30000, 1], [30002, 1], np.inf),  # whole numbers are the same or not
        ([3, 4], [3, 4], 0),
        ([True], [True], 0),
        ([True], [False], np.inf),
        ([b"a"], [b"a"], 0),
        ([b"a"], [b"b"], np.inf),
    ],
)
def test_how_far_answers_are_apart(expected: list[Any], received: list[Any], apart: float) -> None:
    assert gap(np.array(expected), np.array(received)) == pytest.approx(apart)


def test_texts_are_the_same_or_not() -> None:
    assert gap(np.array([b"a", b"b"], object), np.array([b"a", b"b"], object)) == 0
    assert gap(np.array([b"a", b"b"], object), np.array([b"a", b"c"], object)) == np.inf
