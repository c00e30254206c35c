"""A tiny training on composed scenes, how who sees everything is measured, and scenes as clients send them."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from kmaas.config import Config
from kmaas.progress import PlainProgress
from models.fashion import LABELS
from models.wardrobe import SPEC
from processing.request import preprocessing
from tests.support.interrupting import InterruptedTrainingError, Interrupting
from training.config import load_config, load_train_config
from training.fingerprint import fingerprint
from training.fit import train
from training.recipe import JudgingRecipe, TrainingRecipe
from training.recipes import make_recipe, make_trial_recipe
from training.run import Run
from training.tune import score
from training.wardrobe import WardrobeRecipe

PROGRESS = PlainProgress(lambda _: None, time.monotonic)
ROWS = 16
SMALL = ("filters=[4,8,8,8]", "blocks=[0,0,0,0]", "units=8", "precision=float32")


def _recipe(*settings: str) -> WardrobeRecipe:
    config = load_config(SPEC, None, (f"rows={ROWS}", "batch_size=8", *settings))
    recipe = make_recipe(SPEC, config, Config().cache, PROGRESS)
    assert isinstance(recipe, WardrobeRecipe)
    return recipe


@pytest.fixture(scope="module")
def recipe() -> WardrobeRecipe:
    return _recipe()


def _seeing(recipe: TrainingRecipe, *, forget: int = 0) -> Any:
    """A network that knows each held-out scene by its pixels, and has the targets it is trained by as its answer; of
    the first `forget` scenes it has nothing."""
    import keras
    from keras import ops

    pictures, targets = recipe.held_out()
    known = pictures.reshape(len(pictures), -1).astype(np.float32)
    answers = targets.copy()
    answers[..., 4:] *= 0.9
    answers[:forget, :, 4:] = 0
    image = keras.Input(pictures.shape[1:], dtype="uint8", name="image")
    given = ops.reshape(ops.cast(image, "float32"), (-1, known.shape[1]))
    apart = ops.stack([ops.mean(ops.abs(given - one), axis=1) for one in known], axis=1)
    place = ops.one_hot(ops.argmin(apart, axis=1), len(known))
    answer = ops.matmul(place, answers.reshape(len(answers), -1))
    return keras.Model(image, ops.reshape(answer, (-1, *answers.shape[1:])))


def _by_name(metrics: Any) -> Mapping[str, float]:
    return {metric.name: metric.value for metric in metrics}


def test_who_sees_everything_is_always_right_and_who_forgets_scenes_is_wrong_in_these(recipe: WardrobeRecipe) -> None:
    forgotten = 4
    measured = recipe.evaluate(_seeing(recipe, forget=forgotten), PROGRESS)
    evaluation = measured.evaluation
    assert evaluation.rows == ROWS
    told = _by_name(evaluation.metrics)
    assert told["accuracy"] == evaluation.accuracy == (ROWS - forgotten) / ROWS
    assert told["precision at threshold 0.5"] == 1
    assert 0.5 < told["recall at threshold 0.5"] < 0.95
    assert told["mAP@.5"] == pytest.approx(told["mAP@[.5:.95]"])  # its boxes are exact
    assert told["mAP@.5"] == pytest.approx(told["recall at threshold 0.5"], abs=0.1)
    assert {part.value for part in evaluation.precisions} >= {"small, below 24 pixels", "24 to 48 pixels"}
    assert {of.by for of in evaluation.slices} == {"ground", "articles"}
    baseline = _by_name(evaluation.references)
    assert len(baseline) == 3
    assert all(value < 0.6 for value in baseline.values())
    assert measured.held_out.right.tolist() == [False] * forgotten + [True] * (ROWS - forgotten)
    assert len(measured.shown) == 12
    assert not {trial.disturbance for trial in evaluation.robustness.trials} & {"rotation"}


def test_a_trial_is_judged_by_scenes_of_training_articles_that_it_did_not_learn_from() -> None:
    config = load_train_config(SPEC, None, (f"rows={ROWS}",))
    recipe = make_trial_recipe(SPEC, config, Config().cache, PROGRESS)
    assert isinstance(recipe, JudgingRecipe)
    assert recipe.measure == "mAP@[.5:.95]"
    assert score(recipe, _seeing(recipe)) > 0.9
    assert score(recipe, _seeing(recipe, forget=ROWS)) == 0
    assert not np.array_equal(recipe.held_out()[0], _recipe().held_out()[0])


def test_who_finds_nothing_is_measured_all_the_same(recipe: WardrobeRecipe) -> None:
    evaluation = recipe.evaluate(_seeing(recipe, forget=ROWS), PROGRESS).evaluation
    told = _by_name(evaluation.metrics)
    assert told["mAP@.5"] == told["recall at threshold 0.5"] == 0
    assert "precision at threshold 0.5" not in told


def test_examples_are_scenes_as_the_gateway_reads_them(recipe: WardrobeRecipe) -> None:
    examples, inputs = recipe.examples()
    assert {example.label for example in examples} <= set(LABELS)
    assert len({example.name for example in examples}) == len(examples) == len(inputs)
    assert {example.media_type for example in examples} == {"image/jpeg", "image/png", "image/gif"}
    read = preprocessing(SPEC.processing(load_config(SPEC)), None)
    for example, expected in zip(examples, inputs, strict=True):
        assert np.abs(read(example.body)[0].astype(int) - expected).mean() <= 1


def test_an_epoch_is_composed_by_its_number_and_the_seed_alone(recipe: WardrobeRecipe) -> None:
    import tensorflow as tf

    def batches(of: WardrobeRecipe, number: int) -> Any:
        rows = tf.data.Dataset.from_tensor_slices(of.epoch(number)).batch(8)
        pictures, targets = zip(*of.augmented(rows, number), strict=True)
        return np.concatenate(pictures), np.concatenate(targets)

    pictures, targets = batches(recipe, 1)
    assert len(pictures) == ROWS
    for one, other in zip((pictures, targets), batches(recipe, 1), strict=True):
        np.testing.assert_array_equal(one, other)
    for of, number in ((recipe, 2), (_recipe("seed=2"), 1)):
        assert not np.array_equal(pictures, batches(of, number)[0])
    held_out, _ = recipe.held_out()
    np.testing.assert_array_equal(held_out, _recipe("seed=2").held_out()[0])


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras, when it saves weights
def test_an_interrupted_run_goes_on_and_keeps_what_was_measured(tmp_path: Path) -> None:
    config = load_config(SPEC, None, (f"rows={ROWS}", "batch_size=8", "epochs=2", *SMALL))
    run = Run.create(tmp_path, SPEC, config, fingerprint(SPEC, config))
    with pytest.raises(InterruptedTrainingError):
        train(run, Config().cache, Interrupting("epoch 1"))
    train(run, Config().cache, PROGRESS)
    assert [line.epoch for line in run.epochs()] == [1, 2]
    assert {path.stem for path in run.evaluated.plots.iterdir()} == {
        *("curves", "shown", "precisions", "robustness", "slices")
    }
    with Image.open(run.evaluated.plots / "shown.png") as sheet:
        assert sheet.width > sheet.height
    assert run.evaluated.evaluation().precisions
    assert not len(run.evaluated.sample().truth)
