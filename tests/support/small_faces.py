"""Faces by construction: squares of red stripes; and a run of them. Their landmarks lie always at the same places of a
square, and the vector of one is its mean colour, so that persons are as like as their colours.

What its networks answer is what those of every model of faces do, so that everything behind them is real.
"""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from export.trained import Trained
from models.example import Example
from models.faces import LABELS, FacesConfig
from models.spec import ModelSpec, Origin
from processing.forms import form_of
from processing.image import decode
from processing.same_person import FALSE_ACCEPTS, FALSE_REJECTS
from store.manifest import Metric
from tests.support.small_detector import CELL, FORM, SIDE, saved, squares

if TYPE_CHECKING:
    import keras

SOUGHT, ALIGNED, WIDTH = 16, 24, 3
CONFIG = FacesConfig(seed=1, most=10, least_score=0.1, iou_threshold=0.3)
POINTS = np.array([[0.4, 0.4], [0.6, 0.4], [0.5, 0.5], [0.42, 0.6], [0.58, 0.6]], np.float32)
"""Of the square in which landmarks are sought, which is a bit larger than that of the face."""

ANN, EVE = ("#ff0000", "#ff7878"), ("#ff0000", "#c00040")
"""Colours of two persons' stripes."""

FACE = 80  # pixels
Person = tuple[str, str]


def networks(side: int = SIDE) -> "keras.Model":
    """As `models.faces.joined` makes them, for pictures of that side, a multiple of `SIDE`."""
    import keras
    from keras import ops

    image, every = keras.Input((side, side, 3), dtype="uint8", name="image"), side // SIDE
    model = keras.Model(image, squares()(image[:, every // 2 :: every, every // 2 :: every])[..., : 4 + len(LABELS)])
    sought = keras.Input((SOUGHT, SOUGHT, 3), dtype="uint8", name="chip")
    nothing = ops.zeros_like(ops.cast(sought, "float32")[:, :5, 0, :2])
    model.landmarks = keras.Model(sought, nothing + POINTS)
    aligned = keras.Input((ALIGNED, ALIGNED, 3), dtype="uint8", name="chip")
    model.embedding = keras.Model(aligned, ops.mean(ops.cast(aligned, "float32"), axis=(1, 2)) / 32)
    return model


def pictured(*persons: tuple[Person, int, int], face: int = FACE, stripes: int = 4, encoding: str = "PNG") -> bytes:
    """A picture with faces in these columns and rows of its grid of 8 by 8; with `stripes` 0 they are of one colour,
    without anything that were sharp."""
    canvas = Image.new("RGB", (face * SIDE // CELL,) * 2, "white")
    for (ground, stripe), column, row in persons:
        draw, left, top = ImageDraw.Draw(canvas), column * face, row * face
        draw.rectangle((left, top, left + face - 1, top + face - 1), ground)
        for number in range(stripes):
            x = left + (2 * number + 1) * face // (2 * stripes)
            draw.rectangle((x, top, x + face // (2 * stripes) - 1, top + face - 1), stripe)
    buffer = io.BytesIO()
    canvas.save(buffer, encoding)
    return buffer.getvalue()


def examples() -> list[Example]:
    bodies = [pictured((person, 2 + n, 3)) for n, person in enumerate((ANN, EVE, ANN, EVE))]
    found = [Example.of(f"face-{n}", "image/png", body, "face") for n, body in enumerate(bodies)]
    return [Example.of("nobody", "image/png", pictured(), "nothing"), *found]


SPEC = ModelSpec(
    name="faces",
    task="object-detection",
    description="Squares of red stripes.",
    intended_use="Tests.",
    limits=("Nothing else.",),
    labels=LABELS,
    origins=(Origin(licence="CC0-1.0", source="made up"),),
    config=FacesConfig,
    build=lambda _config: networks(),
    processing=lambda _config: FORM,
    explain="its boxes tell where it looked",
)


def trained(folder: Path, of: Sequence[Example] | None = None) -> Trained:
    """A finished run; its weights are in the folder."""
    weights = saved(networks(), folder)
    chosen = examples() if of is None else list(of)
    return Trained(
        spec=SPEC,
        config=CONFIG,
        weights=weights,
        tokenizer=None,
        examples=chosen,
        inputs=np.stack([form_of(FORM).tensor(decode(one.body, max_pixels=10**6)) for one in chosen]),
        metrics=[
            Metric(name="accuracy", value=1.0, data="stripes", rows=len(chosen)),
            Metric(name=FALSE_ACCEPTS, value=0.0, data="pairs of stripes", rows=4, low=0.0, high=0.49),
            Metric(name=FALSE_REJECTS, value=0.5, data="pairs of stripes", rows=2, low=0.09, high=0.91),
        ],
        data_sha256="0" * 64,
        code_commit="c0ffee",
        run="faces-1",
    )


def write_faces(folder: Path) -> None:
    """Its version, as every export makes one."""
    from export.version import export_version

    folder.parent.mkdir(parents=True, exist_ok=True)
    export_version(trained(folder.parent), folder)
    (folder.parent / "model.weights.h5").unlink()
