"""keras-hub's causal language models, run with an attention of one's own.

Every attention layer of keras-hub that vLLM can drive projects its queries, keys and values, turns them by each token's
own position, and hands them to a function that looks back for it. That function is given here. So one piece of code
does for GPT-2, OPT, Llama, SmolLM, Mistral, Qwen and Gemma alike.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from export.errors import UncachedError

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Asked:
    """What an attention layer asks for N tokens.

    Attributes:
        queries: `[N, heads * head_dim]`.
        keys, values: `[N, kv_heads * head_dim]`.
        scale: what the product of query and key is multiplied by.
        sliding_window: a token sees only so many, itself and those before it; None: all before it.
        soft_cap: a score s counts as cap tanh(s / cap); None: as it is.
    """

    queries: Any
    keys: Any
    values: Any
    scale: float
    head_dim: int
    heads: int
    kv_heads: int
    sliding_window: int | None
    soft_cap: float | None


Attend = Callable[[Any, Asked], Any]  # a layer's cache, and what it asks, to what each token attends to, as the queries


@dataclass(frozen=True)
class LayerHeads:
    """What one attention layer keeps of each token: `heads` keys and values of `size` numbers."""

    heads: int
    size: int


def hidden_states(
    backbone: "keras.Model", token_ids: Any, positions: Any, caches: Sequence[Any], attend: Attend
) -> Any:
    """What the backbone makes of N tokens `[N]` at these positions `[N]`: `[N, width]`.

    No token sees another but through `attend`, which is given the layers' `caches` in their order.
    """
    import tensorflow as tf

    alone = token_ids[:, tf.newaxis]  # each a sequence of one
    with _driven(attend, positions, caches):
        states = backbone({"token_ids": alone, "padding_mask": tf.ones_like(alone)}, training=False)
    return states[:, 0]


def heads_of(backbone: "keras.Model") -> tuple[LayerHeads, ...]:
    """What each attention layer keeps, found by running the backbone once.

    Raises:
        UncachedError: it has layers that do not hand their attention over.
    """
    import tensorflow as tf

    found: list[LayerHeads] = []

    def attend(_cache: Any, asked: Asked) -> Any:
        found.append(LayerHeads(asked.kv_heads, asked.head_dim))
        return tf.zeros_like(asked.queries)

    with warnings.catch_warnings(), _driven(attend, tf.zeros([1], tf.int32), None):
        warnings.simplefilter("ignore", UserWarning)  # an attention of its own over one token, which Keras wonders at
        ones = tf.ones([1, 1], tf.int32)
        backbone({"token_ids": ones, "padding_mask": ones}, training=False)
    layers = len(getattr(backbone, "transformer_layers", ()))
    if not found or len(found) != layers:
        raise UncachedError(backbone.name, len(found), layers)
    return tuple(found)


class _FreeSides:
    """`keras.ops`, whose `reshape` takes None for the one side that is free: keras-hub reshapes what is attended to as
    the queries were by their static shape, which under vLLM has no free side."""

    def __getattr__(self, name: str) -> Any:
        import keras

        return getattr(keras.ops, name)

    @staticmethod
    def reshape(tensor: Any, shape: Sequence[int | None]) -> Any:
        import keras

        return keras.ops.reshape(tensor, [-1 if side is None else side for side in shape])


@contextmanager
def _driven(attend: Attend, positions: Any, caches: Sequence[Any] | None) -> Iterator[None]:
    """Not for two threads at once: the stand-in for `keras.ops` is seen by all."""
    from keras_hub.src.vllm import attention
    from keras_hub.src.vllm.context import vllm_context_scope

    def attended(cache: Any, *asked: Any, **masked: Any) -> tuple[Any, Any]:
        return cache, attend(cache, Asked(*asked, **masked))

    before, attention.ops = attention.ops, _FreeSides()
    try:
        with vllm_context_scope(attended, positions, caches):
            yield
    finally:
        attention.ops = before
