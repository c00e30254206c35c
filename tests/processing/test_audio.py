"""Recordings of every kind to samples, and what is said of those that cannot be heard."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processing.audio import decode
from processing.errors import ProcessingError, TooLargeError, UnreadableInputError, UnusableInputError
from processing.wav import read_pcm
from tests.support.recordings import encoded, wav

RATE, PITCH = 16_000, 440
KINDS = [  # container and codec by FFmpeg's names, and rates that the codec has
    ("wav", "pcm_s24le", 44_100),
    ("wav", "pcm_f32le", 48_000),
    ("wav", "pcm_mulaw", 8_000),
    ("wav", "pcm_alaw", 8_000),
    ("flac", "flac", 44_100),
    ("ogg", "libopus", 48_000),
    ("mp3", "libmp3lame", 44_100),
    ("ipod", "aac", 44_100),
    ("webm", "libopus", 48_000),
]


def tone(seconds: float, rate: int, loudness: float = 0.4) -> Any:
    return loudness * np.sin(2 * np.pi * PITCH * np.arange(int(seconds * rate)) / rate)


def pitch(samples: Any, rate: int = RATE) -> float:
    """The loudest, in Hertz, without the ends."""
    middle = samples[len(samples) // 4 : -len(samples) // 4]
    return float(np.abs(np.fft.rfft(middle)).argmax() * rate / len(middle))


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(("container", "codec", "rate"), KINDS)
def test_every_kind_gives_the_same_sound(container: str, codec: str, rate: int, channels: int) -> None:
    data = encoded(tone(1.5, rate), rate, container, codec, channels=channels)
    samples = decode(data, sample_rate=RATE, max_seconds=2)
    assert samples.dtype == np.float32
    assert len(samples) == pytest.approx(1.5 * RATE, rel=0.04)
    assert pitch(samples) == pytest.approx(PITCH, abs=3)
    assert np.abs(samples[4000:-4000]).max() == pytest.approx(0.4, abs=0.04)


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 44_100, 96_000, 192_000])
def test_a_rate_is_changed_without_a_trace(rate: int) -> None:
    """What is beyond half the new rate is gone, what is below is as it was."""
    data = wav(tone(1, rate)[:, np.newaxis], rate)
    samples = decode(data, sample_rate=RATE, max_seconds=2)
    assert len(samples) == pytest.approx(RATE, abs=2)
    inner = slice(2000, -2000)
    np.testing.assert_allclose(samples[inner], tone(1, RATE)[: len(samples)][inner], atol=2e-4)


def test_what_the_new_rate_cannot_have_is_gone() -> None:
    high = np.sin(2 * np.pi * 15_000 * np.arange(48_000) / 48_000)
    samples = decode(wav(high[:, np.newaxis], 48_000), sample_rate=RATE, max_seconds=2)
    assert np.abs(samples[2000:-2000]).max() < 1e-3


def test_pcm_of_the_right_rate_is_what_the_graph_reads() -> None:
    data = wav(np.stack([tone(0.5, RATE), 0.5 * tone(0.5, RATE)], axis=1), RATE)
    np.testing.assert_array_equal(decode(data, sample_rate=RATE, max_seconds=1), read_pcm(data, 1)[1])


def test_of_a_film_the_sound_is_heard() -> None:
    data = encoded(tone(1, 48_000), 48_000, "mp4", "aac", film=True)
    assert pitch(decode(data, sample_rate=RATE, max_seconds=2)) == pytest.approx(PITCH, abs=3)


def test_of_eight_channels_the_mean_is_heard() -> None:
    data = encoded(tone(1, 48_000), 48_000, "flac", "flac", channels=8)
    assert np.abs(decode(data, sample_rate=RATE, max_seconds=2)[4000:-4000]).max() == pytest.approx(0.4, abs=0.01)


FLAC = encoded(tone(1.5, RATE), RATE, "flac", "flac")
WEBM = encoded(tone(1.5, 48_000), 48_000, "webm", "libopus")
FLOATS = encoded(tone(1.5, RATE), RATE, "wav", "pcm_f32le")
MP4 = encoded(tone(1.5, 44_100), 44_100, "ipod", "aac")
HOLLOW = encoded(np.full(RATE, np.nan), RATE, "wav", "pcm_f32le")
SCALED = encoded(tone(1.5, RATE) * 32768, RATE, "wav", "pcm_f32le")
LONG = {kind[:2]: encoded(tone(3, kind[2]), kind[2], *kind[:2]) for kind in KINDS}


@pytest.mark.parametrize(
    ("data", "error", "says"),
    [
        (b"", UnreadableInputError, "expected WAV, FLAC, Ogg, MP3, MP4 or WebM"),
        (b"hello", UnreadableInputError, "begins as none"),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", UnreadableInputError, "begins as none"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", UnreadableInputError, "begins as none"),
        (b"ID3" + bytes(100), UnreadableInputError, "broken"),
        (b"OggS" + bytes(100), UnreadableInputError, "broken"),
        (FLAC[:4] + bytes(100), UnreadableInputError, "broken"),
        (FLAC[: len(FLAC) // 2], UnreadableInputError, "broken after"),
        (MP4[: len(MP4) // 2], UnreadableInputError, "broken"),
        (WEBM[: len(WEBM) // 2], UnreadableInputError, "cut off"),
        (FLOATS[: len(FLOATS) // 2], UnreadableInputError, "cut off"),
        (wav(np.zeros((0, 1)), RATE), UnusableInputError, "empty"),
        (wav(np.zeros((200, 1)), 1), UnusableInputError, "has 1 samples per second"),
        (wav(np.zeros((9, 1)), 1_000_000), UnusableInputError, "has 1000000 samples per second"),
        (HOLLOW, UnusableInputError, "infinite or none"),
        (SCALED, UnusableInputError, "expected floats from -1 to 1"),
        (wav(np.zeros((2 * RATE + 1, 1)), RATE), TooLargeError, "lasts more than 2.0 s; at most 2 s"),
        *((data, TooLargeError, "at most 2 s") for data in LONG.values()),
    ],
)
def test_what_cannot_be_heard_is_told(data: bytes, error: type[ProcessingError], says: str) -> None:
    with pytest.raises(error, match=says):
        decode(data, sample_rate=RATE, max_seconds=2)


@given(st.sampled_from([FLAC, WEBM, FLOATS, MP4, LONG["ogg", "libopus"], LONG["mp3", "libmp3lame"]]), st.data())
def test_whatever_is_changed_in_a_file_only_our_errors_are_raised(whole: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, min(len(whole), 2000) - 1))
    changed = whole[:at] + data.draw(st.binary(min_size=1, max_size=8)) + whole[at + 8 :]
    try:
        samples = decode(changed, sample_rate=RATE, max_seconds=4)
    except ProcessingError:
        return
    assert 0 < len(samples) <= 4 * RATE + 100
    assert np.isfinite(samples).all()
