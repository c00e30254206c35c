"""Recordings to samples: WAV, FLAC, Ogg (Opus, Vorbis), MP3, MP4 and WebM, of any rate and number of channels."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np

from processing import mp3, wav
from processing.errors import UnreadableInputError, UnusableInputError
from processing.recording_files import EXPECTED, Kind, kind_of, untagged
from processing.wav import Powers, Samples, too_long

_RATES = range(4_000, 384_001)  # samples per second; of others there is no recording of anything that can be heard
_MISSING, _MISSING_S = 0.05, (0.06, 1.0)  # of what is promised, and of it at least and at most: more, and it is cut off
_LOUDEST = 10.0  # times full scale: masters of floats may exceed it, but not by more than 20 dB


def decode(data: bytes, *, sample_rate: int, max_seconds: float) -> Samples:
    """The recording as float32 `[samples]`, `sample_rate` of them per second; of several channels their mean.

    WAV files with PCM are read by `processing.wav`, whose twin is in the graph; all else by FFmpeg's libraries. Rates
    are changed by soxr in its quality HQ. Of a film the sound is heard.

    Args:
        max_seconds: looked at before anything is decoded, and again while it is.

    Raises:
        UnreadableInputError: of none of these formats, broken, or cut off.
        TooLargeError: longer than `max_seconds`.
        UnusableInputError: without sound, or of a rate or with numbers that no recording has.
    """
    if (rate := wav.pcm_rate(data)) is not None:
        _usable(rate)
        return _checked(_resampled([wav.read_pcm(data, max_seconds)[1]], rate, sample_rate))
    data = untagged(data)
    kind = kind_of(data)
    if (promised := kind.promised_bytes(data)) is not None and promised > len(data):
        raise UnreadableInputError(f"the recording is cut off: {len(data)} of at least {promised} bytes")
    with _opened(data, kind) as sound:
        if sound.seconds is not None and sound.seconds > max_seconds:
            raise too_long(sound.seconds, max_seconds)
        return _checked(_resampled(sound.pieces(max_seconds), sound.rate, sample_rate))


@dataclass(frozen=True)
class _Sound:
    """An open file. `seconds` is how long its header says that it is, None where that is not said or guessed."""

    kind: Kind
    container: Any
    stream: Any
    rate: int
    seconds: float | None

    def pieces(self, max_seconds: float) -> Iterator[Samples]:
        """The mean of all channels, one frame after the other. Raises what `decode` does."""
        from av import AudioResampler, FFmpegError

        as_floats = AudioResampler(format="flt")  # one plane: PyAV 18 counts eight of them, and what is behind, as nine
        begin = float((self.stream.start_time or 0) * self.stream.time_base) if self.stream.duration else 0.0
        heard, reached, skipped, powers = 0, 0.0, 0.0, Powers()
        try:
            for frames, lost in self._decoded():
                if others := {decoded.sample_rate for decoded in frames} - {self.rate}:
                    told = f"its rate changes from {self.rate} to {others.pop()} samples per second"
                    raise UnreadableInputError(f"{told} in the middle; expected one rate: join such files as samples")
                for frame in [one for decoded in frames for one in as_floats.resample(decoded)]:
                    heard += frame.samples
                    if heard > max_seconds * self.rate:
                        raise too_long(heard / self.rate, max_seconds)
                    yield powers.mean(frame.to_ndarray().reshape(-1, frame.layout.nb_channels))
                ends = [(decoded.time or 0.0) + decoded.samples / self.rate - begin for decoded in frames]
                reached, skipped = max(reached, heard / self.rate, *ends), skipped + lost
        except (FFmpegError, ValueError) as exc:
            raise UnreadableInputError(f"the recording is broken or cut off after {self._of(reached)} s") from exc
        if skipped > _missing(reached):
            raise UnreadableInputError(f"the recording is broken: {skipped:.1f} s of it cannot be read")
        if self.seconds is not None and self.seconds - reached > _missing(self.seconds):
            raise UnreadableInputError(f"the recording is cut off: {self._of(reached)} s")
        powers.check(self.stream.codec_context.channels)

    def _decoded(self) -> Iterator[tuple[list[Any], float]]:
        """Frames; or none, and how long was what is none. An MP3 file is a row of frames, and what is between or behind
        them or damaged is skipped, as players do. Whatever else cannot be read is an error of FFmpeg's."""
        from av import FFmpegError

        for packet in self.container.demux(self.stream):
            try:
                frames = packet.decode()
            except FFmpegError:
                if self.kind.reader != "mp3":
                    raise
                yield [], float((packet.duration or 0) * self.stream.time_base)
            else:
                yield frames, 0.0

    def _of(self, reached: float) -> str:
        return f"{reached:.1f}" if self.seconds is None else f"{reached:.1f} of {self.seconds:.1f}"


