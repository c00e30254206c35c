"""Keras layers that read a text as valences of words, each shifted by the words before it.

Imports Keras at the top, as a module of layers must; only `build` functions import it. Plain gathers, sums and maxima:
operations that every TensorFlow Serving has.
"""

from typing import Any

import keras
from keras import ops

REACH = 3  # words: how far a negation or an intensifier reaches, as in VADER's rules

_FIRST, _SECOND = 31337, 7919  # primes that spread the pairs over the buckets


def _mask(token_ids: Any) -> Any:
    """1 for a token, 0 for padding: float `[batch, tokens]`."""
    return ops.cast(ops.not_equal(token_ids, 0), "float32")


def _root_length(mask: Any) -> Any:
    """√ of the number of tokens, `[batch, 1]`: sums are divided by it, between a sum and a mean."""
    return ops.sqrt(ops.maximum(ops.sum(mask, axis=1, keepdims=True), 1.0))


class ShiftedWords(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """Token ids `[batch, tokens]` to word vectors `[batch, tokens, size + 1]`, zero at padding.

    x[i] = (vectors[t[i]] ‖ lexicon[t[i]]) · (1 + Σ_d shifters[t[i − d], d]) with d = 1…3: a word before, such as
    "not", turns or strengthens what follows. `lexicon` is given, not learnt.
    """

    def __init__(self, vocabulary: int, size: int, **options: Any) -> None:
        super().__init__(**options)
        scattered = keras.initializers.RandomNormal(stddev=0.05)
        self.vectors = self.add_weight(shape=(vocabulary, size), initializer=scattered, name="vectors")
        self.shifters = self.add_weight(shape=(vocabulary, REACH), initializer="zeros", name="shifters")
        self.lexicon = self.add_weight(shape=(vocabulary, 1), initializer="zeros", trainable=False, name="lexicon")

    def call(self, token_ids: Any) -> Any:
        return self.shifted(*self.embedded(token_ids), token_ids)

    def embedded(self, token_ids: Any) -> tuple[Any, Any]:
        """What is looked up for each token: (vectors ‖ lexicon) `[batch, tokens, size + 1]`, shifters `[…, 3]`."""
        vectors = [ops.take(table, token_ids, axis=0) for table in (self.vectors, self.lexicon)]
        return ops.concatenate(vectors, axis=-1), ops.take(self.shifters, token_ids, axis=0)

    def shifted(self, vectors: Any, shifts: Any, token_ids: Any) -> Any:
        """The layer's output from what was looked up."""
        return vectors * ops.expand_dims(_mask(token_ids) * self._factors(shifts), -1)

    def _factors(self, shifts: Any) -> Any:
        length = ops.shape(shifts)[1]
        factors = ops.ones_like(shifts[:, :, 0])
        for distance in range(1, REACH + 1):
            factors += ops.pad(shifts[:, :, distance - 1], [[0, 0], [distance, 0]])[:, :length]
        return factors


class PooledWords(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """Word vectors to features `[batch, 4 · size]`: sum and maximum of what is positive, and of what is negative."""

    def call(self, words: Any, token_ids: Any) -> Any:
        length = _root_length(_mask(token_ids))
        features = []
        for part in (ops.relu(words), ops.relu(-words)):
            features += [ops.sum(part, axis=1) / length, ops.max(part, axis=1)]
        return ops.concatenate(features, axis=-1)


class PairLogits(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """Token ids to logits `[batch, 2]`: a hashed weight for each pair of neighbours, summed."""

    def __init__(self, buckets: int, **options: Any) -> None:
        super().__init__(**options)
        self.buckets = buckets
        self.pairs = self.add_weight(shape=(buckets, 2), initializer="zeros", name="pairs")

    def call(self, token_ids: Any) -> Any:
        return ops.sum(self._weights(token_ids), axis=1)

    def shares(self, token_ids: Any) -> Any:
        """What each token adds to the logits, `[batch, tokens, 2]`: half of the weight of each pair it is in."""
        halves = self._weights(token_ids) / 2
        return ops.pad(halves, [[0, 0], [0, 1], [0, 0]]) + ops.pad(halves, [[0, 0], [1, 0], [0, 0]])

    def _weights(self, token_ids: Any) -> Any:
        """`[batch, tokens − 1, 2]`, of each token with the one that follows."""
        mask = _mask(token_ids)
        bucket = ops.mod(token_ids[:, :-1] * _FIRST + token_ids[:, 1:] * _SECOND, self.buckets)
        weights = ops.take(self.pairs, bucket, axis=0) * ops.expand_dims(mask[:, 1:], -1)
        return weights / ops.expand_dims(_root_length(mask), -1)
