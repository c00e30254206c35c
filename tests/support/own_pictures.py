"""Pictures of a user's own: coloured shapes, whose label is a shape, so that a tiny network learns them in seconds."""

from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from models.catalog import spec_of
from models.efficientnet_lite import EfficientNetLite, Stage
from models.image_classifier import ImageClassifierConfig, PictureAugment, PictureBackbone, PicturesSource
from models.spec import LearningRates
from training.run import Run

SHAPES = ("disc", "bar", "frame")
TINY = EfficientNetLite(
    side=32, stem=8, head=32, stages=(Stage(1, 3, 1, 1, 8), Stage(2, 3, 2, 2, 16), Stage(1, 3, 1, 2, 24)), labels=2
)
_SIDE = 40  # pixels


def picture(shape: str, number: int, *, wide: int = 0) -> Image.Image:
    """Of a place, a size and colours of its own; `wide` pixels are at either side of the square."""
    rng = np.random.default_rng((SHAPES.index(shape), number))
    ground, ink = (tuple(int(level) for level in rng.integers(low, low + 80, 3)) for low in (0, 170))
    canvas = Image.new("RGB", (_SIDE + 2 * wide, _SIDE), ground)
    half = int(rng.integers(8, 13))
    across, down = (int(place) for place in rng.integers(half + 2, _SIDE - half - 2, 2))
    box = (across - half + wide, down - half, across + half + wide, down + half)
    draw = ImageDraw.Draw(canvas)
    match shape:
        case "disc":
            draw.ellipse(box, fill=ink)
        case "bar":
            draw.rectangle((box[0], down - 2, box[2], down + 2), fill=ink)
        case _:
            draw.rectangle(box, outline=ink, width=2)
    return canvas


def encoded(of: Image.Image, encoding: str = "PNG") -> bytes:
    buffer = BytesIO()
    of.save(buffer, encoding)
    return buffer.getvalue()


def write_folder(root: Path, each: int, *, first: int = 0) -> Path:
    """A folder for each shape, with so many pictures in it."""
    for shape in SHAPES:
        (root / shape).mkdir(parents=True, exist_ok=True)
        for number in range(first, first + each):
            (root / shape / f"{number}.png").write_bytes(encoded(picture(shape, number)))
    return root


def write_backbone(runs: Path) -> Path:
    """The run of a tiny network, as it begins."""
    import keras

    config = ImageClassifierConfig(
        seed=1,
        epochs=1,
        patience=1,
        batch_size=8,
        optimizer="adam",
        learning_rate=LearningRates(adam=0.001, sgd=0.01),
        name="shapes-before",
        data=PicturesSource(path=Path("nowhere"), sha256="0"),
        labels=("one", "other"),
        backbone=PictureBackbone(given="imagenet", sha256="0", shape=TINY),
        unfrozen=1,
        views=1,
        augment=PictureAugment(flip=True, zoom=0, turn=0),
        crop=1,
        interpolation="bicubic",
        label_smoothing=0,
        validation_share=0.1,
        test_share=0.1,
        fewest_rows=3,
        licence="none",
    )
    run = Run.create(runs, spec_of(config), config, "of no code\n")
    keras.utils.set_random_seed(3)
    run.spec.build(config).save_weights(run.weights)
    return run.path
