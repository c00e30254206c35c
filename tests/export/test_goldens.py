"""Which held-out requests become goldens, and in which shape."""

import json
from typing import Any

import numpy as np
import pytest

from export.errors import NoGoldensError
from export.goldens import make_goldens, make_vector_goldens
from models.example import Example
from processing.spec import AudioSpec, TextSpec
from tests.support.recordings import wav
from tests.support.small_pictures import FORM, coloured
from training.vocabulary import make_tokenizer

LABELS = ("negative", "positive")
SPEC = TextSpec(max_tokens=8, pad_id=0)
TOKENIZER = make_tokenizer(["good bad so"], ["good", "bad", "so"], 100)


def _example(name: str, text: str, label: str) -> Example:
    return Example.of(name, "application/json", json.dumps({"inputs": text}).encode(), label)


def _by_length(inputs: Any) -> Any:
    """One word is negative, two are neither, three are positive."""
    return np.array([[0, inputs.shape[1] - 2]], np.float32)


def test_each_label_has_its_own_rightly_read_first_and_doubtful_ones_are_passed_over() -> None:
    examples = [
        _example("wrong", "so so bad", "negative"),
        _example("doubtful", "so bad", "negative"),
        _example("right", "bad", "negative"),
        _example("good", "so so good", "positive"),
    ]
    goldens = make_goldens(examples, LABELS, SPEC, TOKENIZER, _by_length)
    assert [checked.golden.name for checked in goldens] == ["right", "wrong", "good"]
    high, low = 1 / (1 + np.exp(-1)), 1 / (1 + np.exp(1))
    expected: Any = goldens[0].golden.expected
    assert [entry["label"] for entry in expected[0]] == ["negative", "positive"]
    assert [entry["score"] for entry in expected[0]] == pytest.approx([high, low])
    assert json.loads(goldens[0].golden.body) == {"inputs": "bad"}


def test_no_clear_answer_at_all_is_an_error() -> None:
    with pytest.raises(NoGoldensError, match="none of 1 held-out requests"):
        make_goldens([_example("doubtful", "so bad", "negative")], LABELS, SPEC, TOKENIZER, _by_length)


def test_a_recording_is_answered_as_a_picture_is_with_the_best_labels_in_one_list() -> None:
    body = wav(np.array([[0.5], [0.25]]), 8000, width=4)
    examples = [Example.of("loud", "audio/wav", body, "a")]
    spec = AudioSpec(sample_rate=8000)
    (checked,) = make_goldens(examples, tuple("abcdefg"), spec, None, lambda _: np.arange(7, dtype=np.float32)[None])
    np.testing.assert_allclose(checked.inputs, [[0.5, 0.25]])
    expected: Any = checked.golden.expected
    assert [entry["label"] for entry in expected] == ["g", "f", "e", "d", "c"]


def test_vectors_are_told_number_by_number_and_those_that_are_none_are_passed_over() -> None:
    def vector(inputs: Any) -> Any:
        return np.array([[inputs.shape[1], np.nan if inputs.shape[1] == 2 else 0.5]], np.float32)

    examples = [_example("one", "bad", ""), _example("none", "so bad", ""), _example("three", "so so good", "")]
    goldens = make_vector_goldens(examples, SPEC, TOKENIZER, vector)
    assert [(checked.golden.name, checked.golden.expected) for checked in goldens] == [
        ("one", [[1.0, 0.5]]),
        ("three", [[3.0, 0.5]]),
    ]
    assert goldens[0].outputs["embedding"].tolist() == [[1.0, 0.5]]
    assert len(make_vector_goldens(examples[:1] * 20, SPEC, TOKENIZER, vector)) == 16
    with pytest.raises(NoGoldensError, match="none of 1 held-out requests"):
        make_vector_goldens(examples[1:2], SPEC, TOKENIZER, vector)


def test_pictures_have_vectors_of_what_the_model_sees_of_them() -> None:
    examples = [Example.of(f"{red}", "image/png", coloured(red), "") for red in (0, 100, 200)]
    goldens = make_vector_goldens(examples, FORM, None, lambda pixels: pixels.mean(axis=(1, 2)).astype(np.float32))
    assert [checked.golden.expected for checked in goldens] == [[[red, 0.0, 0.0]] for red in (0, 100, 200)]
    assert goldens[1].golden.body == coloured(100)
    assert goldens[1].inputs.shape == (1, FORM.height, FORM.width, 3)
