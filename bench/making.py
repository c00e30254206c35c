"""Makes a model of the comparison, see `bench.models`: `python -m bench.making NAME INPUT OUTPUT FOLDER`."""

import io
import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from bench import embedded, recorded, writers
from export.archive import serving_function, write_saved_model
from export.goldens import CheckedGolden
from export.records import serving_records
from export.trained import Trained
from export.twin import write_twin
from export.version import export_version
from export.warm_up import write_warm_up
from models import digits, imagenet, sentiment
from models.example import Example
from models.spec import ModelSpec
from processing.digit_form import digit_form
from processing.forms import form_of
from processing.image import decode
from processing.text import TextEncoder
from store.golden import Golden
from store.layout import VersionDir
from training.config import load_config
from training.vocabulary import make_tokenizer
from wire.tensors import Array

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

_ROWS = 2  # two different ones, so that a server with one fixed answer is found out
_SIDE = 28
_PHOTOGRAPH = 640, 480
_EXAMPLES = 100
_TOKENS, _VOCABULARY = 64, 30522
_WORDS = re.findall(
    r"\S+",
    "the a this that film plot cast music ending story was is felt seemed never not hardly very rather almost too dull "
    "wonderful awful moving clever tired funny slow bright and but with without any heart wit pace charm , . !",
)


def make(name: str, input_name: str, output_name: str, folder: Path) -> None:
    """Writes `folder`, which must not exist."""
    import keras

    keras.utils.set_random_seed(1)
    random = np.random.default_rng(1)
    folder.mkdir(parents=True)
    version = folder / "store" / name / "1"
    version.parent.mkdir(parents=True)
    if name in writers.WRITERS:
        writers.write(name, version)
        return
    if name == "embeddings":
        embedded.write(folder)
        return
    if name == "transcribe":
        recorded.write(folder)
        return
    model = _BUILD[name]()
    model.save(folder / "model.keras")
    if name in _REQUESTS:
        rows = _export(model, _REQUESTS[name](random), folder, version)
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


def _of_catalogue(spec: ModelSpec) -> "keras.Model":
    return spec.build(load_config(spec))


def _mobilenet() -> "keras.Model":
    import keras

    inputs = keras.Input((224, 224, 3), dtype="uint8", name="image")
    scaled = keras.layers.Rescaling(1 / 127.5, -1.0)(inputs)
    backbone = keras.applications.MobileNetV2(weights=None, classifier_activation=None, input_tensor=scaled)
    model = keras.Model(inputs, backbone.output)
    return _with_statistics(model)


def _with_statistics(model: "keras.Model") -> "keras.Model":
    """Of pictures of noise: without, untrained logits vanish and any answer would be close."""
    import keras

    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0  # so that one step takes them over as they are
    model(np.random.default_rng(2).integers(0, 256, (8, *model.input_shape[1:]), dtype=np.uint8), training=True)
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
    "digits": lambda: _of_catalogue(digits.SPEC),
    "imagenet": lambda: _with_statistics(_of_catalogue(imagenet.SPEC)),
    "mobilenet": _mobilenet,
    "bert": _bert,
    "sentiment": lambda: _of_catalogue(sentiment.SPEC),
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
    serve = serving_function(model, spec)
    write_saved_model(version, model, serve, {})
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
    write_twin(folder, serve, goldens, {}, pad=0)


@dataclass(frozen=True)
class _Requests:
    """What clients send to a model of the catalogue.

    Attributes:
        ending: of the names of files with a body in them.
        inputs: what becomes of the bodies.
        tokenizer: of a model of texts.
    """

    spec: ModelSpec
    ending: str
    media_type: str
    bodies: Sequence[bytes]
    inputs: Array
    tokenizer: str | None = None


