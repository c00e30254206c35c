"""Recordings of a user's own: hums and hisses, which a pretrained embedding tells apart at once."""

from pathlib import Path

import numpy as np

from tests.support.recordings import wav

RATE = 16_000
KINDS = ("hiss", "hum")


def sound(kind: str, number: int) -> bytes:
    """A WAV file of a length, a pitch and a loudness of its own."""
    rng = np.random.default_rng((KINDS.index(kind), number))
    times = np.arange(int(rng.uniform(0.4, 0.8) * RATE)) / RATE
    hiss = rng.normal(0, 0.1, len(times))
    pitch = rng.uniform(100, 200)
    hum = 0.1 * np.sum([np.sin(2 * np.pi * part * pitch * times) / part for part in range(1, 6)], axis=0)
    return wav((hiss if kind == "hiss" else hum)[:, np.newaxis] * rng.uniform(0.5, 2.0), RATE)


def write_folder(folder: Path, each: int) -> Path:
    """A folder for each kind, with so many recordings."""
    for kind in KINDS:
        (folder / kind).mkdir(parents=True)
        for number in range(each):
            (folder / kind / f"{number}.wav").write_bytes(sound(kind, number))
    return folder
