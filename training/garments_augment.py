"""Random changes of garments on their way into a training, by layers of Keras: moved, mirrored, erased, mixed."""

from typing import TYPE_CHECKING, Any

import numpy as np

from models.fashion import FashionAugment

if TYPE_CHECKING:
    import tensorflow as tf

_ERASED = (0.02, 0.2)  # of a picture, where a part of it is
_AHEAD = 4  # batches


def augmented(batches: "tf.data.Dataset", settings: FashionAugment, rng: np.random.Generator) -> "tf.data.Dataset":
    """Batches of uint8 pictures `[batch, h, w, c]` and targets as shares of labels, changed as `rng` says.

    One batch after the other, for chance must not depend on which of two threads is faster; and beside the training,
    which needs some four times as long for a batch.
    """
    return batches.map(_Change(settings, rng)).prefetch(_AHEAD)


class _Change:
    def __init__(self, settings: FashionAugment, rng: np.random.Generator) -> None:
        from keras import layers

        seeds = iter(rng.integers(0, 2**31, 4).tolist())
        self._layers: list[Any] = [
            layers.RandomTranslation(settings.shift, settings.shift, fill_mode="constant", seed=next(seeds)),
            layers.RandomErasing(
                factor=settings.cutout, scale=_ERASED, fill_value=0.0, value_range=(0, 255), seed=next(seeds)
            ),
        ]
        if settings.flip:
            self._layers.append(layers.RandomFlip("horizontal", seed=next(seeds)))
        self._mix = layers.MixUp(settings.mixup, seed=next(seeds)) if settings.mixup else None

    def __call__(self, pictures: Any, targets: Any) -> tuple[Any, Any]:
        import tensorflow as tf

        changed = tf.cast(pictures, tf.float32)
        for layer in self._layers:
            changed = layer(changed, training=True)
        if self._mix is not None:
            mixed = self._mix({"images": changed, "labels": targets}, training=True)
            changed, targets = mixed["images"], mixed["labels"]
        return tf.cast(tf.clip_by_value(tf.round(changed), 0, 255), tf.uint8), targets
