"""When each word of a text was said, by where of a recording a model looks while it writes it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_BROKEN = "�"  # half a character
_WITHOUT_SPACES = frozenset({"zh", "ja", "th", "lo", "my", "yue"})  # languages in which each character counts as a word
_SENTENCE_ENDS = ".?!。？！"
_USUAL_S = 0.7  # of a word, at most
_LONG = 2  # times the usual is a word at a pause no longer


@dataclass(frozen=True)
class Word:
    """With the punctuation around it, in seconds from the beginning of the recording."""

    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Spelt:
    """A word, how many tokens it has, and how many without the punctuation behind it."""

    text: str
    tokens: int
    spoken: int


def words_of(tokens: Sequence[int], decode: Callable[[Sequence[int]], str], language: str | None) -> list[Spelt]:
    """The words of a text, with all its tokens, none of them empty: one begins with a space, or in languages that have
    none with a character."""
    found: list[Spelt] = []
    for text, count in _characters(tokens, decode):
        is_spoken = any(map(str.isalnum, text))
        begins = is_spoken if language in _WITHOUT_SPACES else text.startswith(" ") and bool(text.strip())
        if not found or (begins and found[-1].text.strip()):
            found.append(Spelt(text, count, count))
        else:
            word, whole = found[-1], found[-1].tokens + count
            found[-1] = Spelt(word.text + text, whole, whole if is_spoken else word.spoken)
    return found


def _characters(tokens: Sequence[int], decode: Callable[[Sequence[int]], str]) -> Iterator[tuple[str, int]]:
    """The fewest tokens that are whole characters, with their text; the last as they are."""
    begun: list[int] = []
    for number, token in enumerate(tokens, start=1):
        begun.append(token)
        text = decode(begun)
        if _BROKEN not in text or number == len(tokens):
            yield text, len(begun)
            begun = []


def begins(attention: NDArray[np.float32]) -> NDArray[np.intp]:
    """The place at which each row of `[rows, places]` begins, of the way from the first row and place to the last along
    which attention is greatest: never back, and by one row at most for each step (dynamic time warping)."""
    cost = -attention.astype(np.float64)
    rows, places = cost.shape
    total = np.full((rows + 1, places + 1), np.inf)
    total[0, 0] = 0.0
    for row in range(rows):
        along = np.cumsum(cost[row])
        entered = np.minimum(total[row, :-1], total[row, 1:])  # from above, or from above and before
        total[row + 1, 1:] = along + np.minimum.accumulate(entered - along + cost[row])
    found = np.zeros(rows, np.intp)
    row, place = rows, places
    while row > 1:
        found[row - 1] = place - 1
        before, above, beside = total[row - 1, place - 1], total[row - 1, place], total[row, place - 1]
        if before <= min(above, beside):
            row, place = row - 1, place - 1
        elif above <= beside:
            row -= 1
        else:
            place -= 1
    return found


def timed(words: Sequence[Spelt], starts_s: NDArray[np.float64]) -> list[Word]:
    """Each from the begin of its first token to that of the first one behind it; next to a pause, where a sentence
    begins or ends, not much longer than others.

    Args:
        starts_s: of all their tokens and of the end.
    """
    if not words:
        return []
    firsts = np.cumsum([0, *(word.tokens for word in words)])[:-1]
    starts = starts_s[firsts]
    ends = starts_s[firsts + [word.spoken for word in words]]
    lasting = ends[ends > starts] - starts[ends > starts]
    longest = _LONG * min(_USUAL_S, float(np.median(lasting)) if len(lasting) else _USUAL_S)
    found = []
    for number, (word, start, end) in enumerate(zip(words, starts, ends, strict=True)):
        opens = number == 0 or words[number - 1].text.rstrip()[-1:] in _SENTENCE_ENDS
        closes = number == len(words) - 1 or word.text.rstrip()[-1:] in _SENTENCE_ENDS
        since = max(start, end - longest) if opens else start
        until = min(end, since + longest) if closes else end
        found.append(Word(word.text.strip(), round(float(since), 2), round(float(until), 2)))
    return found
