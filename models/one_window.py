"""What a model of speech hears in one call: a window of a recording, not the recording."""

from typing import Any

import tensorflow as tf


def one_window(samples: Any, window_s: int, rate: int) -> Any:
    """`samples`, float32 `[batch, samples]`, of a window at most.

    In the graph INVALID_ARGUMENT is the answer to longer rows: what is behind the window would be left out, and the
    answer look like all that was said.
    """
    length = tf.shape(samples)[1]
    message = tf.strings.format(
        "recordings of {} s, or as long with what fills them up; one call hears {} s at most: a transcription by the "
        "gateway hears all of a recording",
        [length / rate, window_s],
    )
    with tf.control_dependencies([tf.debugging.Assert(length <= window_s * rate, [message])]):
        return tf.identity(samples)
