"""Subtitles: SubRip (`.srt`) and WebVTT (`.vtt`)."""

from collections.abc import Sequence

from gateway.tasks.speech_recognition import Chunk


def srt(chunks: Sequence[Chunk]) -> str:
    cues = (
        f"{number}\n{_at(chunk.timestamp[0], ',')} --> {_at(chunk.timestamp[1], ',')}\n{_line(chunk.text)}\n"
        for number, chunk in enumerate(chunks, start=1)
    )
    return "\n".join(cues)


def vtt(chunks: Sequence[Chunk]) -> str:
    cues = (
        f"\n{_at(chunk.timestamp[0], '.')} --> {_at(chunk.timestamp[1], '.')}\n{_escaped(_line(chunk.text))}\n"
        for chunk in chunks
    )
    return "WEBVTT\n" + "".join(cues)


def _at(seconds: float, point: str) -> str:
    """`00:00:01,500`; hours may have more digits."""
    minutes, milliseconds = divmod(max(0, round(seconds * 1000)), 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{milliseconds // 1000:02}{point}{milliseconds % 1000:03}"


def _line(text: str) -> str:
    """On one line, and without the arrow that begins a cue."""
    return " ".join(text.split()).replace("-->", "→")


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
