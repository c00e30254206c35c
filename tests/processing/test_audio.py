"""Recordings of every kind to samples, and what is said of those that cannot be heard."""

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processing.audio import decode
from processing.errors import ProcessingError, TooLargeError, UnreadableInputError, UnusableInputError
from processing.recording_files import KINDS as KINDS_OF_FILES
from processing.recording_files import Kind
from processing.wav import read_pcm
from tests.support.recordings import encoded, wav

RATE, PITCH = 16_000, 440
FRAGMENTED = {"movflags": "frag_keyframe+empty_moov", "frag_duration": "1000000"}  # as browsers record, in µs
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


@pytest.mark.parametrize("container", ["wav", "flac", "webm"])
def test_channels_that_cancel_each_other_out_are_told_instead_of_heard_as_silence(container: str) -> None:
    sound = tone(1, 48_000)
    codec = {"wav": "pcm_s16le", "flac": "flac", "webm": "libopus"}[container]

    def heard(other: Any) -> Any:
        both = np.stack([sound, other], axis=1)
        data = encoded(both, 48_000, container, codec, channels=2)
        return np.abs(decode(data, sample_rate=RATE, max_seconds=2)[4000:-4000]).max()

    with pytest.raises(UnusableInputError, match="the 2 channels of the recording cancel each other out"):
        heard(-sound)
    assert heard(-0.8 * sound) == pytest.approx(0.04, abs=0.01)
    assert heard(0 * sound) == pytest.approx(0.2, abs=0.01)
    assert heard(sound) == pytest.approx(0.4, abs=0.01)
    assert not decode(wav(np.zeros((100, 2)), RATE), sample_rate=RATE, max_seconds=2).any()


def _pages(data: bytes) -> list[bytes]:
    """Of an Ogg file."""
    return [b"OggS" + page for page in data.split(b"OggS")[1:]]


def _unsized(data: bytes, *, riff: int, samples: int) -> bytes:
    """A WAV file whose header was written before it was known how long it is."""
    at = data.index(b"data") + 4
    return data[:4] + riff.to_bytes(4, "little") + data[8:at] + samples.to_bytes(4, "little") + data[at + 4 :]


CUT = [
    *KINDS,
    ("wav", "pcm_s16le", 16_000),
    ("ogg", "flac", 16_000),
    ("mp3", "libmp3lame", 8_000),
    ("mp4", "aac", 16_000),
]


@pytest.mark.parametrize("seconds", [0.05, 0.3, 1.5, 10])
@pytest.mark.parametrize(("container", "codec", "rate"), CUT)
def test_a_whole_file_is_heard_to_its_end_and_one_that_is_cut_off_is_refused(
    container: str, codec: str, rate: int, seconds: float
) -> None:
    data = encoded(tone(seconds, rate), rate, container, codec)
    assert len(decode(data, sample_rate=RATE, max_seconds=11)) == pytest.approx(seconds * RATE, abs=0.05 * RATE)
    for share in {0.05: (), 0.3: (0.1, 0.5)}.get(seconds, (0.1, 0.5, 0.9)):
        with pytest.raises(UnreadableInputError, match="cut off"):
            decode(data[: int(share * len(data))], sample_rate=RATE, max_seconds=11)


