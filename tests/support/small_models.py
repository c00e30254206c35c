"""Exports of small real models, made in a process of their own: `python -m tests.support.small_models FOLDER`.

Each is a folder that `store.publish` takes as it is:
- `digits-a`, `digits-b`: untrained, of different seeds, so that their answers tell them apart; with model cards
- `digits-wrong`: like `digits-a`, with goldens that it does not answer
- `digits-words`: like `digits-b`, with the digits' names as labels
- `digits-coloured`: like `digits-a`, with a golden in two colours
- `sentiment`: "good" and its like are positive, "bad" and its like are negative, by construction; it explains that;
  without a card
- `moods`: several labels or none, by construction, one of which is markup; words in pieces, and marks around a text;
  it explains them
- `strokes`: upright or level strokes, by construction; it explains that, which the digits do not, and takes encoded
  pictures in its signature `raw`, and `tensorflow.Example`s in `classify` and `regress`, which know nothing of strokes
An answer of each signature that is `asked` is recorded: of `digits` one, of `strokes` three.
and those of `tests.support.small_text_models` and `tests.support.small_pictures`, `squares` of
`tests.support.small_detector`, `faces` of `tests.support.small_faces`, `pitch` of `tests.support.small_sounds` and
`speech` of `tests.support.small_speech`.
"""

import base64
import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw
from tokenizers import Tokenizer
from tokenizers.models import WordLevel, WordPiece
from tokenizers.normalizers import Lowercase
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing

from models.explanation import EmbeddedTokens, FeatureMaps, Opened
from processing.digit_form import digit_form
from processing.image import decode
from processing.spec import ImageSpec, TextSpec
from processing.text import TextEncoder
from store.contents import seal
from store.golden import Golden, dump_goldens, parse_goldens, write_goldens
from store.layout import VersionDir
from store.manifest import Batching, Manifest, Origin, SignatureSpec, TensorSpec
from tests.support import small_detector, small_faces, small_pictures, small_sounds, small_speech, small_text_models
from tests.support.manifests import PARITY
from tests.support.once import made_once

if TYPE_CHECKING:
    import keras

DIGITS = tuple("0123456789")
DIGIT_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SENTIMENTS = ("negative", "positive")
STROKES = ("level", "upright")
MARKUP = "<img src=x onerror=alert(1)>"
MOODS = ("glad", "sad", MARKUP)

_IMAGE = ImageSpec(form="digit", height=28, width=28, channels=1)
_TEXT = TextSpec(max_tokens=16, pad_id=0)
BREAKING_WORD = "notanumber"  # the sentiment model answers it with NaN

_NEGATIVE, _POSITIVE = ("bad", "boring", "awful"), ("good", "wonderful", "unforgettable")
_TOLERANCE = 1e-4


def exports() -> Path:
    """Their folder, made once per run of the tests; not to be changed. The caller's process imports no TensorFlow."""
    return made_once("small-models", _make)


def _make(made: Path) -> None:
    subprocess.run([sys.executable, "-m", __name__, str(made)], check=True)


