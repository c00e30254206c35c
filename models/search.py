"""Writes translations, token by token, in one loop of the graph: the most probable one, or the best of several.

Plain TensorFlow: what grows is joined to what there is, nothing is written in place.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import tensorflow as tf

from models.transformer import EncoderDecoder, Read

_NEVER = -1e9


class _At(NamedTuple):
    """Where the loop is: for each row and beam the last token and all, their log-probabilities together and their
    number, and whether it has ended; `cache` is of `EncoderDecoder.write`, a row for each beam."""

    step: Any
    last: Any
    written: Any
    total: Any
    length: Any
    done: Any
    cache: tuple[Any, ...]


@dataclass(frozen=True)
class Search:
    """Attributes:

    most: tokens of a translation, its end among them.
    place_ids: tokens that are written only where the source has them.
    beams: so many translations are searched for together.
    """

    end_id: int
    place_ids: tuple[int, ...]
    most: int
    beams: int = 1

    def translate(self, network: EncoderDecoder, source: Any, wanted: Any = None) -> dict[str, Any]:
        """int32 `[batch, tokens]` to `translation`, int32 `[batch, most]`, padded behind its end, and `score`, float
        `[batch]`, the mean log-probability of its tokens.

        What is searched for are, at each step, the best translations by this mean, finished ones among them; with one
        it is always the most probable token. A translation that has twice as many tokens as its source, and some, ends.

        Args:
            wanted: int32 `[batch]`, as many of `beams` as are searched for; None: all of them.
        """
        beams, vocabulary = self.beams, network.size.vocabulary
        rows = tf.shape(source)[0]
        allowed = self._allowed(network, source)
        longest = tf.minimum(2 * tf.reduce_sum(tf.cast(source != network.pad_id, tf.int32), 1) + 8, self.most)
        read = _for_each_beam(network.read(source), beams)
        width = tf.fill([rows], beams) if wanted is None else tf.clip_by_value(wanted, 1, beams)
        dead = tf.range(beams)[tf.newaxis] >= width[:, tf.newaxis]
        finished = tf.one_hot(network.pad_id, vocabulary, 0.0, _NEVER)

        def unfinished(at: _At) -> Any:
            return (at.step < self.most) & ~tf.reduce_all(at.done)

        def write(at: _At) -> tuple[_At]:
            logits, cache = network.write(tf.reshape(at.last, [-1]), at.step, at.cache, read)
            told = tf.nn.log_softmax(tf.reshape(logits, [rows, beams, vocabulary]) + allowed[:, tf.newaxis])
            totals = at.total[..., tf.newaxis] + tf.where(at.done[..., tf.newaxis], finished, told)
            lengths = at.length + tf.cast(~at.done, tf.float32)
            means = tf.reshape(totals / lengths[..., tf.newaxis], [rows, beams * vocabulary])
            _, best = tf.math.top_k(means, beams)
            parent, token = best // vocabulary, best % vocabulary
            total = tf.gather(tf.reshape(totals, [rows, beams * vocabulary]), best, batch_dims=1)
            length, done, written = (tf.gather(of, parent, batch_dims=1) for of in (lengths, at.done, at.written))
            if beams > 1:
                place = tf.reshape(parent + beams * tf.range(rows)[:, tf.newaxis], [-1])
                cache = tuple(tf.gather(of, place, axis=1) for of in cache)
            token = tf.where(done, network.pad_id, token)
            done |= dead | (token == self.end_id) | (at.step + 1 >= longest[:, tf.newaxis])
            written = tf.concat([written, token[..., tf.newaxis]], 2)
            return (_At(at.step + 1, token, written, tf.where(dead, _NEVER, total), length, done, cache),)

        first = tf.where(tf.range(beams) == 0, 0.0, _NEVER)
        heads, head = network.size.heads, network.size.width // network.size.heads
        nothing = tf.zeros([2, rows * beams, heads, 0, head])
        begun = _At(
            step=tf.constant(0),
            last=tf.fill([rows, beams], network.begin_id),
            written=tf.zeros([rows, beams, 0], tf.int32),
            total=tf.tile(first[tf.newaxis], [rows, 1]),
            length=tf.zeros([rows, beams]),
            done=tf.zeros([rows, beams], tf.bool),
            cache=(nothing,) * len(network.decoder),
        )
        for_each = tf.TensorShape([None, beams])
        shapes = _At(
            step=tf.TensorShape([]),
            last=for_each,
            written=tf.TensorShape([None, beams, None]),
            total=for_each,
            length=for_each,
            done=for_each,
            cache=(tf.TensorShape([2, None, heads, None, head]),) * len(network.decoder),
        )
        (ended,) = tf.while_loop(unfinished, write, (begun,), shape_invariants=(shapes,))
        translation = tf.pad(ended.written[:, 0], [[0, 0], [0, self.most - ended.step]])
        return {
            "translation": tf.ensure_shape(translation, [None, self.most]),
            "score": ended.total[:, 0] / tf.maximum(ended.length[:, 0], 1.0),
        }

    def _allowed(self, network: EncoderDecoder, source: Any) -> Any:
        """0, or what no token survives: `[batch, vocabulary]`."""
        vocabulary = network.size.vocabulary
        never = tf.reduce_sum(tf.one_hot([network.pad_id, network.begin_id], vocabulary), axis=0)
        places = tf.constant(self.place_ids)
        lacks = 1.0 - tf.cast(tf.reduce_any(source[:, :, tf.newaxis] == places, axis=1), tf.float32)
        return _NEVER * (never + tf.matmul(lacks, tf.one_hot(places, vocabulary)))


def _for_each_beam(read: Read, beams: int) -> Read:
    if beams == 1:
        return read
    keys_values = [(tf.repeat(key, beams, 0), tf.repeat(value, beams, 0)) for key, value in read.keys_values]
    return Read(keys_values, tf.repeat(read.hidden, beams, 0))
