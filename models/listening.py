"""Writes down what is said in a window of a recording, token by token, in one loop of the graph, as Whisper does: plain
text, or text between pairs of times.

Plain TensorFlow: what grows is joined to what there is, nothing is written in place.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import tensorflow as tf

from models.whisper_tokens import Alphabet

_NEVER = -1e9
_SMALLEST = 1e-20  # that has a logarithm
_FIRST_TIMES = 51  # the first time of a window is its first second


@dataclass(frozen=True)
class Drawn:
    """How tokens are drawn: `temperature`, float `[batch]`, of which 0 takes the most probable one, and `seed`, int32
    `[batch]`."""

    temperature: Any
    seed: Any

    def tokens(self, logits: Any, step: Any) -> Any:
        """int32 `[batch]`: one for each row of logits `[batch, vocabulary]`, by nothing but its own seed and `step`."""

        def noise(seed: Any) -> Any:
            return tf.random.stateless_uniform(logits.shape[1:], tf.stack([seed, step]), _SMALLEST, 1.0)

        of_rows = tf.map_fn(noise, self.seed, fn_output_signature=tf.float32)
        disturbed = logits - self.temperature[:, tf.newaxis] * tf.math.log(-tf.math.log(of_rows))  # by E. J. Gumbel
        return tf.argmax(disturbed, axis=1, output_type=tf.int32)


class _At(NamedTuple):
    """Where the loop is: for each row the last token, all that were written, their log-probabilities together, whether
    it has ended, how probable silence was, and the token of its language; `cache` has keys and values of each layer."""

    step: Any
    last: Any
    written: Any
    total: Any
    done: Any
    silence: Any
    language: Any
    cache: tuple[Any, ...]


@dataclass(frozen=True)
class Listening:
    """`most` tokens of a window."""

    alphabet: Alphabet
    most: int

    def log_probabilities(self, logits: Any, written: Any, timed: Any) -> Any:
        """Of the token that follows those `written`, int32 `[rows, tokens]`, from its logits `[rows, vocabulary]`.

        What may not follow cannot. In a row that is `timed`, bool `[rows, 1]`, it is a time where that is more probable
        than any one word; in others it is never one.
        """
        vocabulary, first_time = logits.shape[-1], self.alphabet.first_time
        number = tf.range(vocabulary)[tf.newaxis]
        barred = _mask(self.alphabet.never, vocabulary)
        at_first = _mask(self.alphabet.never_first, vocabulary)
        allowed = logits + barred + tf.where(tf.shape(written)[1] == 0, at_first, tf.zeros_like(at_first))
        forbidden = _forbidden(written, number, first_time, self.alphabet.end)
        allowed = tf.where(tf.where(timed, forbidden, number >= first_time), _NEVER, allowed)
        told = tf.nn.log_softmax(allowed)
        of_times = tf.reduce_logsumexp(told[:, first_time:], axis=1, keepdims=True)
        is_time = timed & (of_times > tf.reduce_max(told[:, :first_time], axis=1, keepdims=True))
        return tf.nn.log_softmax(tf.where(is_time & (number < first_time), _NEVER, allowed))

    def write(self, backbone: Any, spectrum: Any, prompt: Any, drawn: Drawn | None = None) -> dict[str, Any]:
        """What is said, as `tokens`, int32 `[batch, most]`, padded with the end behind it.

        Beside them `score`, float `[batch]`, is the mean log-probability of these tokens, and `no_speech`, float
        `[batch]`, how probable it is that nobody speaks. Of several languages `language`, int32 `[batch]`, is the token
        of the one that is spoken most probably.

        Args:
            spectrum: `[batch, frames, mels]`.
            prompt: int32 `[batch, tokens]`, which steer it; the start is among them. −1 behind it stands for the token
                of the language that is spoken most probably.
            drawn: None takes the most probable token each time.
        """
        rows, known = tf.shape(prompt)[0], tf.shape(prompt)[1]
        heard = _heard(backbone, spectrum)
        end, timed = self.alphabet.end, prompt[:, -1:] != self.alphabet.no_times
        languages = tf.constant(list(self.alphabet.languages.values()), tf.int32)

        def unfinished(at: _At) -> Any:
            return (at.step < known - 1 + self.most) & ~tf.reduce_all(at.done)

        def write(at: _At) -> tuple[_At]:
            logits, cache = _step(backbone, at.last, at.step, at.cache, heard)
            starts = at.last == self.alphabet.start
            silence = tf.where(starts, tf.nn.softmax(logits)[:, self.alphabet.no_speech], at.silence)
            language = at.language
            if self.alphabet.languages:
                spoken = tf.gather(languages, tf.argmax(tf.gather(logits, languages, axis=1), axis=1))
                language = tf.where(starts, spoken, language)
            told = self.log_probabilities(logits, at.written, timed)
            chosen = drawn.tokens(told, at.step) if drawn else tf.argmax(told, axis=1, output_type=tf.int32)
            token = tf.where(at.done, end, chosen)
            gained = tf.where(at.done, 0.0, tf.gather(told, token, batch_dims=1))
            step = at.step + 1
            reading = step < known
            given = prompt[:, tf.minimum(step, known - 1)]
            given = tf.where(given < 0, language, given)
            return (
                _At(
                    step,
                    tf.where(reading, given, token),
                    tf.cond(reading, lambda: at.written, lambda: tf.concat([at.written, token[:, tf.newaxis]], 1)),
                    tf.where(reading, at.total, at.total + gained),
                    at.done | (~reading & (token == end)),
                    silence,
                    language,
                    cache,
                ),
            )

        heads, head = backbone.num_heads, backbone.hidden_dim // backbone.num_heads
        layers = len(backbone.decoder_transformer_layers)
        begun = _At(
            step=tf.constant(0),
            last=prompt[:, 0],
            written=tf.zeros([rows, 0], tf.int32),
            total=tf.zeros([rows]),
            done=tf.zeros([rows], tf.bool),
            silence=tf.zeros([rows]),
            language=tf.zeros([rows], tf.int32),
            cache=(tf.zeros([2, rows, heads, 0, head]),) * layers,
        )
        row = tf.TensorShape([None])
        shapes = _At(
            step=tf.TensorShape([]),
            last=row,
            written=tf.TensorShape([None, None]),
            total=row,
            done=row,
            silence=row,
            language=row,
            cache=(tf.TensorShape([2, None, heads, None, head]),) * layers,
        )
        (ended,) = tf.while_loop(unfinished, write, (begun,), shape_invariants=(shapes,))
        count = tf.shape(ended.written)[1]
        tokens = tf.pad(ended.written, [[0, 0], [0, self.most - count]], constant_values=end)
        length = tf.reduce_sum(tf.cast(ended.written != end, tf.float32), axis=1) + 1.0
        found = {
            "tokens": tf.ensure_shape(tokens, [None, self.most]),
            "score": ended.total / length,
            "no_speech": ended.silence,
        }
        return found | {"language": ended.language} if self.alphabet.languages else found


def _mask(tokens: Sequence[int], vocabulary: int) -> Any:
    return _NEVER * tf.reduce_sum(tf.one_hot(sorted(set(tokens)), vocabulary), axis=0)


def _forbidden(written: Any, number: Any, first_time: int, end: int) -> Any:
    """bool `[rows, vocabulary]`: times come first, in pairs but for the last, and none goes back."""
    rows, count = tf.shape(written)[0], tf.shape(written)[1]
    times = written >= first_time
    before = tf.concat([tf.zeros([rows, 1], tf.bool), times], 1)[:, -1:]  # nothing is before the first
    earlier = tf.concat([tf.ones([rows, 2], tf.bool), times], 1)[:, -2:-1]
    latest = tf.reduce_max(tf.where(times, written, first_time - 1), axis=1, keepdims=True)
    latest = tf.maximum(latest, first_time - 1)  # of no token the greatest is the least number there is
    least = tf.where(before & ~earlier, latest, latest + 1)
    is_time = number >= first_time
    out = is_time & (number < least)
    out |= before & earlier & is_time
    out |= before & ~earlier & (number < end)
    at_first = (number < first_time) | (number >= first_time + _FIRST_TIMES)
    return tf.where(count == 0, at_first, out)


def _heard(backbone: Any, spectrum: Any) -> list[tuple[Any, Any]]:
    """Keys and values `[batch, heads, places, head]` of what is heard, for each layer of the decoder."""
    x = encoded(backbone, spectrum)
    cross = (layer._cross_attention_layer for layer in backbone.decoder_transformer_layers)
    return [(by_heads(of._key_dense(x)), by_heads(of._value_dense(x))) for of in cross]


def read_anew(backbone: Any, heard: Any, tokens: Any) -> Any:
    """Logits `[batch, vocabulary]` of what follows `tokens`, int32 `[batch, tokens]`, as Keras' own layers give them:
    with this the loop, which keeps what it has computed, is compared. `heard` is of `encoded`."""
    x = backbone.decoder_embeddings(tokens)
    for layer in backbone.decoder_transformer_layers:
        x = layer(decoder_sequence=x, encoder_sequence=heard)
    return backbone.token_embedding(backbone.decoder_layer_norm(x)[:, -1], reverse=True)


def encoded(backbone: Any, spectrum: Any) -> Any:
    """What the encoder makes of `[batch, frames, mels]`: `[batch, places, width]`."""
    import keras

    x = keras.activations.gelu(backbone.encoder_conv_layer_1(spectrum), approximate=False)
    x = keras.activations.gelu(backbone.encoder_conv_layer_2(backbone.encoder_padder(x)), approximate=False)
    x = backbone.encoder_embeddings_add((x, backbone.encoder_position_embedding(x)))
    for layer in backbone.encoder_transformer_layers:
        x = layer(x)
    return backbone.encoder_layer_norm(x)


def _step(backbone: Any, last: Any, place: Any, cache: Sequence[Any], heard: Sequence[tuple[Any, Any]]) -> Any:
    """The last token of each row, int32 `[rows]`, at `place` to the logits `[rows, vocabulary]` of the next one, and
    the cache with it."""
    embeddings = backbone.decoder_embeddings
    positions = embeddings.position_embedding.position_embeddings
    x = embeddings.token_embedding(last[:, tf.newaxis]) + tf.gather(positions, place)
    kept = []
    for layer, known, keys_values in zip(backbone.decoder_transformer_layers, cache, heard, strict=True):
        of = layer._self_attention_layer
        normed = layer._self_attention_layer_norm(x)
        grown = tf.concat(
            [known, tf.stack([by_heads(of._key_dense(normed)), by_heads(of._value_dense(normed))])], axis=3
        )
        kept.append(grown)
        x += attended(of, normed, grown[0], grown[1])
        x += attended(layer._cross_attention_layer, layer._cross_attention_layer_norm(x), *keys_values)
        inner = layer._feedforward_intermediate_dense(layer._feedforward_layer_norm(x))
        x += layer._feedforward_output_dense(inner)
    logits = embeddings.token_embedding(backbone.decoder_layer_norm(x), reverse=True)
    return logits[:, 0], tuple(kept)


def by_heads(x: Any) -> Any:
    """`[rows, places, heads, head]` to `[rows, heads, places, head]`."""
    return tf.transpose(x, [0, 2, 1, 3])


def attended(layer: Any, x: Any, key: Any, value: Any, barred: Any = 0.0) -> Any:
    """`barred` is added to what each place is asked for by each, before that becomes shares."""
    return layer._output_dense(by_heads(tf.matmul(shares(layer, x, key, barred), value)))


def shares(layer: Any, x: Any, key: Any, barred: Any = 0.0) -> Any:
    """How much of each place is looked at: `[rows, heads, places of x, places of key]`."""
    query = by_heads(layer._query_dense(x))
    return tf.nn.softmax(tf.matmul(query * query.shape[-1] ** -0.5, key, transpose_b=True) + barred)
