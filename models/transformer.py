"""A Transformer of encoder and decoder as one Keras layer: what it makes of two rows of tokens, and how it writes one.

Imports Keras at the top, as a module of layers must; only `build` functions import it. Products, sums and gathers:
operations that every TensorFlow Serving has, where keras-hub's own cache is written by one of XLA.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf
from keras import ops

_FAR = -1e9  # added to what is not to be looked at, or not to be written
_ROTATION_BASE = 10_000.0
_EPSILON = 1e-5


@dataclass(frozen=True)
class TransformerSize:
    """`heads` divide `width` into even parts, and the vocabulary is that of both languages."""

    vocabulary: int
    width: int
    heads: int
    inner_width: int
    encoder_layers: int
    decoder_layers: int
    dropout: float


@dataclass(frozen=True)
class Read:
    """What the encoder made of a batch of sources: for each layer of the decoder keys and values `[batch, heads,
    tokens, width / heads]`, and what hides the padding, `[batch, 1, 1, tokens]`."""

    keys_values: Sequence[tuple[Any, Any]]
    hidden: Any


class Whole(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """A layer that has all its weights once it is made: which inputs it will be called with changes nothing."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.built = True


class EncoderDecoder(Whole):
    """Norms come first (RMS), tokens are told apart by rotation, one table embeds tokens of both languages and scores
    them; the inner activation is relu(x)². All kernels are `[in, out]`, without biases."""

    def __init__(self, size: TransformerSize, pad_id: int, begin_id: int, **options: Any) -> None:
        super().__init__(**options)
        self.size, self.pad_id, self.begin_id = size, pad_id, begin_id
        scattered = keras.initializers.RandomNormal(stddev=size.width**-0.5)
        self.table = self.add_weight(shape=(size.vocabulary, size.width), initializer=scattered, name="embedding")
        self.encoder = [EncoderBlock(size, name=f"encoder_{number}") for number in range(size.encoder_layers)]
        self.decoder = [DecoderBlock(size, name=f"decoder_{number}") for number in range(size.decoder_layers)]
        self.encoder_norm = Norm(size.width, name="encoder_norm")
        self.decoder_norm = Norm(size.width, name="decoder_norm")
        self.dropout = keras.layers.Dropout(size.dropout, name="dropout")

    def call(self, source: Any) -> Any:
        """int32 `[batch, tokens]` to the logits `[batch, vocabulary]` of the first token of a translation."""
        begin = ops.full_like(source[:, :1], self.begin_id)
        return self.taught(source, begin)[:, 0]

    def taught(self, source: Any, before: Any, *, training: bool = False) -> Any:
        """Logits `[batch, tokens, vocabulary]` of what follows each token of `before`."""
        read = self.read(source, training=training)
        length = ops.shape(before)[1]
        places = ops.arange(length)
        causal = ops.where(places[None, :] <= places[:, None], 0.0, _FAR)[None, None]
        x, turned = self._embedded(before, training=training), rotation(places, self._head)
        for block, keys_values in zip(self.decoder, read.keys_values, strict=True):
            x, _ = block.step(x, None, causal, turned, read=keys_values, unread=read.hidden, training=training)
        return self._scores(x)

    def read(self, source: Any, *, training: bool = False) -> Read:
        hidden = ops.where(ops.equal(source, self.pad_id), _FAR, 0.0)[:, None, None, :]
        x = self._embedded(source, training=training)
        turned = rotation(ops.arange(ops.shape(source)[1]), self._head)
        for block in self.encoder:
            x = block(x, hidden, turned, training=training)
        x = self.encoder_norm(x)
        return Read([block.cross.keys_values(x) for block in self.decoder], hidden)

    def write(self, tokens: Any, place: Any, cache: Sequence[Any], read: Read) -> tuple[Any, tuple[Any, ...]]:
        """One step: the last token of each row, int32 `[rows]`, at `place` to the logits `[rows, vocabulary]` of the
        one that follows. The cache, keys and values `[2, rows, heads, place, width / heads]` for each layer, comes back
        with that token."""
        x, turned = self._embedded(tokens[:, None], training=False), rotation(ops.reshape(place, (1,)), self._head)
        kept = []
        for block, known, keys_values in zip(self.decoder, cache, read.keys_values, strict=True):
            x, grown = block.step(x, known, None, turned, read=keys_values, unread=read.hidden, training=False)
            kept.append(grown)
        return self._scores(x)[:, 0], tuple(kept)

    @property
    def _head(self) -> int:
        return self.size.width // self.size.heads

    def _embedded(self, tokens: Any, *, training: bool) -> Any:
        return self.dropout(ops.take(self.table, tokens, axis=0) * self.size.width**0.5, training=training)

    def _scores(self, x: Any) -> Any:
        x = self.decoder_norm(x)
        flat = ops.reshape(x, (-1, self.size.width))
        return ops.reshape(
            tf.matmul(flat, self.table.value, transpose_b=True), (*ops.shape(x)[:2], self.size.vocabulary)
        )


