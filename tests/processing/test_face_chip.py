"""Chips of faces: the right part of a picture, turned upright."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from processing.boxes import Box
from processing.face_chip import (
    _ALIGNED,
    Points,
    Square,
    aligned_chip,
    placed,
    similarity,
    square_around,
    square_chip,
)
from processing.image import Pixels

POINTS: Points = np.array([[60.0, 80], [100, 80], [80, 105], [64, 125], [96, 125]])
COLOURS = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (255, 0, 255))


def _marked(points: Points, size: int = 200) -> Pixels:
    """Grey, with a dot of another colour at each point."""
    canvas = Image.new("RGB", (size, size), "grey")
    for (x, y), colour in zip(points.tolist(), COLOURS, strict=True):
        ImageDraw.Draw(canvas).ellipse((x - 4, y - 4, x + 4, y + 4), colour)
    return np.asarray(canvas)


def _places(chip: Pixels) -> Points:
    """The middle of each colour."""
    apart = [np.abs(chip.astype(int) - colour).sum(axis=2) for colour in COLOURS]
    return np.array([np.argwhere(values < 150).mean(axis=0)[::-1] for values in apart])


def _turned(points: Points, degrees: float, scale: float, middle: float) -> Points:
    angle = np.radians(degrees)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.asarray((points - POINTS.mean(axis=0)) @ turn.T + middle)


@pytest.mark.parametrize(("degrees", "scale", "size"), [(0, 1, 200), (30, 1, 200), (-90, 1.5, 300), (170, 4, 800)])
def test_landmarks_lie_in_the_chip_where_the_mean_face_has_them(degrees: float, scale: float, size: int) -> None:
    points = _turned(POINTS, degrees, scale, size / 2)
    found = _places(aligned_chip(_marked(points, size), points, 150))
    turn, shift = similarity(POINTS, _ALIGNED * 150)
    np.testing.assert_allclose(found, POINTS @ turn.T + shift, atol=2)
    np.testing.assert_allclose(found, _ALIGNED * 150, atol=12)  # as near as a face that is not the mean one can be


def test_what_is_beyond_the_picture_is_black() -> None:
    white = np.full((100, 100, 3), 255, np.uint8)
    chip = aligned_chip(white, POINTS - (60, 80), 150)
    assert (chip[:40, :40] == 0).all()
    assert (chip[100:, 100:] == 255).all()
    part = square_chip(white, square_around(Box(50, 50, 150, 150)), 10)
    assert (part[:4, :4] == 255).all()
    assert (part[6:, 6:] == 0).all()


def test_landmarks_far_beyond_their_chip_are_brought_nearer() -> None:
    square = Square(100, 200, 50)
    found = placed(np.array([[0.5, 0.2], [-9, 9], [1.2, -0.1], [0, 1], [1, 0]], np.float32), square)
    np.testing.assert_allclose(found, [[125, 210], [75, 275], [160, 195], [100, 250], [150, 200]], atol=1e-4)


def test_a_square_beside_the_picture_is_black() -> None:
    white = np.full((20, 30, 3), 255, np.uint8)
    for box in (Box(40, 0, 50, 10), Box(-30, 0, -20, 10), Box(0, 40, 10, 50), Box(0, -30, 10, -20)):
        assert not square_chip(white, square_around(box), 8).any()


def test_the_pattern_of_a_large_face_is_no_other_one_in_its_chip() -> None:
    stripes = np.zeros((800, 800, 3), np.uint8)
    stripes[::2] = 255
    chip = aligned_chip(stripes, POINTS * 4 + (80, 0), 150)
    assert np.abs(chip[30:120, 30:120].astype(int) - 127).max() < 10


def test_landmarks_that_are_one_point_still_have_a_chip() -> None:
    chip = aligned_chip(np.full((50, 50, 3), 7, np.uint8), np.full((5, 2), 25.0), 24)
    assert chip.shape == (24, 24, 3)
    assert (chip == 7).any()


def test_the_square_around_a_face_is_as_long_as_its_longer_side_and_a_bit() -> None:
    square = square_around(Box(10, 20, 30, 60))
    assert square.side == pytest.approx(46)
    assert (square.left + square.side / 2, square.top + square.side / 2) == pytest.approx((20, 40))
    assert square_around(Box(5, 5, 5, 5)).side > 0


def test_a_chip_shows_its_square_at_any_scale() -> None:
    picture = np.zeros((100, 100, 3), np.uint8)
    picture[40:60, 40:60] = 255
    for side in (4, 20, 80):
        chip = square_chip(picture, square_around(Box(40, 40, 60, 60)), side)
        assert chip.shape == (side, side, 3)
        middle = chip[side // 4 : 3 * side // 4, side // 4 : 3 * side // 4]
        assert (middle == 255).all()
        assert chip.mean() == pytest.approx(255 * (20 / 23) ** 2, rel=0.05)


def test_a_similarity_never_mirrors() -> None:
    turn, _ = similarity(POINTS * (-1, 1), POINTS)
    assert np.linalg.det(turn) > 0
    turn, shift = similarity(POINTS, POINTS * 2 + (3, 4))
    np.testing.assert_allclose(turn, 2 * np.eye(2), atol=1e-9)
    np.testing.assert_allclose(shift, [3, 4], atol=1e-9)
