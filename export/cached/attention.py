"""Attention over what a cache keeps of earlier tokens, and over the tokens that are added to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from export.cached.hub import Asked, LayerHeads
from export.cached.resources import kept

BLOCK = 16
"""Positions that lie together: a run reads whole blocks, of which it needs all but the last."""

_NEVER = -1e30  # the score of what may not be seen


@dataclass(frozen=True)
class LayerCache:
    """Keys and values of one attention layer, each float32 `[rows, BLOCK, size]`: a row for each slot, head and block
    in this order, and after them one for each head where nobody reads."""

    heads: LayerHeads
    slots: int
    blocks: int
    keys: Any
    values: Any

    @property
    def spare(self) -> int:
        return self.slots * self.heads.heads * self.blocks


def layer_caches(layers: Sequence[LayerHeads], slots: int, length: int) -> tuple[LayerCache, ...]:
    """An empty cache for each layer, of so many slots of at least `length` positions."""
    import tensorflow as tf

    blocks = -(-length // BLOCK)

    def cache(number: int, heads: LayerHeads) -> LayerCache:
        shape = [(slots * blocks + 1) * heads.heads, BLOCK, heads.size]
        keys, values = (kept(f"kmaas_cache_{what}_{number}", shape, tf.float32) for what in ("keys", "values"))
        return LayerCache(heads, slots, blocks, keys, values)

    return tuple(cache(number, heads) for number, heads in enumerate(layers))


class CachedAttention:
    """Of rows of tokens that continue what is kept in their slots; an `Attend`. Of one run.

    Args:
        slot: int32 `[rows]`, the number of slots for a row that keeps nothing.
        start: int32 `[rows]`, where each row's tokens begin.
        lengths: int32 `[rows]`, how many of its `width` tokens count; those behind keep nothing.
        width: of all rows.
    """

    def __init__(self, slot: Any, start: Any, lengths: Any, width: Any) -> None:
        import tensorflow as tf

        self._slot = slot
        self._rows, self._width = tf.size(slot), width
        self._steps = tf.range(width)
        self.positions = start[:, tf.newaxis] + self._steps  # [rows, width]
        self._counts = self._steps < lengths[:, tf.newaxis]
        longest = tf.reduce_max(tf.concat([start, [0]], axis=0))
        self._blocks = (longest + BLOCK - 1) // BLOCK
        self._earlier = tf.range(self._blocks * BLOCK)
        self._kept = self._earlier < start[:, tf.newaxis]  # [rows, earlier]

    def __call__(self, cache: LayerCache, asked: Asked) -> Any:
        import tensorflow as tf

        heads, kv_heads, head_dim = asked.heads, asked.kv_heads, asked.head_dim

        def by_head(tensor: Any) -> Any:
            """`[rows, kv_heads, width, head_dim]`"""
            split = tf.reshape(tensor, [self._rows, self._width, kv_heads, head_dim])
            return tf.transpose(split, [0, 2, 1, 3])

        together = heads // kv_heads  # query heads that share a key
        queries = tf.reshape(asked.queries, [self._rows, self._width, kv_heads, together, head_dim])
        queries = tf.transpose(queries, [0, 2, 3, 1, 4])
        queries = tf.reshape(queries, [self._rows, kv_heads, together * self._width, head_dim])
        keys, values = by_head(asked.keys), by_head(asked.values)
        earlier_keys, earlier_values = self._read(cache, cache.keys), self._read(cache, cache.values)
        scores = tf.concat(
            [tf.matmul(queries, earlier_keys, transpose_b=True), tf.matmul(queries, keys, transpose_b=True)], axis=-1
        )
        scores = scores * asked.scale
        if asked.soft_cap is not None:
            scores = asked.soft_cap * tf.tanh(scores / asked.soft_cap)
        seen = tf.tile(self._seen(asked.sliding_window), [1, together, 1])  # [rows, together * width, earlier + width]
        shares = tf.nn.softmax(tf.where(seen[:, tf.newaxis], scores, _NEVER))
        earlier, now = tf.split(shares, [tf.size(self._earlier), self._width], axis=-1)
        attended = tf.matmul(earlier, earlier_values) + tf.matmul(now, values)
        attended = tf.reshape(attended, [self._rows, kv_heads, together, self._width, head_dim])
        attended = tf.transpose(attended, [0, 3, 1, 2, 4])
        with tf.control_dependencies([earlier_keys, earlier_values]):
            self._write(cache, keys, values)
        return tf.reshape(attended, [self._rows * self._width, heads * head_dim])

    def _seen(self, sliding_window: int | None) -> Any:
        """bool `[rows, width, earlier + width]`: which positions each token may look at."""
        import tensorflow as tf

        shape = [self._rows, self._width, tf.size(self._earlier)]
        earlier = tf.broadcast_to(self._kept[:, tf.newaxis], shape)
        before = self._steps[:, tf.newaxis] - self._steps  # how far back one of the same row is
        now = before >= 0
        if sliding_window is not None:
            earlier = earlier & (self.positions[:, :, tf.newaxis] - self._earlier < sliding_window)
            now = now & (before < sliding_window)
        return tf.concat([earlier, tf.broadcast_to(now, [self._rows, self._width, self._width])], axis=2)

    def _read(self, cache: LayerCache, what: Any) -> Any:
        """What is kept of the blocks that some row needs: `[rows, heads, earlier, size]`."""
        import tensorflow as tf

        # A row that keeps nothing reads the first block of whoever: nothing of it is `_kept`.
        first = self._first(cache, tf.minimum(self._slot, cache.slots - 1))
        indices = first[:, :, tf.newaxis] + tf.range(self._blocks)
        read = tf.raw_ops.ResourceGather(resource=what.resource_handle, indices=indices, dtype=tf.float32)
        heads = cache.heads
        return tf.reshape(read, [self._rows, heads.heads, self._blocks * BLOCK, heads.size])

    def _write(self, cache: LayerCache, keys: Any, values: Any) -> None:
        import tensorflow as tf

        own = self._first(cache, self._slot)[:, :, tf.newaxis] + (self.positions // BLOCK)[:, tf.newaxis]
        spare = tf.range(cache.spare, cache.spare + cache.heads.heads)[tf.newaxis, :, tf.newaxis]
        counts = self._counts & (self._slot < cache.slots)[:, tf.newaxis]
        rows = tf.where(counts[:, tf.newaxis], own, spare)  # [rows, heads, width]
        places = tf.broadcast_to((self.positions % BLOCK)[:, tf.newaxis], tf.shape(rows))
        indices = tf.stack([rows, places], axis=-1)
        for what, new in ((cache.keys, keys), (cache.values, values)):
            tf.raw_ops.ResourceScatterNdUpdate(ref=what.resource_handle, indices=indices, updates=new)

    def _first(self, cache: LayerCache, slot: Any) -> Any:
        """The row of each slot's first block, by head: `[rows, heads]`."""
        import tensorflow as tf

        return (slot[:, tf.newaxis] * cache.heads.heads + tf.range(cache.heads.heads)) * cache.blocks
