"""Kinds of recordings: what they are called, and how many bytes they say that they have."""

import mimetypes
import struct

import numpy as np
import pytest

from processing.errors import UnreadableInputError
from processing.recording_files import KINDS, MEDIA_TYPES, kind_of
from tests.support.recordings import encoded, wav


def _encoded(container: str, codec: str, **options: str) -> bytes:
    return encoded(0.3 * np.sin(np.arange(48_000) / 20), 48_000, container, codec, options=options)


FILES = {
    "WAV": wav(np.zeros((1000, 1)), 8000),
    "FLAC": _encoded("flac", "flac"),
    "Ogg": _encoded("ogg", "libopus"),
    "MP3": _encoded("mp3", "libmp3lame"),
    "MP4": _encoded("ipod", "aac"),
    "WebM": _encoded("webm", "libopus"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_kind_is_told_by_its_beginning(name: str) -> None:
    assert kind_of(FILES[name]).name == name


@pytest.mark.parametrize(("container", "codec"), [("mov", "aac"), ("3gp", "aac"), ("mp4", "aac"), ("ismv", "aac")])
def test_what_is_like_mp4_is_read_as_that(container: str, codec: str) -> None:
    assert kind_of(_encoded(container, codec)).name == "MP4"


@pytest.mark.parametrize("data", [b"hello", b"\xff\xf1\x50\x80" + bytes(100), b"RIFF\0\0\0\0AVI "])
def test_other_beginnings_are_of_none(data: bytes) -> None:
    with pytest.raises(UnreadableInputError, match="begins as none"):
        kind_of(data)


@pytest.mark.parametrize(
    ("name", "said"),
    [  # by Python, Firefox, Chrome, Safari, Linux desktops, telephones and OpenAI's examples
        ("WAV", "audio/wav audio/x-wav audio/wave audio/vnd.wave"),
        ("FLAC", "audio/flac audio/x-flac"),
        ("Ogg", "audio/ogg application/ogg audio/opus video/ogg audio/x-opus+ogg audio/x-vorbis+ogg"),
        ("MP3", "audio/mpeg audio/mp3 audio/x-mp3 audio/mpga"),
        ("MP4", "audio/mp4 audio/m4a audio/x-m4a video/mp4 video/quicktime audio/3gpp"),
        ("WebM", "audio/webm video/webm video/x-matroska"),
    ],
)
def test_what_clients_call_a_kind_is_known(name: str, said: str) -> None:
    (kind,) = (kind for kind in KINDS if kind.name == name)
    assert set(said.split()) <= set(kind.media_types)


def test_no_type_stands_twice_and_none_is_of_what_cannot_be_read() -> None:
    assert len(set(MEDIA_TYPES)) == len(MEDIA_TYPES)
    assert all(media_type == media_type.lower() for media_type in MEDIA_TYPES)
    assert not {"audio/aacp", "audio/midi", "audio/aiff", "audio/basic", "video/mpeg"} & set(MEDIA_TYPES)


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "oga", "opus", "mp3", "m4a", "mp4", "webm", "mov", "mkv"])
def test_the_types_that_python_guesses_are_known(suffix: str) -> None:
    assert mimetypes.MimeTypes().guess_type(f"a.{suffix}")[0] in {*MEDIA_TYPES, None}


@pytest.mark.parametrize("name", ["WAV", "Ogg", "MP4", "WebM"])
def test_a_file_has_as_many_bytes_as_it_says_and_what_is_behind_does_not_count(name: str) -> None:
    data, promised = FILES[name], kind_of(FILES[name]).promised_bytes
    said = promised(data + b"TAG" + bytes(125))
    assert said is None or said <= len(data)
    for share in (0.1, 0.5, 0.9):
        said = promised(data[: int(share * len(data))])
        assert said is not None
        assert int(share * len(data)) < said <= len(data)


def test_a_box_with_a_long_size_is_measured() -> None:
    head = struct.pack(">L4s4s4x", 16, b"ftyp", b"isom")
    long = struct.pack(">L4sQ", 1, b"mdat", 1000)
    assert kind_of(head).promised_bytes(head + long) == 16 + 1000
    for rest in (struct.pack(">L4s", 0, b"mdat"), struct.pack(">L4s", 1000, b"abcd"), struct.pack(">L4s", 7, b"mdat")):
        assert kind_of(head).promised_bytes(head + rest + bytes(50)) is None


@pytest.mark.parametrize("name", FILES)
def test_a_beginning_alone_breaks_nothing(name: str) -> None:
    for end in range(4, 400):
        said = kind_of(FILES[name]).promised_bytes(FILES[name][:end])
        assert said is None or 0 < said <= len(FILES[name])


def test_what_is_written_while_it_is_recorded_promises_nothing() -> None:
    live = _encoded("webm", "libopus", live="1")
    assert kind_of(live).promised_bytes(live[: len(live) // 2]) is None
