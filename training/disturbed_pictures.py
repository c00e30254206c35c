"""Disturbances of pictures: what cameras, scanners and compression do to them."""

import cv2
import numpy as np
from numpy.typing import NDArray

from training.disturbance import Disturbance

Picture = NDArray[np.uint8]  # [h, w] or [h, w, 3]


def jpeg(picture: Picture, quality: int) -> Picture:
    """Through JPEG of that quality, 1…100."""
    _, encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED), np.uint8)


def blurred(picture: Picture, share: float) -> Picture:
    """Gaussian blur; its σ is that share of the longer side."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), share * max(picture.shape[:2])), np.uint8)


def noisy(picture: Picture, sigma: float, rng: np.random.Generator) -> Picture:
    """Gaussian noise of `sigma` grey levels, clipped to 0…255."""
    return np.clip(np.rint(picture + rng.normal(0, sigma, picture.shape)), 0, 255).astype(np.uint8)


def brighter(picture: Picture, levels: int) -> Picture:
    """So many grey levels added, clipped to 0…255."""
    return np.clip(picture.astype(np.int16) + levels, 0, 255).astype(np.uint8)


def turned(picture: Picture, degrees: float) -> Picture:
    """About its middle, to the left where positive; what comes in is like the border."""
    height, width = picture.shape[:2]
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1)
    return np.asarray(cv2.warpAffine(picture, turn, (width, height), borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _jpeg(quality: int, *, told: bool = False) -> Disturbance[Picture]:
    what = f"saved as JPEG of quality {quality}"
    return Disturbance("JPEG", f"quality {quality}", what, lambda picture, _rng: jpeg(picture, quality), told)


def _blur(percent: float, *, told: bool = False) -> Disturbance[Picture]:
    what = f"Gaussian blur, σ {percent:g} % of the side"
    return Disturbance("blur", f"σ {percent:g} %", what, lambda picture, _rng: blurred(picture, percent / 100), told)


def _noise(sigma: int, *, told: bool = False) -> Disturbance[Picture]:
    what = f"Gaussian noise, σ {sigma} of 255 grey levels"
    return Disturbance("noise", f"σ {sigma}", what, lambda picture, rng: noisy(picture, sigma, rng), told)


def _brightness(levels: int, *, told: bool = False) -> Disturbance[Picture]:
    what = f"{levels} of 255 grey levels added"
    return Disturbance("brightness", f"+{levels}", what, lambda picture, _rng: brighter(picture, levels), told)


def _rotation(degrees: int, *, told: bool = False) -> Disturbance[Picture]:
    what = f"turned by {degrees}°, each to a side drawn by lot"
    return Disturbance(
        "rotation",
        f"{degrees}°",
        what,
        lambda picture, rng: turned(picture, degrees * (1 if rng.random() < 0.5 else -1)),
        told,
    )


PICTURE_DISTURBANCES = (
    _jpeg(50),
    _jpeg(10, told=True),
    _blur(1),
    _blur(3, told=True),
    _blur(5),
    _noise(20),
    _noise(40, told=True),
    _noise(80),
    _brightness(60),
    _brightness(120, told=True),
    _brightness(180),
    _rotation(10),
    _rotation(20, told=True),
    _rotation(40),
)

STILL_DISTURBANCES = tuple(one for one in PICTURE_DISTURBANCES if one.name != "rotation")
"""Those after which everything is where it was."""
