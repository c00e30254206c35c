"""Small SavedModels, made in a process of their own: `python -m tests.support.saved_models FOLDER`.

- `plus-2`, `plus-3`: float `x` to `y` = x / 2 + 2 or 3; any shape
- `many`: signatures of several inputs, strings, every integer type, half, a scalar output
- `defaults`: `sum` = `a` + `b`, with a default of 10 for `b`
- `slow`: `steps` matrix products, for requests that are under way
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
    made = Path(mkdtemp(prefix="saved-models-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"}
    subprocess.run([sys.executable, "-m", __name__, str(made)], check=True, env=environment, timeout=300)
    return made


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
        "to_complex": signature(lambda x: {"y": tf.cast(x, tf.complex64)}, x=(rows, tf.float32)),
        "total": signature(lambda x: {"total": tf.reduce_sum(x)}, x=(rows, tf.float32)),
        "uneven": signature(lambda x: {"all": tf.identity(x), "half": x[::2]}, x=(rows, tf.float32)),
        "matmul": signature(lambda x: {"y": x @ tf.ones([4, 2])}, x=([None, None], tf.float32)),
        "nothing_in": signature(lambda: {"answer": tf.constant([42])}),
    }
    tf.saved_model.save(tf.Module(), str(into / "many"), signatures=signatures)


def _save_defaults(tf: Any, into: Path) -> None:
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    specs = [tf.TensorSpec([None], tf.float32, name=name) for name in ("a", "b")]
    function = tf.function(lambda a, b: {"sum": a + b}, input_signature=specs)
    tf.saved_model.save(tf.Module(), str(into / "defaults"), signatures=function)
    graph = into / "defaults" / "saved_model.pb"
    saved = SavedModel.FromString(graph.read_bytes())
    signature = saved.meta_graphs[0].signature_def["serving_default"]
    signature.defaults["b"].CopyFrom(tf.make_tensor_proto([10.0]))
    graph.write_bytes(saved.SerializeToString())


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
