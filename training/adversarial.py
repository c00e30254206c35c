"""The fast gradient sign method: the smallest step on every number at once that hurts a model most.

x′ = x + ε · sign(∂ loss / ∂ x), Goodfellow et al. 2015, Explaining and Harnessing Adversarial Examples. Through the
Keras model: whoever has the weights can do it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from training.batches import rows_together
from training.disturbance import Attack
from training.recipe import Array

if TYPE_CHECKING:
    import keras

_NAME = "FGSM"
_GREY_LEVELS = (4, 8, 16)
_EMBEDDING_SHARES = (0.05, 0.1, 0.2)
_TOLD = 1  # the middle strength
_ROWS = 256  # pictures attacked together
_TEXTS = 32  # a gradient keeps what every layer made of every token: of 256 long texts in BERT 13 GB


@dataclass(frozen=True)
class Embedded:
    """A model of texts in two parts.

    Attributes:
        words: token ids `[texts, tokens]` to the vectors `[texts, tokens, size]` that are attacked.
        rest: the token ids, and these, to logits `[texts, labels]`; differentiable in the latter.
    """

    words: Callable[[Any], Any]
    rest: Callable[[Any, Any], Any]


def attack_pictures(model: "keras.Model", pictures: Array, truth: Array) -> list[Attack]:
    """Steps of whole grey levels on uint8 pictures; `model` begins with the layer that normalises them.

    Rounding to grey levels is part of it: the attacked picture is one that could be sent.
    """
    import keras

    first = _first_layer(model)
    rest = keras.Model(first.output, model.outputs[0])
    together = rows_together(pictures, _ROWS)
    signs = np.concatenate([_signs(rest, first(some), true) for some, true in _portions(pictures, truth, together)])
    attacks = []
    for number, levels in enumerate(_GREY_LEVELS):
        attacked = np.clip(pictures + levels * signs, 0, 255).astype(np.uint8)
        right = model.predict(attacked, batch_size=together, verbose=0).argmax(axis=1) == truth
        what = f"each pixel changed by {levels} of 255 grey levels against the model (fast gradient sign)"
        attacks.append(Attack(_NAME, f"{levels}/255", what, right, told=number == _TOLD))
    return attacks


def attack_embeddings(model: Embedded, token_ids: Array, truth: Array) -> list[Attack]:
    """Steps on the vectors of tokens: tokens themselves have no gradient.

    A step's size is a share of the root mean square of these vectors. Padding is left alone, and so is whatever else
    the model makes of the tokens. No text need lead to the attacked vectors, so this is the worst case. The more
    numbers a vector has, the further such a step goes: the name tells how many, lest unlike networks are compared.
    """
    import tensorflow as tf

    right: dict[float, list[Any]] = {share: [] for share in _EMBEDDING_SHARES}
    for padded, true in _portions(token_ids, truth, _TEXTS):
        cut = padded[:, : np.flatnonzero((padded != 0).any(axis=0))[-1] + 1]
        ids, used = tf.constant(cut), (cut != 0)[..., np.newaxis]
        vectors = np.asarray(model.words(ids))
        size = np.sqrt((vectors[used[..., 0]] ** 2).mean())
        signs = _signs(partial(model.rest, ids), vectors, true) * used
        for share, portion in right.items():
            logits = model.rest(ids, tf.constant(vectors + np.float32(share * size) * signs))
            portion.append(np.asarray(logits).argmax(axis=1) == true)
    attacks = []
    for number, (share, portions) in enumerate(right.items()):
        what = f"each number of the word vectors changed by {100 * share:g} % of their size (fast gradient sign)"
        name = f"{_NAME} on {vectors.shape[-1]} numbers a token"
        attacks.append(Attack(name, f"{100 * share:g} %", what, np.concatenate(portions), told=number == _TOLD))
    return attacks


def _first_layer(model: "keras.Model") -> "keras.layers.Layer":
    import keras

    return next(layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer))


def _portions(inputs: Array, truth: Array, rows: int) -> list[tuple[Array, Array]]:
    cuts = range(rows, len(truth), rows)
    return list(zip(np.split(inputs, cuts), np.split(truth, cuts), strict=True))


def _signs(rest: Callable[[Any], Any], attacked: Any, truth: Array) -> Array:
    """Of the gradient of the loss for `attacked`: −1, 0 or 1 for each of its numbers."""
    import keras
    import tensorflow as tf

    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    attacked = tf.convert_to_tensor(attacked)
    with tf.GradientTape() as tape:
        tape.watch(attacked)
        value = loss(truth, rest(attacked))
    gradient: Array = np.asarray(tape.gradient(value, attacked))
    return np.sign(gradient)
