"""`embeddings`: a text to a vector, so that texts of like meaning lie near each other: all-MiniLM-L6-v2."""

from typing import TYPE_CHECKING

from models.bert import BertSize, bert
from processing.spec import TextSpec

if TYPE_CHECKING:
    import keras

PAD_ID = 0
MAX_TOKENS = 256  # what its authors trained it with; there are positions for twice as many
SIZE = BertSize(vocabulary=30_522, layers=6, heads=12, width=384, inner_width=1536, positions=512)


def build(size: BertSize = SIZE) -> "keras.Model":
    """int32 `[batch, tokens]`, padded with 0 at the end, to float `[batch, width]`: the mean over the vectors of a
    text's tokens, at length 1. Padding never changes an answer."""
    import keras
    from keras import ops

    token_ids = keras.Input((None,), dtype="int32", name="token_ids")
    there = ops.not_equal(token_ids, PAD_ID)
    inputs = {
        "token_ids": token_ids,
        "segment_ids": ops.zeros_like(token_ids),
        "padding_mask": ops.cast(there, "int32"),
    }
    weights = ops.expand_dims(ops.cast(there, "float32"), 2)
    total = ops.sum(bert(size)(inputs) * weights, axis=1)  # its length says nothing: a mean points the same way
    return keras.Model(token_ids, ops.normalize(total, axis=-1), name="embeddings")


def processing() -> TextSpec:
    return TextSpec(max_tokens=MAX_TOKENS, pad_id=PAD_ID)
