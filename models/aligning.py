"""When each token of a text was said: where in a recording the decoder looks while it writes it.

Some heads of its attention to what is heard follow the speech; `models.whisper_tokens` and the published configurations
name them. What a text's times are by that is found by `processing.word_times`.
"""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from models.listening import attended, by_heads, encoded, shares

_MEDIAN = 7  # places among which the middle value counts
_STEPS = 320  # samples of a place
_NEVER = -1e9


def looked_at(
    backbone: Any, samples: Any, spectrum: Any, tokens: Any, *, end: int, heads: Sequence[tuple[int, int]]
) -> Any:
    """Where is looked at while the token behind each of `tokens` is written: float `[batch, tokens, places]`, the mean
    over `heads` of how much more than for other tokens, in standard deviations.

    Args:
        samples: `[batch, samples]`; a recording ends with its last one that is not zero.
        spectrum: of these, `[batch, frames, mels]`.
        tokens: int32 `[batch, tokens]`: prompt, text and `end`, and that again where others are longer.
        heads: layers of the decoder and their heads.
    """
    found = _shares_of(backbone, encoded(backbone, spectrum), tokens, heads)
    known = _known_places(samples, tf.shape(found[0])[2])
    written = tf.cumsum(tf.cast(tokens == end, tf.int32), axis=1, exclusive=True) == 0
    return tf.add_n([_smoothed(_standing_out(of, known, written)) for of in found]) / len(found)


def _known_places(samples: Any, places: Any) -> Any:
    """bool `[batch, 1, places]`: those in which there is something of a recording, one at least."""
    last = tf.reduce_max(tf.where(samples != 0, tf.range(tf.shape(samples)[1])[tf.newaxis], 0), axis=1)
    return tf.range(places)[tf.newaxis, tf.newaxis] <= (last // _STEPS)[:, tf.newaxis, tf.newaxis]


def _shares_of(backbone: Any, heard: Any, tokens: Any, heads: Sequence[tuple[int, int]]) -> list[Any]:
    """How much of each place of what is heard is looked at, `[batch, tokens, places]`, by each of `heads`."""
    embeddings = backbone.decoder_embeddings
    length = tf.shape(tokens)[1]
    x = embeddings.token_embedding(tokens) + embeddings.position_embedding.position_embeddings[:length]
    later = tf.where(tf.range(length)[:, tf.newaxis] < tf.range(length), _NEVER, 0.0)
    found = []
    for number, layer in enumerate(backbone.decoder_transformer_layers):
        of, normed = layer._self_attention_layer, layer._self_attention_layer_norm(x)
        x += attended(of, normed, by_heads(of._key_dense(normed)), by_heads(of._value_dense(normed)), later)
        cross, normed = layer._cross_attention_layer, layer._cross_attention_layer_norm(x)
        key = by_heads(cross._key_dense(heard))
        looked = shares(cross, normed, key)
        found += [looked[:, head] for of_layer, head in heads if of_layer == number]
        x += attended(cross, normed, key, by_heads(cross._value_dense(heard)))
        inner = layer._feedforward_intermediate_dense(layer._feedforward_layer_norm(x))
        x += layer._feedforward_output_dense(inner)
    return found


def _standing_out(looked: Any, known: Any, written: Any) -> Any:
    """Shares of the known places, and of each place by how much a token has more of it than others: in standard
    deviations of the tokens that are `written`."""
    of_known = tf.where(known, looked, 0.0)
    of_known = tf.math.divide_no_nan(of_known, tf.reduce_sum(of_known, axis=2, keepdims=True))
    rows = tf.cast(written, tf.float32)[:, :, tf.newaxis]
    count = tf.reduce_sum(rows, axis=1, keepdims=True)
    mean = tf.reduce_sum(rows * of_known, axis=1, keepdims=True) / count
    deviation = tf.sqrt(tf.reduce_sum(rows * tf.square(of_known - mean), axis=1, keepdims=True) / count)
    return tf.where(known & written[:, :, tf.newaxis], tf.math.divide_no_nan(of_known - mean, deviation), 0.0)


def _smoothed(values: Any) -> Any:
    """The median of each place and its neighbours."""
    around = _MEDIAN // 2
    padded = tf.pad(values, [[0, 0], [0, 0], [around, around]], mode="REFLECT")
    places = tf.shape(values)[2]
    neighbours = tf.stack([padded[:, :, first : first + places] for first in range(_MEDIAN)], axis=3)
    return tf.sort(neighbours, axis=3)[..., around]