@pytest.mark.parametrize(
    ("whole", "says"),
    [
        (("flac", "flac", 44_100, {}), r"broken or cut off after \d\.\d of 3\.0 s"),
        (("ogg", "libopus", 48_000, {}), r"cut off: \d+ of at least \d+ bytes"),
        (("mp3", "libmp3lame", 44_100, {}), r"cut off: 1\.\d of 3\.0 s"),
        (("ipod", "aac", 44_100, {}), r"cut off: \d+ of at least \d+ bytes"),
        (("webm", "libopus", 48_000, {}), r"cut off: \d+ of at least \d+ bytes"),
        (("wav", "pcm_mulaw", 8_000, {}), r"cut off: \d+ of at least \d+ bytes"),
        (("wav", "pcm_s16le", 8_000, {}), r"cut off: \d+ of 48000 bytes"),
        (("mp4", "aac", 44_100, FRAGMENTED), r"cut off: \d+ of at least \d+ bytes"),
    ],
)
def test_how_much_is_missing_is_told(whole: tuple[str, str, int, dict[str, str]], says: str) -> None:
    container, codec, rate, options = whole
    data = encoded(tone(3, rate), rate, container, codec, options=options)
    with pytest.raises(UnreadableInputError, match=says):
        decode(data[: len(data) // 2], sample_rate=RATE, max_seconds=4)


def test_what_has_no_length_because_it_was_written_while_it_was_recorded_is_heard() -> None:
    """Whatever is there of it: a browser's recorder does not say what is to come."""
    heard = {
        "WebM": encoded(tone(3, 48_000), 48_000, "webm", "libopus", options={"live": "1"}),
        "MP3": encoded(tone(3, 44_100), 44_100, "mp3", "libmp3lame", options={"write_xing": "0"}),
        "WAV": _unsized(wav(tone(3, RATE)[:, np.newaxis], RATE), riff=0xFFFFFFFF, samples=0xFFFFFFFF),
    }
    for name, data in heard.items():
        for share, seconds in ((1, 3), (0.5, 1.5)):
            samples = decode(data[: int(share * len(data))], sample_rate=RATE, max_seconds=4)
            assert len(samples) / RATE == pytest.approx(seconds, abs=0.15), name
    pages = _pages(encoded(tone(3, 48_000), 48_000, "ogg", "libopus"))
    samples = decode(b"".join(pages[:-2]), sample_rate=RATE, max_seconds=4)
    assert len(samples) / RATE == pytest.approx(2, abs=0.1)
    fragments = encoded(tone(3, 44_100), 44_100, "mp4", "aac", options=FRAGMENTED)
    samples = decode(fragments[: fragments.rindex(b"moof") - 4], sample_rate=RATE, max_seconds=4)
    assert len(samples) / RATE == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize("less", [0, 8])
def test_a_size_of_the_samples_that_is_of_the_whole_does_not_cut_off(less: int) -> None:
    """By FFmpeg's reader, which is asked where the samples are no PCM."""
    whole = encoded(tone(1, 8000), 8000, "wav", "pcm_mulaw")
    lies = _unsized(whole, riff=0, samples=len(whole) - less)
    heard, expected = (decode(data, sample_rate=RATE, max_seconds=2) for data in (lies, whole))
    np.testing.assert_array_equal(heard, expected)
    with pytest.raises(UnreadableInputError, match="cut off"):
        decode(lies[:-2], sample_rate=RATE, max_seconds=2)


@pytest.mark.parametrize(
    ("riff", "samples"),
    [
        *[(0xFFFFFFFF, 0xFFFFFFFF), (0, 0), (0, 0xFFFFFFFF), (0x7FFFF024, 0x7FFFF000), (0xFFFFFFFF, 0), (36, 0)],
        (36 + 2 * RATE, 0),
    ],
)
def test_a_wav_file_that_went_through_a_pipe_is_heard_to_its_end(riff: int, samples: int) -> None:
    whole = wav(tone(1, RATE)[:, np.newaxis], RATE)
    heard = decode(_unsized(whole, riff=riff, samples=samples), sample_rate=RATE, max_seconds=2)
    np.testing.assert_array_equal(heard, read_pcm(whole, 2)[1])


MP3 = encoded(tone(3, 44_100), 44_100, "mp3", "libmp3lame")
TAG = b"ID3\x04\0\0\0\0\1\0" + bytes(128)  # whose size is in four times seven bits
MIDDLE = len(MP3) // 2


@pytest.mark.parametrize(
    ("data", "seconds"),
    [
        pytest.param(MP3 + bytes(10), 3, id="zeros behind"),
        pytest.param(MP3 + bytes(5000), 3, id="many zeros behind"),
        pytest.param(MP3 + b"LYRICSBEGININD0000200000025LYRICS200", 3, id="a tag behind"),
        pytest.param(MP3 + MP3, 6, id="two files"),
        pytest.param(MP3 + TAG + MP3, 6, id="two files and a tag between them"),
        pytest.param(MP3[:MIDDLE] + b"\xaa" * 300 + MP3[MIDDLE + 300 :], 3, id="damaged"),
    ],
)
def test_what_players_play_of_an_mp3_file_is_heard(data: bytes, seconds: float) -> None:
    samples = decode(data, sample_rate=RATE, max_seconds=7)
    assert len(samples) / RATE == pytest.approx(seconds, abs=0.15)
    assert pitch(samples) == pytest.approx(PITCH, abs=3)


def test_an_mp3_file_of_which_much_is_damaged_is_refused() -> None:
    spoilt = bytearray(MP3)
    for at in range(2000, len(MP3) - 400, 1000):
        spoilt[at : at + 400] = b"\xaa" * 400
    with pytest.raises(UnreadableInputError, match=r"broken: \d\.\d s of it cannot be read"):
        decode(bytes(spoilt), sample_rate=RATE, max_seconds=4)


def test_an_mp3_file_of_two_rates_is_refused() -> None:
    other = encoded(tone(1, 48_000), 48_000, "mp3", "libmp3lame")
    with pytest.raises(UnreadableInputError, match=r"its rate changes from 44100 to 48000 samples per second"):
        decode(MP3 + other, sample_rate=RATE, max_seconds=7)


def test_a_flac_file_behind_a_tag_is_heard() -> None:
    np.testing.assert_array_equal(
        decode(TAG + FLAC, sample_rate=RATE, max_seconds=2), decode(FLAC, sample_rate=RATE, max_seconds=2)
    )
    with pytest.raises(UnreadableInputError, match="cut off"):
        decode((TAG + FLAC)[: len(FLAC) // 2], sample_rate=RATE, max_seconds=2)


def test_an_empty_wav_file_is_no_unknown_length() -> None:
    empty = wav(np.zeros((0, 1)), RATE)
    behind = empty[:4] + (46).to_bytes(4, "little") + empty[8:] + b"LIST\2\0\0\0ab"
    odd = behind + b"INFO\1\0\0\0c"
    for data in (empty, behind, odd, odd + b"\0"):
        with pytest.raises(UnusableInputError, match="empty"):
            decode(data, sample_rate=RATE, max_seconds=2)


def test_a_film_whose_sound_is_shorter_is_whole() -> None:
    for container in ("mp4", "matroska"):
        data = encoded(tone(0.04, 48_000), 48_000, container, "aac", film=True)  # beside a picture of 0.1 s
        assert len(decode(data, sample_rate=RATE, max_seconds=2)) < 0.1 * RATE


def test_aac_without_a_container_is_not_taken_for_mp3() -> None:
    with pytest.raises(UnreadableInputError, match="begins as none"):
        decode(encoded(tone(1, 44_100), 44_100, "adts", "aac"), sample_rate=RATE, max_seconds=2)


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
        (b"", UnreadableInputError, "empty: it has no bytes; expected WAV, FLAC, Ogg, MP3, MP4 or WebM"),
        (b"hello", UnreadableInputError, "begins as none"),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", UnreadableInputError, "begins as none"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", UnreadableInputError, "begins as none"),
        (b"ID3" + bytes(100), UnreadableInputError, "broken"),
        (b"OggS" + bytes(100), UnreadableInputError, "broken"),
        (FLAC[:4] + bytes(100), UnreadableInputError, "broken"),
        (wav(np.zeros((0, 1)), RATE), UnusableInputError, "empty"),
        (wav(np.zeros((200, 1)), 1), UnusableInputError, "has 1 samples per second"),
        (wav(np.zeros((9, 1)), 1_000_000), UnusableInputError, "has 1000000 samples per second"),
        (HOLLOW, UnusableInputError, "16000 of the recording's 16000 samples are infinite or not a number, first 0"),
        (SCALED, UnusableInputError, "expected floats from -1 to 1"),
        (wav(np.zeros((2 * RATE + 1, 1)), RATE), TooLargeError, "lasts more than 2.0 s; at most 2 s"),
        *((data, TooLargeError, "at most 2 s") for data in LONG.values()),
    ],
)
def test_what_cannot_be_heard_is_told(data: bytes, error: type[ProcessingError], says: str) -> None:
    with pytest.raises(error, match=says):
        decode(data, sample_rate=RATE, max_seconds=2)


_INNER = re.compile(r"Errno|Invalid data|End of file|error log|avcodec|<none>|\bav\.|0x")  # FFmpeg's and PyAV's words


def _heard(data: bytes) -> Any:
    """The samples, or what is said instead."""
    try:
        return decode(data, sample_rate=RATE, max_seconds=4)
    except ProcessingError as exc:
        return str(exc)


@given(st.sampled_from([FLAC, WEBM, FLOATS, MP4, LONG["ogg", "libopus"], LONG["mp3", "libmp3lame"]]), st.data())
def test_whatever_is_changed_in_a_file_only_our_errors_are_raised(whole: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, min(len(whole), 2000) - 1))
    heard = _heard(whole[:at] + data.draw(st.binary(min_size=1, max_size=8)) + whole[at + 8 :])
    if isinstance(heard, str):
        assert not _INNER.search(heard)
    else:
        assert 0 < len(heard) <= 4 * RATE + 100
        assert np.isfinite(heard).all()


@given(st.sampled_from(KINDS_OF_FILES), st.binary(max_size=400))
def test_whatever_stands_behind_a_beginning_is_refused_in_our_words(kind: Kind, rest: bytes) -> None:
    at, begin = kind.begins
    heard = _heard(b"RIFF1234"[:at] + begin + rest)
    assert isinstance(heard, str)
    assert not _INNER.search(heard)
