"""Texts of user interfaces and their translations: LibreOffice's and GIMP's, from their catalogues of messages."""

import struct
from collections.abc import Iterator
from pathlib import Path

from training.data.archive import deb_members
from training.data.fetch import Package, fetch
from training.data.pairs import Pair, Pairs, divided
from training.errors import DataError

GIMP = Package(
    kind="debian",
    name="gimp-data",
    version="2.10.34-1+deb12u10",
    sha256="89007a69d4ef2b0440e5419e75d4112cfd1c49e97db38220d210b9f86322be7c",
)
_VERSION = "4:7.4.7-1+deb12u14"
LIBREOFFICE = {
    language: Package(kind="debian", name=f"libreoffice-l10n-{language}", version=_VERSION, sha256=sha256)
    for language, sha256 in {
        "de": "aee22c8e3b3c0431f6e1b0bc66f757ba36c860e2651a05eb050fde4897f06548",
        "es": "ec8c42bbef9a1d6053cb32380739fa7551968708205a629a91e82484865d9822",
        "fr": "111da5e1b8379dc58a127ef76ef85e2b6819da5cb2c5fe73d13b25a0437f988c",
        "it": "a1c9d025e5f2aa775a7f55d6c3720b6b16a6f89b67a2f442116367569308b7e0",
        "nl": "80ca7ee9769ded222c23e41aba3be051c0c625d61f7d891266d749c6a893a3be",
        "pl": "1b7614c8da559befddff605d2d33ae0d246bc88d4c4842ae30007677464b58ee",
        "pt": "83ed70de5e5d53e5216445f10ddcd4722900a0712a3acdb3ea694f101aff919d",
    }.items()
}
"""By the ISO 639-1 code of the language that English was translated into."""

_HELD_OUT = 0.05  # of all groups
_CATALOGUES = "*/{}/LC_MESSAGES/*.mo"
_MAGIC = 0x950412DE
_CONTEXT, _PLURAL = "\x04", "\x00"


def packages_of(language: str) -> tuple[Package, Package]:
    """Of one of `models.translation.INTERFACES`."""
    return LIBREOFFICE[language], GIMP


def load(cache: Path, language: str) -> Pairs:
    """English and `language`, one of `models.translation.INTERFACES`. Raises `DataError` for a catalogue that is
    none."""
    package, _ = packages_of(language)
    catalogues = {
        **deb_members(fetch(package, cache), _CATALOGUES.format(language)),
        **deb_members(fetch(GIMP, cache), _CATALOGUES.format(language)),
    }
    return divided((pair for name in sorted(catalogues) for pair in _pairs(name, catalogues[name])), _HELD_OUT)


def _pairs(name: str, catalogue: bytes) -> Iterator[Pair]:
    """Without context; of what has a plural, the first and the last form."""
    stem = Path(name).stem
    for number, (message, translation) in enumerate(messages(catalogue)):
        sources, targets = message.split(_CONTEXT)[-1].split(_PLURAL), translation.split(_PLURAL)
        for source, target in {(sources[0], targets[0]), (sources[-1], targets[-1])}:
            if source.strip() and target.strip():
                yield Pair(" ".join(source.split()), " ".join(target.split()), f"{stem}-{number}")


def messages(catalogue: bytes) -> Iterator[tuple[str, str]]:
    """What a file of GNU gettext (`.mo`) has, but for its head. Raises `DataError`."""
    try:
        order = "<" if struct.unpack_from("<I", catalogue)[0] == _MAGIC else ">"
        magic, _, count, at, translated_at = struct.unpack_from(f"{order}5I", catalogue)
        if magic != _MAGIC:
            raise ValueError("it does not begin as a catalogue does")
        for number in range(count):
            message, translation = (
                _text(catalogue, *struct.unpack_from(f"{order}2I", catalogue, start + 8 * number))
                for start in (at, translated_at)
            )
            if message:
                yield message, translation
    except (struct.error, ValueError) as exc:
        raise DataError(f"a catalogue of messages cannot be read: {exc}") from exc


def _text(catalogue: bytes, length: int, start: int) -> str:
    text = catalogue[start : start + length]
    if len(text) != length:
        raise ValueError("it ends too early")
    return text.decode()
