"""The recipe of `faces`: how its evaluation counts, with networks whose answers are known."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kmaas.progress import PlainProgress
from models.faces import SPEC, FacesConfig, processing
from processing.request import preprocessing
from tests.support.small_faces import ANN, EVE, networks, pictured
from training.config import load_config
from training.data.portraits import Portrait
from training.faces import FacesRecipe, Known, verification

PROGRESS = PlainProgress(lambda _: None, time.monotonic)
SIDE = 768


def _portrait(
    name: str, *places: tuple[Any, int, int], person: str | None = None, counted: int | None = None
) -> Portrait:
    faces = len(places) if counted is None else counted
    return Portrait(f"{name}.png", pictured(*places), faces, person, free=person is not None)


PICTURES = [
    _portrait("ann", (ANN, 2, 3), person="Ann"),
    _portrait("both", (ANN, 1, 1), (EVE, 5, 5)),
    _portrait("ann-again", (ANN, 4, 1), person="Ann"),
    _portrait("nobody"),
    _portrait("counted-otherwise", (EVE, 1, 1), counted=2),
]


def _recipe(pictures: list[Portrait] = PICTURES, *settings: str) -> FacesRecipe:
    config = load_config(SPEC, None, [*settings])
    assert isinstance(config, FacesConfig)
    return FacesRecipe(config, pictures, Path())


def test_a_photograph_is_told_rightly_if_as_many_faces_are_told_as_there_are() -> None:
    measured = _recipe().evaluate(networks(SIDE), PROGRESS)
    evaluation = measured.evaluation
    assert measured.held_out.truth.tolist() == [1, 2, 1, 0, 2]
    assert measured.held_out.predicted.tolist() == [1, 2, 1, 0, 1]
    assert (evaluation.accuracy, evaluation.rows) == (0.8, 5)
    assert {(of.value, of.accuracy) for of in evaluation.slices} == {("one face", 1), ("several", 0.5), ("none", 1)}
    assert [(one.name, one.value) for one in evaluation.references] == [("always “one face”", 0.4)]
    told = {metric.name: (metric.value, metric.rows) for metric in evaluation.metrics}
    # Ann with Ann; the two of one photograph; Ann twice with these two and with the one who was counted otherwise.
    assert told["false rejects"] == (0, 1)
    assert told["false accepts"] == (2 / 7, 7)  # she is in the photograph of both
    assert evaluation.robustness.undisturbed.accuracy == 0.8
    blur = next(of for of in evaluation.robustness.trials if of.strength == "σ 5 %")
    assert blur.accuracy < 0.8
    dark = {of.strength: of.accuracy for of in evaluation.robustness.trials if of.disturbance == "darkness"}
    assert dark.keys() == {"−60", "−120"}
    assert max(dark.values()) < 0.8  # whoever is one of their colours is another person in the dark


def _known(photograph: str, person: str | None, *vector: float) -> Known:
    return Known(photograph, person, np.array(vector, np.float32))


def test_pairs_of_which_nobody_knows_are_not_counted() -> None:
    faces = [_known("a", None, 0, 0), _known("b", None, 0, 0), _known("c", "Ann", 1, 0), _known("d", "Ann", 0, 0.4)]
    accepts, rejects, largest, least = verification(faces)
    assert (accepts.value, accepts.rows) == (0.5, 4)  # either of the two with either picture of Ann
    assert (rejects.value, rejects.rows) == (1, 1)
    assert largest.value == pytest.approx(np.hypot(1, 0.4))
    assert least.value == pytest.approx(0.4)
    assert "4 faces, those of 1 persons by name and 2 of others" in accepts.data


def test_nothing_is_told_where_there_are_no_pairs() -> None:
    assert verification([_known("a", "Ann", 0)]) == ()
    assert verification([_known("a", None, 0), _known("a", None, 0)]) == ()


def test_only_photographs_that_are_free_become_examples() -> None:
    examples, inputs = _recipe().examples()
    assert len(examples) == len(inputs) == 6 * 2
    assert {example.name.rpartition("-")[0].partition("-")[0] for example in examples} == {"ann"}
    assert {example.label for example in examples} == {"face"}
    read = preprocessing(processing(load_config(SPEC)), None)  # type: ignore[arg-type]  # it is a FacesConfig
    for example, expected in zip(examples[:3], inputs, strict=False):
        assert np.abs(read(example.body)[0].astype(int) - expected).max() <= 8


def test_another_person_than_undisturbed_is_not_right() -> None:
    from training.faces import _as_before

    one, other = np.zeros(3, np.float32), np.full(3, 1, np.float32)
    assert _as_before([one], [one]) == 1
    assert _as_before([other], [one]) == 0
    assert _as_before([one, other], [one]) == 2
    assert _as_before([other, other], [one, one]) == 2


def test_nobody_is_told_apart_whose_rows_are_few() -> None:
    recipe = _recipe(PICTURES, "rows=2")
    assert recipe.facts.held_out_rows == 2
    assert recipe.held_out()[1].tolist() == [1, 2]
    assert replace(PICTURES[0], faces=3).pixels.shape == (640, 640, 3)
