"""How well a detector does over all thresholds: COCO's average precision, matched by pycocotools, with intervals.

Of an average the mean is over labels and over the overlaps .50, .55 … .95 from which a box counts as right; or at .50
alone. Intervals are of 95 %, by drawing the pictures anew, with all that is in them.
"""

from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from processing.boxes import Box, Detection
from store.evaluation import AveragePrecision, Interval
from training.matching import Thing

ALL, AT_HALF = "mAP@[.5:.95]", "mAP@.5"

_DRAWS = 300
_RECALLS = np.linspace(0, 1, 101)
_ANY = (0.0, 1e10)


@dataclass(frozen=True)
class Averages:
    """`mean` and `at_half` with their intervals; `parts` by label and by size, those of which there is anything."""

    mean: tuple[float, Interval]
    at_half: tuple[float, Interval]
    parts: tuple[AveragePrecision, ...]


@dataclass(frozen=True)
class _Found:
    """Of one label in all pictures, by falling score: in which picture each box was told, and whether it is right,
    `[overlaps, told]`; `there` is how many things each picture has."""

    picture: NDArray[np.int64]
    right: NDArray[np.bool_]
    there: NDArray[np.int64]


def average_precision(
    told: Sequence[Sequence[Detection]],
    truth: Sequence[Sequence[Thing]],
    labels: Sequence[str],
    sizes: Mapping[str, tuple[float, float]],
    seed: int,
) -> Averages:
    """
    Args:
        told: of each picture, with scores as low as they come.
        sizes: by its name the square roots of the areas of one size, in pixels, the lower one included.
    """
    areas = {"all": _ANY} | {name: (low**2, high**2) for name, (low, high) in sizes.items()}
    evaluator = _evaluated(told, truth, labels, tuple(areas.values()))
    precision = evaluator.eval["precision"]  # overlaps, recalls, labels, areas, most
    counts = [sum(thing.label == label for things in truth for thing in things) for label in labels]
    parts = [_part("label", label, precision[:, :, [at], 0, 0], counts[at]) for at, label in enumerate(labels)]
    for at, (name, (low, high)) in enumerate(areas.items()):
        if at:
            count = sum(low <= _area(thing.box) < high for things in truth for thing in things)
            parts.append(_part("size", name, precision[:, :, :, at, 0], count))
    mean, at_half = _drawn(_matches(evaluator, len(labels), len(areas), len(truth)), len(truth), seed)
    return Averages(
        (_mean(precision[:, :, :, 0, 0]), mean),
        (_mean(precision[:1, :, :, 0, 0]), at_half),
        tuple(part for part in parts if part.things),
    )


def _evaluated(
    told: Sequence[Sequence[Detection]],
    truth: Sequence[Sequence[Thing]],
    labels: Sequence[str],
    areas: Sequence[tuple[float, float]],
) -> Any:
    """pycocotools' own evaluation, which prints what it does."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    most = max(1, *(len(found) for found in told))
    with redirect_stdout(StringIO()):
        there = COCO()
        there.dataset = {
            "info": {},
            "images": [{"id": picture} for picture in range(len(truth))],
            "categories": [{"id": number} for number in range(len(labels))],
            "annotations": [
                _annotation(number + 1, picture, labels.index(thing.label), thing.box)
                for number, (picture, thing) in enumerate(
                    (picture, thing) for picture, things in enumerate(truth) for thing in things
                )
            ],
        }
        there.createIndex()
        found = COCO()
        found.dataset = there.dataset | {
            "annotations": [
                _annotation(number + 1, picture, labels.index(one.label), one.box) | {"score": one.score}
                for number, (picture, one) in enumerate(
                    (picture, one) for picture, of_picture in enumerate(told) for one in of_picture
                )
            ]
        }
        found.createIndex()
        evaluator = COCOeval(there, found, "bbox")
        evaluator.params.areaRng = [list(area) for area in areas]
        evaluator.params.areaRngLbl = [str(at) for at in range(len(areas))]
        evaluator.params.maxDets = [most]
        evaluator.evaluate()
        evaluator.accumulate()
    return evaluator


def _annotation(number: int, picture: int, label: int, box: Box) -> dict[str, Any]:
    sides = [box.xmin, box.ymin, box.xmax - box.xmin, box.ymax - box.ymin]
    return {
        "id": number,
        "image_id": picture,
        "category_id": label,
        "bbox": [float(side) for side in sides],
        "area": _area(box),
        "iscrowd": 0,
    }


def _area(box: Box) -> float:
    return float((box.xmax - box.xmin) * (box.ymax - box.ymin))


def _part(by: str, value: str, precision: NDArray[np.float64], things: int) -> AveragePrecision:
    return AveragePrecision(by=by, value=value, things=things, mean=_mean(precision), at_half=_mean(precision[:1]))


def _mean(precision: NDArray[np.float64]) -> float:
    """Of those that there are: −1 stands for labels of which there is nothing."""
    known = precision[precision > -1]
    return float(known.mean()) if known.size else 0.0


def _matches(evaluator: Any, labels: int, areas: int, pictures: int) -> list[_Found]:
    """What pycocotools matched, of things of any size."""
    found = []
    for label in range(labels):
        start = label * areas * pictures
        cells = evaluator.evalImgs[start : start + pictures]
        there = np.array([len(cell["gtIds"]) if cell else 0 for cell in cells])
        kept = [(picture, cell) for picture, cell in enumerate(cells) if cell]
        scores = np.concatenate([cell["dtScores"] for _, cell in kept]) if kept else np.zeros(0)
        order = np.argsort(-scores, kind="mergesort")
        counts = [len(cell["dtScores"]) for _, cell in kept]
        picture = np.repeat(np.array([picture for picture, _ in kept], np.int64), counts)
        right = np.concatenate([cell["dtMatches"] for _, cell in kept] or [np.zeros((1, 0))], axis=1) > 0
        found.append(_Found(picture[order], right[:, order], there))
    return found


def _drawn(found: Sequence[_Found], pictures: int, seed: int) -> tuple[Interval, Interval]:
    """Of both averages."""
    rng = np.random.default_rng(seed)
    means = []
    for _ in range(_DRAWS):
        times = rng.multinomial(pictures, np.full(pictures, 1 / pictures))
        if any(of.there @ times for of in found):  # of pictures of nothing there is no average
            means.append(averages(found, times))
    low, high = np.percentile(means, [2.5, 97.5], axis=0)
    return (float(low[0]), float(high[0])), (float(low[1]), float(high[1]))


def averages(found: Sequence[_Found], times: NDArray[np.int64]) -> tuple[float, float]:
    """Mean and at .50, with each picture so many times, some of which have things; as pycocotools accumulates."""
    curves = np.array([_precisions(of, times) for of in found if of.there @ times])
    return float(curves.mean()), float(curves[:, 0].mean())


def _precisions(of: _Found, times: NDArray[np.int64]) -> NDArray[np.float64]:
    """For each overlap the mean over 101 recalls of the best precision there or beyond."""
    weights, there = times[of.picture], of.there @ times
    right = np.cumsum(of.right * weights, axis=1)
    precision = right / np.maximum(np.cumsum(weights), 1)
    best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    means = np.zeros(len(right))
    for at, (reached, precisions) in enumerate(zip(right / there, best, strict=True)):
        places = np.searchsorted(reached, _RECALLS, side="left")
        means[at] = precisions[places[places < len(precisions)]].sum() / len(_RECALLS)
    return means
