"""Which kind of file a recording is, what clients call it, and how many bytes such a file says that it has."""

import struct
from collections.abc import Callable
from dataclasses import dataclass

from processing.errors import UnreadableInputError
from processing.mp3 import behind_tag
from processing.wav import MOST_CHUNKS, RIFF_HEADER, UNKNOWN_SIZE

_MOST_BOXES = 100_000  # a fragment has two, and some recorders write one for each of 20 ms
_WITH_SOUND = (b"mdat", b"moof", b"moov")  # boxes; behind the last one there may be anything
_MP3_SYNC, _MP3_LAYER = 0xFFE0, 0x0006  # without a layer it is AAC, which has the same beginning
_PAGE = 27  # bytes of the head of an Ogg page, before the sizes of its parts
_FLAC = b"fLaC"
_SEGMENT = b"\x18\x53\x80\x67"


@dataclass(frozen=True)
class Kind:
    """`name` is for people, `reader` for FFmpeg.

    Attributes:
        begins: from which byte on, with which.
        media_types: by which browsers and clients call it, also when there are pictures in it.
        promised_bytes: how many a file of it has at least, as it says itself; None where it does not.
    """

    name: str
    reader: str
    begins: tuple[int, bytes]
    media_types: tuple[str, ...]
    promised_bytes: Callable[[bytes], int | None]


def _nothing(_: bytes) -> None:
    """Of these files not the bytes are told, but the seconds, if anything is."""


def _wav_bytes(data: bytes) -> int | None:
    """Up to the end of its samples. Some programs write as the size of these that of the whole."""
    at = 12
    for _ in range(MOST_CHUNKS):
        if at + 8 > len(data):
            return None
        name, size = struct.unpack_from("<4sL", data, at)
        if name == b"data":
            if size >= UNKNOWN_SIZE or size in (len(data), len(data) - RIFF_HEADER):
                return None
            end: int = at + 8 + size
            return end
        at += 8 + size + size % 2
    return None


def _ogg_bytes(data: bytes) -> int | None:
    """Up to the end of its last page. That this one says that it is the last is not asked for: what a browser has
    recorded so far does not."""
    at = data.rfind(b"OggS")
    parts = at + _PAGE
    if data[at + 4 : at + 5] > b"\0" or data[at + 5 : at + 6] > b"\x07":  # no page
        return None
    if parts > len(data):
        return parts
    begin = parts + data[parts - 1]
    return begin + sum(data[parts:begin])


def _mp4_bytes(data: bytes) -> int | None:
    """Up to the end of its last box."""
    at = 0
    for _ in range(_MOST_BOXES):
        if at + 8 > len(data):
            return None
        size, name = struct.unpack_from(">L4s", data, at)
        if size == 1:
            size = int.from_bytes(data[at + 8 : at + 16])
        if size < 8:  # 0: up to the end of the file
            return None
        at += size
        if at > len(data):
            return at if name in _WITH_SOUND else None
    return None


def _webm_bytes(data: bytes) -> int | None:
    """Up to the end of its segment. What is written while it is recorded does not know where that will be."""
    head = _size(data, 4)
    if head is None:
        return None
    at = sum(head)
    segment = _size(data, at + len(_SEGMENT)) if data[at : at + len(_SEGMENT)] == _SEGMENT else None
    return sum(segment) if segment else None


def _size(data: bytes, at: int) -> tuple[int, int] | None:
    """Where an element of EBML begins behind its size, and that; None: it is unknown, or not there."""
    width = 9 - data[at].bit_length() if at < len(data) else 9
    if width > 8 or at + width > len(data):
        return None
    unknown = 2 ** (7 * width) - 1
    size = int.from_bytes(data[at : at + width]) & unknown
    return None if size == unknown else (at + width, size)


_OGG_TYPES = (
    *("audio/ogg", "application/ogg", "audio/opus", "audio/vorbis", "audio/x-ogg", "application/x-ogg", "video/ogg"),
    *("audio/x-opus+ogg", "audio/x-vorbis+ogg", "audio/x-flac+ogg"),
)
_MP3_TYPES = ("audio/mpeg", "audio/mp3", "audio/x-mp3", "audio/x-mpeg", "audio/mpeg3", "audio/x-mpeg-3", "audio/mpga")
_MP4_TYPES = (
    *("audio/mp4", "audio/m4a", "audio/x-m4a", "audio/x-m4b", "audio/mp4a-latm", "audio/aac", "audio/x-aac"),
    *("audio/3gpp", "audio/3gpp2"),
    *("video/mp4", "application/mp4", "video/x-m4v", "video/quicktime", "video/3gpp", "video/3gpp2"),
)
_WEBM_TYPES = ("audio/webm", "video/webm", "audio/matroska", "video/matroska", "audio/x-matroska", "video/x-matroska")
_WAV_TYPES = ("audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave", "audio/x-pn-wav")
KINDS = (
    Kind("WAV", "wav", (8, b"WAVE"), _WAV_TYPES, _wav_bytes),
    Kind("FLAC", "flac", (0, _FLAC), ("audio/flac", "audio/x-flac"), _nothing),
    Kind("Ogg", "ogg", (0, b"OggS"), _OGG_TYPES, _ogg_bytes),
    Kind("MP3", "mp3", (0, b"ID3"), _MP3_TYPES, _nothing),
    Kind("MP4", "mov", (4, b"ftyp"), _MP4_TYPES, _mp4_bytes),
    Kind("WebM", "matroska", (0, b"\x1aE\xdf\xa3"), _WEBM_TYPES, _webm_bytes),
)
MEDIA_TYPES = tuple(media_type for kind in KINDS for media_type in kind.media_types)
EXPECTED = "expected WAV, FLAC, Ogg, MP3, MP4 or WebM"


def kind_of(data: bytes) -> Kind:
    """By its first bytes. Raises `UnreadableInputError` where they are those of none."""
    if not data:
        raise UnreadableInputError(f"the recording is empty: it has no bytes; {EXPECTED}")
    for kind in KINDS:
        at, begin = kind.begins
        if data[at : at + len(begin)] == begin or (kind.reader == "mp3" and _is_mp3(data)):
            return kind
    raise UnreadableInputError(f"no recording that can be read: it begins as none; {EXPECTED}")


def untagged(data: bytes) -> bytes:
    """Of a FLAC file without the tag that is meant for MP3 and that some programs write before it."""
    begin = behind_tag(data)
    return data[begin:] if data[begin : begin + len(_FLAC)] == _FLAC else data


def _is_mp3(data: bytes) -> bool:
    """Whether it begins with a frame, not with a tag."""
    word = int.from_bytes(data[:2])
    return word & _MP3_SYNC == _MP3_SYNC and bool(word & _MP3_LAYER)
