"""Where a network is opened so that its answers can be explained."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

# Tensors of TensorFlow, in the order and with the meaning that the classes below say.
Tensor = Any


@dataclass(frozen=True)
class EmbeddedTokens:
    """A text classifier, opened after what it looks up for each token: logits = `logits` + Σ of `shares` over tokens.

    What is looked up is zero for no token at all, so that an explanation can begin there. Padding has no effect.

    Attributes:
        embed: token ids `[batch, tokens]` to what is looked up, floats `[batch, tokens, …]`, one tensor or several.
        logits: these, and the token ids, to float logits `[batch, labels]`; differentiable in the former.
        shares: token ids to float `[batch, tokens, labels]`: what each token adds to the logits beside them.
    """

    embed: Callable[[Tensor], tuple[Tensor, ...]]
    logits: Callable[[tuple[Tensor, ...], Tensor], Tensor]
    shares: Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class FeatureMaps:
    """A picture classifier, opened after its last convolution.

    Attributes:
        maps: a batch of its input to float `[batch, height, width, channels]`.
        logits: these to float logits `[batch, labels]`; differentiable.
        margin: pixels at each side of the input that are in the middle of what no pixel of a map sees.
    """

    maps: Callable[[Tensor], Tensor]
    logits: Callable[[Tensor], Tensor]
    margin: int = 0


Opened = EmbeddedTokens | FeatureMaps
