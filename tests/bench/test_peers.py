"""What the HTTP peers read and write; the servers themselves run in an environment of their own."""

import json
from pathlib import Path

import numpy as np
import pytest

from bench.peers.labels import LabelWriter
from bench.peers.rows import RowReader
from processing.spec import ImageSpec, TextSpec
from processing.text import TextEncoder
from tests.support.small_models import picture
from training.vocabulary import make_tokenizer

SPEC = TextSpec(max_tokens=8, pad_id=0)


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    """The folder of a model of texts."""
    (tmp_path / "tokenizer.json").write_text(make_tokenizer(["a film a film", "a bore a bore"], (), 100))
    (tmp_path / "processing.json").write_text(SPEC.model_dump_json())
    return tmp_path


def _body(text: str) -> bytes:
    return json.dumps({"inputs": text}).encode()


def test_a_text_becomes_the_tokens_of_the_versions_tokenizer(texts: Path) -> None:
    read = RowReader(texts, "int32", ())
    expected = TextEncoder((texts / "tokenizer.json").read_text(), SPEC).encode(["a film"])
    assert np.array_equal(read(_body("a film")), expected)
    assert not read.is_tensor(_body("a film"))


def test_texts_of_unequal_length_are_joined_with_padding(texts: Path) -> None:
    read = RowReader(texts, "int32", ())
    short, long = read(_body("film")), read(_body("a film a bore"))
    joined = read.joined([short, long])
    assert joined.shape == (2, 4)
    assert joined[0].tolist() == [*short[0], 0, 0, 0]
    assert np.array_equal(joined[1:], long)


def test_a_picture_becomes_a_row_and_bytes_become_a_batch(tmp_path: Path) -> None:
    spec = ImageSpec(form="digit", height=28, width=28, channels=1)
    (tmp_path / "processing.json").write_text(spec.model_dump_json())
    read = RowReader(tmp_path, "uint8", (28, 28, 1))
    rows = read(picture())
    assert rows.shape == (1, 28, 28, 1)
    again = read(rows.tobytes())
    assert np.array_equal(again, rows)
    assert (read.is_tensor(picture()), read.is_tensor(rows.tobytes())) == (False, True)
    assert read.joined([rows, again]).shape == (2, 28, 28, 1)


def test_the_best_labels_come_first(tmp_path: Path) -> None:
    (tmp_path / "labels.json").write_text(json.dumps(["bad", "good"]))
    lines = json.loads(LabelWriter(tmp_path)(np.array([0.0, np.log(3)], np.float32)))
    assert [line["label"] for line in lines] == ["good", "bad"]
    assert [line["score"] for line in lines] == pytest.approx([0.75, 0.25])
