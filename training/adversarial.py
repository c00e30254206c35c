"""The fast gradient sign method: the smallest step on every number at once that hurts a model most.

x′ = x + ε · sign(∂ loss / ∂ x), Goodfellow et al. 2015, Explaining and Harnessing Adversarial Examples. Through the
Keras model: whoever has the weights can do it.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from training.disturbance import Attack
from training.recipe import Array

if TYPE_CHECKING:
    import keras

_NAME = "FGSM"
_GREY_LEVELS = (4, 8, 16)
_EMBEDDING_SHARES = (0.05, 0.1, 0.2)
_TOLD = 1  # the middle strength
_ROWS = 256  # attacked together


def attack_pictures(model: "keras.Model", pictures: Array, truth: Array) -> list[Attack]:
    """Steps of whole grey levels on uint8 pictures; `model` begins with the layer that normalises them.

    Rounding to grey levels is part of it: the attacked picture is one that could be sent.
    """
    import keras

    first = _first_layer(model)
    rest = keras.Model(first.output, model.outputs[0])
    signs = np.concatenate([_signs(rest, [first(some)], true) for some, true in _portions(pictures, truth)])
    attacks = []
    for number, levels in enumerate(_GREY_LEVELS):
        attacked = np.clip(pictures + levels * signs, 0, 255).astype(np.uint8)
        right = model.predict(attacked, batch_size=_ROWS, verbose=0).argmax(axis=1) == truth
        what = f"each pixel changed by {levels} of 255 grey levels against the model (fast gradient sign)"
        attacks.append(Attack(_NAME, f"{levels}/255", what, right, told=number == _TOLD))
    return attacks


def attack_embeddings(model: "keras.Model", token_ids: Array, truth: Array, layer: str) -> list[Attack]:
    """Steps on the word vectors that `layer` makes of tokens: tokens themselves have no gradient.

    A step's size is a share of the root mean square of these vectors. Padding is left alone, and so is whatever else
    the model makes of the tokens. No text need lead to the attacked vectors, so this is the worst case.
    """
    import keras

    words = model.get_layer(layer)
    rest = keras.Model([words.output, *model.inputs], model.outputs[0])
    right: dict[float, list[Any]] = {share: [] for share in _EMBEDDING_SHARES}
    for ids, true in _portions(token_ids, truth):
        vectors, used = np.asarray(words(ids)), (ids != 0)[..., np.newaxis]
        size = np.sqrt((vectors[used[..., 0]] ** 2).mean())
        signs = _signs(rest, [vectors, ids], true) * used
        for share, portion in right.items():
            logits = rest([vectors + np.float32(share * size) * signs, ids], training=False)
            portion.append(np.asarray(logits).argmax(axis=1) == true)
    attacks = []
    for number, (share, portions) in enumerate(right.items()):
        what = f"each number of the word vectors changed by {100 * share:g} % of their size (fast gradient sign)"
        attacks.append(Attack(_NAME, f"{100 * share:g} %", what, np.concatenate(portions), told=number == _TOLD))
    return attacks


def _first_layer(model: "keras.Model") -> "keras.layers.Layer":
    import keras

    return next(layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer))


def _portions(inputs: Array, truth: Array) -> list[tuple[Array, Array]]:
    cuts = range(_ROWS, len(truth), _ROWS)
    return list(zip(np.split(inputs, cuts), np.split(truth, cuts), strict=True))


def _signs(rest: "keras.Model", inputs: Sequence[Any], truth: Array) -> Array:
    """Of the gradient of the loss for the first of `inputs`: −1, 0 or 1 for each of its numbers."""
    import keras
    import tensorflow as tf

    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    attacked, *others = (tf.convert_to_tensor(each) for each in inputs)
    with tf.GradientTape() as tape:
        tape.watch(attacked)
        given = [attacked, *others] if others else attacked
        logits = rest(given, training=False)
        value = loss(truth, logits)
    gradient: Array = np.asarray(tape.gradient(value, attacked))
    return np.sign(gradient)
