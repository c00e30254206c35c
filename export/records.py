"""Recorded answers: requests to each signature of a version, with what the trained model answers to them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from export.archive import MANIFEST_SIGNATURE, SERVING_SIGNATURE
from export.explain import EXPLAIN_SIGNATURE, PREDICTED, explanation
from export.goldens import Answer, Array, CheckedRequest
from export.raw.signature import RAW_SIGNATURE, Raw

Tensors = Mapping[str, Array]
"""By the alias of an input or output."""


@dataclass(frozen=True)
class Record:
    """A request of one row and its answer, which is empty where nobody compares it.

    `name` says for people what is asked, e.g. a golden's name. `close`: so much numbers may differ where they are asked
    again, in units of the largest of their tensor, or of 1 if that is larger.
    """

    name: str
    signature: str
    inputs: Tensors
    outputs: Tensors
    close: float = 1e-5


def make_records(
    goldens: Sequence[CheckedRequest], input_name: str, answer: Answer, raw: Raw | None, explain: Any | None
) -> dict[str, list[Record]]:
    """The trained model's answers to all goldens, in their order, by signature.

    Args:
        answer: the function behind `serving_default`.
        raw: None where there is no such signature.
        explain: the `tf.function` behind the signature, None where there is none.
    """
    made = {SERVING_SIGNATURE: serving_records(goldens, input_name)}
    if raw is not None:
        made[RAW_SIGNATURE] = [_raw_record(checked, raw, answer) for checked in goldens]
    if explain is not None:
        label = np.array([PREDICTED], np.int32)
        made[EXPLAIN_SIGNATURE] = [
            Record(
                checked.golden.name,
                EXPLAIN_SIGNATURE,
                {input_name: checked.inputs, "label": label},
                explanation(explain, checked),
            )
            for checked in goldens
        ]
    return made


def serving_records(goldens: Sequence[CheckedRequest], input_name: str) -> list[Record]:
    return [
        Record(
            checked.golden.name,
            SERVING_SIGNATURE,
            {input_name: checked.inputs},
            checked.outputs,
        )
        for checked in goldens
    ]


def document_records(documents: Mapping[str, bytes]) -> list[Record]:
    """What the `manifest` signature answers, section by section."""
    return [
        Record(section, MANIFEST_SIGNATURE, {"section": strings(section.encode())}, {"document": strings(document)})
        for section, document in documents.items()
    ]


def strings(*values: bytes) -> Array:
    """A `tf.string` of one dimension. An array of bytes as such would lose zeros at their end."""
    array = np.empty(len(values), object)
    array[:] = values
    return array


def _raw_record(checked: CheckedRequest, raw: Raw, answer: Answer) -> Record:
    """With the model's answer to what the graph makes of the request."""
    body = checked.golden.body
    outputs = {name: np.asarray(values) for name, values in answer(raw.preprocess([body])).items()}
    return Record(checked.golden.name, RAW_SIGNATURE, {raw.input: strings(*raw.given([body]))}, outputs)
