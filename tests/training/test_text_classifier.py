"""The training of a user's own classifier: it ends early, with the weights of its best epoch, whoever interrupts it."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import log_softmax

from kmaas.config import Config
from kmaas.own import begin_run
from kmaas.own_texts import OwnTexts
from models.text_classifier import TextClassifierConfig
from processing.cleaning import with_cleaning
from store.evaluation import Classification
from tests.support.interrupting import InterruptedTrainingError, Interrupting
from tests.support.own_texts import WORDS, rows, write_csv
from tests.support.tiny_bert import write_hugging_face
from training.backbone import load_backbone
from training.errors import ChangedDataError, UnfitBackboneError
from training.fit import evaluate, load_model, train
from training.run import Run
from training.text_classifier import tokenizer_of

# Keras', while it saves weights.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

NOWHERE = Path("nowhere")
SETTINGS = ("learning_rate.adam=0.03", "batch_size=16", "patience=1", "epochs=12", "test_share=0.2")


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    return Config(runs=tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> OwnTexts:
    folder = tmp_path_factory.mktemp("own")
    return OwnTexts(
        data=write_csv(folder / "stays.csv", rows(120, several=False)),
        text_column="text",
        label_column="label",
        separator=None,
        split_column=None,
        encoding=None,
        delimiter=None,
        name="stays",
        backbone=str(write_hugging_face(folder / "tiny-bert", WORDS)),
    )


@pytest.fixture(scope="module")
def run(config: Config, data: OwnTexts) -> Run:
    run = begin_run(config, data, None, SETTINGS)
    train(run, NOWHERE, Interrupting())
    return run


def _losses(run: Run) -> list[float]:
    return [line.held_out_loss for line in run.epochs()]


def test_it_ends_when_nothing_is_gained_and_keeps_the_best_weights(run: Run) -> None:
    losses = _losses(run)
    assert len(losses) < 12
    assert losses[-1] > min(losses) == losses[-2]
    sample = run.evaluated.sample()
    logits = np.asarray(load_model(run)(sample.inputs.astype(np.int32), training=False))
    of_truth = log_softmax(logits, axis=1)[np.arange(len(logits)), sample.truth]
    np.testing.assert_allclose(-of_truth.mean(), min(losses), rtol=1e-4)
    evaluation = run.evaluated.evaluation()
    assert isinstance(evaluation, Classification)
    assert evaluation.accuracy > 0.5
    assert evaluation.references[0].name == "TF-IDF with logistic regression"
    assert sum(map(sum, evaluation.confusion)) == 24


def test_an_interrupted_training_comes_to_the_very_same_end(config: Config, data: OwnTexts, run: Run) -> None:
    other = begin_run(config, data, None, SETTINGS)
    assert other.path != run.path
    with pytest.raises(InterruptedTrainingError):
        train(other, NOWHERE, Interrupting(until=f"epoch {len(_losses(run)) - 1}/"))
    assert [path.name for path in other.checkpoint.glob("best-*")]
    train(Run.open(other.path), NOWHERE, Interrupting())
    assert _losses(other) == _losses(run)
    assert _answers(other) == _answers(run)


def _answers(run: Run) -> list[Any]:
    return [example.answer for example in run.evaluated.examples()]


def test_a_run_is_opened_as_the_users_own_model(run: Run) -> None:
    assert Run.open(run.path) == run
    assert (run.spec.name, run.spec.labels, run.spec.multi_label) == ("stays", ("food", "price", "room"), False)


def test_languages_that_are_said_are_not_looked_for(config: Config, data: OwnTexts, run: Run) -> None:
    assert run.spec.languages == (), "its rows are too few to tell"
    assert begin_run(config, data, None, ('languages=["fr", "de"]',)).spec.languages == ("fr", "de")


def test_texts_are_cleaned_unless_that_is_not_wanted(config: Config, data: OwnTexts, run: Run) -> None:
    own = [begin_run(config, data, None, ()), begin_run(config, data, None, ("clean=false",))]
    pretrained = load_backbone(data.backbone, NOWHERE)
    made = [tokenizer_of(begun.config, pretrained) for begun in own if isinstance(begun.config, TextClassifierConfig)]
    assert made == [with_cleaning(pretrained.tokenizer), pretrained.tokenizer]


def test_no_test_row_is_followed_while_training(run: Run) -> None:
    """The rows that say when to end, a sample for the twin, are not those of the figures."""
    validation = {row.tobytes() for row in run.evaluated.sample().inputs}
    assert len(validation) == 12
    inputs = run.evaluated.inputs()
    width = run.evaluated.sample().inputs.shape[1]
    held_out = {np.resize(np.pad(row, (0, width)), width).astype(np.int32).tobytes() for row in inputs}
    assert not validation & held_out


def test_of_other_data_or_weights_no_run_goes_on(config: Config, data: OwnTexts, run: Run, tmp_path: Path) -> None:
    kept = data.data.read_bytes()
    try:
        data.data.write_bytes(kept + b"one more,food\n")
        with pytest.raises(ChangedDataError, match=r"stays\.csv is no longer what the run"):
            evaluate(run, NOWHERE, Interrupting())
    finally:
        data.data.write_bytes(kept)
    begun = begin_run(config, data, None, SETTINGS)
    weights = Path(data.backbone) / "model.safetensors"
    shutil.copyfile(weights, tmp_path / "kept")
    try:
        content = bytearray(weights.read_bytes())
        content[8 + int.from_bytes(content[:8], "little")] ^= 1  # of its first number
        weights.write_bytes(content)
        with pytest.raises(UnfitBackboneError, match="no longer the one"):
            train(begun, NOWHERE, Interrupting())
    finally:
        shutil.copyfile(tmp_path / "kept", weights)