class EncoderBlock(Whole):
    def __init__(self, size: TransformerSize, **options: Any) -> None:
        super().__init__(**options)
        self.attention = Attention(size, name="attention")
        self.feed_forward = FeedForward(size, name="feed_forward")
        self.dropout = keras.layers.Dropout(size.dropout, name="dropout")

    def call(self, x: Any, hidden: Any, turned: Any, training: bool = False) -> Any:
        attended, _ = self.attention.among(x, None, hidden, turned)
        x += self.dropout(attended, training=training)
        return x + self.dropout(self.feed_forward(x), training=training)


class DecoderBlock(Whole):
    def __init__(self, size: TransformerSize, **options: Any) -> None:
        super().__init__(**options)
        self.attention = Attention(size, name="attention")
        self.cross = CrossAttention(size, name="cross_attention")
        self.feed_forward = FeedForward(size, name="feed_forward")
        self.dropout = keras.layers.Dropout(size.dropout, name="dropout")

    def step(
        self, x: Any, cache: Any, hidden: Any, turned: Any, *, read: tuple[Any, Any], unread: Any, training: bool
    ) -> tuple[Any, Any]:
        """`x` and keys and values, `[2, rows, heads, tokens, width / heads]`: those of the cache, if any, and its."""
        attended, grown = self.attention.among(x, cache, hidden, turned)
        x += self.dropout(attended, training=training)
        x += self.dropout(self.cross.to(x, read, unread), training=training)
        return x + self.dropout(self.feed_forward(x), training=training), grown


class Attention(Whole):
    """Of tokens to each other."""

    def __init__(self, size: TransformerSize, **options: Any) -> None:
        super().__init__(**options)
        self.heads, self.norm = size.heads, Norm(size.width, name="norm")
        self.inner = self.add_weight(shape=(size.width, 3 * size.width), initializer="glorot_uniform", name="inner")
        self.outer = self.add_weight(shape=(size.width, size.width), initializer="glorot_uniform", name="outer")

    def among(self, x: Any, cache: Any, hidden: Any, turned: Any) -> tuple[Any, Any]:
        query, key, value = ops.split(ops.matmul(self.norm(x), self.inner), 3, axis=-1)
        query, key = (turn(apart(part, self.heads), turned) for part in (query, key))
        grown = ops.stack([key, apart(value, self.heads)])
        if cache is not None:
            grown = ops.concatenate([cache, grown], axis=3)
        return ops.matmul(attended(query, grown[0], grown[1], hidden), self.outer), grown


class CrossAttention(Whole):
    """Of the translation's tokens to those of the source."""

    def __init__(self, size: TransformerSize, **options: Any) -> None:
        super().__init__(**options)
        self.heads, self.norm = size.heads, Norm(size.width, name="norm")
        self.query = self.add_weight(shape=(size.width, size.width), initializer="glorot_uniform", name="query")
        self.given = self.add_weight(shape=(size.width, 2 * size.width), initializer="glorot_uniform", name="given")
        self.outer = self.add_weight(shape=(size.width, size.width), initializer="glorot_uniform", name="outer")

    def keys_values(self, read: Any) -> tuple[Any, Any]:
        key, value = ops.split(ops.matmul(read, self.given), 2, axis=-1)
        return apart(key, self.heads), apart(value, self.heads)

    def to(self, x: Any, keys_values: tuple[Any, Any], hidden: Any) -> Any:
        query = apart(ops.matmul(self.norm(x), self.query), self.heads)
        return ops.matmul(attended(query, *keys_values, hidden), self.outer)


class FeedForward(Whole):
    def __init__(self, size: TransformerSize, **options: Any) -> None:
        super().__init__(**options)
        self.norm = Norm(size.width, name="norm")
        self.inner = self.add_weight(shape=(size.width, size.inner_width), initializer="glorot_uniform", name="inner")
        self.outer = self.add_weight(shape=(size.inner_width, size.width), initializer="glorot_uniform", name="outer")

    def call(self, x: Any) -> Any:
        return ops.matmul(ops.square(ops.relu(ops.matmul(self.norm(x), self.inner))), self.outer)


