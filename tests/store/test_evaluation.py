"""`evaluation.json`: read back as it was, refused in words when it is not one."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from store.errors import ManifestError
from store.evaluation import Evaluation, parse_evaluation


def test_what_is_no_evaluation_is_named(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"evaluation\.json does not fit its schema: No such file"):
        Evaluation.read(tmp_path / "evaluation.json")
    (tmp_path / "evaluation.json").write_text('{"labels": ["a"], "rows": -1}')
    with pytest.raises(ManifestError, match=r"(?s)rows.*greater than or equal to 0.*accuracy"):
        Evaluation.read(tmp_path / "evaluation.json")


def test_with_labels_it_must_be_all_that_a_classifier_has() -> None:
    document = {
        "labels": [],
        "rows": 2,
        "accuracy": 0.5,
        "accuracy_interval": [0.1, 0.9],
        "latency": [],
        "robustness": {
            "data": "rows",
            "undisturbed": {"rows": 2, "accuracy": 0.5, "interval": [0.1, 0.9]},
            "trials": [],
            "metrics": [],
        },
        "slices": [],
        "references": [],
        "metrics": [],
    }
    assert type(parse_evaluation(json.dumps(document).encode())) is Evaluation
    with pytest.raises(ValidationError, match="calibration"):
        parse_evaluation(json.dumps(document | {"labels": ["a", "b"]}).encode())
    not_by_label = document | {"labels": ["a", "b"], "by_label": False}
    assert type(parse_evaluation(json.dumps(not_by_label).encode())) is Evaluation
