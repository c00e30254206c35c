"""Language models around keras-hub's backbones: token ids to the logits of the token that follows."""

from typing import TYPE_CHECKING, Any

from models.traced import Traced, traced

if TYPE_CHECKING:
    import keras

BACKBONE = "backbone"
"""The name that a backbone must have."""


def language_model(backbone: "keras.Model", name: str) -> "keras.Model":
    """int32 `token_ids` `[batch, tokens]`, none of them padding, to float logits `[batch, vocabulary]`.

    The logits are of the token after the last one alone: those of all places would be `tokens` times as many. The same
    table embeds tokens and scores them.
    """
    import keras
    from keras import ops

    token_ids = keras.Input((None,), dtype="int32", name="token_ids")
    states = backbone({"token_ids": token_ids, "padding_mask": ops.ones_like(token_ids)})
    return keras.Model(token_ids, scores(backbone, states[:, -1]), name=name)


def scores(backbone: "keras.Model", states: Any) -> Any:
    """What the backbone makes of tokens, `[…, width]`, to logits `[…, vocabulary]`."""
    from keras import ops

    logits = backbone.token_embedding(states, reverse=True)
    cap = getattr(backbone, "final_logit_soft_cap", None)  # of some Gemmas
    return logits if cap is None else cap * ops.tanh(logits / cap)


def backbone_of(model: "keras.Model") -> "keras.Model":
    """keras-hub's part of a `language_model`: token ids and a padding mask to a vector at each place."""
    return model.get_layer(BACKBONE)


def at_all_places(model: "keras.Model") -> "keras.Model":
    """A `language_model` that answers `[batch, tokens, vocabulary]`: what follows each token. The same weights."""
    import keras
    from keras import ops

    (token_ids,) = model.inputs
    backbone = backbone_of(model)
    states = backbone({"token_ids": token_ids, "padding_mask": ops.ones_like(token_ids)})
    return keras.Model(token_ids, scores(backbone, states), name=model.name)


def all_logits(model: "keras.Model") -> Traced:
    """`at_all_places` as a function. A row may be filled up at its end with any token: what comes later changes
    nothing."""
    return traced(at_all_places(model))
