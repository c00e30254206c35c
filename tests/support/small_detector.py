"""A detector by construction: red and blue squares on white, each in a cell of its grid; and a run of it.

The output of its network is what that of every detector is, so that everything behind it is real.
"""

import io
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from export.trained import Trained
from models.example import Example
from models.spec import DetectorConfig, ModelSpec, Origin
from processing.forms import form_of
from processing.image import decode
from processing.spec import ImageSpec
from store.manifest import Metric

if TYPE_CHECKING:
    import keras

SIDE, CELL = 64, 8
LABELS = ("red", "blue")
FORM = ImageSpec(form="letterbox", height=SIDE, width=SIDE, channels=3)
CONFIG = DetectorConfig(seed=1, most=10, least_score=0.1, iou_threshold=0.5)
EXAMPLES = 10

MOST = np.linspace(0.9, 0.6, (SIDE // CELL) ** 2)
"""The score of each cell where it is full of a colour."""

Square = tuple[str, int, int]
"""A colour, and the cell that it fills: column and row."""


def squares() -> "keras.Model":
    """How red and how blue a cell is, 0…1, and less so from the first to the last, that no two are alike."""
    import keras
    from keras import ops

    image = keras.Input((SIDE, SIDE, 3), dtype="uint8", name="image")
    colour = keras.layers.Conv2D(len(LABELS), CELL, strides=CELL, use_bias=False, name="colour")
    cells = (SIDE // CELL) ** 2
    scores = ops.reshape(colour(ops.cast(image, "float32")), (-1, cells, len(LABELS)))
    scores = ops.clip(scores, 0, 1) * MOST.astype(np.float32)[:, np.newaxis]
    corners = np.array([divmod(cell, SIDE // CELL) for cell in range(cells)], np.float32) * CELL / SIDE
    boxes = np.concatenate([corners, corners + CELL / SIDE], axis=1)
    model = keras.Model(image, ops.concatenate([ops.zeros_like(scores[..., :1]) + boxes, scores], axis=-1))
    mean = np.full((CELL, CELL, 3, 2), 1 / (255 * CELL**2), np.float32)
    colour.set_weights([mean * np.array([[1, -0.5], [-0.5, -0.5], [-0.5, 1]], np.float32)])
    return model


def drawn(
    *given: Square, size: tuple[int, int] = (SIDE, SIDE), cell: int = CELL, encoding: str = "PNG", orientation: int = 1
) -> bytes:
    """A picture of that width and height; the grid of its squares begins in its upper left corner."""
    canvas = Image.new("RGB", size, "white")
    for colour, column, row in given:
        corner = (column * cell, row * cell)
        ImageDraw.Draw(canvas).rectangle((*corner, corner[0] + cell - 1, corner[1] + cell - 1), colour)
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    canvas.save(buffer, encoding, exif=exif)
    return buffer.getvalue()


def examples() -> list[Example]:
    """Each of one square, in turns red and blue; and one with nothing."""
    bodies = [drawn((LABELS[n % 2], n % 8, n // 2)) for n in range(EXAMPLES)]
    found = [Example.of(f"square-{n}", "image/png", body, LABELS[n % 2]) for n, body in enumerate(bodies)]
    return [Example.of("nothing", "image/png", drawn(), "nothing"), *found]


SPEC = ModelSpec(
    name="squares",
    task="object-detection",
    description="Red and blue squares on white.",
    intended_use="Tests.",
    limits=("Nothing else.",),
    labels=LABELS,
    origins=(Origin(licence="CC0-1.0", source="made up"),),
    config=DetectorConfig,
    build=lambda _config: squares(),
    processing=lambda _config: FORM,
    explain="its boxes tell where it looked",
)


def saved(model: "keras.Model", folder: Path) -> Path:
    """The file of its weights, in the folder."""
    weights = folder / "model.weights.h5"
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # Keras calls numpy in an old way
        model.save_weights(weights)
    return weights


def trained(folder: Path, of: Sequence[Example] | None = None) -> Trained:
    """A finished run; its weights are in the folder."""
    weights = saved(squares(), folder)
    chosen = examples() if of is None else list(of)
    return Trained(
        spec=SPEC,
        config=CONFIG,
        weights=weights,
        tokenizer=None,
        examples=chosen,
        inputs=np.stack([form_of(FORM).tensor(decode(one.body, max_pixels=10**6)) for one in chosen]),
        metrics=[Metric(name="accuracy", value=1.0, data="squares", rows=len(chosen))],
        data_sha256="0" * 64,
        code_commit="c0ffee",
        run="squares-1",
    )


def write_squares(folder: Path) -> None:
    """Its version, as every export makes one."""
    from export.version import export_version

    folder.parent.mkdir(parents=True, exist_ok=True)
    export_version(trained(folder.parent), folder)
    (folder.parent / "model.weights.h5").unlink()
