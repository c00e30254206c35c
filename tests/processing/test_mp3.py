"""How long an MP3 file says that it is."""

import numpy as np
import pytest

from processing.mp3 import seconds_of
from tests.support.recordings import encoded


def _mp3(seconds: float, rate: int, *, channels: int = 1, counted: bool = True) -> bytes:
    samples = 0.4 * np.sin(np.arange(int(seconds * rate)) / 20)
    return encoded(samples, rate, "mp3", "libmp3lame", channels=channels, options={"write_xing": str(int(counted))})


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000])
def test_the_first_frame_counts_the_others(rate: int, channels: int) -> None:
    said = seconds_of(_mp3(2, rate, channels=channels))
    assert said is not None
    assert 2 < said < 2 + 4 * 1152 / rate


def test_it_is_found_behind_a_tag_with_a_picture() -> None:
    whole = _mp3(1, 44_100)
    begin = whole.index(b"\xff\xfb")
    picture = b"ID3\x04\0\0\0\0\x02\x01" + bytes(257)
    assert seconds_of(picture + whole[begin:]) == seconds_of(whole[begin:]) == seconds_of(whole)


def test_a_table_of_fraunhofer_is_read() -> None:
    frame = b"\xff\xfb\x90\xc4" + bytes(32) + b"VBRI\0\1\0\0\0\0" + (5000).to_bytes(4) + (100).to_bytes(4)
    assert seconds_of(frame + bytes(400)) == pytest.approx(100 * 1152 / 44_100)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"ID3",
        b"ID3\x04\0\0\x7f\x7f\x7f\x7f" + bytes(100),
        b"\xff\xfb\x90\xc4",
        b"\xff\xfb\x90\xc4" + bytes(100),
        b"\xff\xfb\x9c\xc4" + bytes(32) + b"VBRI" + bytes(100),  # a rate that is reserved
        b"\xff\xeb\x90\xc4" + bytes(32) + b"VBRI" + bytes(100),  # a version that is
        b"\xff\xfb\x90\xc4" + bytes(32) + b"VBRI" + bytes(5),
        b"\xff\xfb\x90\xc4" + bytes(17) + b"Xing\0\0\0\6" + b"\1" * 100,  # bytes and table, but no frames
        _mp3(1, 44_100, counted=False),
    ],
)
def test_nothing_is_said_where_it_counts_none(data: bytes) -> None:
    assert seconds_of(data) is None
