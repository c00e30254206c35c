"""How long an MP3 file says that it is: its first frame may be none of sound, but count all others."""

import struct

_SYNC = 0xFFE0
_MPEG_1 = 3
_LAYER_3 = 1
_MONO = 3
_RATES = (44_100, 48_000, 32_000)
_RATE_SHIFT = {_MPEG_1: 0, 2: 1, 0: 2}  # MPEG 1, 2, 2.5
_HEADER, _TAG = 4, 10
_XING_AT = {(True, False): 36, (True, True): 21, (False, False): 21, (False, True): 13}  # MPEG 1, mono: from its begin
_VBRI_AT, _VBRI_FRAMES = 36, 14
_HAS_FRAMES = 1


def seconds_of(data: bytes) -> float | None:
    """With what an encoder puts before and behind the sound, a tenth of a second or two; None where nothing tells it,
    as in what is written while it is recorded."""
    at = behind_tag(data)
    word = int.from_bytes(data[at : at + _HEADER])
    version, layer, rate, mode = word >> 19 & 3, word >> 17 & 3, word >> 10 & 3, word >> 6 & 3
    is_frame = word >> 16 & _SYNC == _SYNC and layer == _LAYER_3
    if not is_frame or version not in _RATE_SHIFT or rate >= len(_RATES):
        return None
    frames = _frames(data, at, _XING_AT[version == _MPEG_1, mode == _MONO])
    samples = 1152 if version == _MPEG_1 else 576
    return frames * samples / (_RATES[rate] >> _RATE_SHIFT[version]) if frames else None


def behind_tag(data: bytes) -> int:
    """Where the first frame begins: behind a tag of ID3, whose size is in four times seven bits."""
    if data[:3] != b"ID3" or len(data) < _TAG:
        return 0
    high, upper, lower, low = data[6:_TAG]
    return _TAG + (high << 21 | upper << 14 | lower << 7 | low)


def _frames(data: bytes, at: int, xing_at: int) -> int:
    """By the table of Xing, LAME and FFmpeg, or by Fraunhofer's; 0 where there is neither."""
    try:
        name, flags, frames = struct.unpack_from(">4sLL", data, at + xing_at)
        if name in (b"Xing", b"Info"):
            return int(frames) if flags & _HAS_FRAMES else 0
        if data[at + _VBRI_AT : at + _VBRI_AT + 4] == b"VBRI":
            return int(struct.unpack_from(">L", data, at + _VBRI_AT + _VBRI_FRAMES)[0])
    except struct.error:  # it ends before
        pass
    return 0
