"""Composed scenes: boxes are where the articles are, and a seed makes one scene."""

import cv2
import numpy as np

from training.data.garment_scenes import BACKGROUNDS, SIDE, GarmentScene, compose

ARTICLE = np.zeros((28, 28), np.uint8)
ARTICLE[2:26, 8:20] = 255
BLACK = np.zeros((200, 150, 3), np.uint8)


def _scene(seed: int) -> GarmentScene:
    return compose(ARTICLE[np.newaxis], np.array([3]), [BLACK], np.random.default_rng(seed))


def test_a_seed_makes_one_scene_and_another_another() -> None:
    one, same, other = (_scene(seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.picture, same.picture)
    np.testing.assert_array_equal(one.boxes, same.boxes)
    assert not np.array_equal(one.picture, other.picture)


def test_scenes_have_all_grounds_and_one_to_six_articles_that_hardly_overlap() -> None:
    scenes = [_scene(seed) for seed in range(200)]
    assert {scene.background for scene in scenes} == set(BACKGROUNDS)
    assert {len(scene.labels) for scene in scenes} >= {1, 2, 3, 4, 5, 6}
    for scene in scenes:
        assert scene.picture.shape == (SIDE, SIDE, 3)
        assert scene.picture.dtype == np.uint8
        assert set(scene.labels.tolist()) <= {3}
        assert (scene.boxes[:, :2] >= 0).all()
        assert (scene.boxes[:, 2:] <= SIDE).all()
        for place, box in enumerate(scene.boxes):
            for other in scene.boxes[:place]:
                inner = np.maximum(np.minimum(box[2:], other[2:]) - np.maximum(box[:2], other[:2]), 0)
                smaller = min(np.prod(one[2:] - one[:2]) for one in (box, other))
                assert np.prod(inner) <= 0.3 * smaller + 1e-3


def test_a_box_is_around_what_differs_from_the_ground() -> None:
    """On a black photograph all that is bright is the article, if that is bright."""
    scenes = (scene for scene in map(_scene, range(200)) if scene.background == "photograph" and len(scene.boxes) == 1)
    alone = [scene for scene in scenes if scene.picture.max() > 150]
    assert len(alone) >= 3
    for scene in alone:
        bright = cv2.medianBlur(scene.picture, 3).max(axis=2) > 45
        rows, columns = np.flatnonzero(bright.any(axis=1)), np.flatnonzero(bright.any(axis=0))
        around = [rows[0], columns[0], rows[-1] + 1, columns[-1] + 1]
        assert np.abs(scene.boxes[0] - around).max() <= 2
