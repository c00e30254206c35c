"""`evaluation.json`: read back as it was, refused in words when it is not one."""

from pathlib import Path

import pytest

from store.errors import ManifestError
from store.evaluation import Evaluation


def test_what_is_no_evaluation_is_named(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"evaluation\.json does not fit its schema: No such file"):
        Evaluation.read(tmp_path / "evaluation.json")
    (tmp_path / "evaluation.json").write_text('{"labels": ["a"], "rows": -1}')
    with pytest.raises(ManifestError, match=r"(?s)rows.*greater than or equal to 0.*accuracy"):
        Evaluation.read(tmp_path / "evaluation.json")
