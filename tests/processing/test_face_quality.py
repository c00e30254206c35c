"""Whether a face is large and sharp enough."""

import numpy as np
import pytest
from PIL import Image, ImageFilter

from processing.boxes import Box
from processing.face_quality import LEAST_SHARPNESS, LEAST_SIZE, FaceQuality, face_quality, sharpness

CHECKS = np.indices((150, 150)).sum(axis=0) // 8 % 2
CHIP = np.repeat((CHECKS * 40 + 100).astype(np.uint8)[..., np.newaxis], 3, axis=2)


def test_blur_takes_sharpness_away() -> None:
    blurs = [Image.fromarray(CHIP).filter(ImageFilter.GaussianBlur(radius)) for radius in (0, 1, 2, 4)]
    found = [sharpness(np.asarray(blur)) for blur in blurs]
    assert found == sorted(found, reverse=True)
    assert found[0] > 10 * found[1] > 20 * found[2]


def test_it_is_the_mean_square_of_the_laplacian() -> None:
    """One pixel of ten in 22 × 22: its own value and those of its four neighbours are among the twentieth left out."""
    chip = np.zeros((22, 22, 3), np.uint8)
    chip[:, ::2] = 10  # each pixel is 20 more or less than those beside it, and as those above
    assert sharpness(chip) == pytest.approx(400)
    chip[10, 10] = 255
    assert sharpness(chip) == pytest.approx(400)


def test_the_edge_of_the_picture_is_not_taken_for_sharpness() -> None:
    flat = np.full((150, 150, 3), 120, np.uint8)
    flat[:, :40] = 0
    assert sharpness(flat) == 0


@pytest.mark.parametrize(
    ("size", "sharp", "fault"),
    [
        (LEAST_SIZE, LEAST_SHARPNESS, None),
        (LEAST_SIZE - 1, 1000, "small"),
        (1000, LEAST_SHARPNESS - 0.1, "blurred"),
        (LEAST_SIZE - 1, 0, "small"),
    ],
)
def test_what_is_too_little_is_a_fault(size: int, sharp: float, fault: str | None) -> None:
    assert FaceQuality(size, sharp).fault == fault


def test_the_size_is_the_shorter_side() -> None:
    quality = face_quality(Box(0, 0, 60, 50), CHIP)
    assert quality.size == 50
    assert quality.fault is None
