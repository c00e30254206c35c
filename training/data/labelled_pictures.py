"""A user's own pictures with their labels: what can be learnt from is kept, everything else is told of.

What does not decode or shows nothing goes; what is done with the others, `training.data.dealing` says.
"""

import hashlib
import os
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from models.image_classifier import PicturesSource
from processing.errors import ProcessingError, TooLargeError
from processing.image import Pixels, decode
from training.data.alike_pictures import Thumbnail, alike_pictures, thumbnail
from training.data.dealing import Dealer, counts_of
from training.data.findings import DataReport, Finding
from training.data.own_folder import LabelledFile
from training.data.own_pictures import list_pictures
from training.data.split import Part
from training.errors import UnlearnableError
from training.progress import Progress

MOST_BYTES = 64 * 2**20
MOST_PIXELS = 50_000_000

_FAULTS = {
    "missing": "there is no such file: left out",
    "too large": f"more than {MOST_BYTES // 2**20} MiB or {MOST_PIXELS:,} pixels: left out",
    "broken": "no picture, or one that is damaged or cut short: left out",
    "blank": "one colour all over: left out",
}


@dataclass(frozen=True)
class LabelledPictures:
    """`labels` in the order in which answers have them; `pictures` in the order in which they were found, and of each,
    by its number, its `thumbnails`."""

    pictures: Sequence[LabelledFile]
    labels: tuple[str, ...]
    thumbnails: dict[int, Thumbnail]
    report: DataReport

    def part(self, part: Part) -> list[LabelledFile]:
        return [picture for picture in self.pictures if picture.part == part]


@dataclass(frozen=True)
class PictureDemands:
    """`fewest`: a label of fewer pictures is not learnt. `validation` and `test` are shares of those of each label."""

    fewest: int
    validation: float
    test: float
    seed: int


@dataclass(frozen=True)
class _Seen:
    """Of a file that is a picture, or what is wrong with it. `pixels` is the sha256 of what it shows."""

    content: bytes
    fault: str | None = None
    why: str = ""
    pixels: bytes = b""
    thumbnail: Thumbnail | None = None


def read_picture(path: Path) -> Pixels:
    """As a client's is read. Raises `ProcessingError`, `OSError`."""
    return decode(path.read_bytes(), max_pixels=MOST_PIXELS)


def labelled_pictures(source: PicturesSource, demands: PictureDemands, progress: Progress) -> LabelledPictures:
    """Raises `DataError` where there is no such folder or file, `UnlearnableError` where too little is left to learn
    from."""
    listed = list_pictures(source)
    findings = listed.findings
    if listed.encoding and listed.encoding != "utf-8":
        findings.append(Finding.of("encoding", [1], f"the file is in {listed.encoding}"))
    found = listed.files
    seen = _looked_at(found, progress)
    pictures = _sound(found, seen, findings)
    thumbnails = {
        picture.number: of.thumbnail for picture, of in zip(found, seen, strict=True) if of.thumbnail is not None
    }
    pixels = {picture.number: of.pixels for picture, of in zip(found, seen, strict=True)}
    dealer = Dealer[LabelledFile](
        what="picture",
        same=lambda picture: pixels[picture.number],
        alike=lambda of: alike_pictures([thumbnails[picture.number] for picture in of]),
        fewest=demands.fewest,
        shares={"test": demands.test, "validation": demands.validation},
        seed=demands.seed,
        findings=findings,
    )
    pictures = dealer.once(pictures)
    known = len(pictures)
    pictures = dealer.learnable(pictures)
    labels = tuple(sorted({label for picture in pictures for label in picture.labels}))
    if len(labels) < 2:
        raise UnlearnableError(
            f"{source.path.name} has {known} pictures that can be learnt from, with {len(labels)} labels of "
            f"{demands.fewest} or more ({', '.join(labels) or 'none'}); expected a folder for each of two labels or "
            f"more, with {demands.fewest} pictures or more in it",
            findings,
        )
    dealer.tell_of_labels(pictures, labels)
    pictures = dealer.dealt_out(pictures)
    report = DataReport(
        of="picture",
        file=source.path.name,
        sha256=_digest(listed.file_sha256, found, seen),
        encoding=listed.encoding,
        rows_read=len(found),
        rows_used=len(pictures),
        multi_label=False,
        parts=counts_of(pictures, labels),
        leaks=dealer.leaks(pictures),
        findings=tuple(findings),
    )
    return LabelledPictures(pictures, labels, thumbnails, report)


def _looked_at(pictures: Sequence[LabelledFile], progress: Progress) -> list[_Seen]:
    progress.stage("look at pictures", len(pictures))
    seen: list[_Seen] = []
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for of in threads.map(_seen, [picture.path for picture in pictures]):
            seen.append(of)
            progress.at(len(seen))
    return seen


def _seen(path: Path) -> _Seen:
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            return _Seen(str(size).encode(), "too large", f"{size / 2**20:.0f} MiB")
        body = path.read_bytes()
    except OSError as exc:
        return _Seen(b"", "missing", exc.strerror or str(exc))
    content = hashlib.sha256(body).digest()
    failed = partial(_Seen, content)
    try:
        pixels = decode(body, max_pixels=MOST_PIXELS)
    except TooLargeError as exc:
        return failed("too large", str(exc))
    except (ProcessingError, MemoryError) as exc:
        return failed("broken", str(exc))
    if not np.ptp(pixels, axis=(0, 1)).any():
        return failed("blank")
    shown = hashlib.sha256(f"{pixels.shape}".encode())
    shown.update(np.ascontiguousarray(pixels).data)
    return _Seen(content, pixels=shown.digest(), thumbnail=thumbnail(pixels))


def _sound(pictures: Sequence[LabelledFile], seen: Sequence[_Seen], findings: list[Finding]) -> list[LabelledFile]:
    wrong: dict[str, list[str]] = defaultdict(list)
    for picture, of in zip(pictures, seen, strict=True):
        if of.fault:
            wrong[of.fault].append(f"{picture.name}: {of.why}" if of.why else picture.name)
    findings += [Finding.of(kind, wrong[kind], what) for kind, what in _FAULTS.items() if wrong[kind]]
    return [picture for picture, of in zip(pictures, seen, strict=True) if not of.fault]


def _digest(file_sha256: str | None, pictures: Sequence[LabelledFile], seen: Sequence[_Seen]) -> str:
    """Of all names and contents, those that are left out, too."""
    digest = hashlib.sha256((file_sha256 or "").encode())
    for picture, of in zip(pictures, seen, strict=True):
        digest.update(f"{picture.name}\n{of.content.hex()}\n".encode())
    return digest.hexdigest()
