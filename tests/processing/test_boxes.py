"""What a detector found, in pixels of the picture."""

import numpy as np

from processing.boxes import Box, Detection, Outputs, detections
from processing.window import Window

LABELS = ("cat", "dog")
WHOLE = Window(left=0, top=0, width=200, height=100)


def _outputs(*rows: tuple[tuple[float, float, float, float], float, int], count: int | None = None) -> Outputs:
    boxes, scores, classes = zip(*rows, strict=True)
    return Outputs(
        np.array(boxes, np.float32),
        np.array(scores, np.float32),
        np.array(classes, np.int32),
        len(rows) if count is None else count,
    )


def test_sides_are_pixels_of_the_window_x_and_y_not_mixed_up() -> None:
    outputs = _outputs(((0.1, 0.2, 0.3, 0.4), 0.75, 1))
    assert detections(outputs, LABELS, WHOLE, (100, 200), 0.5) == [Detection(0.75, "dog", Box(40, 10, 80, 30))]
    inside = Window(left=-50, top=10, width=100, height=50)
    [one] = detections(outputs, LABELS, inside, (100, 200), 0.5)
    assert one.box == Box(0, 15, 0, 25)  # -30 to -10: cut at the edge


def test_boxes_are_cut_at_the_edges_of_the_picture() -> None:
    beyond = Window(left=-10, top=-20, width=300, height=300)
    [one] = detections(_outputs(((0, 0, 1, 1), 0.9, 0)), LABELS, beyond, (100, 200), 0.5)
    assert one.box == Box(0, 0, 200, 100)


def test_the_threshold_itself_is_told_and_what_is_behind_the_count_is_nothing() -> None:
    rows = [((0, 0, 1, 1), 0.9, 0), ((0, 0, 1, 1), 0.5, 1), ((0, 0, 1, 1), 0.25, 0), ((0, 0, 1, 1), 0.9, 0)]
    outputs = _outputs(*rows, count=3)
    assert [one.score for one in detections(outputs, LABELS, WHOLE, (100, 200), 0.5)] == [float(np.float32(0.9)), 0.5]
    assert len(detections(outputs, LABELS, WHOLE, (100, 200), 0)) == 3
    assert detections(outputs, LABELS, WHOLE, (100, 200), 1) == []
    assert detections(_outputs(*rows[:1], count=0), LABELS, WHOLE, (100, 200), 0) == []
