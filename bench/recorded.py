"""Makes `transcribe` for the comparison: the version as `kmaas add` imports it, recordings, and what is said in them.

Beside it lie the weights as CTranslate2 keeps them, which faster-whisper reads as they are.
"""

import io
import json
import wave
from collections.abc import Sequence
from pathlib import Path

from bench.embedded import add_to, unpack
from kmaas.config import load_config as locations
from models.transcribe import SPEC
from training.data import spoken, whisper
from training.data.fetch import fetch

_CHECKPOINT = ("config.json", "model.bin", "tokenizer.json", "vocabulary.txt")
_PAUSE_S = 0.5
REPEATED = 3
"""So often all sentences are in the last recording."""


def write(folder: Path) -> None:
    """Fills `folder`; takes some minutes."""
    add_to(folder, SPEC.name)
    cache = locations().cache
    unpack(fetch(whisper.TINY_EN, cache), whisper.TINY_EN_FOLDER, _CHECKPOINT, folder / "checkpoint")
    recorded = [one for one in spoken.load(cache) if one.kind == spoken.SENTENCES]
    for number, one in enumerate(recorded):
        (folder / f"{number}.wav").write_bytes(one.recording)
    (folder / f"{len(recorded)}.wav").write_bytes(joined([one.recording for one in recorded] * REPEATED))
    (folder / "texts.json").write_text(json.dumps([one.words for one in recorded]))


def seconds(recording: bytes) -> float:
    with wave.open(io.BytesIO(recording)) as file:
        return float(file.getnframes() / file.getframerate())


def joined(recordings: Sequence[bytes]) -> bytes:
    """WAV files of one form, one after another, with pauses behind them."""
    whole = io.BytesIO()
    with wave.open(whole, "wb") as target:
        for number, recording in enumerate(recordings):
            with wave.open(io.BytesIO(recording)) as file:
                if not number:
                    target.setparams(file.getparams())
                target.writeframes(file.readframes(file.getnframes()))
                target.writeframes(bytes(file.getsampwidth() * int(file.getframerate() * _PAUSE_S)))
    return whole.getvalue()
