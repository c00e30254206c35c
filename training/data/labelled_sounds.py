"""A user's own recordings with their labels: what can be learnt from is kept, everything else is told of.

What does not decode goes; what is done with the others, `training.data.dealing` says.
"""

import hashlib
import os
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.audio_classifier import SoundsSource
from processing.audio import decode
from processing.errors import ProcessingError, TooLargeError
from training.data.dealing import Dealer, counts_of
from training.data.engines import SAMPLE_RATE, Sound
from training.data.findings import DataReport, Finding
from training.data.own_folder import LabelledFile, OwnFolder
from training.data.split import Part
from training.errors import UnlearnableError
from training.progress import Progress

SUFFIXES = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".mp4", ".m4a", ".webm")
MOST_BYTES = 64 * 2**20
MOST_S = 60.0

_FAULTS = {
    "missing": "there is no such file: left out",
    "too large": f"more than {MOST_BYTES // 2**20} MiB or {MOST_S:g} s: left out",
    "broken": "no recording, or one that is damaged or cut short: left out",
}


@dataclass(frozen=True)
class LabelledSounds:
    """`labels` in the order in which answers have them; `files` in the order in which they were found, and of each, by
    its number, its sound."""

    files: Sequence[LabelledFile]
    labels: tuple[str, ...]
    sounds: dict[int, Sound]
    report: DataReport

    def part(self, part: Part) -> list[LabelledFile]:
        return [file for file in self.files if file.part == part]


@dataclass(frozen=True)
class SoundDemands:
    """`fewest`: a label of fewer recordings is not learnt. `validation` and `test` are shares of those of each."""

    fewest: int
    validation: float
    test: float
    seed: int


@dataclass(frozen=True)
class _Looked:
    """Of a file that is a recording, its sound, or what is wrong with it."""

    content: bytes
    fault: str | None = None
    why: str = ""
    sound: Sound | None = None


def labelled_sounds(source: SoundsSource, demands: SoundDemands, progress: Progress) -> LabelledSounds:
    """Raises `DataError` where there is no such folder, `UnlearnableError` where too little is left to learn from."""
    listed = OwnFolder(source.path, "recording", SUFFIXES).listed()
    findings, found = listed.findings, listed.files
    looked = _looked_at(found, progress)
    wrong: dict[str, list[str]] = defaultdict(list)
    sounds: dict[int, Sound] = {}
    for file, of in zip(found, looked, strict=True):
        if of.sound is not None:
            sounds[file.number] = of.sound
        elif of.fault:
            wrong[of.fault].append(f"{file.name}: {of.why}")
    findings += [Finding.of(kind, wrong[kind], what) for kind, what in _FAULTS.items() if wrong[kind]]
    dealer = Dealer[LabelledFile](
        what="recording",
        same=lambda file: sounds[file.number].tobytes(),
        alike=lambda files: range(len(files)),  # the same are gone; that two are nearly the same cannot be told yet
        fewest=demands.fewest,
        shares={"test": demands.test, "validation": demands.validation},
        seed=demands.seed,
        findings=findings,
    )
    files = dealer.once([file for file in found if file.number in sounds])
    known = len(files)
    files = dealer.learnable(files)
    labels = tuple(sorted({label for file in files for label in file.labels}))
    if len(labels) < 2:
        raise UnlearnableError(
            f"{source.path.name} has {known} recordings that can be learnt from, with {len(labels)} labels of "
            f"{demands.fewest} or more ({', '.join(labels) or 'none'}); expected a folder for each of two labels or "
            f"more, with {demands.fewest} recordings or more in it",
            findings,
        )
    dealer.tell_of_labels(files, labels)
    files = dealer.dealt_out(files)
    report = DataReport(
        of="recording",
        file=source.path.name,
        sha256=_digest(found, looked),
        encoding=None,
        rows_read=len(found),
        rows_used=len(files),
        multi_label=False,
        parts=counts_of(files, labels),
        leaks=dealer.leaks(files),
        findings=tuple(findings),
    )
    return LabelledSounds(files, labels, sounds, report)


def _looked_at(files: Sequence[LabelledFile], progress: Progress) -> list[_Looked]:
    progress.stage("listen to recordings", len(files))
    looked: list[_Looked] = []
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for of in threads.map(_looked, [file.path for file in files]):
            looked.append(of)
            progress.at(len(looked))
    return looked


def _looked(path: Path) -> _Looked:
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            return _Looked(str(size).encode(), "too large", f"{size / 2**20:.0f} MiB")
        body = path.read_bytes()
    except OSError as exc:
        return _Looked(b"", "missing", exc.strerror or str(exc))
    content = hashlib.sha256(body).digest()
    try:
        sound = decode(body, sample_rate=SAMPLE_RATE, max_seconds=MOST_S)
    except TooLargeError as exc:
        return _Looked(content, "too large", str(exc))
    except (ProcessingError, MemoryError) as exc:
        return _Looked(content, "broken", str(exc))
    return _Looked(content, sound=np.clip(sound, -1.0, 1.0))


def _digest(files: Sequence[LabelledFile], looked: Sequence[_Looked]) -> str:
    """Of all names and contents, those that are left out, too."""
    digest = hashlib.sha256()
    for file, of in zip(files, looked, strict=True):
        digest.update(f"{file.name}\n{of.content.hex()}\n".encode())
    return digest.hexdigest()
