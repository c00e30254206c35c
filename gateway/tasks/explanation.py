"""What both explanations share: which label is explained, and how an answer is read."""

from typing import TypeVar

import numpy as np

from gateway.errors import BrokenAnswerError, Fault, InvalidRequestError
from gateway.tasks.base import Request, Tensors
from gateway.tasks.classification import LabelScore, floats
from processing.classification import sigmoid, softmax
from store.manifest import Manifest
from wire.tensors import Array

EXPLAIN_SIGNATURE = "explain"

_SHOWN = 100  # characters of a label that is not one
_PREDICTED = -1  # the signature's own word for the label that the model finds

_T = TypeVar("_T")


class ExplanationParameters(Request):
    """`label` is the one to explain, by default the one that is predicted."""

    label: str | None = None


def one_item(inputs: _T) -> _T:
    """Refuses a list in words: pydantic's own would say only that it is no string."""
    if isinstance(inputs, list):
        raise ValueError("expected one input, received a list: explanations are given one at a time")
    return inputs


def asked(parameters: ExplanationParameters | None, labels: tuple[str, ...]) -> Array:
    """The input `label` of the signature. Raises `InvalidRequestError` for a label that the model does not have."""
    label = parameters.label if parameters else None
    if label is None:
        return np.array([_PREDICTED], np.int32)
    if label not in labels:
        message = f"expected one of {', '.join(labels)}, received {label[:_SHOWN]!r}"
        raise InvalidRequestError([Fault("parameters.label", message)])
    return np.array([labels.index(label)], np.int32)


def explained(outputs: Tensors, manifest: Manifest) -> LabelScore:
    """The label that was explained, with its probability. Raises `BrokenAnswerError`."""
    labels, label = manifest.labels, outputs.get("label")
    if label is None or label.shape != (1,) or label.dtype.kind != "i" or not 0 <= label[0] < len(labels):
        raise BrokenAnswerError(f"the model explained the label {label}; expected one of 0 to {len(labels) - 1}")
    logits = floats(outputs, "logits", (1, len(labels)))
    probabilities = (sigmoid if manifest.multi_label else softmax)(logits[0], manifest.temperature)
    score = probabilities[label[0]]
    return LabelScore(label=labels[label[0]], score=float(score))
