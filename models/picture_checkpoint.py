"""A classifier of photographs whose network and weights are somebody's checkpoint, as keras-hub has it."""

from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, JsonValue

from models import imagenet
from models.checkpoint import NETWORK, titled
from models.explanation import FeatureMaps
from models.spec import Count, ModelConfig, ModelSpec, Origin
from processing.spec import ImageSpec, Resize

if TYPE_CHECKING:
    import keras

CLASSIFIER = "classifier"
"""The layer that is keras-hub's whole classifier."""

_NORMALISE = "normalise"

Colours = tuple[float, float, float]


class PictureCheckpointConfig(ModelConfig):
    """What a checkpoint says of itself; only seed and rows are to be set by hand.

    Attributes:
        name: under which the model is served.
        checkpoint: the folder that it was read from, or the name of keras-hub's preset.
        sha256: of the files that were read.
        classifier: keras-hub's image classifier as Keras serialises it, without weights.
        parameters: so many weights it has.
        scale, offset: by which each colour's levels are multiplied, and what is added then.
        height, width: of its input, in pixels.
        resize: how a picture is brought to that.
        maps: whether its last maps are pooled, so that it can be seen what an answer hangs on.
        licence: as the checkpoint tells it; None if it does not.
    """

    network: Literal["checkpoint"]
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]
    checkpoint: str
    sha256: str
    classifier: dict[str, JsonValue]
    parameters: Count
    scale: Colours
    offset: Colours
    height: Count
    width: Count
    resize: Resize
    maps: bool
    licence: str | None = None

    @property
    def title(self) -> str:
        """The name of the folder or of the preset, for whoever has no business with this machine's folders."""
        return titled(self.checkpoint)

    def told(self) -> dict[str, JsonValue]:
        """Without the network, layer by layer, and without the folders of a machine."""
        return {**super().told(), "checkpoint": self.title, "classifier": str(self.classifier["class_name"])}


def build(config: PictureCheckpointConfig) -> "keras.Model":
    """uint8 `[batch, height, width, 3]`, RGB, to logits `[batch, 1000]`; normalised in the graph."""
    import keras
    from keras import layers

    image = keras.Input((config.height, config.width, 3), dtype="uint8", name="image")
    pixels = layers.Rescaling(list(config.scale), list(config.offset), name=_NORMALISE)(image)
    logits = layers.Activation("linear", dtype="float32", name="logits")(classifier_of(config.classifier)(pixels))
    return keras.Model(image, logits, name="picture_checkpoint")


def classifier_of(serialised: dict[str, JsonValue]) -> "keras.Model":
    """A fresh classifier of keras-hub."""
    import keras
    import keras_hub  # noqa: F401 (its classes are known by their names)

    made: keras.Model = keras.saving.deserialize_keras_object(deepcopy(serialised))  # which keras-hub changes
    made.name = CLASSIFIER
    return made


def explain(model: "keras.Model") -> FeatureMaps:
    """Before the last maps are pooled."""
    normalise, classifier = model.get_layer(_NORMALISE), model.get_layer(CLASSIFIER)
    return FeatureMaps(
        lambda image: classifier.backbone(normalise(image)),
        lambda maps: classifier.output_dense(classifier.pooler(maps)),
    )


def processing(config: PictureCheckpointConfig) -> ImageSpec:
    return ImageSpec(form="photo", height=config.height, width=config.width, channels=3, resize=config.resize)


def _spec_of(config: PictureCheckpointConfig) -> ModelSpec:
    """The entry as this checkpoint fills it in: under its own name, with its own terms."""
    return replace(
        SPEC,
        name=config.name,
        family=SPEC.name,
        description=f"What a photograph shows, of the thousand things of ImageNet: {config.title}.",
        origins=(
            Origin(
                licence=config.licence or "not told by the checkpoint",
                source=f"checkpoint {config.title}, sha256 {config.sha256}",
            ),
            *imagenet.SPEC.origins[1:],  # the labels' names, and the photographs that it is tried on
        ),
        explain=explain if config.maps else "its network pools no maps of a picture that tell what an answer hangs on",
        licence_unclear=config.licence is None,
    )


SPEC = replace(
    imagenet.SPEC,
    network=NETWORK,
    intended_use="As told by whoever made the checkpoint.",
    limits=(
        imagenet.SPEC.limits[0],
        "What it can do, and what it must not be used for, is told by whoever made the checkpoint. Here it was tried "
        "on a handful of photographs, which says that it works, and hardly how well.",
        *imagenet.SPEC.limits[3:],
    ),
    origins=(),
    config=PictureCheckpointConfig,
    build=build,
    processing=processing,
    explain=explain,
    of=_spec_of,
)
