"""A tiny training on Fashion-MNIST, evaluated as others are, and its pictures as clients send them."""

import time

import numpy as np
import pytest

from kmaas.config import Config
from kmaas.progress import PlainProgress
from models.catalog import CATALOG
from models.fashion import LABELS
from processing.garment_form import garment_form
from processing.image import decode
from store.evaluation import Classification
from tests.support.runs import Workplace
from training.config import load_config
from training.fashion import FashionRecipe
from training.recipes import make_recipe
from training.run import Run

ROWS = 200
SPEC = CATALOG["fashion-vgg"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Run.open(Workplace.at(tmp_path_factory.mktemp("fashion")).train("fashion-vgg"))


def test_it_learns_and_is_measured_beside_its_neighbours(run: Run) -> None:
    evaluation = run.evaluated.evaluation()
    assert isinstance(evaluation, Classification)
    assert evaluation.rows == ROWS
    assert evaluation.accuracy > 0.3
    assert [metric.name for metric in evaluation.references] == ["5 nearest neighbours by pixels", "always “Trouser”"]
    assert evaluation.references[0].value > 0.4
    assert {slice_.by for slice_ in evaluation.slices} == {"label", "picture"}


def test_examples_are_of_every_label_and_in_form(run: Run) -> None:
    examples, answered = FashionRecipe.examples(_recipe()), run.evaluated.examples()
    assert {example.label for example in answered} == set(LABELS)
    for example, form in zip(*examples, strict=True):
        np.testing.assert_array_equal(garment_form(decode(example.body, max_pixels=10**6)), form)


def test_the_data_sets_own_pictures_are_in_form() -> None:
    inputs, _ = _recipe().held_out()
    for picture in inputs:
        np.testing.assert_array_equal(garment_form(picture[..., 0]), picture)


def _recipe() -> FashionRecipe:
    recipe = make_recipe(
        SPEC, load_config(SPEC, None, [f"rows={ROWS}"]), Config().cache, PlainProgress(print, time.monotonic)
    )
    assert isinstance(recipe, FashionRecipe)
    return recipe
