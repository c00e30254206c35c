"""The graph makes of WAV files with PCM what the gateway makes of them, and refuses what it refuses."""

import random
import struct
from typing import Any

import numpy as np
import pytest

from export.raw.audio import AudioGraph
from processing.errors import ProcessingError, UnusableInputError
from processing.spec import AudioSpec
from processing.wav import read_pcm
from tests.support import tones
from tests.support.recordings import wav

RATE = tones.RATE
SPEC = AudioSpec(sample_rate=RATE)
FRAMES = np.random.default_rng(1).uniform(-1, 1, (50, 1))
WHOLE = wav(FRAMES, RATE)
FORMAT = WHOLE[20:36]


@pytest.fixture(scope="module")
def graph() -> Any:
    import tensorflow as tf

    given = tf.TensorSpec([None], tf.string)
    compute = tf.function(AudioGraph(SPEC), input_signature=[given], autograph=False)
    return lambda *recordings: compute(tf.constant(recordings, tf.string)).numpy()


def _decoded(data: bytes) -> Any:
    """As the gateway reads a WAV file with PCM that it need not bring to another rate, which the graph cannot."""
    rate, samples = read_pcm(data, 600)
    if rate != RATE or not len(samples):
        raise UnusableInputError
    return samples


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<L", len(content)) + content + b"\0" * (len(content) % 2)


def _file(*chunks: bytes) -> bytes:
    return _chunk(b"RIFF", b"WAVE" + b"".join(chunks))


@pytest.mark.parametrize("width", [1, 2, 3, 4])
@pytest.mark.parametrize("channels", [1, 2, 3, 8])
def test_samples_are_the_gateways(graph: Any, width: int, channels: int) -> None:
    """From one sample on, the loudest of both signs among them."""
    rng = np.random.default_rng(width)
    for length in (1, 2, 1001):
        frames = rng.uniform(-1, 1, (length, channels))
        frames[:2] = [[1.0], [-1.0]][:length]
        body = wav(frames, RATE, width=width)
        received, expected = graph(body)[0], _decoded(body)
        assert received.dtype == np.float32
        np.testing.assert_allclose(received, expected, rtol=0, atol=2e-7)
        assert width > 2 or channels > 2 or np.array_equal(received, expected)


def test_a_batch_holds_recordings_of_all_kinds_with_silence_behind_the_shorter_ones(graph: Any) -> None:
    bodies = [body for _, body in tones.recordings(72)]
    rows = graph(*bodies)
    expected = [_decoded(body) for body in bodies]
    assert len({len(samples) for samples in expected}) > 60
    assert rows.shape == (72, max(map(len, expected)))
    for row, samples in zip(rows, expected, strict=True):
        np.testing.assert_allclose(row[: len(samples)], samples, rtol=0, atol=2e-7)
        assert not row[len(samples) :].any()
    assert graph().shape == (0, 0)


@pytest.mark.parametrize(
    "chunks",
    [
        pytest.param([_chunk(b"LIST", b"a name"), _chunk(b"fmt ", FORMAT)], id="before the format"),
        pytest.param([_chunk(b"fmt ", FORMAT), _chunk(b"LIST", b"odd")], id="of an odd length"),
        pytest.param([_chunk(b"fmt ", FORMAT + b"\0\0")], id="a longer format"),
        pytest.param([_chunk(b"fmt ", FORMAT)] + [_chunk(b"JUNK", b"")] * 63, id="many"),
    ],
)
def test_other_chunks_are_passed_over(graph: Any, chunks: list[bytes]) -> None:
    body = _file(*chunks, _chunk(b"data", WHOLE[44:]), _chunk(b"LIST", b"behind"))
    np.testing.assert_array_equal(graph(body)[0], _decoded(body))
    np.testing.assert_array_equal(graph(body)[0], _decoded(WHOLE))


def test_bytes_behind_the_last_whole_sample_are_passed_over(graph: Any) -> None:
    body = _file(_chunk(b"fmt ", FORMAT), _chunk(b"data", WHOLE[44:] + b"\1"))
    np.testing.assert_array_equal(graph(body)[0], _decoded(WHOLE))


@pytest.mark.parametrize("riff", [0, 8, 36, 100, 132, 144, 2**32 - 1])
def test_a_size_of_the_whole_that_is_wrong_does_not_matter(graph: Any, riff: int) -> None:
    body = WHOLE[:4] + struct.pack("<L", riff) + WHOLE[8:]
    np.testing.assert_array_equal(graph(body)[0], _decoded(body))
    np.testing.assert_array_equal(graph(body)[0], _decoded(WHOLE))


