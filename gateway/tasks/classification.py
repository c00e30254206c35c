"""What both classification tasks share: parameters, and scores to sorted labels."""

from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from gateway.errors import BrokenAnswerError, OverLimitError
from gateway.tasks.base import Request, Tensors
from processing import classification
from wire.tensors import Array

FunctionToApply = Literal["softmax", "sigmoid", "none"]


class ClassificationParameters(Request):
    """`top_k` above the number of labels gives all of them."""

    top_k: Annotated[int, Field(ge=1)] | None = None
    function_to_apply: FunctionToApply | None = None


class LabelScore(BaseModel):
    """A label and its score: a probability, or whatever `function_to_apply` makes of the logit."""

    model_config = ConfigDict(frozen=True)

    label: str
    score: float


def check_items(count: int, limit: int) -> None:
    if count > limit:
        raise OverLimitError("items", count, limit, "items")


def ranked(
    outputs: Tensors,
    labels: tuple[str, ...],
    rows: int,
    parameters: ClassificationParameters,
    *,
    default_top_k: int,
    multi_label: bool = False,
) -> list[list[LabelScore]]:
    """For each row the labels with the highest scores, descending.

    Args:
        outputs: `logits` and `probabilities`, float `[rows, labels]`.
        multi_label: the probabilities are of each label by itself.

    Raises:
        BrokenAnswerError: an output is missing, of another shape, or not finite.
    """
    own: FunctionToApply = "sigmoid" if multi_label else "softmax"
    scores = _scores(outputs, (rows, len(labels)), parameters.function_to_apply or own, own)
    best = classification.ranked(scores, labels, parameters.top_k or default_top_k)
    return [[LabelScore(label=label, score=score) for label, score in row] for row in best]


def _scores(outputs: Tensors, shape: tuple[int, int], function: FunctionToApply, own: FunctionToApply) -> Array:
    """What the model's `own` function gives is calibrated, and comes from the model."""
    if function == own:
        return floats(outputs, "probabilities", shape)
    logits = floats(outputs, "logits", shape)
    if function == "none":
        return logits
    return (classification.softmax if function == "softmax" else classification.sigmoid)(logits)


def floats(outputs: Tensors, name: str, shape: tuple[int, ...]) -> Array:
    """The output of that name. Raises `BrokenAnswerError` if it is missing, of another shape, or not finite."""
    array = outputs.get(name)
    if array is None:
        raise BrokenAnswerError(f"the model answered without {name!r}; it answered {sorted(outputs)}")
    if array.shape != shape or array.dtype.kind != "f":
        raise BrokenAnswerError(
            f"the model answered {name} as {array.dtype} {list(array.shape)}; expected floats {list(shape)}"
        )
    if not np.isfinite(array).all():
        raise BrokenAnswerError(f"the model answered {name} with values that are not finite")
    return array
