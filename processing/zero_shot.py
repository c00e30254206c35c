"""Labels that no model was trained on: how near a text lies to a sentence with each, by the cosine of their vectors.

The figures are those of all-MiniLM-L6-v2: docs/decisions/0019-zero-shot.md has what they were fitted on, and what comes
of them on other texts.
"""

from collections.abc import Sequence

import numpy as np

from processing.classification import Scores, softmax

BLANK = "{}"
TEMPLATE = "The topic is {}."

_TEMPERATURE = 0.045
_TEMPERATURE_OF_EACH = 0.1
_EVEN = 0.13  # the cosine at which a label is as likely right as not


def hypotheses(labels: Sequence[str], template: str = TEMPLATE) -> list[str]:
    """A sentence with each label, where the template has its `BLANK`."""
    return [template.replace(BLANK, label) for label in labels]


def probabilities(cosines: Scores, *, several: bool) -> Scores:
    """Of `[texts, labels]`: how likely it is that of a text's labels each is the right one, or one of `several`."""
    if several:
        return np.asarray(1 / (1 + np.exp((_EVEN - cosines) / _TEMPERATURE_OF_EACH)))
    return softmax(cosines, _TEMPERATURE)
