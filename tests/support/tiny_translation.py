"""`translation` between two languages of a few words: English in which nobody says much, and the same backwards, in
capitals. A small network learns it in seconds."""

from collections.abc import Iterator
from itertools import product
from pathlib import Path

WHO = ("the cat", "a dog", "my aunt", "your horse", "the king", "one bird", "Tom", "a child")
DOES = ("sees", "eats", "likes", "finds", "hides", "wants")
WHAT = ("the red apple", "a fish", "two eggs", "%s", "the old house", "{0}", "my hat", "bread")

SETTINGS = (
    "languages=en-xx",
    "epochs=20",
    "batch_size=32",
    "vocabulary=400",
    "max_tokens=24",
    "width=48",
    "heads=2",
    "inner_width=96",
    "encoder_layers=1",
    "decoder_layers=1",
    "dropout=0",
    "learning_rate.adam=0.01",
    "beams=3",
)


def translated(sentence: str) -> str:
    """What the language makes of a sentence: its words from the last to the first, in capitals, placeholders as they
    are."""
    words = [word if word in ("%s", "{0}") else word.upper() for word in reversed(sentence.rstrip(".").split())]
    return " ".join(words) + "."


def sentences() -> Iterator[str]:
    return (f"{who} {does} {what}." for who, does, what in product(WHO, DOES, WHAT))


def write_pairs(path: Path) -> Path:
    path.write_text("".join(f"{sentence}\t{translated(sentence)}\n" for sentence in sentences()))
    return path


def options(pairs: Path) -> list[str]:
    """Of `kmaas train translation` and `kmaas add translation`."""
    return [part for setting in (f"data={pairs}", *SETTINGS) for part in ("--set", setting)]
