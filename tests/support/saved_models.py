"""Small SavedModels, made in a process of their own: `python -m tests.support.saved_models FOLDER`.

- `plus-2`, `plus-3`: float `x` to `y` = x / 2 + 2 or 3; any shape
- `many`: signatures of several inputs, strings, every integer type, half, a scalar output
- `defaults`: `sum` = `a` + `b`, with a default of 10 for `b`
- `half-plus-two`: upstream's example: `x` / 2 + 2 for Predict, Classify and Regress, and signatures that these refuse
- `animals`: Classify with labels and scores of three classes, alone and together
- `counter`: `get`, and `incr` by `delta`; state that lasts as long as the version
- `company`: `centred`, whose rows depend on each other; `tally`, which counts the rows it has seen; `double`
- `kept`: `decode` as that of a version that keeps texts: whose tokens are even
- `float8`: `x` to `y` of a type that has no wire form; TensorFlow inlines nothing in a graph with it, so it is apart
- `ragged`: row lengths of `tokens`, padded with 0
- `heavy`: a hundred products of a square matrix with itself, without a loop
- `slow`: `steps` matrix products, for requests that are under way
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from tests.support.once import made_once


@cache
def folder() -> Path:
    """The folder of the SavedModels, made once per run of the tests; not to be changed."""
    return made_once("saved-models", _make)


def _make(made: Path) -> None:
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"}
    subprocess.run([sys.executable, "-m", __name__, str(made)], check=True, env=environment, timeout=300)


def put(name: str, version: Path) -> None:
    """Copies a model to where a server will see it, at once, as `publish` does."""
    version.parent.mkdir(parents=True, exist_ok=True)
    staging = version.parent / f".staging-{version.name}"
    shutil.copytree(folder() / name, staging)
    staging.rename(version)


def _main(into: Path) -> None:
    import tensorflow as tf

    tf.config.set_visible_devices([], "GPU")
    _save_plus(tf, into, 2)
    _save_plus(tf, into, 3)
    _save_many(tf, into)
    _save_defaults(tf, into)
    _save_half_plus_two(tf, into)
    _save_animals(tf, into)
    _save_counter(tf, into)
    _save_company(tf, into)
    _save_kept(tf, into)
    _save_float8(tf, into)
    _save_ragged(tf, into)
    _save_heavy(tf, into)
    _save_slow(tf, into)


def _save_plus(tf: Any, into: Path, offset: int) -> None:
    module = tf.Module()
    module.offset = tf.Variable(float(offset))
    spec = tf.TensorSpec(None, tf.float32, name="x")
    serve = tf.function(lambda x: {"y": x / 2 + module.offset}, input_signature=[spec])
    tf.saved_model.save(module, str(into / f"plus-{offset}"), signatures=serve)


def _save_many(tf: Any, into: Path) -> None:
    def signature(function: Any, **inputs: Any) -> Any:
        specs = [tf.TensorSpec(shape, dtype, name=name) for name, (shape, dtype) in inputs.items()]
        return tf.function(function, input_signature=specs)

    rows = [None]
    integers = {name: (rows, getattr(tf, name)) for name in ("int8", "uint8", "int16", "int32", "int64", "uint32")}
    signatures = {
        "serving_default": signature(
            lambda a, b: {"sum": a + b, "difference": a - b}, a=(rows, tf.float32), b=(rows, tf.float32)
        ),
        "strings": signature(lambda text: {"text": text, "text_bytes": text}, text=(rows, tf.string)),
        "joined": signature(lambda text: {"all": tf.strings.reduce_join(text), "text": text}, text=(None, tf.string)),
        "pairs": signature(lambda s, t: {"pair": s + t}, s=(rows, tf.string), t=(rows, tf.string)),
        "integers": signature(
            lambda int8, uint8, int16, int32, int64, uint32: {
                "int8": int8,
                "uint8": uint8,
                "int16": int16,
                "int32": int32,
                "int64": int64,
                "uint32": uint32,
            },
            **integers,
        ),
        "double": signature(lambda x: {"y": tf.identity(x)}, x=(None, tf.float64)),
        "bool": signature(lambda x: {"y": tf.logical_not(x)}, x=(None, tf.bool)),
        "half": signature(lambda x: {"y": tf.identity(x)}, x=(rows, tf.float16)),
        "to_half": signature(lambda x: {"y": tf.cast(x, tf.float16)}, x=(rows, tf.float32)),
        "complex": signature(lambda x: {"y": tf.math.conj(x)}, x=(rows, tf.complex64)),
        "complex128": signature(lambda x: {"y": tf.math.conj(x)}, x=(rows, tf.complex128)),
        "bfloat16": signature(lambda x: {"y": tf.identity(x)}, x=(rows, tf.bfloat16)),
        "uint16": signature(lambda x: {"y": tf.identity(x)}, x=(rows, tf.uint16)),
        "uint64": signature(lambda x: {"y": tf.identity(x)}, x=(rows, tf.uint64)),
        "quantised": signature(lambda x: {"y": tf.identity(x)}, x=(rows, tf.qint8)),
        "total": signature(lambda x: {"total": tf.reduce_sum(x)}, x=(rows, tf.float32)),
        "uneven": signature(lambda x: {"all": tf.identity(x), "half": x[::2]}, x=(rows, tf.float32)),
        "matmul": signature(lambda x: {"y": x @ tf.ones([4, 2])}, x=([None, None], tf.float32)),
        "nothing_in": signature(lambda: {"answer": tf.constant([42])}),
    }
    tf.saved_model.save(tf.Module(), str(into / "many"), signatures=signatures)


def _save_half_plus_two(tf: Any, into: Path) -> None:
    examples = tf.TensorSpec([None], tf.string, name="inputs")

    def x_of(inputs: Any) -> Any:
        return tf.io.parse_example(inputs, {"x": tf.io.FixedLenFeature([1], tf.float32)})["x"]

    def signature(answer: Any, spec: Any = examples) -> Any:
        return tf.function(answer, input_signature=[spec])

    x = tf.TensorSpec([None, 1], tf.float32, name="x")
    signatures = {
        "serving_default": signature(lambda x: {"y": x / 2 + 2}, x),
        "classify_x_to_y": signature(lambda inputs: {"scores": x_of(inputs) / 2 + 2}),
        "regress_x_to_y": signature(lambda inputs: {"outputs": x_of(inputs) / 2 + 2}),
        "regress_x_to_y3": signature(lambda inputs: {"outputs": tf.squeeze(x_of(inputs) / 2 + 3, 1)}),
        "flat_scores": signature(lambda inputs: {"scores": tf.squeeze(x_of(inputs), 1)}),
        "double_scores": signature(lambda inputs: {"scores": tf.cast(x_of(inputs), tf.float64)}),
        "two_numbers": signature(lambda inputs: {"outputs": tf.repeat(x_of(inputs), 2, 1)}),
        "whole_numbers": signature(lambda inputs: {"outputs": tf.cast(x_of(inputs), tf.int32)}),
        "one_answer": signature(lambda inputs: {"outputs": x_of(inputs)[:1]}),
        "one_score": signature(lambda inputs: {"scores": x_of(inputs)[:1]}),
        "other_outputs": signature(lambda inputs: {"y": x_of(inputs), "z": x_of(inputs)}),
        "three_outputs": signature(lambda inputs: {name: x_of(inputs) for name in ("classes", "scores", "z")}),
    }
    tf.saved_model.save(tf.Module(), str(into / "half-plus-two"), signatures=signatures)
    with _rewritten(into / "half-plus-two") as made:
        for name, method in {
            "classify_x_to_y": "classify",
            "regress_x_to_y": "regress",
            "regress_x_to_y3": "regress",
            "other_outputs": "other",
        }.items():
            made[name].method_name = f"tensorflow/serving/{method}"


def _save_animals(tf: Any, into: Path) -> None:
    """`weight` decides: the scores of cat, dog and horse are 1 / (1 + |weight - 4, 20 or 500|)."""
    names, weights = tf.constant([["cat", "dog", "horse"]]), tf.constant([[4.0, 20.0, 500.0]])

    def scores(inputs: Any) -> Any:
        spec = {"weight": tf.io.FixedLenFeature([1], tf.float32)}
        return 1 / (1 + tf.abs(tf.io.parse_example(inputs, spec)["weight"] - weights))

    def classes(inputs: Any) -> Any:
        return tf.repeat(names, tf.size(inputs), 0)

    specs = [tf.TensorSpec([None], tf.string, name="inputs")]
    signatures = {
        "serving_default": lambda inputs: {"classes": classes(inputs), "scores": scores(inputs)},
        "classes": lambda inputs: {"classes": classes(inputs)},
        "uneven": lambda inputs: {"classes": classes(inputs)[:, :2], "scores": scores(inputs)},
    }
    signatures = {name: tf.function(answer, input_signature=specs) for name, answer in signatures.items()}
    tf.saved_model.save(tf.Module(), str(into / "animals"), signatures=signatures)


def _save_counter(tf: Any, into: Path) -> None:
    module = tf.Module()
    module.count = tf.Variable(0.0)
    delta = tf.TensorSpec([], tf.float32, name="delta")
    signatures = {
        "get": tf.function(lambda: {"count": module.count.read_value()}, input_signature=[]),
        "incr": tf.function(lambda delta: {"count": module.count.assign_add(delta)}, input_signature=[delta]),
    }
    tf.saved_model.save(module, str(into / "counter"), signatures=signatures)


def _save_company(tf: Any, into: Path) -> None:
    module = tf.Module()
    module.seen = tf.Variable(0.0)
    rows = [tf.TensorSpec([None], tf.float32, name="x")]
    signatures = {
        "centred": tf.function(lambda x: {"y": x - tf.reduce_mean(x)}, input_signature=rows),
        "double": tf.function(lambda x: {"y": 2 * x}, input_signature=rows),
        "tally": tf.function(
            lambda x: {"seen": 0 * x + module.seen.assign_add(tf.cast(tf.size(x), tf.float32))}, input_signature=rows
        ),
    }
    tf.saved_model.save(module, str(into / "company"), signatures=signatures)


def _save_kept(tf: Any, into: Path) -> None:
    rows = [
        tf.TensorSpec([None], dtype, name=name)
        for name, dtype in (("lease", tf.int64), ("position", tf.int32), ("token_id", tf.int32), ("steps", tf.int32))
    ]

    def decode(lease: Any, position: Any, token_id: Any, steps: Any) -> dict[str, Any]:
        told = tf.stack([tf.cast(lease, tf.float32), tf.cast(position, tf.float32)], axis=1)
        return {"logits": told, "held": token_id % 2 == 0}

    module = tf.Module()
    tf.saved_model.save(module, str(into / "kept"), signatures={"decode": tf.function(decode, input_signature=rows)})


def _save_float8(tf: Any, into: Path) -> None:
    spec = tf.TensorSpec([None], tf.float32, name="x")
    serve = tf.function(lambda x: {"y": tf.cast(x, tf.dtypes.experimental.float8_e5m2)}, input_signature=[spec])
    tf.saved_model.save(tf.Module(), str(into / "float8"), signatures=serve)


def _save_ragged(tf: Any, into: Path) -> None:
    spec = tf.TensorSpec([None, None], tf.int64, name="tokens")

    def serve(tokens: Any) -> dict[str, Any]:
        rows = tf.RaggedTensor.from_tensor(tokens, padding=0)
        return {"length": rows.row_lengths(), "flat": rows.flat_values}

    tf.saved_model.save(tf.Module(), str(into / "ragged"), signatures=tf.function(serve, input_signature=[spec]))


@contextmanager
def _rewritten(version: Path) -> Iterator[Any]:
    """The signatures of a SavedModel, to change what `tf.saved_model.save` cannot say."""
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    path = version / "saved_model.pb"
    saved = SavedModel.FromString(path.read_bytes())
    yield saved.meta_graphs[0].signature_def
    path.write_bytes(saved.SerializeToString())


def _save_defaults(tf: Any, into: Path) -> None:
    specs = [tf.TensorSpec([None], tf.float32, name=name) for name in ("a", "b")]
    function = tf.function(lambda a, b: {"sum": a + b}, input_signature=specs)
    tf.saved_model.save(tf.Module(), str(into / "defaults"), signatures=function)
    with _rewritten(into / "defaults") as made:
        made["serving_default"].defaults["b"].CopyFrom(tf.make_tensor_proto([10.0]))


def _save_heavy(tf: Any, into: Path) -> None:
    def serve(x: Any) -> dict[str, Any]:
        for _ in range(100):
            x = tf.nn.softmax(x @ x)
        return {"y": tf.reduce_sum(x)}

    function = tf.function(serve, input_signature=[tf.TensorSpec([None, None], tf.float32, name="x")])
    tf.saved_model.save(tf.Module(), str(into / "heavy"), signatures=function)


def _save_slow(tf: Any, into: Path) -> None:
    def serve(steps: Any) -> dict[str, Any]:
        matrix = tf.ones([64, 64])
        for _ in tf.range(steps):
            matrix = tf.nn.softmax(matrix @ matrix)
        return {"done": tf.reduce_sum(matrix)}

    function = tf.function(serve, input_signature=[tf.TensorSpec([], tf.int32, name="steps")])
    tf.saved_model.save(tf.Module(), str(into / "slow"), signatures=function)


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
