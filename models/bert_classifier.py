"""A classifier of texts over BERT: the mean of the vectors of a text's tokens, and a logit for each label."""

from typing import TYPE_CHECKING, Any

from models.bert import BertSize, bert, bert_inputs, pooled
from models.explanation import EmbeddedTokens

if TYPE_CHECKING:
    import keras


def bert_classifier(size: BertSize, labels: int, *, dropout: float, name: str) -> "keras.Model":
    """int32 `[batch, tokens]`, padded with 0 at the end, to logits `[batch, labels]`. Padding never changes an answer.

    `dropout` is the share of the pooled features hidden in training.
    """
    import keras
    from keras import layers

    token_ids = keras.Input((None,), dtype="int32", name="token_ids")
    vectors = bert(size)(bert_inputs(token_ids))
    vector = layers.Dropout(dropout, name="dropout")(pooled(vectors, token_ids))
    return keras.Model(token_ids, layers.Dense(labels, name="logits")(vector), name=name)


def explain_bert(model: "keras.Model") -> EmbeddedTokens:
    """The vectors of tokens are what is looked up; their places are added after. Logits are of all tokens together."""
    import keras
    from keras import ops

    encoder, head = model.get_layer("bert"), model.get_layer("logits")
    words = encoder.get_layer("token_embedding")
    rest = keras.Model([words.output, encoder.inputs], encoder.output)

    def logits(embedded: tuple[Any, ...], token_ids: Any) -> Any:
        inputs = bert_inputs(token_ids)
        vectors = rest([*embedded, [inputs[given.name] for given in encoder.inputs]], training=False)
        return head(pooled(vectors, token_ids))

    return EmbeddedTokens(
        embed=lambda token_ids: (words(token_ids),),
        logits=logits,
        shares=lambda token_ids: ops.repeat(ops.zeros_like(words(token_ids)[:, :, :1]), head.units, axis=2),
    )