def _export(model: "keras.Model", made: _Requests, folder: Path, version: Path) -> Array:
    """A version as `kmaas export` makes it; beside it what clients send and see, and what others preprocess with."""
    config, labels = load_config(made.spec), made.spec.labels
    weights = folder / "model.weights.h5"
    model.save_weights(weights)
    trained = Trained(
        spec=made.spec,
        config=config,
        weights=weights,
        tokenizer=made.tokenizer,
        examples=[
            Example.of(f"{number}", made.media_type, body, labels[number % len(labels)])
            for number, body in enumerate(made.bodies)
        ],
        inputs=made.inputs,
        metrics=(),
        data_sha256="0" * 64,
        code_commit="0" * 40,
        run="bench",
    )
    export_version(trained, version)
    (folder / "labels.json").write_text(json.dumps(labels))
    for number, body in enumerate(made.bodies[:_ROWS]):
        (folder / f"{number}.{made.ending}").write_bytes(body)
    (folder / "processing.json").write_text(made.spec.processing(config).model_dump_json())
    if made.tokenizer is not None:
        (folder / "tokenizer.json").write_text(made.tokenizer)
    return made.inputs[:_ROWS]


def _pictures(random: np.random.Generator) -> _Requests:
    bodies = [_scribble(random) for _ in range(_EXAMPLES)]
    forms = np.stack([digit_form(decode(body, max_pixels=_SIDE**2)) for body in bodies])
    return _Requests(digits.SPEC, "png", "image/png", bodies, forms)


def _scribble(random: np.random.Generator) -> bytes:
    """A PNG of a bright stroke on black, of the size of MNIST's pictures."""
    picture = Image.new("L", (_SIDE, _SIDE))
    corners = [(float(x), float(y)) for x, y in random.uniform(5, 23, (4, 2))]
    ImageDraw.Draw(picture).line(corners, fill=255, width=2)
    written = io.BytesIO()
    picture.save(written, "PNG")
    return written.getvalue()


def _photographs(random: np.random.Generator) -> _Requests:
    bodies = [_photograph(random) for _ in range(_EXAMPLES)]
    tensor = form_of(imagenet.processing(imagenet.ImagenetConfig(seed=1))).tensor
    inputs = np.stack([tensor(decode(body, max_pixels=_PHOTOGRAPH[0] * _PHOTOGRAPH[1])) for body in bodies])
    return _Requests(imagenet.SPEC, "jpg", "image/jpeg", bodies, inputs)


def _photograph(random: np.random.Generator) -> bytes:
    """A JPEG of coloured clouds with grain, of some 100 KB as a photograph of its size has."""
    clouds = Image.fromarray(random.integers(0, 256, (12, 16, 3), dtype=np.uint8))
    smooth = np.asarray(clouds.resize(_PHOTOGRAPH, Image.Resampling.BICUBIC))
    grain = random.normal(0, 6, (*smooth.shape[:2], 1))
    written = io.BytesIO()
    Image.fromarray(np.clip(smooth + grain, 0, 255).astype(np.uint8)).save(written, "JPEG", quality=85)
    return written.getvalue()


def _texts(random: np.random.Generator) -> _Requests:
    texts = [" ".join(random.choice(_WORDS, random.integers(6, 14))) for _ in range(_EXAMPLES)]
    config = sentiment.SentimentConfig.model_validate(load_config(sentiment.SPEC))
    tokenizer = make_tokenizer(texts, (), config.vocabulary)
    inputs = TextEncoder(tokenizer, sentiment.processing(config)).encode(texts)
    bodies = [json.dumps({"inputs": text}).encode() for text in texts]
    return _Requests(sentiment.SPEC, "json", "application/json", bodies, inputs, tokenizer)


_REQUESTS: Mapping[str, Callable[[np.random.Generator], _Requests]] = {
    "digits": _pictures,
    "imagenet": _photographs,
    "sentiment": _texts,
}


if __name__ == "__main__":
    make(sys.argv[1], sys.argv[2], sys.argv[3], Path(sys.argv[4]))
