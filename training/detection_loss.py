"""What a detector that tells a box in each cell of a grid is trained by: targets of a scene, and the loss.

Of scores the quality focal loss (X. Li et al.: Generalized Focal Loss, 2020): the score of the right label is to be
higher the better its box lies, from ½ where that is elsewhere to 1 where it is the true one, so that the threshold of ½
that answers have unasked is where a label is as likely right as wrong; all other scores are to be 0. Of boxes one less
the generalised intersection over union (H. Rezatofighi et al., 2019).
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import keras

_CORE = 0.25  # of a box's sides: as far from its middle cells are asked about it
_OF_BOXES = 2.0  # what the loss of boxes weighs beside that of scores
_FOCUS = 2  # the power of how wrong a score is
_LEAST = 1e-6


def grid_targets(
    boxes: NDArray[np.float32], labels: NDArray[np.int32], *, side: int, cell: int, count: int
) -> NDArray[np.float32]:
    """For each cell of a picture what is asked about: float32 `[cells, 4 + count]`, a box in units of the side and 1
    for its label; zeros where nothing is.

    Cells in the middle of a box are, and the one that its middle is in; of several boxes the smallest.

    Args:
        boxes: `[n, 4]`, ymin, xmin, ymax, xmax in pixels.
        labels: `[n]`, below `count`.
    """
    cells = side // cell
    middles = (np.arange(cells, dtype=np.float32) + 0.5) * cell
    targets = np.zeros((cells, cells, 4 + count), np.float32)
    order = np.argsort(-np.prod(boxes[:, 2:] - boxes[:, :2], axis=1), kind="stable")
    for is_middle in (False, True):
        for row in order:
            middle, sides = (boxes[row, :2] + boxes[row, 2:]) / 2, boxes[row, 2:] - boxes[row, :2]
            which = tuple(
                np.arange(cells) == min(int(at / cell), cells - 1)
                if is_middle
                else np.abs(middles - at) < _CORE * length
                for at, length in zip(middle, sides, strict=True)
            )
            targets[np.ix_(*which)] = [*boxes[row] / side, *(np.arange(count) == labels[row])]
    return targets.reshape(cells * cells, 4 + count)


def detection_loss() -> "keras.losses.Loss":
    """Of candidates `[batch, cells, 4 + labels]` and `grid_targets` `[batch, cells, 4 + labels]`, both float32: summed
    over the pictures of a batch, for each cell of them that something is asked about."""
    import keras
    from keras import ops

    class DetectionLoss(keras.losses.Loss):  # type: ignore[misc]  # Keras ships no types
        def call(self, y_true: Any, y_pred: Any) -> Any:
            asked = ops.max(y_true[..., 4:], axis=-1)
            overlap, apart = _overlaps(y_true[..., :4], y_pred[..., :4])
            wanted = y_true[..., 4:] * (1 + ops.stop_gradient(overlap))[..., None] / 2
            scores = ops.clip(y_pred[..., 4:], _LEAST, 1 - _LEAST)
            entropy = -wanted * ops.log(scores) - (1 - wanted) * ops.log(1 - scores)
            of_scores = ops.sum(entropy * ops.abs(wanted - scores) ** _FOCUS, axis=(1, 2))
            of_boxes = ops.sum(apart * asked, axis=1)
            return (of_scores + _OF_BOXES * of_boxes) / ops.maximum(ops.mean(ops.sum(asked, axis=1)), 1.0)

    return DetectionLoss(name="detection")


def _overlaps(true: Any, told: Any) -> tuple[Any, Any]:
    """Intersection over union, and one less its generalisation, `[batch, cells]`."""
    from keras import ops

    def area(box: Any) -> Any:
        return ops.prod(ops.maximum(box[..., 2:] - box[..., :2], 0.0), axis=-1)

    def corners(upper: Any, lower: Any) -> Any:
        return ops.concatenate([upper, lower], axis=-1)

    inner = corners(ops.maximum(true[..., :2], told[..., :2]), ops.minimum(true[..., 2:], told[..., 2:]))
    outer = corners(ops.minimum(true[..., :2], told[..., :2]), ops.maximum(true[..., 2:], told[..., 2:]))
    both = area(inner)
    either = ops.maximum(area(true) + area(told) - both, _LEAST)
    around = ops.maximum(area(outer), _LEAST)
    overlap = both / either
    return overlap, 1 - overlap + (around - either) / around
