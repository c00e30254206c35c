"""The training of a user's own classifier of pictures: its head first, then what is above the frozen blocks."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from kmaas.config import Config
from kmaas.own import begin_run, tell_of_data
from kmaas.own_pictures import OwnPictures
from kmaas.stages import export_run
from models.efficientnet_lite import efficientnet_lite
from models.image_classifier import ImageClassifierConfig
from store.evaluation import Classification
from store.layout import VersionDir
from store.manifest import Manifest
from tests.support.interrupting import InterruptedTrainingError, Interrupting
from tests.support.own_pictures import SHAPES, encoded, picture, write_backbone, write_folder
from training.errors import ChangedDataError, ConfigurationError, DataError, UnfitBackboneError
from training.fit import evaluate, load_model, train
from training.frozen import views_that_fit
from training.run import Run

# Keras', while it saves weights.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

NOWHERE = Path("nowhere")
SETTINGS = ("epochs=5", "unfrozen=2", "views=2", "batch_size=8", "learning_rate.adam=0.003", "test_share=0.2")


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    return Config(runs=tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> OwnPictures:
    folder = tmp_path_factory.mktemp("own")
    root = write_folder(folder / "shapes", 24)
    for number in range(3):
        (root / "bar" / f"wide-{number}.png").write_bytes(encoded(picture("bar", 100 + number, wide=30)))
    (root / "disc" / "damaged.png").write_bytes(encoded(picture("disc", 90))[:100])
    return OwnPictures(
        data=root,
        image_column=None,
        label_column=None,
        split_column=None,
        encoding=None,
        delimiter=None,
        name="shapes",
        backbone=str(write_backbone(folder)),
    )


@pytest.fixture(scope="module")
def run(config: Config, own: OwnPictures) -> Run:
    run = begin_run(config, own, None, SETTINGS)
    train(run, NOWHERE, Interrupting())
    return run


def _losses(run: Run) -> list[float]:
    return [line.held_out_loss for line in run.epochs()]


def _config(run: Run) -> ImageClassifierConfig:
    assert isinstance(run.config, ImageClassifierConfig)
    return run.config


def test_the_weights_below_stay_and_those_above_are_trained(run: Run, own: OwnPictures) -> None:
    backbone = efficientnet_lite(_config(Run.open(Path(own.backbone))).shape, "backbone")
    backbone.load_weights(Path(own.backbone) / "model.weights.h5")
    changed: set[str] = set()
    for layer in load_model(run).layers:
        if layer.weights and layer.name != "logits":
            before = backbone.get_layer(layer.name).get_weights()
            if any((now != then).any() for now, then in zip(layer.get_weights(), before, strict=True)):
                changed.add(layer.name)
    assert _losses(run).index(min(_losses(run))) > 0, "the head alone was best: nothing above is seen to be trained"
    blocks = {f"block_{number}_{part}" for number in (2, 3) for part in ("expand", "depthwise", "project")}
    assert changed == {*blocks, "top"}, "normalisation stays as it was, too"


def test_it_is_measured_as_every_classifier(run: Run) -> None:
    evaluation = run.evaluated.evaluation()
    assert isinstance(evaluation, Classification)
    assert evaluation.labels == tuple(sorted(SHAPES))
    assert evaluation.rows == sum(map(sum, evaluation.confusion)) == 15
    assert evaluation.accuracy > 0.5
    assert evaluation.references[0].name == "5 nearest neighbours by colours"
    assert {of.by for of in evaluation.slices} == {"label", "shorter side", "shape"}
    assert {trial.disturbance for trial in evaluation.robustness.trials} >= {"JPEG", "noise", "FGSM"}
    plots = {path.stem for path in run.evaluated.plots.iterdir()}
    assert plots >= {"curves", "confusion", "reliability"}
    assert ("mistakes" in plots) == (evaluation.accuracy < 1)


def test_an_interrupted_training_comes_to_the_very_same_end(config: Config, own: OwnPictures, run: Run) -> None:
    other = begin_run(config, own, None, SETTINGS)
    with pytest.raises(InterruptedTrainingError):
        train(other, NOWHERE, Interrupting(until="epoch 2/"))
    with pytest.raises(InterruptedTrainingError):
        train(Run.open(other.path), NOWHERE, Interrupting(until="disturb inputs"))
    assert _losses(other) == _losses(run)
    for one, same in zip(load_model(other).get_weights(), load_model(run).get_weights(), strict=True):
        assert (one == same).all()


def test_a_run_is_opened_as_the_users_own_model_and_tells_no_folders(run: Run) -> None:
    assert Run.open(run.path) == run
    assert (run.spec.name, run.spec.model, run.spec.labels) == ("shapes", "image-classifier", tuple(sorted(SHAPES)))
    told = run.config.told()
    assert (told["data"]["path"], told["backbone"]) == ("shapes", _config(run).backbone.name)


def test_goldens_are_the_test_pictures_in_several_ways(run: Run) -> None:
    examples = run.evaluated.examples()
    assert {example.label for example in examples} == set(SHAPES)
    assert {example.media_type for example in examples} == {"image/png", "image/jpeg"}


def test_its_pictures_are_told_of_by_name_and_number(own: OwnPictures, run: Run, capsys: Any) -> None:
    tell_of_data(run)
    told = capsys.readouterr().err
    assert "shapes: 75 of 76 pictures are used" in told
    assert "broken: 1 × no picture, or one that is damaged or cut short: left out (disc/damaged.png" in told
    assert "languages" not in told


def test_it_is_exported_with_all_that_a_classifier_has(run: Run) -> None:
    """Loaded in a process of its own it answers what was measured, from tensors and from files."""
    export = VersionDir(export_run(run, runtime="saved_model"))
    manifest = Manifest.read(export.manifest)
    assert (manifest.model, manifest.task) == ("shapes", "image-classification")
    assert manifest.signatures.keys() == {"serving_default", "raw", "explain", "manifest"}
    assert manifest.goldens.keys() == set(SHAPES)
    assert "goldens" in manifest.origins[0].source
    card = export.card.read_text().replace("\\", "")
    assert "pictures of whoever trained it" in card
    assert str(run.path.parent) not in card


def test_a_run_is_the_backbone_of_the_next(config: Config, own: OwnPictures, run: Run) -> None:
    known = OwnPictures(**{**vars(own), "backbone": str(run.path)}).known(NOWHERE)
    assert known["backbone"]["shape"]["labels"] == 3
    with pytest.raises(UnfitBackboneError, match="there is no such folder; expected imagenet, or a run"):
        OwnPictures(**{**vars(own), "backbone": "nothing"}).known(NOWHERE)
    with pytest.raises(UnfitBackboneError, match=r"has no readable config\.json"):
        OwnPictures(**{**vars(own), "backbone": str(own.data)}).known(NOWHERE)
    with pytest.raises(ConfigurationError, match=r"unfrozen: .* has 4 blocks, received 9"):
        begin_run(config, own, None, ("unfrozen=9",))


def test_of_other_pictures_no_run_goes_on(own: OwnPictures, run: Run) -> None:
    odd = own.data / "disc" / "odd.png"
    odd.write_bytes(encoded(Image.new("RGB", (8, 8))))
    try:
        with pytest.raises(ChangedDataError, match="shapes is no longer what the run was begun with"):
            evaluate(run, NOWHERE, Interrupting())
    finally:
        odd.unlink()


def test_views_are_as_many_as_there_is_room_for() -> None:
    assert views_that_fit(1_000, 14 * 14 * 112, 4) == 4
    assert views_that_fit(20_000, 14 * 14 * 112, 4) == 2
    with pytest.raises(DataError, match=r"100,000 pictures are too many .*--set rows=48913"):
        views_that_fit(100_000, 14 * 14 * 112, 4)
