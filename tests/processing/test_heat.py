"""A heat-map lies where its window is, and nowhere else."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from processing.heat import heated, png
from processing.window import Window

WHITE = np.full((60, 100, 3), 255, np.uint8)


def covered(heat: list[list[float]], window: Window) -> list[int]:
    """Left, top, right and bottom of what is not white any more."""
    rows, columns = np.nonzero((heated(WHITE, np.array(heat, np.float32), window) != 255).any(axis=2))
    return [int(edge) for edge in (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)]


def test_the_heat_fills_its_window() -> None:
    assert covered([[1, 1], [1, 1]], Window(left=20, top=10, width=40, height=30)) == [20, 10, 60, 40]


def test_a_window_may_reach_beyond_the_picture() -> None:
    assert covered([[1, 1], [1, 1]], Window(left=-30, top=40, width=200, height=200)) == [0, 40, 100, 60]
    assert not (heated(WHITE, np.ones((2, 2)), Window(left=200, top=0, width=10, height=10)) != 255).any()


def test_hotter_is_covered_more_and_cold_is_the_picture_itself() -> None:
    picture = heated(WHITE, np.array([[0.0, 0.0], [0.5, 1.0]]), Window(0, 0, 100, 60)).astype(int)
    cold, warm, hot = picture[5, 50], picture[55, 5], picture[55, 95]
    assert cold.tolist() == [255, 255, 255]
    assert hot[1] < warm[1] < 255
    assert hot[0] > hot[1] + 100


@pytest.mark.parametrize("value", [-3.0, 7.0])
def test_heat_beyond_its_range_is_clipped(value: float) -> None:
    window = Window(0, 0, 100, 60)
    within = heated(WHITE, np.full((2, 2), np.clip(value, 0, 1)), window)
    np.testing.assert_array_equal(heated(WHITE, np.full((2, 2), value), window), within)


def test_a_picture_is_packed_without_loss() -> None:
    picture = np.random.default_rng(1).integers(0, 255, (30, 40, 3), dtype=np.uint8)
    np.testing.assert_array_equal(np.asarray(Image.open(BytesIO(png(picture)))), picture)
