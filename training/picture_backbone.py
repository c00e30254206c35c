"""A pretrained network for a classifier of pictures: the catalogue's, or that of a run of a classifier of pictures."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from models.efficientnet_lite import LITE0, efficientnet_lite, fill_efficientnet_lite
from models.image_classifier import IMAGENET_BACKBONE, ImageClassifierConfig, PictureBackbone
from store.contents import sha256_of
from training.data import efficientnet
from training.errors import NotARunError, UnfitBackboneError
from training.run import Run

if TYPE_CHECKING:
    import keras

_HEAD = "logits"


@dataclass(frozen=True)
class PretrainedPictures:
    """`make` makes a network of its shape, with its weights and its own head."""

    backbone: PictureBackbone
    make: Callable[[], "keras.Model"]

    def fill(self, model: "keras.Model") -> None:
        """Gives a network of its shape, but for the head, its weights, but for the head's."""
        for layer in self.make().layers:
            if layer.weights and layer.name != _HEAD:
                model.get_layer(layer.name).set_weights(layer.get_weights())


def load_picture_backbone(given: str, cache: Path) -> PretrainedPictures:
    """`imagenet`, or the folder of a finished run of a user's own classifier of pictures.

    Raises:
        UnfitBackboneError: it is neither.
        TrainingError: it cannot be fetched.
    """
    if given == IMAGENET_BACKBONE:
        backbone = PictureBackbone(given=given, sha256=efficientnet.PACKAGE.sha256, shape=LITE0)
        return PretrainedPictures(backbone, lambda: _imagenet(cache))
    path = Path(given)
    if not path.is_dir():
        raise UnfitBackboneError(given, f"there is no such folder; expected {IMAGENET_BACKBONE}, or a run")
    try:
        run = Run.open(path)
        run.require_weights()
    except NotARunError as exc:
        raise UnfitBackboneError(given, str(exc)) from exc
    config = run.config
    if not isinstance(config, ImageClassifierConfig):
        raise UnfitBackboneError(given, f"it is a run of {run.spec.model}, expected one of image-classifier")
    backbone = PictureBackbone(given=str(path.resolve()), sha256=sha256_of(run.weights), shape=config.shape)
    return PretrainedPictures(backbone, lambda: _of_run(run, config))


def _imagenet(cache: Path) -> "keras.Model":
    model = efficientnet_lite(LITE0, "backbone")
    fill_efficientnet_lite(model, LITE0, efficientnet.load(cache))
    return model


def _of_run(run: Run, config: ImageClassifierConfig) -> "keras.Model":
    model = efficientnet_lite(config.shape, "backbone")
    model.load_weights(run.weights)
    return model
