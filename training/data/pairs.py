"""Sentences with their translations, and which of them are held out: never one that is nearly like one of training."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from processing.marks import marked_pair
from training.errors import DataError

_NAMES = frozenset({"tom", "mary", "john", "maría", "maria", "juan", "tomás", "alice", "bob", "jim", "ken"})
_SHORT = {"m": "am", "re": "are", "ve": "have", "ll": "will"}  # of I'm, you're, I've, we'll
_WORD = re.compile(r"[^\W_]+")
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True)
class Pair:
    """`number` says where it is from, in whatever way its source counts."""

    source: str
    target: str
    number: str


@dataclass(frozen=True)
class Pairs:
    """In an order that is chance, and the same each time."""

    train: Sequence[Pair]
    held_out: Sequence[Pair]


def divided(pairs: Iterable[Pair], share: float) -> Pairs:
    """`share` of all groups of pairs is held out. Pairs are of one group where their sources are nearly the same, or
    their targets, and so whatever these are of one group with; nearly the same are texts that differ in signs, case,
    numbers or the names Tatoeba's authors give everybody, or in marks of a user interface.

    Pairs that are said twice are there once, and pairs whose placeholders differ not at all.
    """
    kept = {(pair.source, pair.target): pair for pair in pairs if marked_pair(pair.source, pair.target)}
    groups = _Groups()
    for source, target in kept:
        groups.join(f"source {likeness(source)}", f"target {likeness(target)}")
    by_chance = sorted(kept.values(), key=lambda pair: _chance(f"{pair.source}\t{pair.target}"))
    train: list[Pair] = []
    held_out: list[Pair] = []
    for pair in by_chance:
        group = groups.of(f"source {likeness(pair.source)}")
        chance = int.from_bytes(_chance(group)[:8], "big") / 2**64
        (held_out if chance < share else train).append(pair)
    return Pairs(train, held_out)


def likeness(text: str) -> str:
    """The same for texts that are nearly the same."""
    bare = re.sub(r"n['’]t\b", " not", unicodedata.normalize("NFKC", text).casefold().replace("~", ""))
    words = [_SHORT.get(word, word) for word in _WORD.findall(bare.replace("_", ""))]
    named = ("tom" if word in _NAMES else _NUMBER.sub("0", word) for word in words)
    return " ".join(named) or text


def read_pairs(path: Path, sha256: str) -> Iterator[Pair]:
    """Of a file in UTF-8 whose lines have a sentence and its translation, divided by a tabulator; what follows another
    one is passed over, and so are empty lines.

    Raises:
        DataError: it cannot be read, is another file than the one of that sha256, or a line is not as expected.
    """
    try:
        content = path.read_bytes()
        text = content.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as exc:
        raise DataError(f"{path} cannot be read as UTF-8: {exc}") from exc
    if (received := hashlib.sha256(content).hexdigest()) != sha256:
        raise DataError(f"{path} has changed: expected sha256 {sha256[:16]}…, received {received[:16]}…")
    for number, line in enumerate(text.splitlines(), start=1):
        source, *rest = line.split("\t")
        if not line.strip():
            continue
        if not rest or not source.strip() or not rest[0].strip():
            raise DataError(f"{path}, line {number}: expected a sentence, a tabulator and its translation")
        yield Pair(source.strip(), rest[0].strip(), f"line-{number}")


class _Groups:
    """Things that were joined, directly or through others, are of one group, named by the least of them."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}

    def of(self, thing: str) -> str:
        while (above := self._above.setdefault(thing, thing)) != thing:
            self._above[thing] = self._above.setdefault(above, above)
            thing = above
        return thing

    def join(self, one: str, other: str) -> None:
        least, greatest = sorted((self.of(one), self.of(other)))
        self._above[greatest] = least


def _chance(text: str) -> bytes:
    return hashlib.sha256(text.encode(errors="surrogatepass")).digest()
