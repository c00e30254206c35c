"""The signatures `prefill`, `decode` and `release` of a causal language model."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from export.cached.attention import CachedAttention, layer_caches
from export.cached.hub import heads_of, hidden_states
from export.cached.resources import mutex
from export.cached.slots import Claim, Slots
from store.manifest import DECODE_SIGNATURE, PREFILL_SIGNATURE, RELEASE_SIGNATURE, Cache

if TYPE_CHECKING:
    import keras

_IDLE_S = 60.0  # a caller who lets a slot lie for so long may lose it to another


class CachedDecoding:
    """A language model that keeps, for each conversation, what it has made of the tokens so far.

    A conversation is named by a lease: any number but 0 that nobody else draws, int64. `prefill` reads tokens of it,
    many at once, `decode` one; `release` forgets it. Rows of a call are conversations, which do not see each other.

    - `prefill`: `lease` `[rows]`, `start` int32 `[rows]`: the position of the first of `token_ids` int32
      `[rows, width]`, of which `lengths` int32 `[rows]` count. To `logits` float32 `[rows, vocabulary]` of the token
      that follows the last of them, and `held` bool `[rows]`. With the lease 0 nothing is kept.
    - `decode`: `lease`, `position` int32 `[rows]` and `token_id` int32 `[rows]` to the same.
    - `release`: `lease` to `released` bool `[rows]`.

    A row that is not `held` was not computed, and its logits are zeros: nothing is kept of its lease, or not as far as
    it begins, or no slot was free. Who begins at 0 is given a slot if there is one.

    Runs exclude each other: two that changed the table of slots together could give one slot to two conversations.
    """

    def __init__(self, backbone: "keras.Model", project: Callable[[Any], Any], cache: Cache) -> None:
        """
        Args:
            backbone: keras-hub's, of token ids to `[batch, tokens, width]`.
            project: states `[rows, width]` to logits `[rows, vocabulary]`.

        Raises:
            UncachedError: keras-hub hands over no attention of such a backbone.
        """
        self._backbone, self._project = backbone, project
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
        decode = [lease, rows(tf.int32, "position"), rows(tf.int32, "token_id")]
        # One graph of the network for both: it has hundreds of nodes for each layer.
        step = tf.function(self._prefill, input_signature=prefill, autograph=False)

        def decoded(lease: Any, position: Any, token_id: Any) -> dict[str, Any]:
            told: dict[str, Any] = step(lease, position, token_id[:, tf.newaxis], tf.ones_like(token_id))
            return told

        return {
            PREFILL_SIGNATURE: step,
            DECODE_SIGNATURE: tf.function(decoded, input_signature=decode, autograph=False),
            RELEASE_SIGNATURE: tf.function(self._release, input_signature=[lease], autograph=False),
        }

    def _prefill(self, lease: Any, start: Any, token_ids: Any, lengths: Any) -> dict[str, Any]:
        return self._alone(lambda: self._step(lease, start, token_ids, lengths))

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
