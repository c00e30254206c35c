"""Weights of a frozen graph of TensorFlow, from the bytes of its file."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.errors import DataError


def read_frozen(content: bytes, scopes: tuple[str, ...]) -> dict[str, NDArray[np.float32]]:
    """Every constant of floating-point numbers that is no single number, by its name, which begins as one of `scopes`.

    Raises:
        DataError: not of this format, or cut short.
    """
    import tensorflow as tf
    from google.protobuf.message import DecodeError

    graph = tf.compat.v1.GraphDef()
    try:
        graph.ParseFromString(content)
        found = {node.name: _value(node) for node in graph.node if node.op == "Const" and node.name.startswith(scopes)}
    except (DecodeError, TypeError, ValueError) as exc:
        raise DataError(f"not a whole frozen graph of TensorFlow: {exc}") from exc
    return {name: values for name, values in found.items() if values.dtype == np.float32 and values.ndim}


def _value(node: Any) -> NDArray[Any]:
    import tensorflow as tf

    return np.asarray(tf.make_ndarray(node.attr["value"].tensor))
