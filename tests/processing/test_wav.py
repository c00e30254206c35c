"""WAV files with PCM to samples."""

import numpy as np
import pytest

from processing.errors import ProcessingError, TooLargeError, UnreadableInputError
from processing.wav import pcm_rate, read_pcm, seconds_of
from tests.support.small_speech import recording


@pytest.mark.parametrize("width", [1, 2, 3, 4])
@pytest.mark.parametrize("channels", [1, 2, 8])
def test_every_width_and_number_of_channels_gives_the_same_samples(width: int, channels: int) -> None:
    rate, samples = read_pcm(recording([0.5, 0.25], width=width, channels=channels), 2)
    assert rate == 8000
    assert samples.dtype == np.float32
    assert samples.shape == (8000,)
    assert np.abs(samples[:4000]) == pytest.approx(np.full(4000, 0.5), abs=0.01)
    assert np.abs(samples[4000:]) == pytest.approx(np.full(4000, 0.25), abs=0.01)
    assert np.sign(samples[:4]).tolist() == [1, 1, 1, -1]


def test_full_scale_stays_within_one() -> None:
    for width in (1, 2, 3, 4):
        assert np.abs(read_pcm(recording([1.0], width=width), 2)[1]).max() <= 1


def test_the_header_tells_how_long_it_is() -> None:
    assert seconds_of(recording([0.1] * 3)) == 1.5


WHOLE = recording([0.5])
EMPTY = b"RIFF\xff\xff\xff\xffWAVE" + b"JUNK\0\0\0\0" * 64


@pytest.mark.parametrize(
    ("data", "error", "says"),
    [
        (b"", UnreadableInputError, "WAV"),
        (b"hello", UnreadableInputError, "WAV"),
        (b"RIFF\xff\xff\xff\xffWAVE", UnreadableInputError, "WAV"),
        (EMPTY + WHOLE[12:], UnreadableInputError, "ends too soon"),  # too many chunks before the samples
        (WHOLE[:-100], UnreadableInputError, "cut off"),
        (WHOLE[:16] + b"\xff" + WHOLE[17:], UnreadableInputError, "ends too soon"),  # a chunk longer than its file
        (WHOLE[:20] + b"\x03\x00" + WHOLE[22:], UnreadableInputError, "format"),  # floats
        (WHOLE[:24] + bytes(4) + WHOLE[28:], UnreadableInputError, "rate"),
        (recording([0.5] * 5), TooLargeError, "2.5 s"),
    ],
)
def test_what_cannot_be_heard_is_told(data: bytes, error: type[ProcessingError], says: str) -> None:
    with pytest.raises(error, match=says):
        read_pcm(data, 2)


def test_a_header_that_claims_hours_is_judged_by_what_is_there() -> None:
    claims = WHOLE[:40] + (2**31 - 1024).to_bytes(4, "little") + WHOLE[44:]
    with pytest.raises(UnreadableInputError, match="cut off: 8000 of 2147482624 bytes"):
        read_pcm(claims, 2)


@pytest.mark.parametrize("riff", [0, 8, 36, len(WHOLE) - 44, len(WHOLE) - 12, len(WHOLE), 2**32 - 1])
def test_a_size_of_the_whole_that_is_wrong_neither_cuts_off_nor_hides_that_it_was_cut_off(riff: int) -> None:
    lies = WHOLE[:4] + riff.to_bytes(4, "little") + WHOLE[8:]
    np.testing.assert_array_equal(read_pcm(lies, 2)[1], read_pcm(WHOLE, 2)[1])
    assert pcm_rate(lies) == 8000
    with pytest.raises(UnreadableInputError, match="cut off: 7998 of 8000 bytes"):
        read_pcm(lies[:-2], 2)


@pytest.mark.parametrize("less", [0, 8])
def test_a_size_of_the_samples_that_is_of_the_whole_does_not_cut_off(less: int) -> None:
    lies = WHOLE[:40] + (len(WHOLE) - less).to_bytes(4, "little") + WHOLE[44:]
    np.testing.assert_array_equal(read_pcm(lies, 2)[1], read_pcm(WHOLE, 2)[1])
    assert seconds_of(lies) == 0.5
    with pytest.raises(UnreadableInputError, match="cut off"):
        read_pcm(lies[:-2], 2)


def test_the_header_tells_whether_it_is_one() -> None:
    assert pcm_rate(WHOLE) == 8000
    assert pcm_rate(WHOLE[:-100]) == 8000
    assert pcm_rate(WHOLE[:20] + b"\x03\x00" + WHOLE[22:]) is None
    assert pcm_rate(b"OggS") is None
