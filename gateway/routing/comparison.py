"""Whether two answers to one request agree, by the task: pure, on answers in Hugging Face's shapes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

_IOU = 0.5  # two boxes of one label that overlap so much are the same
_CHARS = 2000  # of a text are compared: the time grows with the square
_TEXTS = ("text", "generated_text", "translation_text", "summary_text")  # the field of an answer that is the text

_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Comparison:
    """`distance` is 0 for equal answers and at most 1."""

    agrees: bool
    distance: float


@dataclass(frozen=True)
class _How:
    """`items` are the answers to each input of a request. Those to one input agree up to a distance of `tolerance`,
    unless they are not the `same`.
    """

    items: Callable[[Any], Iterator[Any]]
    distance: Callable[[Any, Any], float]
    tolerance: float
    same: Callable[[Any, Any], bool] = lambda _ours, _theirs: True


def compared(task: str, ours: Any, theirs: Any, tolerance: float | None = None) -> Comparison:
    """How two answers compare: of several items the one furthest apart counts, and all must agree.

    Args:
        ours, theirs: answers as JSON documents. Of a task that is not in the table they agree if they are equal.
        tolerance: the distance up to which answers agree, if not the task's own.
    """
    how = _TABLE.get(task, _EQUAL)
    limit = how.tolerance if tolerance is None else tolerance
    left, right = list(how.items(ours)), list(how.items(theirs))
    if len(left) != len(right):
        return Comparison(agrees=False, distance=1.0)
    pairs = list(zip(left, right, strict=True))
    distances = [min(1.0, how.distance(*pair)) for pair in pairs]
    agrees = all(how.same(*pair) for pair in pairs) and all(distance <= limit for distance in distances)
    return Comparison(agrees, max(distances, default=0.0))


def _whole(answer: Any) -> Iterator[Any]:
    yield answer


def _lists(answer: Any) -> Iterator[Any]:
    """Lists of labels or boxes: the answer is one, or a list of them."""
    if answer and all(isinstance(item, list) for item in answer):
        yield from answer
    else:
        yield answer


def _texts(answer: Any) -> Iterator[str]:
    if isinstance(answer, list | tuple):
        for item in answer:
            yield from _texts(item)
    elif isinstance(answer, Mapping) and "choices" in answer:
        yield from _texts(answer["choices"])
    elif isinstance(answer, Mapping):
        yield next((answer[name] for name in _TEXTS if isinstance(answer.get(name), str)), "")
    else:
        yield str(answer)


def _vectors(answer: Any) -> Iterator[_Floats]:
    """The innermost lists of numbers."""
    if isinstance(answer, Sequence) and answer and isinstance(answer[0], Sequence):
        for item in answer:
            yield from _vectors(item)
    else:
        yield np.asarray(answer, np.float64)


def _score_distance(ours: Any, theirs: Any) -> float:
    """The largest difference of a label's two scores, of the labels that both tell."""
    left, right = ({item["label"]: item["score"] for item in labels} for labels in (ours, theirs))
    common = left.keys() & right.keys()
    return max((abs(left[label] - right[label]) for label in common), default=float(bool(left or right)))


def _same_first(ours: Any, theirs: Any) -> bool:
    return [item["label"] for item in ours[:1]] == [item["label"] for item in theirs[:1]]


def _box_distance(ours: Any, theirs: Any) -> float:
    """The share of the boxes that have no partner: pairs of one label are made of those that overlap most, first."""
    if not (ours and theirs):
        return float(bool(ours or theirs))
    overlaps = _overlaps(_corners(ours), _corners(theirs))
    alike = np.array([[left["label"] == right["label"] for right in theirs] for left in ours])
    overlaps[~alike] = 0.0
    matched = 0
    while overlaps.max(initial=0.0) >= _IOU:
        row, column = np.unravel_index(overlaps.argmax(), overlaps.shape)
        overlaps[row, :] = overlaps[:, column] = 0.0
        matched += 1
    return 1.0 - 2 * matched / (len(ours) + len(theirs))


def _corners(boxes: Any) -> _Floats:
    """[boxes, 4]: left, top, right, bottom."""
    return np.array([[item["box"][side] for side in ("xmin", "ymin", "xmax", "ymax")] for item in boxes], np.float64)


def _overlaps(left: _Floats, right: _Floats) -> _Floats:
    """Intersection over union of each with each."""
    low = np.maximum(left[:, None, :2], right[None, :, :2])
    high = np.minimum(left[:, None, 2:], right[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    areas = [np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(axis=1) for boxes in (left, right)]
    union = areas[0][:, None] + areas[1][None, :] - shared
    ratios: _Floats = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return ratios


def _edit_distance(ours: str, theirs: str) -> float:
    """Characters to insert, delete or replace, by the length of the longer text (Levenshtein, a row at a time)."""
    left, right = (np.array([ord(char) for char in text[:_CHARS]], np.int64) for text in (ours, theirs))
    longest = max(len(left), len(right))
    steps = np.arange(len(right) + 1)
    row = steps
    for count, char in enumerate(left, start=1):
        best = np.minimum(row[1:] + 1, row[:-1] + (right != char))
        # Insertions go along the row: the cheapest start to the left, and one for each step from there.
        row = np.minimum.accumulate(np.concatenate([[count], best]) - steps) + steps
    return float(row[-1]) / longest if longest else float(ours != theirs)


def _angle_distance(ours: _Floats, theirs: _Floats) -> float:
    """Half of 1 − the cosine of the angle between two vectors."""
    if ours.shape != theirs.shape:
        return 1.0
    lengths = float(np.linalg.norm(ours) * np.linalg.norm(theirs))
    cosine = float(np.dot(ours, theirs)) / lengths if lengths > 0 else float(np.array_equal(ours, theirs))
    return max(0.0, (1.0 - cosine) / 2)


def _number_distance(ours: Any, theirs: Any) -> float:
    return float(abs(ours - theirs))


def _numbers(answer: Any) -> Iterator[Any]:
    yield from answer


_EQUAL = _How(_whole, lambda ours, theirs: float(ours != theirs), 0.0)
_LABELS = _How(_lists, _score_distance, 1.0, _same_first)
_BOXES = _How(_lists, _box_distance, 0.2)
_WORDS = _How(_texts, _edit_distance, 0.2)
_EMBEDDINGS = _How(_vectors, _angle_distance, 0.01)
_SIMILARITIES = _How(_numbers, _number_distance, 0.05)

_TABLE: Mapping[str, _How] = {
    "text-classification": _LABELS,
    "zero-shot-classification": _LABELS,
    "image-classification": _LABELS,
    "audio-classification": _LABELS,
    "object-detection": _BOXES,
    "automatic-speech-recognition": _WORDS,
    "summarization": _WORDS,
    "text-generation": _WORDS,
    "translation": _WORDS,
    "feature-extraction": _EMBEDDINGS,
    "sentence-similarity": _SIMILARITIES,
}
