"""The texts of Hutto and Gilbert, each rated by some twenty people, and their lexicon of valences."""

import hashlib
import html
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from training.data.archive import tar_member
from training.data.fetch import Package, fetch

PACKAGE = Package(
    kind="pypi-sdist",
    name="vaderSentiment",
    version="3.3.2",
    sha256="5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9",
)

SOURCES = {
    "movies": "movieReviewSnippets",
    "nyt": "nytEditorialSnippets",
    "tweets": "tweets",
    "amazon": "amazonReviewSnippets",
}

_INNER = "vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz"
_HELD_OUT_OF = 5  # one normalised text in so many is held out


@dataclass(frozen=True)
class RatedText:
    """`rating` is the mean of its raters, −4 (extremely negative) … 4; `source` is a key of `SOURCES`."""

    source: str
    rating: float
    text: str
    held_out: bool


@dataclass(frozen=True)
class RatedTexts:
    """All texts in the order of the files, and the valence −4…4 of each word or sign of the lexicon."""

    texts: tuple[RatedText, ...]
    lexicon: dict[str, float]


def load(cache: Path) -> RatedTexts:
    inner = tar_member(fetch(PACKAGE, cache).read_bytes(), _INNER)
    texts = tuple(
        row for source, stem in SOURCES.items() for row in _rows(source, _member(inner, f"{stem}_GroundTruth.txt"))
    )
    return RatedTexts(texts, _lexicon(_member(inner, "vader_sentiment_lexicon.txt")))


def clean(text: str) -> str:
    """HTML entities, some of them escaped twice, become characters; runs of white space become one space."""
    return " ".join(html.unescape(html.unescape(text)).split())


def is_held_out(text: str) -> bool:
    """A fifth of the texts, by the hash of their words alone, so that two spellings of a text are never divided."""
    return int.from_bytes(_words_hash(text)[:8]) % _HELD_OUT_OF == 0


def is_validation(text: str) -> bool:
    """Another fifth, likewise and independent of the first: of the texts that are trained on, it measures trials."""
    return int.from_bytes(_words_hash(text)[8:16]) % _HELD_OUT_OF == 0


def _words_hash(text: str) -> bytes:
    words = " ".join(re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold()))
    return hashlib.sha256(words.encode()).digest()


def _member(archive: bytes, name: str) -> str:
    return tar_member(archive, f"hutto_ICWSM_2014/{name}").decode("utf-8", errors="replace")


def _rows(source: str, file: str) -> list[RatedText]:
    rows = []
    for line in filter(None, file.split("\n")):
        _, rating, raw = line.split("\t", 2)
        text = clean(raw)
        rows.append(RatedText(source, float(rating), text, is_held_out(text)))
    return rows


def _lexicon(file: str) -> dict[str, float]:
    fields = (line.split("\t") for line in file.splitlines())
    return {word: float(valence) for word, valence, *_ in fields}
