"""A twin must agree with the model on held-out rows: in numbers, in the first label, and in how often that is right."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from export.agreement import accepted, agreement
from export.errors import TwinError
from export.goldens import Array
from store.twin import Agreement

TRUTH = np.array([1, 0, 1], np.int32)
INPUTS = np.array([[0.1, 0.2], [0.3, 0.1], [0.5, 0.4]], np.float32)


def model(batch: Array) -> Mapping[str, Array]:
    return {"logits": batch}


def test_rows_of_all_batches_count() -> None:
    batches = [(INPUTS, TRUTH), (INPUTS[:1], TRUTH[:1])]
    found = agreement(model, lambda batch: {"logits": batch + np.float32(1e-5)}, batches, 1e-4)
    assert found is not None
    assert (found.rows, found.top_1, found.accuracy, found.accuracy_of_model) == (4, 1, 0.75, 0.75)
    assert found.largest == pytest.approx(1e-5, rel=0.1)
    assert agreement(model, model, [], 1e-4) is None


def test_an_answer_that_is_too_far_away_is_told() -> None:
    text = r"on 3 held-out rows its outputs differ by up to 1\.0e-03, expected at most 0\.0001"
    with pytest.raises(TwinError, match=text):
        agreement(model, lambda batch: {"logits": batch + np.float32(1e-3)}, [(INPUTS, TRUTH)], 1e-4)


@pytest.mark.parametrize(
    ("figures", "text"),
    [
        ({"top_1": 0.99}, r"the same label first for 99\.00% of 1000 held-out rows, expected at least 99\.50%"),
        (
            {"accuracy": 0.89},
            r"accuracy on 1000 held-out rows is 89\.00%, the model's 90\.00%, expected at most 0\.20%",
        ),
        ({"largest": float("nan")}, "differ by up to nan"),
        ({"accuracy": 0.899}, None),
        ({"accuracy": 0.95}, None),
    ],
)
def test_the_verdict(figures: dict[str, Any], text: str | None) -> None:
    found = Agreement(rows=1000, top_1=1, largest=1e-6, accuracy=0.9, accuracy_of_model=0.9)
    found = found.model_copy(update=figures)
    if text is None:
        assert accepted(found, 1e-4) is found
        return
    with pytest.raises(TwinError, match=text):
        accepted(found, 1e-4)
