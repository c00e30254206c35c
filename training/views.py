"""Other views of a picture on its way into a training: a part of it, turned a little, mirrored."""

import cv2
import numpy as np

from models.image_classifier import PictureAugment
from processing.image import Pixels


def view(picture: Pixels, augment: PictureAugment, rng: np.random.Generator) -> Pixels:
    """RGB `[h, w, 3]` to the same shape; what would be outside of the picture is mirrored in its border."""
    height, width = picture.shape[:2]
    share = 1 - rng.uniform(0, augment.zoom)
    middle = [(length - 1) / 2 + rng.uniform(-0.5, 0.5) * (1 - share) * length for length in (width, height)]
    matrix = cv2.getRotationMatrix2D((middle[0], middle[1]), rng.uniform(-augment.turn, augment.turn), 1 / share)
    matrix[:, 2] += (width - 1) / 2 - middle[0], (height - 1) / 2 - middle[1]
    seen = cv2.warpAffine(picture, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    mirrored = rng.random() < 0.5
    return np.asarray(seen[:, ::-1] if augment.flip and mirrored else seen, np.uint8)
