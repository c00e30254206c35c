"""Who holds which slot of a cache: a table inside the graph, so that whoever asks need not agree with the others."""

from dataclasses import dataclass
from typing import Any

from export.cached.resources import kept

NOBODY = 0
"""The lease of a caller who wants nothing kept."""


@dataclass(frozen=True)
class Claim:
    """What a run found for each of its rows.

    Attributes:
        slot: int32 `[rows]`, the number of slots for a row of `NOBODY`.
        held: bool `[rows]`, whether what is kept there is the row's own, up to where it begins.
    """

    slot: Any
    held: Any


class Slots:
    """`count` slots of `length` positions each. Every method is for a run that holds the cache's mutex.

    A lease is a number that a caller draws: whoever names it has its slot. It gets a slot when it begins at position 0:
    a free one, or else the one that nobody has touched for the longest time, if that is `idle_s` seconds or more. A
    caller who finds that he holds nothing any more begins again.
    """

    def __init__(self, count: int, length: int, idle_s: float) -> None:
        import tensorflow as tf

        self._count, self._length, self._idle_s = count, length, idle_s
        self._owners = kept("kmaas_cache_owners", [count], tf.int64)
        self._filled = kept("kmaas_cache_filled", [count], tf.int32)
        self._touched = kept("kmaas_cache_touched", [count], tf.float64)

    @property
    def tracked(self) -> tuple[Any, ...]:
        return self._owners, self._filled, self._touched

    def claim(self, lease: Any, start: Any, added: Any) -> Claim:
        """For rows that bring `added` tokens each, to stand from `start` on: int64, int32, int32 `[rows]`.

        A row may begin where the last one of its lease ended or before; what stood behind is forgotten.
        """
        import tensorflow as tf

        owners, filled, touched = self._read()
        fits = (start >= 0) & (added > 0) & (start + added <= self._length)
        named = lease != NOBODY
        mine = (owners[tf.newaxis] == lease[:, tf.newaxis]) & named[:, tf.newaxis]
        has = tf.reduce_any(mine, axis=1)
        its = tf.argmax(tf.cast(mine, tf.int32), axis=1, output_type=tf.int32)
        wants = fits & named & ~has & (start == 0)
        now = tf.timestamp()
        granted, given = self._granted(
            lease, wants, tf.where(owners == NOBODY, tf.cast(_FREE, tf.float64), now - touched), mine
        )
        held = fits & ((has & (start <= tf.gather(filled, its))) | granted | (~named & (start == 0)))
        slot = tf.where(has, its, tf.where(granted, given, self._count))
        self._write(lease, slot, start + added, held & named, now)
        return Claim(slot, held)

    def release(self, lease: Any) -> Any:
        """Frees the slots of leases `[rows]`: whether each had one."""
        import tensorflow as tf

        owners, _, _ = self._read()
        mine = (owners[tf.newaxis] == lease[:, tf.newaxis]) & (lease != NOBODY)[:, tf.newaxis]
        left = tf.where(tf.reduce_any(mine, axis=0), tf.cast(NOBODY, tf.int64), owners)
        tf.raw_ops.AssignVariableOp(resource=self._owners.resource_handle, value=left)
        return tf.reduce_any(mine, axis=1)

    def _granted(self, lease: Any, wants: Any, age_s: Any, mine: Any) -> tuple[Any, Any]:
        """Which of the rows that want a slot get one, and which: the same for rows of one lease."""
        import tensorflow as tf

        age_s = tf.where(tf.reduce_any(mine, axis=0), tf.cast(_IN_USE, tf.float64), age_s)
        oldest_first = tf.argsort(age_s, direction="DESCENDING", stable=True)
        there = tf.reduce_sum(tf.cast(age_s >= self._idle_s, tf.int32))
        same = (lease[:, tf.newaxis] == lease[tf.newaxis]) & wants[tf.newaxis]
        first = tf.argmax(tf.cast(same, tf.int32), axis=1, output_type=tf.int32)
        leads = wants & (first == tf.range(tf.size(lease)))
        rank = tf.gather(tf.cumsum(tf.cast(leads, tf.int32)) - 1, first)
        granted = wants & (rank < there)
        return granted, tf.gather(oldest_first, tf.clip_by_value(rank, 0, self._count - 1))

    def _read(self) -> tuple[Any, Any, Any]:
        import tensorflow as tf

        def value(resource: Any, dtype: tf.DType) -> Any:
            read = tf.raw_ops.ReadVariableOp(resource=resource.resource_handle, dtype=dtype)
            return tf.ensure_shape(read, [self._count])

        return value(self._owners, tf.int64), value(self._filled, tf.int32), value(self._touched, tf.float64)

    def _write(self, lease: Any, slot: Any, filled: Any, held: Any, now: Any) -> None:
        import tensorflow as tf

        rows = tf.where(held)
        at = tf.gather_nd(slot, rows)[:, tf.newaxis]
        values = (tf.gather_nd(lease, rows), tf.gather_nd(filled, rows), tf.repeat(now, tf.shape(rows)[0]))
        for resource, before, value in zip(self.tracked, self._read(), values, strict=True):
            after = tf.tensor_scatter_nd_update(before, at, value)
            tf.raw_ops.AssignVariableOp(resource=resource.resource_handle, value=after)


_FREE = float("inf")  # older than any
_IN_USE = -1.0