class Norm(Whole):
    """x / √(mean of x² + ε) · scale."""

    def __init__(self, width: int, **options: Any) -> None:
        super().__init__(**options)
        self.scale = self.add_weight(shape=(width,), initializer="ones", name="scale")

    def call(self, x: Any) -> Any:
        return x * ops.rsqrt(ops.mean(ops.square(x), axis=-1, keepdims=True) + _EPSILON) * self.scale


def apart(x: Any, heads: int) -> Any:
    """`[batch, tokens, width]` to `[batch, heads, tokens, width / heads]`."""
    rows, length, width = ops.shape(x)[0], ops.shape(x)[1], x.shape[-1]
    return ops.transpose(ops.reshape(x, (rows, length, heads, width // heads)), (0, 2, 1, 3))


def attended(query: Any, key: Any, value: Any, hidden: Any) -> Any:
    """softmax(q · kᵀ / √d + hidden) · v, all heads beside each other: `[batch, tokens, width]`."""
    # A transposition of what a loop does not change, followed by a product, is what TensorFlow 2.21's optimiser makes a
    # loop without a result of; a product that transposes itself is not.
    scores = tf.matmul(query * query.shape[-1] ** -0.5, key, transpose_b=True)
    shares = tf.nn.softmax(scores if hidden is None else scores + hidden)  # Keras' own warns of a single token
    seen = ops.matmul(shares, value)
    rows, heads, length, head = ops.shape(seen)[0], seen.shape[1], ops.shape(seen)[2], seen.shape[3]
    return ops.reshape(ops.transpose(seen, (0, 2, 1, 3)), (rows, length, heads * head))


def rotation(places: Any, head: int) -> tuple[Any, Any]:
    """Cosines and sines `[places, head / 2]` by which queries and keys are turned (Su et al. 2021)."""
    turns = _ROTATION_BASE ** (-ops.arange(0, head, 2, dtype="float32") / head)
    angles = ops.cast(places, "float32")[:, None] * turns[None, :]
    return ops.cos(angles), ops.sin(angles)


def turn(x: Any, rotated: tuple[Any, Any]) -> Any:
    """`[batch, heads, tokens, head]`: each pair of its halves' numbers by the angle of its place."""
    cosines, sines = rotated
    one, other = ops.split(x, 2, axis=-1)
    return ops.concatenate([one * cosines - other * sines, one * sines + other * cosines], axis=-1)


class TaughtModel(keras.Model):  # type: ignore[misc]  # Keras ships no types
    """A model of one `EncoderDecoder` that is fitted with pairs: each token of a translation from those before it.

    A translation that is fitted ends with its end, and is padded behind it.
    """

    @property
    def network(self) -> EncoderDecoder:
        (network,) = (layer for layer in self.layers if isinstance(layer, EncoderDecoder))
        return network

    def train_step(self, data: Any) -> dict[str, Any]:
        with tf.GradientTape() as tape:
            loss = self._mean_loss(*data, training=True)
        weights = self.trainable_weights
        self.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        return self._told(loss)

    def test_step(self, data: Any) -> dict[str, Any]:
        return self._told(self._mean_loss(*data, training=False))

    def compute_loss(self, x: Any, y: Any, *_others: Any, training: bool = True, **_more: Any) -> Any:
        """What Keras looks at before the first step."""
        return self._mean_loss(x, y, training=training)

    def _mean_loss(self, x: Any, y: Any, *, training: bool) -> Any:
        """Over all tokens of a batch that are there."""
        begin = ops.full_like(y[:, :1], self.network.begin_id)
        logits = self.network.taught(x, ops.concatenate([begin, y[:, :-1]], axis=1), training=training)
        there = ops.cast(ops.not_equal(y, self.network.pad_id), "float32")
        return ops.sum(self.loss(y, logits) * there) / ops.maximum(ops.sum(there), 1.0)

    def _told(self, loss: Any) -> dict[str, Any]:
        self._loss_tracker.update_state(loss)
        return {"loss": self._loss_tracker.result()}


class SmoothedCrossentropy:
    """−(1 − ε) · log p(token) − ε · mean over the vocabulary of log p, `[batch, tokens]`."""

    def __init__(self, smoothing: float) -> None:
        self.smoothing = smoothing

    def __call__(self, tokens: Any, logits: Any) -> Any:
        whole = ops.logsumexp(logits, axis=-1)
        of_token = whole - tf.gather(logits, tokens, batch_dims=2)
        return (1 - self.smoothing) * of_token + self.smoothing * (whole - ops.mean(logits, axis=-1))
