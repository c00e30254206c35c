"""Makes a model of the comparison, see `bench.models`: `python -m bench.making NAME INPUT OUTPUT FOLDER`."""

import io
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from export.archive import serving_function, write_classifier
from export.goldens import CheckedGolden
from export.records import serving_records
from export.trained import Trained
from export.twin import write_twin
from export.version import export_version
from export.warm_up import write_warm_up
from models import digits
from models.example import Example
from processing.image import decode, digit_form
from store.golden import Golden
from store.layout import VersionDir
from training.config import load_config
from wire.tensors import Array

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

_ROWS = 2  # two different ones, so that a server with one fixed answer is found out
_SIDE = 28
_TOKENS, _VOCABULARY = 64, 30522


def make(name: str, input_name: str, output_name: str, folder: Path) -> None:
    """Writes `folder`, which must not exist."""
    import keras

    keras.utils.set_random_seed(1)
    random = np.random.default_rng(1)
    folder.mkdir(parents=True)
    version = folder / "store" / name / "1"
    version.parent.mkdir(parents=True)
    model = _BUILD[name]()
    model.save(folder / "model.keras")
    if name == "digits":
        rows = _export_digits(model, folder, version, random)
    else:
        rows = _ROW[name](random)
        write = _save if name == "trivial" else _save_with_twin
        write(model, input_name, output_name, rows, version)
    np.save(folder / "rows.npy", rows)
    np.save(folder / "answers.npy", np.concatenate([model(row[np.newaxis], training=False) for row in rows]))


def _trivial() -> "keras.Model":
    import keras

    inputs = keras.Input((1,), name="x")
    return keras.Model(inputs, keras.layers.Rescaling(0.5, 2.0, name="y")(inputs))


def _digits() -> "keras.Model":
    return digits.build(digits.DigitsConfig.model_validate(load_config(digits.SPEC)))


def _mobilenet() -> "keras.Model":
    import keras

    inputs = keras.Input((224, 224, 3), dtype="uint8", name="image")
    scaled = keras.layers.Rescaling(1 / 127.5, -1.0)(inputs)
    backbone = keras.applications.MobileNetV2(weights=None, classifier_activation=None, input_tensor=scaled)
    model = keras.Model(inputs, backbone.output)
    for layer in backbone.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
    # One step takes the statistics over as they are; without, untrained logits vanish and any answer would be close.
    model(np.random.default_rng(2).integers(0, 256, (8, 224, 224, 3), dtype=np.uint8), training=True)
    return model


def _bert() -> "keras.Model":
    import keras
    from keras_hub.models import BertBackbone

    tokens = keras.Input((_TOKENS,), dtype="int32", name="token_ids")
    backbone = BertBackbone(
        vocabulary_size=_VOCABULARY,
        num_layers=2,
        num_heads=2,
        hidden_dim=128,
        intermediate_dim=512,
        max_sequence_length=_TOKENS,
    )
    mask = keras.ops.cast(keras.ops.not_equal(tokens, 0), "int32")
    encoded = backbone({"token_ids": tokens, "segment_ids": keras.ops.zeros_like(tokens), "padding_mask": mask})
    return keras.Model(tokens, keras.layers.Dense(2, name="logits")(encoded["pooled_output"]))


_BUILD: Mapping[str, Callable[[], "keras.Model"]] = {
    "trivial": _trivial,
    "digits": _digits,
    "mobilenet": _mobilenet,
    "bert": _bert,
}
_ROW: Mapping[str, Callable[[np.random.Generator], Array]] = {
    "trivial": lambda random: random.normal(size=(_ROWS, 1)).astype(np.float32),
    "mobilenet": lambda random: random.integers(0, 256, (_ROWS, 224, 224, 3), dtype=np.uint8),
    "bert": lambda random: random.integers(1, _VOCABULARY, (_ROWS, _TOKENS), dtype=np.int32),
}


def _input_spec(model: "keras.Model", name: str) -> "tf.TensorSpec":
    import tensorflow as tf

    (tensor,) = model.inputs
    return tf.TensorSpec(tensor.shape, tensor.dtype, name=name)


def _save(model: "keras.Model", input_name: str, output_name: str, _rows: Array, version: Path) -> None:
    import tensorflow as tf

    spec = _input_spec(model, input_name)
    serve = tf.function(lambda batch: {output_name: model(batch, training=False)}, input_signature=[spec])
    tf.saved_model.save(tf.Module(), str(version), signatures=serve)


def _save_with_twin(model: "keras.Model", input_name: str, _output_name: str, rows: Array, version: Path) -> None:
    """As `export_version` does it, without what only the gateway reads."""
    spec = _input_spec(model, input_name)
    write_classifier(version, model, spec, {})
    goldens = [
        CheckedGolden(
            golden=Golden.of(str(number), "application/octet-stream", row.tobytes(), None, 1e-4),
            inputs=row[np.newaxis],
            logits=np.asarray(model(row[np.newaxis], training=False)),
        )
        for number, row in enumerate(rows)
    ]
    folder = VersionDir(version)
    folder.extra.mkdir()
    write_warm_up(folder.warm_up, version.parent.name, serving_records(goldens, input_name))
    write_twin(folder, serving_function(model, spec), goldens, {}, pad=0)


def _export_digits(model: "keras.Model", folder: Path, version: Path, random: np.random.Generator) -> Array:
    """A version as `kmaas export` makes it. Writes the pictures that become the rows beside it."""
    pictures = [_scribble(random) for _ in range(100)]
    forms = np.stack([digit_form(decode(picture, max_pixels=_SIDE**2)) for picture in pictures])
    weights = folder / "model.weights.h5"
    model.save_weights(weights)
    trained = Trained(
        spec=digits.SPEC,
        config=load_config(digits.SPEC),
        weights=weights,
        tokenizer=None,
        examples=[Example.of(f"{n}", "image/png", picture, str(n % 10)) for n, picture in enumerate(pictures)],
        inputs=forms,
        metrics=(),
        data_sha256="0" * 64,
        code_commit="0" * 40,
        run="bench",
    )
    export_version(trained, version)
    for number, picture in enumerate(pictures[:_ROWS]):
        (folder / f"{number}.png").write_bytes(picture)
    return forms[:_ROWS]


def _scribble(random: np.random.Generator) -> bytes:
    """A PNG of a bright stroke on black, of the size of MNIST's pictures."""
    picture = Image.new("L", (_SIDE, _SIDE))
    corners = [(float(x), float(y)) for x, y in random.uniform(5, 23, (4, 2))]
    ImageDraw.Draw(picture).line(corners, fill=255, width=2)
    written = io.BytesIO()
    picture.save(written, "PNG")
    return written.getvalue()


if __name__ == "__main__":
    make(sys.argv[1], sys.argv[2], sys.argv[3], Path(sys.argv[4]))
