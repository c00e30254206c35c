"""`image-classifier`: a user's own classifier of pictures, by a network of photographs that is trained on with his."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from models import imagenet
from models.efficientnet_lite import EfficientNetLite, efficientnet_lite
from models.spec import Count, Fraction, Frozen, ModelSpec, Origin, PatientConfig
from processing.spec import ImageSpec, Resize

if TYPE_CHECKING:
    import keras

NAME = "image-classifier"
IMAGENET_BACKBONE = "imagenet"

Share = Annotated[float, Field(gt=0, lt=0.5)]


class PicturesSource(Frozen):
    """Where the pictures are: a folder with a folder for each label, or a file with a row for each picture.

    `sha256` is of the names and contents of all that was found. Columns are those of a file, None for a folder;
    `split_column` says of rows in which part they are. `encoding` and `delimiter` are of text files, None for what the
    file itself says.
    """

    path: Path
    sha256: str
    image_column: str | None = None
    label_column: str | None = None
    split_column: str | None = None
    encoding: str | None = None
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None


class PictureBackbone(Frozen):
    """The pretrained network: how the user named it, its weights by their sha256, its shape."""

    given: str
    sha256: str
    shape: EfficientNetLite

    @property
    def name(self) -> str:
        """For others, who have no use for the folders of a machine."""
        return Path(self.given).name


class PictureAugment(Frozen):
    """What each of the other views of a training picture shows: a part of it, whose sides are at least the share
    1 − `zoom` of the whole, turned by at most `turn` degrees; half of them mirrored where `flip`."""

    flip: bool
    zoom: Fraction
    turn: Annotated[float, Field(ge=0, le=180)]


class ImageClassifierConfig(PatientConfig):
    """Attributes:

    name: what the model is called.
    labels: in the order in which answers have them.
    unfrozen: so many of the backbone's blocks, from above, are trained on once the head has been; those below keep
        their weights, and normalisation keeps its statistics everywhere.
    views: of each training picture, the first as it is; what the lower blocks make of them is computed once.
    crop: the share of the largest square in the middle of a picture that is looked at.
    label_smoothing: so much of a label's certainty is dealt out to all of them.
    validation_share, test_share: of the pictures of each label.
    fewest_rows: a label of fewer pictures is not learnt.
    licence: the terms of the pictures.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
    data: PicturesSource
    labels: Annotated[tuple[str, ...], Field(min_length=1)]
    backbone: PictureBackbone
    unfrozen: Count
    views: Count
    augment: PictureAugment
    crop: Annotated[float, Field(gt=0, le=1)]
    interpolation: Literal["bilinear", "bicubic"]
    label_smoothing: Fraction
    validation_share: Share
    test_share: Share
    fewest_rows: Annotated[int, Field(ge=3)]
    licence: str

    @field_validator("unfrozen")
    @classmethod
    def _of_its_blocks(cls, unfrozen: int, known: ValidationInfo) -> int:
        backbone = known.data.get("backbone")
        if isinstance(backbone, PictureBackbone) and unfrozen > (blocks := len(list(backbone.shape.blocks))):
            raise ValueError(f"{backbone.name} has {blocks} blocks")
        return unfrozen

    def told(self) -> dict[str, Any]:
        """Without the folders of the machine that trained it, and without the labels, which a card tells before."""
        told = super().told()
        told["data"]["path"] = self.data.path.name
        told["backbone"] = self.backbone.name
        return {name: value for name, value in told.items() if name != "labels"}

    @property
    def shape(self) -> EfficientNetLite:
        """Of the network, with a head for its own labels."""
        return replace(self.backbone.shape, labels=len(self.labels))


def build(config: ImageClassifierConfig) -> "keras.Model":
    return efficientnet_lite(config.shape, "image_classifier")


def processing(config: ImageClassifierConfig) -> ImageSpec:
    side = config.shape.side
    resize = Resize(crop=config.crop, interpolation=config.interpolation)
    return ImageSpec(form="photo", height=side, width=side, channels=3, resize=resize)


def own(config: ImageClassifierConfig) -> ModelSpec:
    """The user's model."""
    of_backbone = Origin(licence="that of the backbone", source=f"pretrained weights: {config.backbone.name}")
    return replace(
        SPEC,
        name=config.name,
        family=NAME,
        description=f"Which of {len(config.labels)} labels a picture has.",
        labels=config.labels,
        origins=(
            Origin(
                licence=config.licence,
                source=(
                    f"{config.data.path.name}, pictures of whoever trained it; some of them, made smaller, are in the "
                    "version as goldens"
                ),
            ),
            BACKBONE_ORIGIN if config.backbone.given == IMAGENET_BACKBONE else of_backbone,
        ),
    )


BACKBONE_ORIGIN = imagenet.SPEC.origins[0]

SPEC = ModelSpec(
    name=NAME,
    task="image-classification",
    description="A classifier of pictures with labels of your own, trained on pictures that you bring.",
    intended_use="Pictures like those that it was trained on, and the labels that these have.",
    limits=(
        "It knows the labels of its pictures and no other: one of which none is right gets one all the same, at times "
        "with high confidence.",
        "It sees a square in the middle of a picture, made as small as the network's input: what is at the ends of a "
        "long one, or small, is missed.",
        "It is as right as the labels of its pictures, and on pictures unlike these less than the figures below say.",
        "What all pictures of a label share is what it learns, be it the background, the light or the camera: look at "
        "what its explanations show.",
        "It has the prejudices of the pictures with which its backbone was trained, and of its own. Not for decisions "
        "about persons, unless somebody looked at that. It has no defence against pictures made to deceive it.",
    ),
    labels=(),
    origins=(BACKBONE_ORIGIN,),
    config=ImageClassifierConfig,
    build=build,
    processing=processing,
    explain=imagenet.explain,
    of=own,
)
