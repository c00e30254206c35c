"""Recordings to samples inside the graph: the twin of `processing.wav`, for files of the model's own rate.

TensorFlow's own DecodeWav knows 16 bits only, so the chunks of a file are walked here, and all widths decoded alike.
"""

from typing import TYPE_CHECKING

from processing.spec import RecordingSpec
from processing.wav import LEAST_TOGETHER, MOST_CHUNKS, RIFF_HEADER

if TYPE_CHECKING:
    import tensorflow as tf

MAX_SECONDS = 600
MAX_SAMPLES = 2**26  # of all recordings, each filled up to the longest: 256 MiB

_BEGIN = r"RIFF\C\C\C\CWAVE"
_FIRST_CHUNK = 12
_HEADER = 8  # bytes of a chunk: its name and its size
_FORMAT = 16  # bytes of the chunk `fmt `: encoding, channels, rate, bytes per second, bytes per frame, bits
_PCM = 1
_UNREADABLE = "no recording that can be read; expected a WAV file with PCM of 8, 16, 24 or 32 bits"


class AudioGraph:
    """`tf.string [rows]`, WAV files of any lengths, to float32 `[rows, longest]`, zeros behind the shorter ones.

    In the graph INVALID_ARGUMENT is the answer to what `processing.wav.read_pcm` refuses, where `MAX_SECONDS` are
    accepted, and to more than `MAX_SAMPLES`.
    """

    def __init__(self, spec: RecordingSpec) -> None:
        self._sample_rate = spec.sample_rate

    def __call__(self, recordings: "tf.Tensor") -> "tf.Tensor":
        import tensorflow as tf

        rows = tf.map_fn(self._decoded, recordings, fn_output_signature=tf.RaggedTensorSpec([None], tf.float32))
        samples = tf.reduce_prod(rows.bounding_shape(out_type=tf.int64))
        message = tf.strings.format(
            "the recordings have {} samples when all are as long as the longest; at most {} are accepted",
            [samples, MAX_SAMPLES],
        )
        return rows.with_values(_checked(rows.values, samples <= MAX_SAMPLES, message)).to_tensor(0.0)

    def _decoded(self, data: "tf.Tensor") -> "tf.Tensor":
        """One file to float32 `[samples]`."""
        import tensorflow as tf

        begin = tf.strings.substr(data, 0, _FIRST_CHUNK)
        data = _checked(data, tf.strings.regex_full_match(begin, _BEGIN), _UNREADABLE)
        end = tf.cast(tf.strings.length(data), tf.int64)
        at, start = _chunks(data, end)
        fields = tf.cast(tf.io.decode_raw(tf.strings.substr(data, at, _FORMAT), tf.uint16), tf.int64)
        encoding, channels, low, high, *_, bits = tf.unstack(fields, num=_FORMAT // 2)
        rate, width = low + high * 2**16, (bits + 7) // 8
        readable = (encoding == _PCM) & (channels > 0) & (rate > 0) & (width >= 1) & (width <= 4)
        frame = _checked(channels * width, readable, _UNREADABLE)
        said, received = _size(data, start - _HEADER), end - start
        is_of_the_whole = (said == end) | (said == end - RIFF_HEADER)
        frames = tf.where(is_of_the_whole, received, said) // frame
        expected = frames * frame
        message = tf.strings.format("the recording is cut off: {} of {} bytes", [received, expected])
        frames = self._accepted(_checked(frames, received >= expected, message), rate)
        pcm = tf.strings.substr(data, start, frames * frame)
        return mono(tf.reshape(_floats(pcm, width), tf.stack([frames, channels])))

    def _accepted(self, frames: "tf.Tensor", rate: "tf.Tensor") -> "tf.Tensor":
        """`frames`, if they are neither too many nor none, at the rate that is expected."""
        import tensorflow as tf

        seconds = frames / rate
        message = tf.strings.format("the recording lasts {} s; at most {} s are accepted", [seconds, MAX_SECONDS])
        frames = _checked(frames, seconds <= MAX_SECONDS, message)
        expected = tf.constant(self._sample_rate, tf.int64)
        message = tf.strings.format("the recording has {} samples per second; expected {}", [rate, expected])
        frames = _checked(frames, rate == expected, message)
        return _checked(frames, frames > 0, "the recording is empty; expected at least one sample")


def mono(frames: "tf.Tensor") -> "tf.Tensor":
    """`[frames, channels]` to `[frames]`: the mean, in which channels must not cancel each other out."""
    import tensorflow as tf

    together = tf.reduce_mean(frames, axis=1)
    apart, left = tf.reduce_mean(tf.square(frames)), tf.reduce_mean(tf.square(together))
    count = tf.shape(frames)[1]
    message = tf.strings.format("the {} channels of the recording cancel each other out; send one of them", [count])
    return _checked(together, left >= LEAST_TOGETHER * apart, message)


def _chunks(data: "tf.Tensor", end: "tf.Tensor") -> tuple["tf.Tensor", "tf.Tensor"]:
    """Where the contents of the chunks `fmt ` and `data` begin, in a file that is read up to `end`."""
    import tensorflow as tf

    def more(at: "tf.Tensor", _: "tf.Tensor") -> "tf.Tensor":
        return (at + _HEADER <= end) & (_name(data, at, end) != b"data")

    def step(at: "tf.Tensor", fmt: "tf.Tensor") -> tuple["tf.Tensor", "tf.Tensor"]:
        size = _size(data, at)
        whole = (_name(data, at, end) == b"fmt ") & (size >= _FORMAT) & (at + _HEADER + _FORMAT <= end)
        return at + _HEADER + size + size % 2, tf.where(whole, at + _HEADER, fmt)

    begin = tf.constant(_FIRST_CHUNK, tf.int64), tf.constant(-1, tf.int64)
    at, fmt = tf.while_loop(more, step, begin, maximum_iterations=MOST_CHUNKS)
    found = (fmt >= 0) & (at + _HEADER <= end) & (_name(data, at, end) == b"data")
    return _checked(fmt, found, _UNREADABLE), _checked(at + _HEADER, found, _UNREADABLE)


def _name(data: "tf.Tensor", at: "tf.Tensor", end: "tf.Tensor") -> "tf.Tensor":
    """Of the chunk there; nothing where the file is at its end."""
    import tensorflow as tf

    return tf.strings.substr(data, tf.minimum(at, end), 4)


def _size(data: "tf.Tensor", at: "tf.Tensor | int") -> "tf.Tensor":
    """Of the contents of the chunk there, by its header; int64."""
    import tensorflow as tf

    low, high = tf.unstack(tf.io.decode_raw(tf.strings.substr(data, at + 4, 4), tf.uint16), num=2)
    return tf.cast(low, tf.int64) + tf.cast(high, tf.int64) * 2**16


def _floats(pcm: "tf.Tensor", width: "tf.Tensor") -> "tf.Tensor":
    """Numbers of `width` bytes, each moved into the upper bytes of four: those of one byte are unsigned."""
    import tensorflow as tf

    numbers = tf.reshape(tf.io.decode_raw(pcm, tf.uint8), tf.stack([-1, width]))
    numbers = tf.bitwise.bitwise_xor(numbers, tf.where(width == 1, tf.constant(128, tf.uint8), 0))
    wide = tf.pad(numbers, [[0, 0], [4 - width, 0]])
    return tf.cast(tf.bitcast(tf.reshape(wide, [-1, 4]), tf.int32), tf.float32) / 2.0**31


def _checked(value: "tf.Tensor", holds: "tf.Tensor", message: "tf.Tensor | str") -> "tf.Tensor":
    import tensorflow as tf

    with tf.control_dependencies([tf.debugging.Assert(holds, [message])]):
        return tf.identity(value)
