"""The baseline: what stands out, and what it is nearest to."""

import numpy as np

from processing.boxes import Box
from training.components import components

TALL, WIDE = np.zeros((28, 28), np.uint8), np.zeros((28, 28), np.uint8)
TALL[:, 10:18], WIDE[10:18] = 255, 255
KNOWN, LABELS = np.stack([TALL, WIDE]), np.array([0, 1])


def test_pieces_that_stand_out_get_the_label_of_what_they_are_like() -> None:
    picture = np.full((128, 128, 3), 40, np.uint8)
    picture[10:50, 20:32] = (250, 240, 230)
    picture[80:92, 60:110] = (200, 90, 240)
    nothing = np.full((128, 128, 3), 90, np.uint8)
    found, none = components([picture, nothing], KNOWN.repeat(5, axis=0), LABELS.repeat(5), ("tall", "wide"))
    assert [(one.label, one.box) for one in found] == [
        ("tall", Box(20, 10, 32, 50)),
        ("wide", Box(60, 80, 110, 92)),
    ]
    assert all(0 < one.score <= 1 for one in found)
    assert none == []
