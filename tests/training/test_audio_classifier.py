"""The recipe of a user's own classifier of recordings, which is that of `commands`, too, from windows to weights."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
import pytest

from kmaas.progress import PlainProgress
from models.audio_classifier import SPEC, AudioClassifierConfig, SoundsSource, build, own
from processing.audio import decode
from tests.support.own_sounds import KINDS, write_folder
from training.audio_classifier import AudioClassifierRecipe, demands_of, read_labelled_sounds
from training.config import load_config
from training.errors import ChangedDataError

PROGRESS = PlainProgress(lambda _: None, time.monotonic)
CACHE = Path(platformdirs.user_cache_dir("kmaas"))


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> AudioClassifierConfig:
    folder = write_folder(tmp_path_factory.mktemp("own") / "noises", 14)
    facts: dict[str, Any] = {"name": "noises", "labels": list(KINDS), "data": {"path": str(folder), "sha256": ""}}
    config = load_config(SPEC, None, ["views=2", "epochs=20"], facts)
    assert isinstance(config, AudioClassifierConfig)
    with pytest.raises(ChangedDataError):
        read_labelled_sounds(config.data, demands_of(config), PROGRESS)
    return config


@pytest.fixture(scope="module")
def recipe(config: AudioClassifierConfig) -> AudioClassifierRecipe:
    from training.data.labelled_sounds import labelled_sounds

    data = labelled_sounds(config.data, demands_of(config), PROGRESS)
    return AudioClassifierRecipe(config, data, CACHE, PROGRESS)


def test_what_is_trained_on_windows_hears_recordings(
    config: AudioClassifierConfig, recipe: AudioClassifierRecipe
) -> None:
    import keras

    keras.utils.set_random_seed(1)
    model = build(config)
    recipe.prepare(model)
    upper = recipe.upper(model)
    upper.compile(keras.optimizers.Adam(0.003), recipe.loss(), jit_compile=False)
    first = recipe.fit_head(upper)
    for number in range(1, config.epochs):
        inputs, targets = recipe.epoch(number)
        upper.train_on_batch(inputs, targets)
    assert upper.evaluate(*recipe.followed(), verbose=0) < first
    inputs, targets = recipe.held_out()
    assert np.asarray(model(inputs)).argmax(axis=1).tolist() == targets.argmax(axis=1).tolist()


def test_examples_are_files_of_what_the_model_takes(recipe: AudioClassifierRecipe) -> None:
    examples, inputs = recipe.examples()
    assert {example.label for example in examples} == set(KINDS)
    for example, row in zip(examples, inputs, strict=True):
        sound = decode(example.body, sample_rate=16_000, max_seconds=10)
        np.testing.assert_array_equal(row, np.pad(sound, (0, len(row) - len(sound))))


def test_a_card_names_neither_folders_nor_labels_twice(config: AudioClassifierConfig) -> None:
    told = config.told()
    assert told["data"]["path"] == "noises"
    assert "labels" not in told
    spec = own(config)
    assert (spec.name, spec.model, spec.labels) == ("noises", "audio-classifier", KINDS)


def test_labels_of_nothing_are_known_by_their_names(config: AudioClassifierConfig) -> None:
    source = SoundsSource(path=Path("x"), sha256="")
    of_words = config.model_copy(update={"labels": ("silence", "yes"), "data": source})
    assert build(of_words).get_layer("clearest")._background == [0]
    assert build(config).get_layer("clearest")._background == []
