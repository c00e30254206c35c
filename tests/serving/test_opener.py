"""What a version becomes under the settings: plain, batched for all, per version, or where it gains."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from serving.batching.batched import Batched
from serving.errors import ConfigFileError, LoadError
from serving.metrics import Metrics
from serving.opener import Opener
from serving.runtimes.runtime import Runtime
from serving.settings import ServeSettings
from store.layout import VersionDir
from tests.serving.calls import write_records
from tests.support import sabotage, saved_models, twins
from wire import messages

PARAMETERS = "max_batch_size { value: 4 } allowed_batch_sizes: 2 allowed_batch_sizes: 4"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    saved_models.put("plus-2", tmp_path / "m" / "1")
    return tmp_path / "m" / "1"


def opened(folder: Path, **settings: Any) -> Runtime:
    return Opener(ServeSettings(**settings), Metrics())("m", 1, folder)


def test_without_a_word_of_batching_nothing_is_batched(folder: Path) -> None:
    runtime = opened(folder)
    assert not isinstance(runtime, Batched)
    assert "batching" not in runtime.facts
    runtime.close()


def test_enable_batching_batches_every_version_with_the_parameters_of_the_file(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "parameters").write_text(PARAMETERS)
    runtime = opened(folder, enable_batching=True, batching_parameters_file=tmp_path / "parameters")
    assert runtime.facts["batching"].startswith("serving_default")
    runtime.close()


def test_per_model_parameters_leave_versions_without_them_alone(folder: Path) -> None:
    settings = {"enable_batching": True, "enable_per_model_batching_parameters": True}
    alone = opened(folder, **settings)
    assert not isinstance(alone, Batched)
    alone.close()
    (folder / "batching_params.pbtxt").write_text(PARAMETERS)
    batched = opened(folder, **settings)
    assert isinstance(batched, Batched)
    batched.close()


def test_zero_wait_batching_tells_what_was_measured(folder: Path) -> None:
    runtime = opened(folder, zero_wait_batching=True)
    assert "measured" in runtime.facts["batching"]
    runtime.close()


def test_zero_wait_batching_changes_no_answer_and_no_state(tmp_path: Path) -> None:
    """What a row is answered with depends on its neighbours, or on the rows before it: neither is tried or batched."""
    saved_models.put("company", tmp_path / "m" / "1")
    runtime = opened(tmp_path / "m" / "1", zero_wait_batching=True)
    assert isinstance(runtime, Batched)
    assert set(runtime.gains) == {"double"}
    assert runtime.run("tally", {"x": np.ones(1, "f4")}, ["seen"], 30)[0].tolist() == [1]
    runtime.close()


@pytest.mark.parametrize("settings", [{}, {"zero_wait_batching": True}])
def test_callers_of_a_version_that_keeps_texts_travel_together(tmp_path: Path, settings: dict[str, Any]) -> None:
    saved_models.put("kept", tmp_path / "m" / "1")
    runtime = opened(tmp_path / "m" / "1", **settings)
    assert runtime.facts["gathering"] == "decode"
    inputs = {"lease": np.array([7, 8]), "position": np.array([3, 4], "i4")}
    inputs |= {name: np.array([0, 1], "i4") for name in ("token_id", "steps")}
    held, logits = runtime.run("decode", inputs, ["held", "logits"], 30)
    assert (held.tolist(), logits.tolist()) == ([True, False], [[7, 3], [8, 4]])
    runtime.close()


def test_a_decode_of_another_kind_is_left_alone(folder: Path) -> None:
    runtime = opened(folder)
    assert "gathering" not in runtime.facts
    runtime.close()


def test_zero_wait_batching_of_a_twin_needs_no_tensorflow() -> None:
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from serving.metrics import Metrics\n"
        "from serving.opener import Opener\n"
        "from serving.settings import ServeSettings\n"
        "runtime = Opener(ServeSettings(zero_wait_batching=True), Metrics())('m', 1, Path(sys.argv[1]))\n"
        "assert 'serving_default' in runtime.facts['batching'], runtime.facts\n"
        "assert 'tensorflow' not in sys.modules, 'TensorFlow came along'\n"
    )
    subprocess.run([sys.executable, "-c", script, str(twins.version().path)], check=True, timeout=60)


def test_parameters_that_do_not_go_together_are_refused(folder: Path, tmp_path: Path) -> None:
    wrong = "max_batch_size { value: 8 } allowed_batch_sizes: 4"
    (tmp_path / "parameters").write_text(wrong)
    text = "Last entry in allowed_batch_sizes must match max_batch_size; last entry was 4; expected 8"
    with pytest.raises(LoadError, match=text):
        Opener(ServeSettings(enable_batching=True, batching_parameters_file=tmp_path / "parameters"), Metrics())
    (folder / "batching_params.pbtxt").write_text(wrong)
    with pytest.raises(LoadError, match=text):
        opened(folder, enable_batching=True, enable_per_model_batching_parameters=True)


def test_a_session_config_that_is_none_is_refused_at_start(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("colour: 'red'")
    with pytest.raises(ConfigFileError, match="ConfigProto"):
        Opener(ServeSettings(tensorflow_session_config_file=tmp_path / "config"), Metrics())


def test_the_proof_of_a_version_goes_on_without_warm_up(tmp_path: Path) -> None:
    ours = twins.put(tmp_path / "m" / "1")
    sabotage.change_recorded(ours, "serving_default", "logits", 1e-3)
    with pytest.raises(LoadError, match="answered otherwise than recorded: logits differs by"):
        opened(ours.path, enable_model_warmup=False)


def test_warm_up_requests_are_answered_before_the_version_is_there(folder: Path) -> None:
    log = messages.PredictionLog()
    log.predict_log.request.model_spec.signature_name = "none"
    write_records(VersionDir(folder).warm_up, [log.SerializeToString()])
    with pytest.raises(LoadError, match='Serving signature key "none" not found'):
        opened(folder)
    opened(folder, enable_model_warmup=False).close()
