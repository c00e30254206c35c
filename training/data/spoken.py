"""Recordings of people, and the words that they say: sentences of a novel, and playing cards (pocketsphinx)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from training.data.archive import deb_members
from training.data.fetch import Package, fetch
from training.errors import DataError

PACKAGE = Package(
    kind="debian",
    name="pocketsphinx-testdata",
    version="0.8+5prealpha+1-15",
    sha256="eaeb7a01d54f20b799d1a81ef110ec544b2cb47ea006614078220737a33019f0",
)
SENTENCES, CARDS = "read sentences", "cards"

_FOLDERS = {SENTENCES: ("librivox", "transcription"), CARDS: ("cards", "cards.transcription")}
_LINE = re.compile(r"<s> (.+?) +</s> \((.+)\)")


@dataclass(frozen=True)
class Spoken:
    """`recording` is a WAV file of 16 kHz, `words` are in small letters and without signs."""

    name: str
    kind: str
    recording: bytes
    words: str


def load(cache: Path) -> list[Spoken]:
    """Raises `DataError` for a package without them."""
    files = deb_members(fetch(PACKAGE, cache), "*/test/data/*")
    return [spoken for kind, place in _FOLDERS.items() for spoken in _of(files, kind, *place)]


def _of(files: dict[str, bytes], kind: str, folder: str, transcription: str) -> Iterator[Spoken]:
    by_name = {name.partition("/test/data/")[2]: file for name, file in files.items()}
    try:
        for words, name in _LINE.findall(by_name[f"{folder}/{transcription}"].decode()):
            yield Spoken(name, kind, by_name[f"{folder}/{name}.wav"], words)
    except KeyError as exc:
        raise DataError(f"{PACKAGE} has no {exc.args[0]}") from exc
