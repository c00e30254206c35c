"""Somebody's classifier of photographs as a version: what it says of itself, goldens, parity, explanations."""

import pytest

from export.version import export_version
from models.catalog import find, spec_of
from models.picture_checkpoint import PictureCheckpointConfig, build
from store.layout import VersionDir
from store.manifest import Manifest
from tests.support.photographed import PHOTOS, trained_by
from tests.support.picture_checkpoints import write_picture_checkpoint
from training.config import load_config
from training.picture_checkpoint import PictureCheckpointRecipe, settings_of


@pytest.fixture(scope="module")
def version(tmp_path_factory: pytest.TempPathFactory) -> VersionDir:
    folder = tmp_path_factory.mktemp("checkpoint")
    given = write_picture_checkpoint(folder / "my-resnet", "resnet")
    config = load_config(find("imagenet"), settings_of(str(given), "mine"))
    assert isinstance(config, PictureCheckpointConfig)
    recipe, model = PictureCheckpointRecipe(config, PHOTOS), build(config)
    recipe.prepare(model)
    export_version(trained_by(recipe, spec_of(config), config, model, folder), folder / "export", runtime="saved_model")
    return VersionDir(folder / "export")


def test_it_is_served_under_its_own_name_with_what_its_folder_says(version: VersionDir) -> None:
    manifest, card = Manifest.read(version.manifest), version.card.read_text()
    assert (manifest.model, manifest.task) == ("mine", "image-classification")
    assert manifest.signatures.keys() == {"serving_default", "raw", "explain", "manifest"}
    assert manifest.processing["resize"] == {"crop": 0.875, "interpolation": "bicubic", "fit": "shorter"}
    assert "checkpoint my-resnet" in card
    assert "apache-2.0" in card
    assert str(version.path.parent) not in card


def test_three_ways_of_preprocessing_give_the_same(version: VersionDir) -> None:
    figures = {parity.between: (parity.inputs, parity.mean) for parity in Manifest.read(version.manifest).parity}
    assert {inputs for inputs, _ in figures.values()} == {24}
    assert figures["gateway", "raw"][1] < 0.1