@contextmanager
def _opened(data: bytes, kind: Kind) -> Iterator[_Sound]:
    """By the one reader that its first bytes tell: none of the others, some of which open further files, is asked."""
    import av  # 0.1 s and 30 MB that only recordings of these formats need

    try:
        container = av.open(BytesIO(data), "r", kind.reader, metadata_errors="replace")
    except (av.FFmpegError, ValueError) as exc:
        told = f"the recording is broken or cut off: it begins as {kind.name} and cannot be read as such"
        raise UnreadableInputError(f"{told}; {EXPECTED}") from exc
    with container:
        stream = next(iter(container.streams.audio), None)
        if stream is None or stream.codec_context is None:
            raise UnusableInputError(
                "there is no sound in the file that can be heard; expected a track with a codec that FFmpeg knows"
            )
        yield _Sound(kind, container, stream, _usable(stream.rate), _seconds(data, kind, container, stream))


def _seconds(data: bytes, kind: Kind, container: Any, stream: Any) -> float | None:
    """How long the sound is, as the file says; where it does not, FFmpeg guesses it from what is there of the file."""
    import av

    if kind.reader == "ogg":
        return None
    said = mp3.seconds_of(data) if kind.reader == "mp3" else None
    if kind.reader == "mp3" and said is None:
        return None
    if stream.duration:
        seconds = float(stream.duration * stream.time_base)
    elif container.duration and not container.streams.video:
        seconds = container.duration / av.time_base
    else:
        return None
    return seconds if said is None else min(said, seconds)


def _missing(seconds: float) -> float:
    """As many of these may be, without which it is whole all the same."""
    return float(np.clip(_MISSING * seconds, *_MISSING_S))


def _resampled(pieces: Iterable[Samples], rate: int, wanted: int) -> Samples:
    if rate == wanted:
        return np.concatenate([np.zeros(0, np.float32), *pieces])
    import soxr

    stream = soxr.ResampleStream(rate, wanted, 1, dtype="float32", quality="HQ")
    brought = [stream.resample_chunk(np.ascontiguousarray(piece)) for piece in pieces]
    return np.concatenate([*brought, stream.resample_chunk(np.zeros(0, np.float32), last=True)])


def _usable(rate: int) -> int:
    if rate not in _RATES:
        raise UnusableInputError(
            f"the recording has {rate} samples per second, as its header says; expected from {_RATES.start} to "
            f"{_RATES.stop - 1}: write the rate at which it was recorded"
        )
    return rate


def _checked(samples: Samples) -> Samples:
    if not len(samples):
        raise UnusableInputError("the recording is empty; expected at least one sample")
    if len(wrong := np.flatnonzero(~np.isfinite(samples))):
        raise UnusableInputError(
            f"{len(wrong)} of the recording's {len(samples)} samples are infinite or not a number, first {wrong[0]}; "
            "expected floats from -1 to 1: look at what computed them"
        )
    if (peak := float(np.abs(samples).max())) > _LOUDEST:
        raise UnusableInputError(
            f"the recording has samples up to {peak:.4g}; expected floats from -1 to 1 (up to {_LOUDEST:g} are taken): "
            "divide integers that were written as floats by their largest"
        )
    return samples