def picture(
    digit: int = 7,
    *,
    side: int = 96,
    encoding: str = "PNG",
    inks: tuple[str, str] = ("black", "black"),
    **options: Any,
) -> bytes:
    """An encoded picture of a digit, dark on bright; its left and its right half in these colours."""
    left, canvas = (Image.new("RGB", (side, side), "white") for _ in inks)
    for half, ink in zip((left, canvas), inks, strict=True):
        ImageDraw.Draw(half).text((side // 3, side // 5), str(digit), fill=ink, font_size=side // 2)
    canvas.paste(left.crop((0, 0, side // 2, side)))
    buffer = BytesIO()
    canvas.save(buffer, encoding, **options)
    return buffer.getvalue()


def _digits(seed: int) -> "keras.Model":
    import keras

    keras.utils.set_random_seed(seed)
    image = keras.Input((28, 28, 1), dtype="uint8", name="image")
    ink = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(image))
    return keras.Model(image, keras.layers.Dense(len(DIGITS))(ink))


def _sentiment(words: Sequence[str]) -> "keras.Model":
    meaning = np.array([[word in _NEGATIVE, word in _POSITIVE] for word in words], dtype=np.float32)
    meaning[words.index(BREAKING_WORD)] = np.nan
    return _averaged(6 * meaning)


def _averaged(meaning: "np.ndarray[Any, Any]") -> "keras.Model":
    """Logits that are the mean of what the tokens mean, `[vocabulary, labels]`."""
    import keras

    tokens = keras.Input((None,), dtype="int32", name="token_ids")
    embedding = keras.layers.Embedding(*meaning.shape, mask_zero=True)
    model = keras.Model(tokens, keras.layers.GlobalAveragePooling1D()(embedding(tokens)))
    embedding.set_weights([meaning])
    return model


def _strokes() -> "keras.Model":
    """Counts edges from dark to bright, downwards and to the right, each on a feature map of its own."""
    import keras

    image = keras.Input((28, 28, 1), dtype="uint8", name="image")
    edges = keras.layers.Conv2D(2, 3, padding="same", activation="relu", use_bias=False, name="edges")
    maps = edges(keras.layers.Rescaling(1 / 255)(image))
    model = keras.Model(image, keras.layers.Rescaling(50.0)(keras.layers.GlobalAveragePooling2D()(maps)))
    across = np.array([[-1, 0, 1]] * 3, np.float32)
    edges.set_weights([np.stack([across.T, across], axis=-1)[:, :, np.newaxis]])
    return model


def _explained_strokes(model: "keras.Model") -> Opened:
    import keras

    maps = model.get_layer("edges").output
    return FeatureMaps(keras.Model(model.inputs[0], maps), keras.Model(maps, model.outputs[0]))


def _explained_sentiment(model: "keras.Model") -> Opened:
    from keras import ops

    _, embedding, pooling = model.layers

    def logits(embedded: tuple[Any, ...], token_ids: Any) -> Any:
        return pooling(embedded[0], mask=ops.not_equal(token_ids, 0))

    return EmbeddedTokens(lambda ids: (embedding(ids),), logits, lambda ids: ops.zeros_like(embedding(ids)))


def _tokenizer(words: Sequence[str]) -> Tokenizer:
    tokenizer = Tokenizer(WordLevel({word: number for number, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.normalizer = Lowercase()
    tokenizer.pre_tokenizer = Whitespace()
    return tokenizer


def manifest_of(
    model: str, task: str, inputs: dict[str, TensorSpec], labels: tuple[str, ...], **facts: Any
) -> Manifest:
    outputs = {name: TensorSpec(dtype="float", shape=(-1, len(labels))) for name in ("logits", "probabilities")}
    serve = SignatureSpec(inputs=inputs, outputs=outputs)
    return Manifest(
        model=model,
        task=task,
        description=f"A small {model} for tests",
        created=datetime(2026, 1, 1, tzinfo=UTC),
        origins=(Origin(licence="CC0-1.0", source="made up"),),
        data_sha256="0" * 64,
        code_commit="c0ffee",
        frameworks={"keras": "3"},
        **{"signatures": {"serving_default": serve}, **facts},
        labels=labels,
        metrics=(),
        parity=(PARITY,),
        batching=Batching(sizes=(2, 64), largest=0, allowed=1e-4),
        run="/somewhere/private",
    )


def card(title: str) -> dict[str, bytes]:
    """The documents of a model card, with a picture of nothing."""
    picture = '<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=" alt="">'
    return {"card": f"# {title}\n".encode(), "card_html": f"<h1>{title}</h1>{picture}".encode()}


def _write(
    folder: Path,
    model: "keras.Model",
    documents: dict[str, bytes],
    others: dict[str, Any] | None = None,
    asked: Mapping[str, Mapping[str, Any]] | None = None,
) -> None:
    """`asked` are the inputs of a request to each signature whose answer is recorded."""
    import tensorflow as tf

    from export.archive import SERVING_SIGNATURE, serving_function, write_saved_model
    from export.records import Record
    from export.warm_up import write_warm_up

    manifest = Manifest.parse(documents["manifest"])
    serve = serving_function(model, _inputs(model), multi_label=manifest.multi_label)
    write_saved_model(folder, model, serve, documents, others)
    version = VersionDir(folder)
    version.extra.mkdir()
    seal(version, manifest)
    write_goldens(version.golden, parse_goldens(documents["golden"]))
    functions = {SERVING_SIGNATURE: serve, **(others or {})}
    records = []
    for signature, inputs in (asked or {}).items():
        answer = functions[signature](*map(tf.constant, inputs.values()))
        outputs = {name: values.numpy() for name, values in answer.items()}
        records.append(Record("one", signature, inputs, outputs))
    if records:
        write_warm_up(version.warm_up, manifest.model, records)


def _inputs(model: "keras.Model") -> Any:
    import tensorflow as tf

    (tensor,) = model.inputs
    return tf.TensorSpec(tensor.shape, tensor.dtype, name=tensor.name)


def _explain(model: "keras.Model", opened: Opened) -> dict[str, Any]:
    from export.explain import EXPLAIN_SIGNATURE, explain_function

    return {EXPLAIN_SIGNATURE: explain_function(opened, _inputs(model))}


def _of_examples() -> dict[str, Any]:
    """Of examples with a `weight`: it and its rest as the scores of `light` and `heavy`; twice as much."""
    import tensorflow as tf

    def weights(inputs: Any) -> Any:
        return tf.io.parse_example(inputs, {"weight": tf.io.FixedLenFeature([1], tf.float32)})["weight"]

    def classify(inputs: Any) -> Any:
        given = weights(inputs)
        names = tf.repeat(tf.constant([["light", "heavy"]]), tf.shape(given)[0], 0)
        return {"classes": names, "scores": tf.concat([given, 1 - given], axis=1)}

    spec = [tf.TensorSpec([None], tf.string, name="inputs")]
    return {
        "classify": tf.function(classify, input_signature=spec),
        "regress": tf.function(lambda inputs: {"outputs": 2 * weights(inputs)}, input_signature=spec),
    }


def _answer(probabilities: "np.ndarray[Any, Any]", labels: Sequence[str], top_k: int) -> list[Any]:
    ranked = sorted(zip(labels, probabilities.tolist(), strict=True), key=lambda pair: -pair[1])
    return [{"label": label, "score": score} for label, score in ranked[:top_k]]


def _softmax(model: "keras.Model") -> Callable[[Any], Any]:
    def probabilities(batch: Any) -> Any:
        logits = np.asarray(model.predict(batch, verbose=0), dtype=np.float64)
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)

    return probabilities


def write_digits(
    folder: Path,
    *,
    seed: int,
    wrong: bool = False,
    inks: tuple[str, str] = ("black", "black"),
    labels: tuple[str, ...] = DIGITS,
) -> None:
    model = _digits(seed)
    body = picture(inks=inks)
    image = digit_form(decode(body, max_pixels=10**6))[np.newaxis]
    probabilities = _softmax(model)(image)[0]
    expected = _answer(probabilities[::-1] if wrong else probabilities, labels, 5)
    goldens = [Golden.of("seven", "image/png", body, expected, _TOLERANCE)]
    manifest = manifest_of(
        "digits",
        "image-classification",
        {"image": TensorSpec(dtype="uint8", shape=(-1, 28, 28, 1))},
        labels,
        digest=f"sha256:digits-{seed}" if labels == DIGITS else f"sha256:digits-{seed}-words",
        parameters=model.count_params(),
        processing=_IMAGE.model_dump(),
        absent={"explain": "it has no convolution"},
        goldens={"7": 1},
        recorded=1,
    )
    documents = {"manifest": manifest.document(), "golden": dump_goldens(goldens), **card(f"digits of seed {seed}")}
    _write(folder, model, documents, asked={"serving_default": {"image": image}})


def write_strokes(folder: Path) -> None:
    from export.archive import serving_function, signature_specs
    from export.explain import EXPLAIN_SIGNATURE, PREDICTED
    from export.raw.signature import RAW_SIGNATURE, Raw
    from export.records import strings

    model = _strokes()
    serve = serving_function(model, _inputs(model))
    raw = Raw(_IMAGE, None).function(serve)
    others = {**_explain(model, _explained_strokes(model)), RAW_SIGNATURE: raw, **_of_examples()}
    body = picture()
    image = digit_form(decode(body, max_pixels=10**6))[np.newaxis]
    probabilities = _softmax(model)(image)[0]
    goldens = [Golden.of("seven", "image/png", body, _answer(probabilities, STROKES, 5), _TOLERANCE)]
    asked: dict[str, dict[str, Any]] = {
        "serving_default": {"image": image},
        RAW_SIGNATURE: {"image_bytes": strings(body)},
        EXPLAIN_SIGNATURE: {"image": image, "label": np.array([PREDICTED], np.int32)},
    }
    manifest = manifest_of(
        "strokes",
        "image-classification",
        {},
        STROKES,
        digest="sha256:strokes",
        goldens={"upright": 1},
        recorded=len(asked),
        parameters=model.count_params(),
        processing=_IMAGE.model_dump(),
        signatures=signature_specs(serve, others),
    )
    documents = {"manifest": manifest.document(), "golden": dump_goldens(goldens)}
    _write(folder, model, documents, others, asked)


def write_sentiment(folder: Path, name: str = "sentiment", more: dict[str, Any] | None = None) -> None:
    """`more` are further signatures, by their names."""

    words = ("[PAD]", "[UNK]", *_NEGATIVE, *_POSITIVE, "a", "film", "an", BREAKING_WORD)
    model, tokenizer = _sentiment(words), _tokenizer(words)
    others = _explain(model, _explained_sentiment(model)) | (more or {})
    text = "a good film"
    ids = TextEncoder(tokenizer.to_str(), _TEXT).encode([text])
    answer = _answer(_softmax(model)(ids)[0], SENTIMENTS, 2)
    _write_words(folder, name, model, tokenizer, others, SENTIMENTS, text, answer, languages=("en",))


def write_moods(folder: Path) -> None:
    """The mark before a text speaks against every label: of a text that says nothing none is given."""

    meaning = {
        "[PAD]": (0, 0, 0),
        "[UNK]": (0, 0, 0),
        "[CLS]": (-8, -8, -8),
        "[SEP]": (0, 0, 0),
        "un": (6, 0, 0),
        "##forget": (20, 0, 0),
        "##table": (6, 0, 0),
        "good": (30, 0, 0),
        "bad": (0, 30, 0),
        "odd": (0, 0, 30),
        "film": (0, 0, 0),
    }
    ids = {word: number for number, word in enumerate(meaning)}
    tokenizer = Tokenizer(WordPiece(ids, unk_token="[UNK]"))
    tokenizer.normalizer = Lowercase()
    tokenizer.pre_tokenizer = Whitespace()
    marks = [(mark, ids[mark]) for mark in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=marks)
    model = _averaged(np.array(list(meaning.values()), np.float32))
    others = _explain(model, _explained_sentiment(model))
    text = "good film"
    logits = np.asarray(model(TextEncoder(tokenizer.to_str(), _TEXT).encode([text])), np.float64)[0]
    answer = _answer(1 / (1 + np.exp(-logits)), MOODS, len(MOODS))
    _write_words(folder, "moods", model, tokenizer, others, MOODS, text, answer, multi_label=True)


def _write_words(  # noqa: PLR0917 (all that a version of texts is made of)
    folder: Path,
    name: str,
    model: Any,
    tokenizer: Tokenizer,
    others: dict[str, Any],
    labels: tuple[str, ...],
    text: str,
    answer: Any,
    **facts: Any,
) -> None:
    """A classifier of texts; the golden `text` has the first of the `answer`'s labels."""
    from export.archive import serving_function, signature_specs

    golden = Golden.of("good", "application/json", json.dumps({"inputs": text}).encode(), [answer], _TOLERANCE)
    manifest = manifest_of(
        name,
        "text-classification",
        {},
        labels,
        digest=f"sha256:{name}",
        goldens={answer[0]["label"]: 1},
        parameters=model.count_params(),
        processing=_TEXT.model_dump(),
        signatures=signature_specs(serving_function(model, _inputs(model)), others),
        **facts,
    )
    documents = {
        "manifest": manifest.document(),
        "tokenizer": tokenizer.to_str().encode(),
        "golden": dump_goldens([golden]),
    }
    _write(folder, model, documents, others)


def json_picture(body: bytes, **parameters: object) -> bytes:
    """The JSON form of a picture request."""
    return json.dumps({"inputs": base64.b64encode(body).decode(), "parameters": parameters}).encode()


if __name__ == "__main__":
    target = Path(sys.argv[1])
    write_digits(target / "digits-a", seed=1)
    write_digits(target / "digits-b", seed=2)
    write_digits(target / "digits-words", seed=2, labels=DIGIT_WORDS)
    write_digits(target / "digits-wrong", seed=1, wrong=True)
    write_digits(target / "digits-coloured", seed=1, inks=("red", "blue"))
    write_sentiment(target / "sentiment")
    write_moods(target / "moods")
    write_strokes(target / "strokes")
    small_text_models.write_all(target, manifest_of)
    small_pictures.write_all(target, manifest_of)
    small_sounds.write_all(target, manifest_of)
    small_speech.write_speech(target / "speech", manifest_of)
    small_detector.write_squares(target / "squares")
    small_faces.write_faces(target / "faces")
