"""SavedModels as TensorFlow 1 made them, and other oddities: `python -m tests.support.saved_models_v1 FOLDER`.

- `half-plus-three`: serialized Examples through ParseExample, classify and regress and predict signatures; its constant
  is read from an asset by a legacy_init_op
- `counter`: a reference variable; `incr_counter_by` adds, `get_counter` reads, `reset_counter` sets to 0
- `main-op`: a table filled from an asset by a main_op; tags `serve` and `cpu`
- `queue`: takes from a queue that nobody fills
- `text`: splits texts into words with an op of TF Text
- `xla`: y = x + 1, in a function that must be compiled by XLA; `updated`: the first of `x` doubled, by an op of XLA
"""

import atexit
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any


@cache
def folder() -> Path:
    """The folder of the SavedModels, made once per process and removed with it."""
    made = Path(mkdtemp(prefix="saved-models-v1-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"}
    subprocess.run([sys.executable, "-m", __name__, str(made)], check=True, env=environment, timeout=300)
    return made


def _main(into: Path) -> None:
    import tensorflow as tf

    tf.get_logger().setLevel("ERROR")  # the builder warns that it is deprecated
    v1 = tf.compat.v1
    for save in (_half_plus_three, _counter, _main_op, _queue):
        with v1.Graph().as_default(), v1.Session() as session:
            save(v1, session, into)
    _text(tf, into)
    _xla(tf, into)


def _save(
    v1: Any, session: Any, path: Path, signatures: dict[str, Any], tags: tuple[str, ...] = ("serve",), **extra: Any
) -> None:
    session.run(v1.global_variables_initializer())
    builder = v1.saved_model.builder.SavedModelBuilder(str(path))
    builder.add_meta_graph_and_variables(session, list(tags), signature_def_map=signatures, **extra)
    builder.save()


def _predict(v1: Any, inputs: dict[str, Any], outputs: dict[str, Any]) -> Any:
    """`predict_signature_def` would refuse a signature without inputs."""
    infos = [
        {alias: v1.saved_model.utils.build_tensor_info(tensor) for alias, tensor in tensors.items()}
        for tensors in (inputs, outputs)
    ]
    return v1.saved_model.signature_def_utils.build_signature_def(*infos, "tensorflow/serving/predict")


def _half_plus_three(v1: Any, session: Any, into: Path) -> None:
    utils = v1.saved_model.signature_def_utils
    offset_file = into / "foo.txt"
    offset_file.write_text("3.0")
    asset = v1.constant(str(offset_file), name="asset")
    v1.add_to_collection(v1.GraphKeys.ASSET_FILEPATHS, asset)
    slope = v1.Variable(0.5, name="a", use_resource=False)
    offset = v1.Variable(0.0, name="b", use_resource=False)
    examples = v1.placeholder(v1.string, name="tf_example")
    parsed = v1.parse_example(examples, {"x": v1.FixedLenFeature([1], v1.float32)})
    x = v1.identity(parsed["x"], name="x")
    y = v1.add(v1.multiply(slope, x), offset, name="y")
    read_offset = v1.assign(offset, v1.string_to_number(v1.read_file(asset)))
    signatures = {
        "serving_default": _predict(v1, {"x": x}, {"y": y}),
        "regress_x_to_y": utils.regression_signature_def(examples, y),
        "classify_x_to_y": utils.classification_signature_def(examples, classes=None, scores=y),
    }
    _save(
        v1,
        session,
        into / "half-plus-three",
        signatures,
        assets_collection=v1.get_collection(v1.GraphKeys.ASSET_FILEPATHS),
        legacy_init_op=v1.group(read_offset),
    )


def _counter(v1: Any, session: Any, into: Path) -> None:
    counter = v1.Variable(0.0, name="counter", use_resource=False)
    delta = v1.placeholder(v1.float32, name="delta")
    signatures = {
        "get_counter": _predict(v1, {}, {"output": v1.identity(counter)}),
        "incr_counter_by": _predict(v1, {"delta": delta}, {"output": v1.assign_add(counter, delta)}),
        "reset_counter": _predict(v1, {}, {"output": v1.assign(counter, 0.0)}),
    }
    _save(v1, session, into / "counter", signatures)


def _main_op(v1: Any, session: Any, into: Path) -> None:
    words = into / "words.txt"
    words.write_text("zero\none\ntwo\n")
    table = v1.lookup.StaticVocabularyTable(
        v1.lookup.TextFileInitializer(
            str(words), v1.string, v1.lookup.TextFileIndex.WHOLE_LINE, v1.int64, v1.lookup.TextFileIndex.LINE_NUMBER
        ),
        1,
    )
    word = v1.placeholder(v1.string, [None], name="word")
    signature = _predict(v1, {"word": word}, {"id": table.lookup(word)})
    _save(
        v1,
        session,
        into / "main-op",
        {"serving_default": signature},
        ("serve", "cpu"),
        assets_collection=v1.get_collection(v1.GraphKeys.ASSET_FILEPATHS),
        main_op=v1.tables_initializer(),
    )


def _queue(v1: Any, session: Any, into: Path) -> None:
    queue = v1.FIFOQueue(1, [v1.float32], shapes=[[]], name="queue")
    _save(v1, session, into / "queue", {"serving_default": _predict(v1, {}, {"y": queue.dequeue()})})


def _text(tf: Any, into: Path) -> None:
    import tensorflow_text

    split = tensorflow_text.WhitespaceTokenizer().tokenize
    spec = tf.TensorSpec([None], tf.string, name="text")
    serve = tf.function(lambda text: {"words": split(text).flat_values}, input_signature=[spec])
    tf.saved_model.save(tf.Module(), str(into / "text"), signatures=serve)


def _xla(tf: Any, into: Path) -> None:
    from tensorflow.compiler.tf2xla.python.xla import dynamic_update_slice

    compiled = tf.function(lambda x: x + 1, jit_compile=True)
    spec = [tf.TensorSpec([None], tf.float32, name="x")]

    signatures = {
        "serving_default": tf.function(lambda x: {"y": compiled(x)}, input_signature=spec),
        "updated": tf.function(lambda x: {"y": dynamic_update_slice(x, 2 * x[:1], [0])}, input_signature=spec),
    }
    tf.saved_model.save(tf.Module(), str(into / "xla"), signatures=signatures)


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
