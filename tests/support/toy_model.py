"""An export like `sentiment`, called `toy`, with signatures for every kind of request of TensorFlow Serving's REST API.

Made in a process of its own: `python -m tests.support.toy_model FOLDER`. The signatures beside those of `sentiment`:
- `classify`: Examples with a feature `x` to the labels `small` and `large`; `regress`: to x / 2
- `pair`: `a` and `b`, of any shape, to `sum` and `difference`; `whole`: `x` to itself and to its mean, a scalar
- `strings`: `text` to itself twice, once as bytes; `half`: a type that JSON does not have
- `picture`: the sum of float pictures `[-1, 2, 2, 1]`; `product`: a matrix `[-1, 2]` times a constant one
- `weights`: the sum of six numbers, which are no rows
- `slow`: so many `steps` of work
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support.small_models import write_sentiment


def build(folder: Path) -> None:
    """Makes `folder`, in a fresh process, so that the caller's never imports TensorFlow."""
    subprocess.run([sys.executable, "-m", __name__, str(folder)], check=True)


def _signatures() -> dict[str, Any]:
    import tensorflow as tf

    def signature(answer: Any, **inputs: tuple[Any, Any]) -> Any:
        specs = [tf.TensorSpec(shape, dtype, name=name) for name, (dtype, shape) in inputs.items()]
        return tf.function(answer, input_signature=specs)

    def feature(inputs: Any) -> Any:
        return tf.io.parse_example(inputs, {"x": tf.io.FixedLenFeature([], tf.float32)})["x"]

    def classify(inputs: Any) -> Any:
        large = tf.sigmoid(feature(inputs))
        labels = tf.tile([["small", "large"]], [tf.size(large), 1])
        return {"classes": labels, "scores": tf.stack([1 - large, large], axis=1)}

    def slow(steps: Any) -> Any:
        matrix = tf.eye(300)
        return {"y": tf.while_loop(lambda n, _: n < steps, lambda n, m: (n + 1, m @ matrix), (0, matrix))[1][0, 0]}

    return {
        "classify": signature(classify, inputs=(tf.string, [None])),
        "regress": signature(lambda inputs: {"outputs": feature(inputs) / 2}, inputs=(tf.string, [None])),
        "pair": signature(
            lambda a, b: {"sum": a + b, "difference": a - b}, a=(tf.float32, [None]), b=(tf.float32, [None])
        ),
        "whole": signature(lambda x: {"x": x, "mean": tf.reduce_mean(x)}, x=(tf.int64, [None])),
        "strings": signature(lambda text: {"text": text, "text_bytes": text}, text=(tf.string, [None])),
        "half": signature(lambda x: {"y": x / 2}, x=(tf.float16, [None])),
        "picture": signature(lambda image: {"y": tf.reduce_sum(image, [1, 2, 3])}, image=(tf.float32, [None, 2, 2, 1])),
        "product": signature(lambda x: {"y": x @ tf.constant([[1.0], [2.0]])}, x=(tf.float32, [None, None])),
        "weights": signature(lambda w: {"y": tf.reduce_sum(w)}, w=(tf.float32, [6])),
        "slow": signature(slow, steps=(tf.int32, [])),
    }


if __name__ == "__main__":
    write_sentiment(Path(sys.argv[1]), "toy", _signatures())
