"""zero-shot-classification: labels that a caller thinks of, by the vectors of a model that knows none."""

from collections import Counter
from typing import Annotated, ClassVar, Self

from pydantic import AfterValidator, Field, model_validator

from gateway.tasks.base import Request
from gateway.tasks.classification import LabelScore
from processing import zero_shot
from processing.classification import ranked
from wire.tensors import Array


def _said(label: str) -> str:
    if not label.strip():
        raise ValueError("expected a label, received none")
    return label


def _different(labels: list[str]) -> list[str]:
    label, count = Counter(labels).most_common(1)[0]
    if count > 1:
        raise ValueError(f"expected different labels, received {label[:50]!r} {count} times")
    return labels


def _open(template: str) -> str:
    if template.count(zero_shot.BLANK) != 1:
        raise ValueError(f"expected a sentence with one {zero_shot.BLANK} for the label, received {template[:50]!r}")
    return template


class ZeroShotParameters(Request):
    """With `candidate_labels` an answer tells which of them fit a text: how near it lies to `hypothesis_template` with
    each. One of them is right, unless `multi_label`: then each is right or not, whatever the others are.
    """

    name: ClassVar[str] = "zero-shot-classification"

    candidate_labels: Annotated[
        list[Annotated[str, AfterValidator(_said)]],
        Field(default_factory=list, min_length=1),
        AfterValidator(_different),
    ]
    hypothesis_template: Annotated[str, AfterValidator(_open)] | None = None
    multi_label: bool | None = None

    @model_validator(mode="after")
    def _of_labels(self) -> Self:
        if not self.candidate_labels and self.model_fields_set & {"hypothesis_template", "multi_label"}:
            raise ValueError("expected candidate_labels beside the other parameters")
        return self

    @property
    def template(self) -> str:
        return self.hypothesis_template or zero_shot.TEMPLATE

    @property
    def longest(self) -> int:
        """Characters of the longest of `hypotheses`, told before any is made: a few MB could become many GB."""
        return max(map(len, self.candidate_labels)) + len(self.template) - len(zero_shot.BLANK)

    @property
    def hypotheses(self) -> list[str]:
        """What texts are compared with."""
        return zero_shot.hypotheses(self.candidate_labels, self.template)

    def answers(self, texts: Array, hypotheses: Array) -> list[list[LabelScore]]:
        """For each text all labels by falling score. Rows of the arguments are vectors of length 1."""
        scores = zero_shot.probabilities(texts @ hypotheses.T, several=bool(self.multi_label))
        rows = ranked(scores, self.candidate_labels, len(self.candidate_labels))
        return [[LabelScore(label=label, score=score) for label, score in row] for row in rows]
