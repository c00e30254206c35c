"""A model of vectors of pictures by construction: `hues`, how red, how green and how blue a picture is on average, 0…1.
`hues-other` is another version of it, which answers blue, green and red.
"""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from processing.image import decode
from processing.photo_form import photo_form
from processing.spec import ImageSpec, Resize
from store.golden import Golden
from store.manifest import Manifest, SignatureSpec, TensorSpec
from tests.support.small_text_models import write_version

SIDE = 8
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


def write_all(target: Path, manifest_of: Callable[..., Manifest]) -> None:
    write_hues(target / "hues", manifest_of)
    write_hues(target / "hues-other", manifest_of, other=True)
