"""Digits as a person said them: Allison Smith's prompts for the telephone system Asterisk."""

from pathlib import Path

from processing.audio import decode
from training.data.archive import deb_members
from training.data.commands import DIGITS
from training.data.engines import SAMPLE_RATE, Sound
from training.data.fetch import Package, fetch
from training.errors import DataError

PACKAGE = Package(
    kind="debian",
    name="asterisk-core-sounds-en-wav",
    version="1.6.1-1",
    sha256="2be3ea287d83299d143815fa804f11179a75b7affd4a758b98b55f5afc18a35d",
)

_FILES = dict(zip(DIGITS, [*"0123456789", "oh"], strict=True))
_MAX_S = 10


def load(cache: Path) -> dict[str, Sound]:
    """By their words. Raises `DataError` for a package without them."""
    files = {Path(name).stem: body for name, body in deb_members(fetch(PACKAGE, cache), "*/digits/*.wav").items()}
    try:
        return {word: decode(files[stem], sample_rate=SAMPLE_RATE, max_seconds=_MAX_S) for word, stem in _FILES.items()}
    except KeyError as exc:
        raise DataError(f"{PACKAGE} has no {exc.args[0]}") from exc
