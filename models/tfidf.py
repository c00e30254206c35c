"""Keras layers of a linear classifier of words: TF-IDF in the graph, a learnt weight of each word for each label.

Imports Keras at the top, as a module of layers must; only `build` functions import it. Plain gathers, comparisons and
sums: operations that every TensorFlow Serving has.
"""

from typing import Any

import keras
from keras import ops


class TermWeights(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """Terms `[batch, terms]`, padded with 0, to how much each place counts: float `[batch, terms]`, zero at padding.

    A term that is there c times weighs (1 + ln c) · idf, which its places share; over the terms of a text the squares
    add up to 1. `idf` is given, not learnt (Salton and Buckley 1988, with a logarithmic term frequency).
    """

    def __init__(self, terms: int, **options: Any) -> None:
        super().__init__(**options)
        self.idf = self.add_weight(shape=(terms,), initializer="ones", trainable=False, name="idf")

    def call(self, terms: Any) -> Any:
        there = ops.cast(ops.not_equal(terms, 0), "float32")
        same = ops.cast(ops.equal(ops.expand_dims(terms, 2), ops.expand_dims(terms, 1)), "float32")
        count = ops.maximum(ops.sum(same, axis=2), 1.0)
        weight = (1.0 + ops.log(count)) * ops.take(self.idf, terms, axis=0)
        squares = ops.sum(there * ops.square(weight) / count, axis=1, keepdims=True)
        return there * weight / count / ops.sqrt(ops.maximum(squares, 1e-12))


class LabelWeights(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """Terms and their weights `[batch, terms]` to logits `[batch, labels]`: a learnt number for each term and label."""

    def __init__(self, terms: int, labels: int, *, bias: bool, **options: Any) -> None:
        super().__init__(**options)
        self.table = self.add_weight(shape=(terms, labels), initializer="zeros", name="table")
        self.bias = self.add_weight(shape=(labels,), initializer="zeros", name="bias") if bias else None

    def call(self, terms: Any, weights: Any) -> Any:
        return self.logits(self.embedded(terms), weights)

    def embedded(self, terms: Any) -> Any:
        """What is looked up: `[batch, terms, labels]`."""
        return ops.take(self.table, terms, axis=0)

    def logits(self, embedded: Any, weights: Any) -> Any:
        summed = ops.sum(embedded * ops.expand_dims(weights, 2), axis=1)
        return summed if self.bias is None else summed + self.bias


class Pairs(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """Token ids `[batch, tokens]` to the number of each token with the next, from 1, `[batch, tokens]`; 0 for a pair
    that is not among `known`, which are ascending, each first · `vocabulary` + second. They are given, not learnt."""

    def __init__(self, vocabulary: int, size: int, **options: Any) -> None:
        super().__init__(**options)
        self.vocabulary = vocabulary
        self.known = self.add_weight(shape=(size,), initializer="zeros", dtype="int32", trainable=False, name="known")

    def call(self, token_ids: Any) -> Any:
        codes = self.codes(token_ids)
        flat = ops.reshape(codes, (-1,))
        known = ops.convert_to_tensor(self.known)
        place = ops.minimum(ops.searchsorted(known, flat), ops.shape(known)[0] - 1)
        number = ops.where(ops.equal(ops.take(known, place), flat) & ops.not_equal(flat, 0), place + 1, 0)
        return ops.reshape(number, ops.shape(codes))

    def codes(self, token_ids: Any) -> Any:
        """int32 `[batch, tokens]`, 0 where there is no next token."""
        following = ops.pad(token_ids[:, 1:], [[0, 0], [0, 1]])
        return ops.where(ops.not_equal(following, 0), token_ids * self.vocabulary + following, 0)
