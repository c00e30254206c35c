"""Candidates to what is found in a picture: of boxes of one label that overlap the one with the highest score.

Candidates are float `[batch, candidates, 4 + labels]`, the output of every network that detects: a box, ymin, xmin,
ymax, xmax in units of the picture's side, and a score for each label, 0…1.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import tensorflow as tf


@dataclass(frozen=True)
class Choice:
    """Which candidates are told: the best `most` whose score is above `least_score`.

    Of two of one label whose intersection is more than `iou_threshold` of their union only the better one is.
    """

    most: int
    least_score: float
    iou_threshold: float


def choose(candidates: "tf.Tensor", choice: Choice) -> dict[str, Any]:
    """By falling score, zeros behind the last:

    `boxes`, float `[batch, most, 4]`, cut at the picture's edges; `scores`, float, and `classes`, int32
    `[batch, most]`; `count`, int32 `[batch]`.
    """
    import tensorflow as tf

    boxes, scores = candidates[..., tf.newaxis, :4], candidates[..., 4:]
    found = tf.image.combined_non_max_suppression(
        boxes,
        scores,
        max_output_size_per_class=choice.most,
        max_total_size=choice.most,
        iou_threshold=choice.iou_threshold,
        score_threshold=choice.least_score,
    )
    return {
        "boxes": found.nmsed_boxes,
        "scores": found.nmsed_scores,
        "classes": tf.cast(found.nmsed_classes, tf.int32),
        "count": found.valid_detections,
    }
