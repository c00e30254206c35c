"""A model of vectors of pictures by construction: `hues`, how red, how green and how blue a picture is on average, 0…1.
`hues-other` is another version of it, which answers blue, green and red.

`looks` finds faces by construction: of a picture twice as wide as it is high either half is one unless it is white; its
vector is the mean colour of its middle, as its aligned chip has it. `looks-other` is another version of it.
"""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pydantic import JsonValue

from processing.image import decode
from processing.photo_form import photo_form
from processing.spec import ImageSpec, Resize
from store.golden import Golden
from store.manifest import EMBED_SIGNATURE, LANDMARKS_SIGNATURE, Manifest, SignatureSpec, TensorSpec
from tests.support.small_text_models import write_version

SIDE, LOW = 8, 32
RED_FACE = (200, 40, 40)
# Where a face has its features, by the square around it; so near each other that the chip is of the middle alone.
_FEATURES = [[0.42, 0.45], [0.58, 0.45], [0.5, 0.52], [0.44, 0.6], [0.56, 0.6]]
FORM = ImageSpec(form="photo", height=SIDE, width=SIDE, channels=3, resize=Resize(crop=1.0, interpolation="bilinear"))


def coloured(
    red: int, green: int = 0, blue: int = 0, *, size: tuple[int, int] = (40, 30), encoding: str = "PNG"
) -> bytes:
    """A picture of one colour."""
    buffer = BytesIO()
    Image.new("RGB", size, (red, green, blue)).save(buffer, encoding)
    return buffer.getvalue()


def write_hues(folder: Path, manifest_of: Callable[..., Manifest], *, other: bool = False) -> None:
    import tensorflow as tf

    def serve(image: Any) -> dict[str, Any]:
        mean = tf.reduce_mean(tf.cast(image, tf.float32), axis=[1, 2]) / 255
        return {"embedding": tf.reverse(mean, [1]) if other else mean}

    pixels = TensorSpec(dtype="uint8", shape=(-1, SIDE, SIDE, 3))
    vector = TensorSpec(dtype="float32", shape=(-1, 3))
    manifest = manifest_of(
        "hues",
        "image-feature-extraction",
        {},
        (),
        digest="sha256:hues-other" if other else "sha256:hues",
        parameters=0,
        processing=FORM.model_dump(),
        signatures={"serving_default": SignatureSpec(inputs={"image": pixels}, outputs={"embedding": vector})},
    )
    body = coloured(200, 100, 50)
    seen = photo_form(decode(body, max_pixels=10**6), FORM)
    expected = (seen.mean(axis=(0, 1)) / 255).astype(np.float32)
    answer = [(expected[::-1] if other else expected).tolist()]
    golden = Golden.of("brown", "image/png", body, answer, 1e-4)
    given = tf.TensorSpec([None, SIDE, SIDE, 3], tf.uint8, name="image")
    function = tf.function(serve, input_signature=[given])
    write_version(folder, function, [], manifest, goldens=[golden], documents={})


def portrait(*colours: tuple[int, int, int] | None, seed: int = 0, size: int = 60, grain: int = 60) -> bytes:
    """A picture with a half for each colour, white for None and for what is missing; a coarse grain lies upon it."""
    rng, halves = np.random.default_rng(seed), []
    for colour in (*colours, None, None)[:2]:
        half = np.full((size, size, 3), 255 if colour is None else colour, np.int16)
        if colour is not None:
            grains = rng.choice([-grain, grain], (size // 2, size // 2, 1)).repeat(2, axis=0).repeat(2, axis=1)
            half = np.clip(half + grains, 0, 255)
        halves.append(half.astype(np.uint8))
    buffer = BytesIO()
    Image.fromarray(np.concatenate(halves, axis=1)).save(buffer, "PNG")
    return buffer.getvalue()


def write_looks(folder: Path, manifest_of: Callable[..., Manifest], *, other: bool = False) -> None:
    import tensorflow as tf

    def detect(image: Any) -> dict[str, Any]:
        ink = 1 - tf.cast(image, tf.float32) / 255
        halves = tf.reduce_mean(tf.reshape(ink, [-1, LOW, 2, LOW, 3]), axis=[1, 3, 4])
        scores = tf.where(halves > 0.1, 0.9, 0.0)
        order = tf.argsort(scores, direction="DESCENDING", stable=True)
        sides = tf.constant([[0, 0, 1, 0.5], [0, 0.5, 1, 1]], tf.float32)
        return {
            "boxes": tf.gather(sides, order),
            "scores": tf.gather(scores, order, batch_dims=1),
            "classes": tf.zeros_like(order),
            "count": tf.reduce_sum(tf.cast(scores > 0, tf.int32), axis=1),
        }

    def landmarks(chip: Any) -> dict[str, Any]:
        return {"landmarks": tf.zeros([tf.shape(chip)[0], 5, 2]) + tf.constant(_FEATURES, tf.float32)}

    def embed(chip: Any) -> dict[str, Any]:
        return {"embedding": tf.reduce_mean(tf.cast(chip, tf.float32), axis=[1, 2]) / 255}

    pixels = TensorSpec(dtype="uint8", shape=(-1, LOW, 2 * LOW, 3))
    chips = TensorSpec(dtype="uint8", shape=(-1, LOW, LOW, 3))
    told = {
        "boxes": TensorSpec(dtype="float32", shape=(-1, 2, 4)),
        "scores": TensorSpec(dtype="float32", shape=(-1, 2)),
        "classes": TensorSpec(dtype="int32", shape=(-1, 2)),
        "count": TensorSpec(dtype="int32", shape=(-1,)),
    }
    points, vector = TensorSpec(dtype="float32", shape=(-1, 5, 2)), TensorSpec(dtype="float32", shape=(-1, 3))
    manifest = manifest_of(
        "looks",
        "object-detection",
        {},
        ("face",),
        digest="sha256:looks-other" if other else "sha256:looks",
        parameters=0,
        processing=ImageSpec(form="letterbox", height=LOW, width=2 * LOW, channels=3).model_dump(),
        signatures={
            "serving_default": SignatureSpec(inputs={"image": pixels}, outputs=told),
            LANDMARKS_SIGNATURE: SignatureSpec(inputs={"chip": chips}, outputs={"landmarks": points}),
            EMBED_SIGNATURE: SignatureSpec(inputs={"chip": chips}, outputs={"embedding": vector}),
        },
    )
    box: JsonValue = {"xmin": 0, "ymin": 0, "xmax": 60, "ymax": 60}
    answer: JsonValue = [{"score": 0.9, "label": "face", "box": box}]
    golden = Golden.of("red", "image/png", portrait(RED_FACE), answer, 1e-4)
    given = tf.TensorSpec([None, LOW, 2 * LOW, 3], tf.uint8, name="image")
    chip = [tf.TensorSpec([None, LOW, LOW, 3], tf.uint8, name="chip")]
    others = {
        LANDMARKS_SIGNATURE: tf.function(landmarks, input_signature=chip),
        EMBED_SIGNATURE: tf.function(embed, input_signature=chip),
    }
    function = tf.function(detect, input_signature=[given])
    write_version(folder, function, [], manifest, goldens=[golden], documents={}, others=others)


def write_all(target: Path, manifest_of: Callable[..., Manifest]) -> None:
    write_looks(target / "looks", manifest_of)
    write_looks(target / "looks-other", manifest_of, other=True)
    write_hues(target / "hues", manifest_of)
    write_hues(target / "hues-other", manifest_of, other=True)
