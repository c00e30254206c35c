"""A configuration written as a preset reads as the same configuration."""

from pathlib import Path

import pytest

from models.catalog import NETWORKS, find
from models.spec import TrainConfig
from training.config import load_config
from training.errors import UnwritableError
from training.preset import copy_preset, preset_document


@pytest.mark.parametrize("entry", [entry for entry in NETWORKS if not entry.endswith("-checkpoint")])
def test_it_reads_as_it_was_but_for_the_rows_of_trials(entry: str, tmp_path: Path) -> None:
    spec = NETWORKS[entry]
    trained = ["learning_rate.adam=0.00001", "optimizer=sgd"] if issubclass(spec.config, TrainConfig) else []
    config = load_config(spec, None, ["seed=7", "rows=300", *trained])
    path = tmp_path / "preset.toml"
    path.write_text(preset_document(config, "Of a test. " * 30))
    assert path.read_text().startswith("# Of a test. ")
    assert load_config(find(spec.name), path) == config.model_copy(update={"rows": None})


def test_a_copy_replaces_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "preset.toml").write_text("epochs = 1\n")
    target = tmp_path / "presets" / "digits.toml"
    for _ in range(2):
        copy_preset(tmp_path / "preset.toml", target)
        assert target.read_text() == "epochs = 1\n"
    assert [path.name for path in target.parent.iterdir()] == ["digits.toml"]


def test_where_nothing_can_be_written_it_says_where_the_preset_is(tmp_path: Path) -> None:
    (tmp_path / "preset.toml").write_text("epochs = 1\n")
    (tmp_path / "file").touch()
    with pytest.raises(UnwritableError, match=r"the preset is at .*preset\.toml"):
        copy_preset(tmp_path / "preset.toml", tmp_path / "file" / "digits.toml")