@pytest.mark.parametrize("less", [0, 8])
def test_a_size_of_the_samples_that_is_of_the_whole_does_not_cut_off(graph: Any, less: int) -> None:
    body = WHOLE[:40] + struct.pack("<L", len(WHOLE) - less) + WHOLE[44:]
    np.testing.assert_array_equal(graph(body)[0], _decoded(body))
    np.testing.assert_array_equal(graph(body)[0], _decoded(WHOLE))


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "no recording that can be read; expected a WAV file"),
        (b"RIFF", "no recording"),
        (_file(*[_chunk(b"JUNK", b"")] * 64, _chunk(b"fmt ", FORMAT), _chunk(b"data", WHOLE[44:])), "no recording"),
        (b"ID3\x03 an MP3 file", "no recording"),
        (_file(), "no recording"),
        (_file(_chunk(b"data", WHOLE[44:])), "no recording"),
        (_file(_chunk(b"data", WHOLE[44:]), _chunk(b"fmt ", FORMAT), _chunk(b"data", WHOLE[44:])), "no recording"),
        (_file(_chunk(b"fmt ", FORMAT)), "no recording"),
        (_file(_chunk(b"fmt ", FORMAT[:14]), _chunk(b"data", WHOLE[44:])), "no recording"),
        (_file(_chunk(b"fmt ", FORMAT[:14]), _chunk(b"\x10\0  ", b""), _chunk(b"data", WHOLE[44:])), "no recording"),
        (WHOLE[:16] + b"\xff" + WHOLE[17:], "no recording"),  # a chunk longer than its file
        (WHOLE[:20] + b"\x03" + WHOLE[21:], "no recording"),  # floats
        (WHOLE[:22] + b"\0" + WHOLE[23:], "no recording"),  # no channels
        (WHOLE[:24] + bytes(4) + WHOLE[28:], "no recording"),  # no rate
        (WHOLE[:34] + b"\0" + WHOLE[35:], "no recording"),  # no bits
        (WHOLE[:34] + b"\x28" + WHOLE[35:], "no recording"),  # 40 bits
        (WHOLE[:30], "no recording"),
        (WHOLE[:-10], "the recording is cut off: 90 of 100 bytes"),
        (wav(FRAMES * [1, -1], RATE), "the 2 channels of the recording cancel each other out"),
        (wav(FRAMES[:0], RATE), "the recording is empty; expected at least one sample"),
        (wav(FRAMES, 44100), "the recording has 44100 samples per second; expected 8000"),
        (WHOLE[:40] + b"\0\0\0\x80" + WHOLE[44:], "the recording is cut off: 100 of 2147483648 bytes"),
        (wav(np.zeros((601 * RATE, 1)), RATE, width=1), "the recording lasts 601 s; at most 600 s are accepted"),
    ],
)
def test_what_is_no_such_file_is_refused(graph: Any, body: bytes, says: str) -> None:
    import tensorflow as tf

    with pytest.raises(ProcessingError):
        _decoded(body)
    with pytest.raises(tf.errors.InvalidArgumentError, match=says):
        graph(WHOLE, body)


def test_files_with_damaged_headers_are_read_or_refused_as_by_the_gateway(graph: Any) -> None:
    import tensorflow as tf

    rng = random.Random(0)
    read = 0
    for _ in range(500):
        damaged = bytearray(WHOLE)
        for _ in range(rng.choice((1, 2, 3))):
            damaged[rng.randrange(48)] = rng.choice((0, 1, 255, rng.randrange(256)))
        body = bytes(damaged)
        try:
            expected = _decoded(body)
        except ProcessingError:
            with pytest.raises(tf.errors.InvalidArgumentError):
                graph(body)
        else:
            read += 1
            np.testing.assert_allclose(graph(body)[0], expected, rtol=0, atol=2e-7)
    assert 50 < read < 450


def test_few_bytes_do_not_become_many_samples(graph: Any) -> None:
    """Beside a recording of ten minutes."""
    import tensorflow as tf

    longest = wav(np.zeros((600 * RATE, 1)), RATE, width=1)
    assert graph(longest, WHOLE).shape == (2, 600 * RATE)
    message = "the recordings have 67200000 samples when all are as long as the longest; at most 67108864 are accepted"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        graph(longest, *[WHOLE] * 13)
