"""The bodies of `:predict` on real signatures: what of the document counts, and the forms of the answer."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from serving.errors import Code, RequestError
from serving.rest.predict import predict_json
from serving.servable import Servable
from tests.serving.calls import CallOn
from wire.tensors import Array


def test_rows_and_columns(call: CallOn) -> None:
    rows = predict_json(call("many"), {"instances": [{"a": 3, "b": 1}]})
    assert rows == '{\n    "predictions": [\n        {"difference": 2.0, "sum": 4.0}\n    ]\n}'
    columns = predict_json(call("plus-2"), {"inputs": 1})
    assert columns == '{\n    "outputs": 2.5\n}'


class Emptied:
    """A runtime whose outputs have no rows."""

    def __init__(self, signatures: Any) -> None:
        self.signatures = signatures

    @property
    def pure(self) -> list[str]:
        return []

    @property
    def unopened(self) -> list[str]:
        return []

    @property
    def facts(self) -> dict[str, str]:
        return {}

    def run(self, signature: str, inputs: Any, outputs: Any, timeout_s: float | None) -> list[Array]:
        return [np.zeros((0, 2), "f4") for _ in outputs]

    def close(self) -> None:
        pass


@pytest.mark.parametrize(("model", "item"), [("plus-2", 1), ("many", {"a": 1, "b": 2})])
def test_outputs_without_rows(call: CallOn, model: str, item: Any) -> None:
    real = call(model)
    emptied = replace(real, servable=Servable(model, 1, Emptied(real.servable.runtime.signatures)))
    assert predict_json(emptied, {"instances": [item]}) == '{\n    "predictions": []\n}'


def test_the_method_name_counts_on_request(call: CallOn) -> None:
    checked = replace(call("half-plus-two"), check_method_names=True)
    predict_json(checked, {"inputs": [[1]]})
    with pytest.raises(RequestError, match="Was: tensorflow/serving/other") as caught:
        predict_json(checked, {"signature_name": "other_outputs", "inputs": [""]})
    assert caught.value.code is Code.INTERNAL
