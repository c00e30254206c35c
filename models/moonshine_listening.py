"""Writes down what is said in a recording, token by token, in one loop of the graph, as Moonshine does: plain text.

Plain TensorFlow: what grows is joined to what there is, nothing is written in place. What stands behind the end of a
row changes nothing in it: the front end's means are of what is known, and nobody looks at other places.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import tensorflow as tf

from models.listening import by_heads
from models.moonshine import CONVOLUTIONS, SAMPLE_RATE, SHORTEST, WINDOW_S
from models.one_window import one_window

_NEVER = -1e9
_TOKENS_PER_S = 6  # of speech, at most; and those of a second more


class _At(NamedTuple):
    """Where the loop is: for each row the last token, all that were written, their log-probabilities together, how many
    they are, and whether it has ended; `cache` has keys and values of each layer."""

    step: Any
    last: Any
    written: Any
    total: Any
    count: Any
    done: Any
    cache: tuple[Any, ...]


class _Heard(NamedTuple):
    """Keys and values `[batch, heads, places, head]` of what is heard, for each layer of the decoder, and what is added
    to how much is looked at each place, `[batch, 1, 1, places]`."""

    keys_values: Sequence[tuple[Any, Any]]
    barred: Any


@dataclass(frozen=True)
class MoonshineListening:
    """From the token `start` to the token `end`, `most` tokens of a window."""

    start: int
    end: int
    most: int

    def limits(self, lengths: Any) -> Any:
        """int32 `[batch]`: so many tokens are written of recordings of so many samples."""
        return tf.minimum(_TOKENS_PER_S * (lengths + SAMPLE_RATE) // SAMPLE_RATE, self.most)

    def write(self, backbone: Any, samples: Any) -> dict[str, Any]:
        """What is said, as `tokens`, int32 `[batch, most]`, the most probable each time, filled up with the end.

        Beside them `score`, float `[batch]`, is the mean log-probability of these tokens.

        Args:
            samples: float32 `[batch, samples]`, see `one_window`. A row ends with its last one that is not zero.
        """
        samples = one_window(samples, WINDOW_S, SAMPLE_RATE)
        lengths = known_samples(samples)
        x, known = encoded(backbone, samples, lengths)
        cross = [block.cross_attention for block in backbone.decoder_blocks]
        heard = _Heard(
            [(by_heads(of._key_dense(x)), by_heads(of._value_dense(x))) for of in cross],
            tf.where(known, 0.0, _NEVER)[:, tf.newaxis, tf.newaxis],
        )
        rows, limits = tf.shape(samples)[0], self.limits(lengths)

        def write(at: _At) -> tuple[_At]:
            logits, cache = _step(backbone, at.last, at.step, at.cache, heard)
            told = tf.nn.log_softmax(logits)
            token = tf.where(at.done, self.end, tf.argmax(told, axis=1, output_type=tf.int32))
            gained = tf.gather(told, token, batch_dims=1)
            step = at.step + 1
            return (
                _At(
                    step,
                    token,
                    tf.concat([at.written, token[:, tf.newaxis]], 1),
                    tf.where(at.done, at.total, at.total + gained),
                    tf.where(at.done, at.count, at.count + 1.0),
                    at.done | (token == self.end) | (step >= limits),
                    cache,
                ),
            )

        first = backbone.decoder_blocks[0].self_attention
        heads, head, layers = first.num_heads, first.key_dim, len(backbone.decoder_blocks)
        begun = _At(
            step=tf.constant(0),
            last=tf.fill([rows], self.start),
            written=tf.zeros([rows, 0], tf.int32),
            total=tf.zeros([rows]),
            count=tf.zeros([rows]),
            done=tf.zeros([rows], tf.bool),
            cache=(tf.zeros([2, rows, heads, 0, head]),) * layers,
        )
        row = tf.TensorShape([None])
        shapes = _At(
            step=tf.TensorShape([]),
            last=row,
            written=tf.TensorShape([None, None]),
            total=row,
            count=row,
            done=row,
            cache=(tf.TensorShape([2, None, heads, None, head]),) * layers,
        )
        (ended,) = tf.while_loop(lambda at: ~tf.reduce_all(at.done), write, (begun,), shape_invariants=(shapes,))
        missing = self.most - tf.shape(ended.written)[1]
        tokens = tf.pad(ended.written, [[0, 0], [0, missing]], constant_values=self.end)
        return {"tokens": tf.ensure_shape(tokens, [None, self.most]), "score": ended.total / ended.count}


def known_samples(samples: Any) -> Any:
    """int32 `[batch]`: how long each row is, up to its last sample that is not zero, and what is heard at least."""
    number = tf.range(1, tf.shape(samples)[1] + 1)[tf.newaxis]
    last = tf.reduce_max(tf.where(samples != 0, number, 0), axis=1)
    return tf.maximum(last, SHORTEST)


def encoded(backbone: Any, samples: Any, lengths: Any) -> tuple[Any, Any]:
    """What the encoder makes of rows of samples, `[batch, places, width]`, and which of its places are known, bool
    `[batch, places]`."""
    import keras

    first, second, third = CONVOLUTIONS
    length = tf.maximum(tf.shape(samples)[1], SHORTEST)
    x = tf.pad(samples, [[0, 0], [0, length - tf.shape(samples)[1]]])[:, :, tf.newaxis]
    counts = _places(lengths, *first)
    x = _normed(backbone.group_norm, tf.tanh(backbone.conv1(x)), counts)
    x = keras.activations.gelu(backbone.conv2(x), approximate=False)
    x = keras.activations.gelu(backbone.conv3(x), approximate=False)
    counts = _places(_places(counts, *second), *third)
    places = tf.range(tf.shape(x)[1])
    known, turns = places < counts[:, tf.newaxis], backbone.encoder_rotary_embedding(places)
    for block in backbone.encoder_blocks:
        x = block(x, turns, attention_mask=known)
    return backbone.encoder_final_layer_norm(x), known


def read_anew(backbone: Any, heard: Any, tokens: Any) -> Any:
    """Logits `[batch, vocabulary]` of what follows `tokens`, int32 `[batch, tokens]`, as Keras' own layers give them:
    with this the loop, which keeps what it has computed, is compared. `heard` is of `encoded`, of one length."""
    x, turns = backbone.token_embedding(tokens), backbone.decoder_rotary_embedding(tf.range(tf.shape(tokens)[1]))
    for block in backbone.decoder_blocks:
        x = block(decoder_sequence=x, encoder_sequence=heard, rotary_embedding=turns)
    return backbone.token_embedding(backbone.decoder_post_norm(x)[:, -1], reverse=True)


def _places(count: Any, size: int, step: int) -> Any:
    return (count - size) // step + 1


def _normed(layer: Any, x: Any, counts: Any) -> Any:
    """By the mean and the variance of the first `counts` places of each row."""
    known = tf.sequence_mask(counts, tf.shape(x)[1], tf.float32)[:, :, tf.newaxis]
    total = tf.cast(counts, tf.float32)[:, tf.newaxis, tf.newaxis] * x.shape[-1]
    mean = tf.reduce_sum(x * known, axis=[1, 2], keepdims=True) / total
    variance = tf.reduce_sum(tf.square(x - mean) * known, axis=[1, 2], keepdims=True) / total
    return (x - mean) * tf.math.rsqrt(variance + layer.epsilon) * layer.gamma + layer.beta


def _step(backbone: Any, last: Any, place: Any, cache: Sequence[Any], heard: _Heard) -> tuple[Any, tuple[Any, ...]]:
    """The last token of each row, int32 `[rows]`, at `place` to the logits `[rows, vocabulary]` of the next one, and
    the cache with it."""
    x, turns = backbone.token_embedding(last[:, tf.newaxis]), backbone.decoder_rotary_embedding(place[tf.newaxis])
    kept = []
    for block, known, keys_values in zip(backbone.decoder_blocks, cache, heard.keys_values, strict=True):
        of, normed = block.self_attention, block.norm1(x)
        new = [by_heads(_turned(of._key_dense(normed), turns)), by_heads(of._value_dense(normed))]
        grown = tf.concat([known, tf.stack(new)], axis=3)
        kept.append(grown)
        x += _looked_up(of, _turned(of._query_dense(normed), turns), grown[0], grown[1])
        cross = block.cross_attention
        x += _looked_up(cross, cross._query_dense(block.norm2(x)), *keys_values, heard.barred)
        x += block.ff(block.norm3(x))
    logits = backbone.token_embedding(backbone.decoder_post_norm(x), reverse=True)
    return logits[:, 0], tuple(kept)


def _turned(x: Any, turns: Any) -> Any:
    """The first numbers of each head of `[rows, places, heads, head]` turned, in pairs, by `[places, numbers]`."""
    width = turns.shape[-1]
    turns = turns[tf.newaxis, :, tf.newaxis]
    pairs = tf.reshape(x[..., :width], tf.concat([tf.shape(x)[:-1], [width // 2, 2]], 0))
    aside = tf.reshape(tf.stack([-pairs[..., 1], pairs[..., 0]], -1), tf.concat([tf.shape(x)[:-1], [width]], 0))
    return tf.concat([x[..., :width] * tf.cos(turns) + aside * tf.sin(turns), x[..., width:]], -1)


def _looked_up(layer: Any, query: Any, key: Any, value: Any, barred: Any = 0.0) -> Any:
    asked = by_heads(query) * layer.key_dim**-0.5
    shares = tf.nn.softmax(tf.matmul(asked, key, transpose_b=True) + barred)
    return layer._output_dense(by_heads(tf.matmul(shares, value)))
