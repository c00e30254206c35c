"""The signatures `prefill`, `decode` and `release` of a causal language model."""

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

from export.cached.attention import CachedAttention, layer_caches
from export.cached.hub import heads_of, hidden_states
from export.cached.resources import mutex
from export.cached.slots import Claim, Slots
from store.manifest import DECODE_SIGNATURE, PREFILL_SIGNATURE, RELEASE_SIGNATURE, Cache

if TYPE_CHECKING:
    import keras

_IDLE_S = 15.0  # a caller who lets a slot lie for so long may lose it to another; longer than a step takes


class CachedDecoding:
    """A language model that keeps, for each conversation, what it has made of the tokens so far.

    A conversation is named by a lease: any number but 0 that nobody else draws, int64. `prefill` reads tokens of it,
    many at once, `decode` one, and those that it finds to follow; `release` forgets it. Rows of a call are
    conversations, which do not see each other.

    - `prefill`: `lease` `[rows]`, `start` int32 `[rows]`: the position of the first of `token_ids` int32
      `[rows, width]`, of which `lengths` int32 `[rows]` count. To `logits` float32 `[rows, vocabulary]` of the token
      that follows the last of them, and `held` bool `[rows]`. With the lease 0 nothing is kept.
    - `decode`: `lease`, `position` int32 `[rows]`, `token_id` int32 `[rows]` and `steps` int32 `[rows]`: so many tokens
      are to follow at most, each the most probable one, and 1 at least. All rows stop with the one that wants the
      fewest, and a row at the end of its text or of its slot. To `token_ids` int32 `[rows, most]`, of which `counts`
      int32 `[rows]` were found, and their `log_probabilities` float32; `logits` from which the last of them was taken;
      `held`. All but the last of them are kept, as if they had been told.
    - `release`: `lease` to `released` bool `[rows]`.

    A row that is not `held` was not computed, and its logits are zeros: nothing is kept of its lease, or not as far as
    it begins, or no slot was free. Who begins at 0 is given a slot if there is one.

    Runs exclude each other: two that changed the table of slots together could give one slot to two conversations.
    """

    def __init__(
        self, backbone: "keras.Model", project: Callable[[Any], Any], cache: Cache, end_ids: Collection[int] = ()
    ) -> None:
        """
        Args:
            backbone: keras-hub's, of token ids to `[batch, tokens, width]`.
            project: states `[rows, width]` to logits `[rows, vocabulary]`.
            end_ids: the tokens that end a text.

        Raises:
            UncachedError: keras-hub hands over no attention of such a backbone.
        """
        self._backbone, self._project = backbone, project
        self._end_ids = sorted(end_ids)
        self._slots = Slots(cache.slots, cache.length, _IDLE_S)
        self._caches = layer_caches(heads_of(backbone), cache.slots, cache.length)
        self._mutex = mutex("kmaas_cache_mutex")

    @property
    def tracked(self) -> tuple[Any, ...]:
        """What a SavedModel with these signatures must track."""
        caches = [kept for cache in self._caches for kept in (cache.keys, cache.values)]
        return self._mutex, *self._slots.tracked, *caches

    def functions(self) -> Mapping[str, Any]:
        """A `tf.function` for each signature."""
        import tensorflow as tf

        def rows(dtype: tf.DType, name: str, *more: None) -> tf.TensorSpec:
            return tf.TensorSpec([None, *more], dtype, name=name)

        lease = rows(tf.int64, "lease")
        prefill = [lease, rows(tf.int32, "start"), rows(tf.int32, "token_ids", None), rows(tf.int32, "lengths")]
        decode = [lease, *(rows(tf.int32, name) for name in ("position", "token_id", "steps"))]
        # One graph of the network for both: it has hundreds of nodes for each layer.
        step = tf.function(self._step, input_signature=prefill, autograph=False)

        def prefilled(*inputs: Any) -> dict[str, Any]:
            return self._alone(lambda: dict(step(*inputs)))

        def decoded(*inputs: Any) -> dict[str, Any]:
            return self._alone(lambda: self._written(step, *inputs))

        return {
            PREFILL_SIGNATURE: tf.function(prefilled, input_signature=prefill, autograph=False),
            DECODE_SIGNATURE: tf.function(decoded, input_signature=decode, autograph=False),
            RELEASE_SIGNATURE: tf.function(self._release, input_signature=[lease], autograph=False),
        }

    def _release(self, lease: Any) -> dict[str, Any]:
        return self._alone(lambda: {"released": self._slots.release(lease)})

    def _alone(self, act: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """What `act` makes while no other run is at work. A run that fails lets go of the mutex, too."""
        import tensorflow as tf

        lock = tf.raw_ops.MutexLock(mutex=self._mutex.resource_handle)
        with tf.control_dependencies([lock]):
            outputs = act()
        with tf.control_dependencies(list(outputs.values())):
            tf.raw_ops.ConsumeMutexLock(mutex_lock=lock)
        return outputs

    def _written(self, step: Any, lease: Any, position: Any, token_id: Any, steps: Any) -> dict[str, Any]:
        """Steps one after another, until a row has what it wants, or all are at their end."""
        import tensorflow as tf

        rows = tf.size(lease)
        ends = tf.constant(self._end_ids, tf.int32)
        fewest = tf.maximum(tf.reduce_min(steps), 1)

        def write(  # noqa: PLR0917 (what a step hands to the next one)
            done: Any, token_id: Any, goes_on: Any, counts: Any, logits: Any, ids: Any, logs: Any
        ) -> tuple[Any, ...]:
            told = step(lease, position + done, token_id[:, tf.newaxis], tf.cast(goes_on, tf.int32))
            best = tf.argmax(told["logits"], axis=1, output_type=tf.int32)
            held = goes_on & told["held"]
            log = tf.reduce_max(told["logits"], axis=1) - tf.reduce_logsumexp(told["logits"], axis=1)
            return (
                done + 1,
                best,
                held & ~tf.reduce_any(best[:, tf.newaxis] == ends, axis=1),
                counts + tf.cast(held, tf.int32),
                tf.where(held[:, tf.newaxis], told["logits"], logits),
                tf.concat([ids, tf.where(held, best, 0)[:, tf.newaxis]], axis=1),
                tf.concat([logs, tf.where(held, log, 0.0)[:, tf.newaxis]], axis=1),
            )

        vocabulary = step.get_concrete_function().structured_outputs["logits"].shape[1]
        none = tf.zeros([rows, 0], tf.int32)
        everyone, nothing = tf.ones_like(token_id, tf.bool), tf.zeros([rows, vocabulary])
        start = (0, token_id, everyone, tf.zeros_like(token_id), nothing, none, tf.cast(none, tf.float32))
        of_rows, growing = tf.TensorShape([None]), tf.TensorShape([None, None])
        shapes = (tf.TensorShape([]), *[of_rows] * 3, tf.TensorShape([None, vocabulary]), growing, growing)
        _, _, _, counts, logits, ids, logs = tf.while_loop(
            lambda done, _token_id, goes_on, *_: (done < fewest) & tf.reduce_any(goes_on), write, start, shapes
        )
        return {
            "logits": logits,
            "held": counts > 0,
            "token_ids": ids,
            "counts": counts,
            "log_probabilities": logs,
        }

    def _step(self, lease: Any, start: Any, token_ids: Any, lengths: Any) -> dict[str, Any]:
        import tensorflow as tf

        rows, width = tf.shape(token_ids)[0], tf.shape(token_ids)[1]
        claim = self._slots.claim(lease, start, tf.where(lengths <= width, lengths, 0))
        held = tf.where(claim.held)
        logits = self._logits(claim, held, start, token_ids, lengths)
        everyone = tf.scatter_nd(held, logits, [tf.cast(rows, tf.int64), logits.shape[1]])
        return {"logits": everyone, "held": claim.held}

    def _logits(self, claim: Claim, held: Any, start: Any, token_ids: Any, lengths: Any) -> Any:
        """Of the rows that are held; of the others nothing is computed."""
        import tensorflow as tf

        slot, start, token_ids, lengths = (tf.gather_nd(x, held) for x in (claim.slot, start, token_ids, lengths))
        attention = CachedAttention(slot, start, lengths, tf.shape(token_ids)[1])
        states = hidden_states(
            self._backbone,
            tf.reshape(token_ids, [-1]),
            tf.reshape(attention.positions, [-1]),
            self._caches,
            attention,
        )
        states = tf.reshape(states, [tf.shape(token_ids)[0], -1, states.shape[-1]])
        return self._project(tf.gather(states, lengths - 1, axis=1, batch_dims=1))
